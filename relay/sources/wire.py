"""
One HTTP request to a phone system: bounded in time and size, every failure a SourceError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from relay.model.errors import SourceGarbled, SourceUnreachable
from relay.version import __version__

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
SAMPLE_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A whole HTTP answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """
    The HTTP client of one source.  Follows no redirect, keeps no cookie.
    """

    def __init__(
        self,
        source_id: str,
        base_url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        max_bytes: int = MAX_ANSWER_BYTES,
        secrets: Sequence[str] = (),
    ) -> None:
        self._source_id = source_id
        self._base_url = base_url.rstrip("/")
        self._secrets = (*headers.values(), *secrets)
        self._max_bytes = max_bytes
        self._headers = {
            **headers,
            "User-Agent": f"relay/{__version__}",
            "Accept": "application/json, text/plain",
        }
        self._timeout = ClientTimeout(total=timeout_s)
        self._session: ClientSession | None = None

    async def open(self) -> None:
        """
        Make the client; a source holds few connections.
        """
        self._session = ClientSession(
            connector=TCPConnector(limit=4, limit_per_host=4, keepalive_timeout=15),
            headers=self._headers,
            timeout=self._timeout,
            cookie_jar=DummyCookieJar(),
        )

    async def close(self) -> None:
        """
        Close the client.  Safe twice.
        """
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, params: Mapping[str, str], budget: ClientMiddlewareType) -> Answer:
        """
        Send one GET and read the whole answer.

        Raises:
            SourceUnreachable: no connection, no answer in time, or cut off.
            SourceGarbled: larger than any page may be.
            SourceThrottled: the budget has no room.
        """
        return await self._send("GET", path, self._timeout, params=params, middlewares=(budget,))

    async def get_once(self, params: Mapping[str, str], timeout_s: float) -> Answer:
        """
        Send one GET to the base URL itself; never sent again, not even on a connection that was just lost.

        Raises:
            SourceUnreachable, SourceGarbled: as `get`.
        """
        timeout = ClientTimeout(total=timeout_s)
        return await self._send("GET", "", timeout, params=params, middlewares=(_Once(self._source_id),))

    async def post(self, path: str, form: Mapping[str, str], budget: ClientMiddlewareType) -> Answer:
        """
        Send one form by POST; never sent again.

        Raises:
            SourceUnreachable, SourceGarbled, SourceThrottled: as `get`.
        """
        middlewares = (_Once(self._source_id), budget)
        return await self._send("POST", path, self._timeout, data=form, middlewares=middlewares)

    async def post_form(self, form: Mapping[str, str], timeout_s: float) -> Answer:
        """
        Send one form by POST to the base URL itself; never sent again.

        Raises:
            SourceUnreachable, SourceGarbled: as `get`.
        """
        return await self._send("POST", "", ClientTimeout(total=timeout_s), data=form)

    async def _send(self, verb: str, path: str, timeout: ClientTimeout, **options: Any) -> Answer:
        if self._session is None:
            raise AssertionError("the source was not opened")
        try:
            async with self._session.request(
                verb, self._base_url + path, allow_redirects=False, timeout=timeout, **options
            ) as response:
                body = await self._read(response)
                return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
        except TimeoutError as error:
            raise self._unreachable("timeout", f"no answer within {timeout.total} s") from error
        except ClientConnectorError as error:
            why = f"cannot connect: {error.os_error or error}"
            raise SourceUnreachable(self._source_id, "connect", why, was_sent=False) from error
        except ClientPayloadError as error:
            raise self._unreachable("bad_payload", f"the answer was cut off: {error}") from error
        except ClientError as error:
            raise self._unreachable("connect", f"the connection failed: {error}") from error

    async def _read(self, response: ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_chunked(256 * 1024):
            size += len(piece)
            if size > self._max_bytes:
                message = f"the answer is larger than {self._max_bytes // 2**20} MiB"
                raise SourceGarbled(self._source_id, "bad_payload", message, sample(pieces[0], self._secrets))
            pieces.append(piece)
        return b"".join(pieces)

    def _unreachable(self, reason: str, message: str) -> SourceUnreachable:
        return SourceUnreachable(self._source_id, reason, message)


class _Once:
    """
    Lets one attempt of a request pass: the client sends a GET again by itself when a kept connection is lost.
    """

    def __init__(self, source_id: str) -> None:
        self._source_id = source_id
        self._is_sent = False

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        if self._is_sent:
            raise SourceUnreachable(self._source_id, "connect", "the connection was lost behind the request")
        self._is_sent = True
        return await send(request)


def sample(body: bytes, secrets: Iterable[str]) -> str:
    """
    Return the first characters of an answer, printable, without the secrets that it may echo.
    """
    secrets = tuple(filter(None, secrets))
    longest = max(map(len, secrets), default=0)
    text = body[: (SAMPLE_CHARACTERS + longest) * 4].decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return "".join(character if character.isprintable() else "·" for character in text[:SAMPLE_CHARACTERS])
