"""
Read one answer at a time from the bytes of a connection, within limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 64 * 1024
# A chunk of one byte costs six on the wire: this much for the framing of a body that is kept whole.
MAX_WIRE_BYTES: Final = 512 * 1024
_SWITCHING_PROTOCOLS: Final = 101
_KEEP_ALIVE: Final = b"keep-alive"
_KEEP_ALIVE_LENGTH: Final = len(_KEEP_ALIVE)


class Reply(NamedTuple):
    """
    An answer: `lines` are its headers as they came, `body` is cut after 64 KiB.
    """

    status: int
    lines: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """
        Return the headers by lower-case name; what came more than once is joined by a comma.
        """
        return merged(self.lines)

    @property
    def keep_alive(self) -> bytes | None:
        """
        Return the header of that name, which says how long the other side keeps the connection.
        """
        for name, value in self.lines:
            if len(name) == _KEEP_ALIVE_LENGTH and name.lower() == _KEEP_ALIVE:
                return value
        return None


def merged(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """
    Return header lines by lower-case name.
    """
    headers: dict[str, str] = {}
    for name, value in lines:
        key, text = name.lower().decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


class ReplyReader:
    """
    Turns bytes into one `Reply`, then, after `start`, into the next.

    After each `feed` exactly one of three holds: `reply` is set; `problem` says why there will be none;
    or more bytes are needed.  `may_reuse` tells whether another request may follow on the connection.
    Interim answers (1xx) are skipped.
    """

    __slots__ = ("_body", "_body_size", "_lines", "_parser", "_status", "_trailer_size", "_wire_size",
                 "may_reuse", "problem", "reply")  # fmt: skip

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.start()

    def start(self) -> None:
        """
        Expect the answer to a new request.
        """
        self.reply: Reply | None = None
        self.problem: str | None = None
        self.may_reuse = False
        self._status = 0  # 0 until the head is complete
        self._lines: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self._trailer_size = 0
        self._wire_size = 0

    @property
    def has_seen_bytes(self) -> bool:
        """
        Tell whether the other side has begun to answer.
        """
        return self._wire_size > 0

    def feed(self, data: bytes) -> None:
        """
        Take what arrived.
        """
        self._wire_size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.may_reuse = False  # garbage behind a whole answer does not unmake the answer
            self.problem = self.problem or f"not HTTP/1.1: {error}"
        if self.reply is not None:
            return
        if not self._status:
            if self._wire_size > MAX_HEAD_BYTES:
                self.problem = self.problem or "the headers are longer than 64 KiB"
        elif self._wire_size > MAX_WIRE_BYTES and self.problem is None:
            self._complete(may_reuse=False)

    def feed_end(self) -> None:
        """
        Take the end of the connection: it completes an answer without a length, and cuts any other.
        """
        if self.reply is None and self.problem is None and self._status and not self._has_length():
            self._complete(may_reuse=False)

    def on_message_begin(self) -> None:
        """
        Note the first byte of a message: one behind a whole answer belongs to no request of ours.
        """
        self.may_reuse = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """
        Keep a header; trailers count against the limit and are dropped.
        """
        if not self._status:
            self._lines.append((name, value))
            return
        self._trailer_size += len(name) + len(value)
        if self._trailer_size > MAX_HEAD_BYTES:
            self.problem = "the trailers are longer than 64 KiB"

    def on_headers_complete(self) -> None:
        """
        Note the status.
        """
        status = self._parser.get_status_code()
        if status < 100 or status == _SWITCHING_PROTOCOLS:
            self.problem = f"status {status} answers no request of ours"
        elif self._wire_size > MAX_HEAD_BYTES and _size(self._lines) > MAX_HEAD_BYTES:
            self.problem = "the headers are longer than 64 KiB"
        elif status >= 200:
            self._status = status

    def on_body(self, data: bytes) -> None:
        """
        Keep the body up to its limit; what is longer is an answer all the same.
        """
        if self.reply is not None:
            return
        self._body.append(data)
        self._body_size += len(data)
        if self._body_size > MAX_BODY_BYTES:
            self._complete(may_reuse=False)

    def on_message_complete(self) -> None:
        """
        Finish the answer, or forget an interim one.
        """
        if not self._status:
            self._lines = []
        elif self.reply is None and self.problem is None:
            self._complete(may_reuse=self._parser.should_keep_alive())

    def _complete(self, *, may_reuse: bool) -> None:
        self.reply = Reply(self._status, self._lines, b"".join(self._body)[:MAX_BODY_BYTES])
        self.may_reuse = may_reuse

    def _has_length(self) -> bool:
        headers = merged(self._lines)
        coding = headers.get("transfer-encoding")
        if coding is None:
            return "content-length" in headers
        return coding.lower().endswith("chunked")


def _size(lines: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in lines)
