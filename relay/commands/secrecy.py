"""
What nobody may read again of a command: passwords that were given, wherever the phone system repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from relay.commands.function import Function
from relay.commands.result import CommandResult

HIDDEN: Final = "***"


def without_secrets(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the parameters as they may be kept and shown: each secret one is `***`.
    """
    hidden = {one.name for one in function.parameters if one.is_secret}
    return {name: HIDDEN if name in hidden else _writable(value) for name, value in given.items()}


def cleaned(function: Function, sent: Mapping[str, str], result: CommandResult) -> CommandResult:
    """
    Return a result in which no secret of the parameters that were sent can be read.

    A detail that is another parameter's value stays: an agent's id is no secret, whatever the password is.
    """
    secrets = [sent[one.name] for one in function.parameters if one.is_secret and sent.get(one.name)]
    if not secrets:
        return result
    pattern = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))
    open_values = {sent[one.name] for one in function.parameters if not one.is_secret and one.name in sent}

    def clean(text: str) -> str:
        return pattern.sub(HIDDEN, text)

    details = {
        name: text if text in open_values else clean(text) for name, text in result.data["details"].items()
    }
    data = {**result.data, "details": details, "notices": [clean(one) for one in result.data["notices"]]}
    return replace(result, message=clean(result.message), data=data, raw=clean(result.raw))


def _writable(value: Any) -> Any:
    # A list may hold whole numbers that no JSON writer takes.
    return [str(one) if isinstance(one, int) else one for one in value] if isinstance(value, list) else value
