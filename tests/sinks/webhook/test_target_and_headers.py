"""
What is prepared once for many requests, and that nothing can be smuggled in.
"""

from __future__ import annotations

import pytest

from relay.sinks.webhook.transport.headers import build_headers
from relay.sinks.webhook.transport.target import Target


@pytest.mark.parametrize(
    ("url", "start", "origin"),
    [
        ("https://X.example", b"POST / HTTP/1.1\r\nhost: x.example\r\n", ("https", "x.example", 443, "")),
        (
            "http://x.example?a=b",
            b"POST /?a=b HTTP/1.1\r\nhost: x.example\r\n",
            ("http", "x.example", 80, ""),
        ),
        (
            "https://x.example:443/a",
            b"POST /a HTTP/1.1\r\nhost: x.example\r\n",
            ("https", "x.example", 443, ""),
        ),
        (
            "https://x.example:80/a",
            b"POST /a HTTP/1.1\r\nhost: x.example:80\r\n",
            ("https", "x.example", 80, ""),
        ),
        ("http://[2A00::0:1]:81/", b"POST / HTTP/1.1\r\nhost: [2a00::1]:81\r\n", ("http", "2a00::1", 81, "")),
        ("http://0x8080808/", b"POST / HTTP/1.1\r\nhost: 8.8.8.8\r\n", ("http", "8.8.8.8", 80, "")),
    ],
)
def test_a_url_becomes_the_start_of_every_request(
    url: str, start: bytes, origin: tuple[str, str, int, str]
) -> None:
    target = Target.of_url(url)

    assert start == target.request_start
    assert origin == target.origin


@pytest.mark.parametrize("path", ["/a\r\nx: y", "/a\n", "/a\0", "/a b", "/\x7f", "/\x85"])
def test_a_path_cannot_break_out_of_the_request_line(path: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        Target.of_url("https://x.example" + path)


def test_header_lines_keep_their_order() -> None:
    lines = build_headers(((b"x-one", b"1"), (b"X-Two", b"a\tb \xe9")))

    assert b"x-one: 1\r\nX-Two: a\tb \xe9\r\n" == lines


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\n", b"a\r", b"\0", b"\x7f", b"\x1b[0m"])
def test_a_value_cannot_break_out_of_its_header(value: bytes) -> None:
    with pytest.raises(ValueError, match="control character"):
        build_headers(((b"x-one", value),))


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\n", b"a\0", b"\xe9"])
def test_a_name_holds_only_what_names_may_hold(name: bytes) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        build_headers(((name, b"x"),))


@pytest.mark.parametrize("name", [b"Host", b"content-length", b"Transfer-Encoding", b"connection", b"Expect"])
def test_a_header_that_frames_the_request_cannot_be_given_twice(name: bytes) -> None:
    with pytest.raises(ValueError, match="written by the transport"):
        build_headers(((name, b"x"),))
