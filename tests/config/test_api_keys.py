"""
Keys of the REST API, and where relay may listen without any.
"""

from __future__ import annotations

import pytest

from relay.config.dialled import dialled_by, dialled_in
from relay.config.schema import ServerConfig
from relay.model.scopes import SCOPES, allows
from tests.config.conftest import ConfigFile

KEY = "0123456789abcdef"


def one_key(key: str = KEY, name: str = "ops", scopes: str = '["*"]') -> str:
    """
    Return a key as it stands in the file.
    """
    return f'{{ name = "{name}", key = "{key}", scopes = {scopes} }}'


def server(*keys: str, listen: str = "127.0.0.1:8080") -> str:
    """
    Return a server table with some keys.
    """
    return f'[server]\nlisten = "{listen}"\napi_keys = [{", ".join(keys)}]\n'


def test_a_key_comes_from_the_environment_and_is_never_shown(file: ConfigFile) -> None:
    text = '[server]\napi_keys = [{ name = "ops", key = { env = "OPS_KEY" }, scopes = ["events:read"] }]'

    config = file.load(text, {"OPS_KEY": KEY})

    (key,) = config.server.api_keys
    assert ("ops", KEY, ("events:read",)) == (key.name, key.key.reveal(), key.scopes)
    assert KEY not in config.model_dump_json() + repr(config)


def test_keys_may_be_set_by_the_environment(file: ConfigFile) -> None:
    config = file.load("", {"RELAY_SERVER__API_KEYS": f"[{one_key()}]"})

    assert ["ops"] == [key.name for key in config.server.api_keys]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (one_key("short"), "[0].key: must have 16 to 512 characters"),
        (one_key("x" * 513), "[0].key: must have 16 to 512 characters"),
        (one_key("0123456789 bcdef"), "[0].key: must be printable ASCII without spaces"),
        (one_key("0123456789äbcdef"), "[0].key: must be printable ASCII without spaces"),
        (one_key(scopes="[]"), "[0].scopes: must not be empty"),
        (one_key(scopes='["*", "event:read"]'), "[0].scopes[1]: `event:read` is no scope; did you mean"),
        (one_key(name="The Ops"), "[0].name: must match ^[a-z0-9-]{1,40}$"),
        (f"{one_key()}, {one_key('x' * 16)}", ": two of them have the same name"),
        (f"{one_key()}, {one_key(name='other')}", ": two of them have the same key"),
    ],
)
def test_a_bad_key_is_told_and_not_repeated(file: ConfigFile, keys: str, fault: str) -> None:
    (told,) = file.faults(server(keys))

    assert told.startswith(f"server.api_keys{fault}")
    assert KEY not in told


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "10.0.0.5:8080", "relay.example.com:80"])
def test_without_a_key_relay_listens_on_this_machine_only(file: ConfigFile, listen: str) -> None:
    (fault,) = file.faults(f'[server]\nlisten = "{listen}"')

    assert fault.startswith("server.listen: must be localhost, 127.0.0.1 or [::1] as long as there are no")
    assert listen == str(file.load(server(one_key(), listen=listen)).server.listen)


@pytest.mark.parametrize("listen", ["localhost:8080", "127.0.0.1:0", "[::1]:8080"])
def test_loopback_needs_no_key(file: ConfigFile, listen: str) -> None:
    assert listen == str(file.load(f'[server]\nlisten = "{listen}"').server.listen)


def test_a_fault_in_the_keys_is_not_told_as_one_of_the_address(file: ConfigFile) -> None:
    faults = file.faults(server(one_key("short"), listen="0.0.0.0:8080"))

    assert ["server.api_keys[0].key: must have 16 to 512 characters"] == faults


def test_the_default_needs_no_key() -> None:
    assert ServerConfig().listen.is_loopback


@pytest.mark.parametrize(
    ("granted", "wanted", "is_allowed"),
    [
        (["*"], "endpoints:write", True),
        (["endpoints:*"], "endpoints:write", True),
        (["endpoints:write"], "endpoints:write", True),
        (["endpoints:read"], "endpoints:write", False),
        (["endpoints:write"], "endpoints:read", False),
        (["events:*", "calls:*"], "endpoints:read", False),
        ([], "endpoints:read", False),
    ],
)
def test_a_scope_covers_its_noun_and_action(granted: list[str], wanted: str, is_allowed: bool) -> None:
    assert is_allowed == allows(granted, wanted)
    assert wanted in SCOPES


def test_where_relay_listens_is_known_whatever_else_is_wrong_with_the_server() -> None:
    """
    A webhook to relay itself is told beside all other faults.
    """
    keys = [{"name": "ops", "key": {"env": "NOT_SET"}, "scopes": ["*"]}]

    listens = {"listen": "0.0.0.0:8081", "ops_listen": 5, "hooks_listen": "0.0.0.0:8082"}

    dialled = dialled_in({"server": {**listens, "api_keys": keys}})

    assert ["0.0.0.0:8081", "127.0.0.1:9464", "0.0.0.0:8082"] == [str(one) for one in dialled.own_listeners]


def test_a_webhook_to_the_listener_of_pushes_is_one_to_relay_itself(file: ConfigFile) -> None:
    config = file.load('[server]\nhooks_listen = "10.0.0.5:8081"')

    assert ("10.0.0.5", 8081) in dialled_by(config).own_listeners
    assert "10.0.0.5:8081" not in [
        str(one) for one in dialled_in({"server": {"hooks_listen": 8081}}).own_listeners
    ]
