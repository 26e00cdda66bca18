"""
A running relay, asked over REST.

The API key goes out encrypted or not beyond this machine, unless a person insists; redirects and proxies of
the environment are not followed, so it reaches nobody else.  Every answer has a deadline and a largest size.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import orjson

from relay.cli.answers import Answer, Item, shown
from relay.config.checked import http_url
from relay.model.errors import RelayError
from relay.model.listing import Page
from relay.version import __version__

DEFAULT_URL: Final = "http://127.0.0.1:8080"
KEY_VARIABLE: Final = "RELAY_API_KEY"
TIMEOUT_S: Final = 30.0
LARGEST_ANSWER: Final = 64 * 1024 * 1024
PAGE_ITEMS: Final = 500
AGAIN_AFTER_S: Final = 0.5
_PIECE_BYTES: Final = 64 * 1024
_LOST: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a relay is, and the key that it asks for.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, environ: Mapping[str, str], *, is_insecure: bool = False) -> Address:
        """
        Return the address of a URL with the key of the environment.

        Raises:
            ValueError: no URL, no key, or the key would cross a network unencrypted.
        """
        parts = urlsplit(http_url(url))
        if parts.query:
            raise ValueError("must not have a ?query")
        key = environ.get(KEY_VARIABLE) or None
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError(
                f"{KEY_VARIABLE} holds what no API key does: spaces, control characters or accents"
            )
        if key is not None and parts.scheme == "http" and not (_is_here(parts.hostname) or is_insecure):
            raise ValueError(
                f"{KEY_VARIABLE} is not sent over plain http to another machine: use https, or --insecure"
            )
        return cls(url.rstrip("/"), key)


class RemoteRelay:
    """
    Asks one relay; use as an async context manager.

    A POST whose connection was lost on the way is made a second time, under the same Idempotency-Key.  All
    methods raise RelayError, with words for a person, where there is no good answer.
    """

    def __init__(
        self,
        address: Address,
        timeout_s: float = TIMEOUT_S,
        largest_answer: int = LARGEST_ANSWER,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._largest_answer = largest_answer
        self._again_after_s = again_after_s

    async def __aenter__(self) -> Self:
        # Not compressed: the bytes that arrive are then all the memory that an answer takes.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"relay/{__version__}"}
        if self._address.api_key is not None:
            headers["Authorization"] = f"Bearer {self._address.api_key}"
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def item(self, path: str, parameters: Parameters = ()) -> Item:
        """
        Return one thing.
        """
        return (await self._ask("GET", f"{path}?{urlencode(parameters)}" if parameters else path)).item()

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> Item:
        """
        Make or do something; return what came of it.  `key` is its Idempotency-Key, else one is made.
        """
        sent = None if body is None else orjson.dumps(body)
        return (await self._ask("POST", path, sent, key)).item()

    async def upload(
        self, path: str, parameters: Parameters, content: bytes, media_type: str, *, key: str | None = None
    ) -> Item:
        """
        Send a file; return what came of it.
        """
        return (await self._ask("POST", f"{path}?{urlencode(parameters)}", content, key, media_type)).item()

    async def patch(self, path: str, body: object) -> Item:
        """
        Change something; return what it is then.
        """
        return (await self._ask("PATCH", path, orjson.dumps(body))).item()

    async def delete(self, path: str) -> None:
        """
        Take something away.
        """
        (await self._ask("DELETE", path)).document()

    async def cancel(self, path: str) -> Item:
        """
        Have something ended; return what is left of it.
        """
        return (await self._ask("DELETE", path)).item()

    async def pages(
        self, path: str, parameters: Parameters = (), limit: int = 0
    ) -> AsyncIterator[Page[Item]]:
        """
        Yield the pages of a list until `limit` items (0: all) or the end of it.
        """
        after: str | None = None
        left = limit
        while True:
            asked = str(min(PAGE_ITEMS, left) if limit else PAGE_ITEMS)
            wanted = urlencode([*parameters, *query(limit=asked, after=after)])
            page = (await self._ask("GET", f"{path}?{wanted}")).page()
            yield page
            left -= len(page.items)
            if page.next is None or (limit and left <= 0):
                return
            if page.next == after:
                raise RelayError(f"{path} was answered with a list that never ends")
            after = page.next

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        key: str | None = None,
        media_type: str = "application/json",
    ) -> Answer:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} if method == "POST" else {}
        if body is not None:
            headers["Content-Type"] = media_type
        try:
            try:
                return await self._ask_once(method, path, body, headers)
            except _LOST as error:
                if isinstance(error, aiohttp.ClientConnectorError) or method != "POST":
                    raise
                # aiohttp does this itself with all other methods; a POST carries a key, by which relay knows
                # it again.  The first one may still be worked on, and relay would refuse its twin.
                await asyncio.sleep(self._again_after_s)
                return await self._ask_once(method, path, body, headers)
        except TimeoutError:
            raise RelayError(self._unknown(method, f"did not answer within {self._timeout_s:g} s")) from None
        except aiohttp.ClientConnectorError as error:
            raise RelayError(f"{self._address.url} cannot be reached: {_why(error.os_error)}") from None
        except aiohttp.ClientResponseError as error:
            raise RelayError(f"{self._address.url} does not speak HTTP: {shown(error.message)}") from None
        except aiohttp.ClientError as error:
            what = shown(error) or type(error).__name__
            raise RelayError(self._unknown(method, f"broke the connection off: {what}")) from None

    async def _ask_once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        url = self._address.url + path
        data = None if body is None else io.BytesIO(body)  # what the client wants of large bodies
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as reply:
            whole = bytearray()
            async for piece in reply.content.iter_chunked(_PIECE_BYTES):
                whole += piece
                if len(whole) > self._largest_answer:
                    raise RelayError(f"{self._address.url} answered over {self._largest_answer} bytes")
            content_type = reply.content_type if "Content-Type" in reply.headers else ""
            asked = f"{method} {self._address.url}{path.partition('?')[0]}"
            return Answer(asked, reply.status, content_type, reply.headers.get("Location"), bytes(whole))

    def _unknown(self, method: str, what: str) -> str:
        caution = "" if method == "GET" else "; look whether it was done before you repeat it"
        return f"{self._address.url} {what}{caution}"


def segment(name: str) -> str:
    """
    Return a name as one part of a path.

    Raises:
        ValueError: it cannot be one.
    """
    if name in ("", ".", ".."):
        raise ValueError(f"`{name}` is no id")
    return quote(name, safe="")


def query(**wanted: Any) -> list[tuple[str, str]]:
    """
    Return the parameters that were given, one for each value of a list.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in wanted.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(one)) for one in values if one is not None]
    return pairs


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {shown(error.verify_message)}"
    if isinstance(error, ssl.SSLError):
        return f"no encryption could be agreed on: {shown(error.reason)}"
    # asyncio puts its own words into strerror; those of a failed look-up are the good ones.
    if isinstance(error, socket.gaierror) or not error.errno or error.errno < 0:
        return shown(error.strerror or error)
    return os.strerror(error.errno)


def _is_here(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
