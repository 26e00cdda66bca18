"""
Which addresses and URLs are refused, over every kind of special address and every odd spelling.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.sinks.webhook.guard import Guard
from tests.sinks.webhook.addresses import CLOSED, EVERYWHERE_V4, LOOPBACK, PUBLIC

STRICT = Guard([], [])
OPEN = Guard([ip_network("0.0.0.0/0"), ip_network("::/0")], [("127.0.0.1", 8080), ("10.1.2.3", 9464)])


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_outside_the_public_internet_is_refused(address: str) -> None:
    assert STRICT.refusal(address, 443) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert STRICT.refusal(address, 443) is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.1", "10.0.0.1 is private"),
        ("169.254.169.254", "169.254.169.254 is a cloud metadata service"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1 stands for 10.0.0.1, private"),
        ("hooks.example", "not an IP address"),
    ],
)
def test_a_refusal_says_why(address: str, words: str) -> None:
    assert words == STRICT.refusal(address, 443)


@pytest.mark.parametrize(
    "address", ["10.1.0.1", "::ffff:10.1.0.1", "64:ff9b::10.1.0.1", "2002:0a01:1::", "fd12::1"]
)
def test_an_allowed_network_opens_its_addresses_in_every_wrapping_and_no_others(address: str) -> None:
    guard = Guard([ip_network("10.1.0.0/16"), IPv6Network("fd12::/16")], [])

    assert guard.refusal(address, 443) is None
    assert guard.refusal("10.2.0.1", 443) is not None
    assert guard.refusal("fd13::1", 443) is not None


@pytest.mark.parametrize(
    "address",
    ["10.1.0.1", "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2a00:1450::1"],
)
def test_a_denied_network_is_closed_in_every_wrapping_whatever_is_allowed(address: str) -> None:
    denied = [ip_network("10.1.0.0/16"), ip_network("8.8.8.0/24"), ip_network("2a00:1450::/32")]
    guard = Guard([ip_network("0.0.0.0/0"), ip_network("::/0")], [], denied)

    assert "in a network that webhooks.deny names" in (guard.refusal(address, 443) or "")
    assert guard.refusal_of_url(f"https://[{address}]/" if ":" in address else f"https://{address}/")
    assert guard.refusal("10.2.0.1", 443) is None
    assert guard.refusal("8.8.4.4", 443) is None


def test_allowing_a_wrapper_does_not_allow_what_it_wraps() -> None:
    guard = Guard([IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0/96")], [])

    assert guard.refusal("64:ff9b::10.0.0.1", 443) is not None
    assert guard.refusal("::ffff:127.0.0.1", 443) is not None


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("127.0.0.1", 8080),
        ("::ffff:127.0.0.1", 8080),
        ("64:ff9b::7f00:1", 8080),
        ("10.1.2.3", 9464),
        (EVERYWHERE_V4, 1),
        ("::", 1),
    ],
)
def test_listeners_of_relay_are_refused_though_everything_is_allowed(address: str, port: int) -> None:
    assert OPEN.refusal(address, port) is not None


@pytest.mark.parametrize(("address", "port"), [("127.0.0.1", 8081), ("10.1.2.3", 8080), ("127.0.0.2", 8080)])
def test_neighbours_of_a_listener_are_not_listeners(address: str, port: int) -> None:
    assert OPEN.refusal(address, port) is None


@pytest.mark.parametrize("host", [EVERYWHERE_V4, "::", "[::]", "", "relay.internal"])
def test_a_listener_everywhere_closes_its_port_on_every_address_of_this_machine(host: str) -> None:
    guard = Guard([LOOPBACK, IPv6Network("::1/128"), ip_network("10.0.0.0/8")], [(host, 8080)])

    assert guard.refusal("127.0.0.1", 8080) is not None
    assert guard.refusal("127.9.9.9", 8080) is not None
    assert guard.refusal("::1", 8080) is not None
    assert guard.refusal("127.0.0.1", 8081) is None
    assert guard.refusal("8.8.8.8", 8080) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/hooks?a=b", "HTTPS://CRM.example.com", "http://crm.example.com:8080/",
        "https://8.8.8.8/", "https://134744072/", "https://[2606:4700:4700::1111]:8443/x",
        "https://crm.example.com./", "https://10.example.com/", "https://xn--bcher-kva.example/",
    ],
)  # fmt: skip
def test_a_public_url_is_allowed(url: str) -> None:
    assert STRICT.refusal_of_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "crm.example.com", "ftp://crm.example.com/", "file:///etc/passwd", "https://", "https:///path",
        "//x.example/", "https://user@x.example/", "https://user:word@x.example/",
        "https://8.8.8.8@127.0.0.1/", "https://x.example/#top", "https://x.example\\@127.0.0.1/",
        "https://x.example/a b", "https://x.example/a\r\nX: y", "https://x.example/\0",
        "https://x.exa\tmple/", " https://x.example/", "https://x.example/\n", "https://bücher.example/",
        "https://127。0。0。1/", "https://x.example:0/", "https://x.example:65536/",
        "https://x.example:\u0661/", "https://x.example:8080x/", "https://x..example/", "https://.example/",
        "https://" + "x" * 64 + ".example/", "https://%31%32%37.0.0.1/", "https://[::1",
        "https://[fe80::1%25lo]/", "https://[1.2.3.4]/", "https://[v1.x]/",
        "https://x.example/" + "y" * 2_048, "https://1.2.3.4.5/", "https://256.1.1.1/", "https://x.0x7f/",
    ],
)  # fmt: skip
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    assert STRICT.refusal_of_url(url) is not None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.0x0.0x0.0x1",
        "0177.0.0.1", "0x7F.1", "127.0.0.1.", "0", EVERYWHERE_V4, "3232235521", "0xa9fea9fe",
        "169.254.169.254", "[::1]", "[::]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "localhost", "LOCALHOST", "localhost.", "anything.localhost",
        "localhost.localdomain", "ip6-localhost",
    ],
)  # fmt: skip
def test_this_machine_and_closed_addresses_are_refused_in_every_spelling(host: str) -> None:
    assert STRICT.refusal_of_url(f"http://{host}/") is not None
    assert STRICT.refusal_of_url(f"https://{host}:8443/hook") is not None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "x.localhost"]
)
def test_names_and_spellings_of_an_allowed_address_are_allowed_but_for_listeners(host: str) -> None:
    guard = Guard([LOOPBACK], [("127.0.0.1", 8080)])

    assert guard.refusal_of_url(f"http://{host}:9000/") is None
    assert guard.refusal_of_url(f"http://{host}:8080/") is not None


def test_a_refusal_of_a_url_never_repeats_a_secret_in_it() -> None:
    refusal = STRICT.refusal_of_url("https://user:hunter2@x.example/?token=hunter2")

    assert "the URL must not hold a user name or password" == refusal


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_wrapping(address: IPv4Address) -> None:
    bare = STRICT.refusal(str(address), 443) is None
    number = int(address)
    wrapped = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF)),
    ]

    assert [bare] * 4 == [STRICT.refusal(str(each), 443) is None for each in wrapped]


@given(st.text(max_size=60) | st.from_regex(r"https?://[^\n]{0,30}", fullmatch=True))
def test_no_text_makes_the_guard_fail(url: str) -> None:
    refusal = STRICT.refusal_of_url(url)

    assert refusal is None or refusal
