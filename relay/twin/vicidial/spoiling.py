"""
Spoil answers as the faults say.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from relay.twin.vicidial.asking import Reply
from relay.twin.vicidial.faults import BROKEN, Faults

HTML: Final = "<!DOCTYPE html>\n<html><head><title>One moment, please</title></head><body></body></html>\n"
MYSQL: Final = "MySQL connect ERROR:  Connection refused\n"
_WARNINGS: Final = (("Warning", "Undefined variable $DB"), ("Warning", "Undefined variable $list_id"), (
    "Deprecated",
    "preg_replace(): Passing null to parameter #3 ($subject) of type array|string is deprecated",
))  # fmt: skip
PAGE: Final = "WEBROOT/adminpanel/api.php"
BLOCKS: Final = 130  # before the answer, and again after it: 84 KB in all
# What is said instead of the right answer.
_INSTEAD: Final = {
    "empty_500": Reply("", 500),
    "empty_body": Reply(""),
    "mysql_error": Reply(MYSQL),
    "html_page": Reply(HTML),
}


async def hold(faults: Faults, function: str, request: web.Request) -> None:
    """
    Return when the answer may begin; in real time, whatever clock the dialer lives by.
    """
    if faults.take("hang", function) is not None:
        await asyncio.Event().wait()  # ended by the client, or by the twin's end
    slow = faults.take("delay", function)
    if slow is not None:
        await asyncio.sleep(slow.by_s)
    if faults.take("dropped", function) is not None and request.transport is not None:
        request.transport.abort()


def refusal(faults: Faults, function: str, user: str, password: str, address: str | None) -> Reply | None:
    """
    Return the refusal of a login that would be good.
    """
    if function == "version":
        return None
    login = f"ERROR: Login incorrect, please try again: |{user}|{password}|"
    said = {
        "wrong_password": f"{login}BAD|\n",
        "second_factor": f"{login}2FA|\n",
        "locked": f"ERROR: Too many login attempts, try again in 15 minutes: |{user}|LOCK|\n",
        "ip_block": f"ERROR: Your IP Address is not allowed: {address}: ||IPBLOCK|\n",
    }
    return next((Reply(text) for name, text in said.items() if faults.take(name, function) is not None), None)


def spoilt(faults: Faults, function: str, reply: Reply) -> Reply:
    """
    Return an answer as it leaves: another one, cut, or with noise around it.
    """
    names = [name for name in BROKEN if faults.take(name, function) is not None]
    if faults.take("broken", function) is not None:
        names.append(faults.one_of(BROKEN))
    said = faults.take("says", function)
    if said is not None:
        reply = Reply(said.text)
    for name in names:
        if name in _INSTEAD:
            return _INSTEAD[name]
        reply = reply._replace(body=reply.body[: len(reply.body) // 2])
    if faults.take("php_noise", function) is not None:
        return reply._replace(body=f"{_noise(760)}{reply.body}{_noise(20_400)}")
    return reply


def _noise(first_line: int) -> str:
    return "".join(
        f"<br />\n<b>{kind}</b>:  {text} in <b>{PAGE}</b> on line <b>{line}</b><br />\n"
        for line in range(first_line, first_line + BLOCKS)
        for kind, text in (_WARNINGS[line % len(_WARNINGS)],)
    )
