"""
Take secrets out of what a phone system answered: those we know, and those that it echoes.

VICIdial repeats user and password of a failed login, the new password of `add_user`, and the whole request
in links and forms of its HTML answers (vicidial.md sections 3 and 6).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

from relay.model.vendor_answer import AUTH, IP_BLOCKED, LOCKED, LOGIN_REFUSED, UNKNOWN, Message
from relay.sources.vicidial.messages import Heard

HIDDEN: Final = "[redacted]"
_LOGIN_FLAGS: Final = frozenset({"BAD", "2FA", "LOCK", "IPBLOCK"})
# Several signs each, as a damaged answer must not show what a whole one hides.
_LOGIN_SIGNS: Final = re.compile(
    r"Login|ncorrect, |please try|try again|again: \||login attempts|\|?BAD\||\|BAD|2FA\||\|LOCK|IPBLOCK"
)
_DROPPED_BY_THE_SERVER: Final = re.compile(r"[^-_0-9A-Za-z]")

# user= and pass= of a link or a debug line, "pass": of JSON, and name=pass value="…" of a form.
_NAMED: Final = re.compile(
    r"(\b(?:[a-z]+_)?(?:user|pass|password|passwd|pass_hash)\b)"
    r"(=|%3D|[\"']?\s?[:=]\s?|[\"']?\s+value=)([\"']?)([^\s&\"'<>|;,]+)",
    re.IGNORECASE,
)
_NAMING: Final = ("=", ":", "%3D", "%3d")
_SHORT: Final = 6


class Redactor:
    """
    Removes secrets from one answer.

    `secrets` are ours (user, password); each also goes in the spellings in which a server may echo it: less
    the characters that its input filter drops, and quoted for URL, HTML and JSON.
    """

    def __init__(self, secrets: Iterable[str], lines: Sequence[str]) -> None:
        variants = {variant for secret in secrets if secret for variant in _variants(secret)}
        self._secrets = sorted(variants, key=len, reverse=True)
        self._is_login = any(_LOGIN_SIGNS.search(line) is not None for line in lines)

    def line(self, text: str, limit: int) -> str:
        """
        Return the first `limit` characters of a line without secrets; nothing of it after a failed login.
        """
        if self._is_login:
            return HIDDEN if text.strip() else ""
        if len(text) <= limit:
            return self.text(text)[:limit]
        # A secret may be cut in two where the piece ends: what could be its start goes too.
        longest = max(map(len, self._secrets), default=0)
        clean = self.text(text[: limit + longest])
        return clean[: len(clean) - longest][:limit]

    def text(self, text: str) -> str:
        """
        Return a text without our secrets and without what is named user or password in it.
        """
        text = self.value(text)
        return _NAMED.sub(_hide_value, text) if any(sign in text for sign in _NAMING) else text

    def value(self, text: str) -> str:
        """
        Return free text without our secrets.

        A short secret, or one of digits, goes only where it stands alone: phone numbers and leads may
        contain it.
        """
        for secret in self._secrets:
            if secret not in text:
                continue
            if _is_telling(secret):
                text = text.replace(secret, HIDDEN)
            else:
                text = re.sub(rf"(?<![0-9A-Za-z_]){re.escape(secret)}(?![0-9A-Za-z_])", HIDDEN, text)
        return text

    def is_inside(self, value: object) -> bool:
        """
        Return whether a value that is no free text has a secret for a part, which then is damage.

        An agent who is named exactly like our user is that agent.
        """
        return isinstance(value, str) and any(
            secret in value and secret != value and _is_telling(secret) for secret in self._secrets
        )

    def json(self, value: Any) -> Any:
        """
        Return a JSON value without secrets: by value, and by the names user and password.
        """
        if isinstance(value, dict):
            return {
                self.value(str(name)): HIDDEN if name in {"user", "pass", "password"} else self.json(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.json(inner) for inner in value]
        # A lone surrogate, legal in JSON, cannot be written as UTF-8.
        return self.value(value.encode(errors="replace").decode()) if isinstance(value, str) else value

    def message(self, heard: Heard) -> Message:
        """
        Return a message without secrets; what its text is known to echo goes whatever it is.
        """
        kind, text, details = heard.message
        if heard.verdict == UNKNOWN:
            text = HIDDEN if self._is_login else text.partition("|")[0]
        if self._is_login and heard.verdict not in LOGIN_REFUSED:
            details = (HIDDEN,) * len(details)  # an echo may be glued to it
        return Message(kind, self.text(text), tuple(map(self.text, _without_echo(heard, details))))

    def message_line(self, heard: Heard) -> str:
        """
        Return the line of a message without secrets.
        """
        message = self.message(heard)
        if heard.verdict == UNKNOWN:
            behind = f": |{'|'.join(message.details)}|" if message.details else ""
            return f"{message.kind}: {message.text}{behind}"
        return self.text(heard.head) + "|".join(message.details)


def _variants(secret: str) -> set[str]:
    stripped = _DROPPED_BY_THE_SERVER.sub("", secret)
    spelled = {
        secret,
        secret.strip(),
        stripped,
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        secret.encode().decode("latin-1"),
    }
    return {one for one in spelled if one}


def _is_telling(secret: str) -> bool:
    return len(secret) >= _SHORT and not secret.isdecimal()


def _hide_value(match: re.Match[str]) -> str:
    return f"{match.group(1)}{match.group(2)}{match.group(3)}{HIDDEN}"


def _without_echo(heard: Heard, details: tuple[str, ...]) -> tuple[str, ...]:
    text = heard.message.text
    if heard.verdict == IP_BLOCKED:
        return tuple(one if one in _LOGIN_FLAGS else _address(one) for one in details)
    if heard.verdict in (AUTH, LOCKED):
        return tuple(one if one in _LOGIN_FLAGS or not one else HIDDEN for one in details)
    if text == "add_user USER HAS BEEN ADDED" and len(details) >= _SHORT:
        # API user, agent, password, level, name, group: a password may hold the separator, the end may not.
        return _hidden(details, 2, len(details) - 3)
    if heard.function in _PASSWORD_THIRD or (heard.function in _WITH_PASSWORDS and not _is_plain(text)):
        return _hidden(details, 2, len(details))
    return details


def _address(detail: str) -> str:
    # "203.0.113.7: " is ours, and what the operator must tell whoever keeps the list.
    return detail.rstrip(": ") if re.fullmatch(r"[0-9A-Fa-f.: ]{0,45}", detail) else HIDDEN


_PASSWORD_THIRD: Final = frozenset({"add_user", "update_user", "copy_user"})  # behind API user and agent
_WITH_PASSWORDS: Final = frozenset({"add_phone", "update_phone"})


def _is_plain(text: str) -> bool:
    """
    Return whether a text of a function that takes passwords is known to repeat none of its parameters.
    """
    plain = ("HAS BEEN UPDATED", "HAS BEEN DELETED", "EXIST", "PERMISSION", "NO UPDATES DEFINED")
    return any(word in text for word in plain)


def _hidden(details: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    return tuple(HIDDEN if start <= place < end and one else one for place, one in enumerate(details))
