"""
How a command fails: words for a person on the error stream, and an exit code; no traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from relay.model.errors import ConfigError, RelayError

FAILED: Final = 1
USAGE: Final = 2


@contextmanager
def told_to_a_person() -> Iterator[None]:
    """
    Turn relay's own errors into lines on the error stream and an exit: 2 for the configuration, else 1.

    Errors of several loops that ended together are told one by one.  Anything else is a bug and passes.
    """
    try:
        yield
    except RelayError as error:
        raise SystemExit(_tell([error])) from None
    except BaseExceptionGroup as group:
        ours, others = group.split(RelayError)
        if ours is None or others is not None:
            raise
        raise SystemExit(_tell(list(_leaves(ours)))) from None


def _tell(errors: list[BaseException]) -> int:
    for error in errors:
        lines = error.faults if isinstance(error, ConfigError) else (error,)
        for line in lines:
            typer.echo(f"relay: {line}", err=True)
    return USAGE if all(isinstance(error, ConfigError) for error in errors) else FAILED


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
