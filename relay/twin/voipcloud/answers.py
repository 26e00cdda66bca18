"""
The answers of the API: JSON, and the vendor's `code` and `message` where it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import orjson
from aiohttp import web

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS

API: Final = "/api/integration/v1"
# Path, stream, and the parameter that filters by names (vendor/voipcloud_api).
PAGES: Final = {
    f"{API}/get-user-calls": (USER_CALLS, "users_names"),
    f"{API}/get-queue-calls": (QUEUE_CALLS, "queues_names"),
    f"{API}/get-ringgroup-calls": (RINGGROUP_CALLS, "ringgroups_names"),
}
BAD_TOKEN: Final = "Not authorised: the API key is missing or wrong"  # noqa: S105 (said, not secret)
NOT_FOUND: Final = "Tenant or required data not found"
TOO_MANY: Final = "Too Many Requests"


def json_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """
    Return an answer of JSON.
    """
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def problem(
    code: int, message: str, headers: Mapping[str, str] | None = None, status: int | None = None
) -> web.Response:
    """
    Return a refusal; its HTTP status is the code unless said otherwise.
    """
    body = orjson.dumps({"code": code, "message": message})
    return json_answer(body, code if status is None else status, headers)


def bad_address(address: str | None) -> web.Response:
    """
    Return the refusal of an address that is not in the whitelist.
    """
    return problem(401, f"Not authorised: IP address {address} is not in the whitelist")


def too_many(retry_after_s: int | None) -> web.Response:
    """
    Return 429, with Retry-After where there is one.
    """
    return problem(429, TOO_MANY, None if retry_after_s is None else {"Retry-After": str(retry_after_s)})


def http_date(at: datetime) -> str:
    """
    Write an instant for the Date header (RFC 9110, 5.6.7).
    """
    return format_datetime(at, usegmt=True)


async def posted(request: web.Request) -> Mapping[str, str]:
    """
    Return the parameters of a POST, wherever they are: query, form or JSON.
    """
    parameters = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return {}
        if isinstance(body, dict):
            parameters.update({key: str(value) for key, value in body.items()})
    else:
        parameters.update(
            {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        )
    return parameters
