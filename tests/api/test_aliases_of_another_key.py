"""
Aliases hold ids, and ids follow from a key: those of another key are refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.api.source_answers import AliasesAnswer
from tests.api.conftest import Api, running_api

ALIAS = {"source_id": "pbx", "natural_id": "c_would_be", "call_id": "c_is"}
PATH = "/v1/aliases"
OTHER = "0123456789abcdef"


async def test_a_list_tells_its_key_from_others_and_does_not_show_it(api: Api) -> None:
    answer = await api.ask("GET", PATH)

    shown = AliasesAnswer.model_validate(answer.document, extra="forbid")
    key = api.journal.identity.id_key
    assert api.journal.identity.fingerprint == shown.id_key_fingerprint
    assert key.hex()[:16] not in answer.body.decode()
    assert key.hex() not in repr(api.journal.identity)
    assert repr(key) not in repr(api.journal.identity)


async def test_aliases_of_the_same_key_are_kept(api: Api) -> None:
    fingerprint = (await api.got(PATH))["id_key_fingerprint"]

    answer = await api.ask("POST", PATH, {"items": [ALIAS], "id_key_fingerprint": fingerprint})

    assert (200, {"given": 1, "added": 1}) == (answer.status, answer.document)


async def test_aliases_of_another_key_are_a_conflict_and_none_is_kept(api: Api) -> None:
    answer = await api.ask("POST", PATH, {"items": [ALIAS], "id_key_fingerprint": OTHER})

    assert (409, "conflict") == answer.problem
    assert "another id_key" in answer.document["detail"]
    assert "relay db id-key" in answer.document["detail"]
    assert [] == (await api.got(PATH))["items"]


async def test_two_journals_have_different_fingerprints(api: Api, tmp_path: Path) -> None:
    async with running_api(tmp_path / "other.db") as other:
        shown = [(await one.got(PATH))["id_key_fingerprint"] for one in (api, other)]

    assert shown[0] != shown[1]


@pytest.mark.parametrize("fingerprint", ["", "0123", OTHER.upper(), OTHER + "0", None, 7])
async def test_what_is_no_fingerprint_is_invalid(api: Api, fingerprint: object) -> None:
    answer = await api.ask("POST", PATH, {"items": [ALIAS], "id_key_fingerprint": fingerprint})

    assert (422, "invalid") == answer.problem
    assert ["id_key_fingerprint"] == list(answer.faulty)
    assert [] == (await api.got(PATH))["items"]
