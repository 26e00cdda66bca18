"""
How a receiver goes wrong on command: failing answers, late answers, answers that never come.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Final

DEFAULT_STATUS: Final = 503
LONGEST_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """
    What goes wrong.

    Args:
        fail: `STATUS` or `STATUS=RATE`: the answer to genuine requests, to all or to this share of them.
        fail_first: so many requests fail (with 503 where `fail` says nothing), and none after; None: no end.
        retry_after_s: what a failing answer says in Retry-After.
        delay_s: how long every answer takes.
        drop: the share of requests that are taken, but whose connection is cut instead of an answer.

    Raises:
        ValueError: no status of HTTP, no share, or a time below 0 or above a day.
    """

    fail: str | None = None
    fail_first: int | None = None
    retry_after_s: int | None = None
    delay_s: float = 0.0
    drop: float = 0.0

    def __post_init__(self) -> None:
        self.status_and_rate()
        if not 0 <= self.drop <= 1:
            raise ValueError("drop is a share from 0 to 1")
        if self.fail_first is not None and self.fail_first < 0:
            raise ValueError("fail_first is not below 0")
        for seconds in (self.delay_s, self.retry_after_s or 0):
            if not 0 <= seconds <= LONGEST_S:
                raise ValueError("delay_s and retry_after_s are from 0 to 86400")

    def status_and_rate(self) -> tuple[int, float]:
        """
        Return the failing status, and to which share of requests it is the answer.
        """
        if self.fail is None:
            return DEFAULT_STATUS, 0.0 if self.fail_first is None else 1.0
        status, equals, rate = self.fail.partition("=")
        try:
            told = int(status), float(rate) if equals else 1.0
        except ValueError:
            raise ValueError("fail is STATUS or STATUS=RATE, as in 503 or 503=0.5") from None
        # 1xx is no answer, and 204 or 200 no failure, but 3xx is.
        if not 300 <= told[0] <= 599 or not 0 <= told[1] <= 1:
            raise ValueError("fail is a status from 300 to 599, and a share from 0 to 1")
        return told

    def to_json(self) -> dict[str, Any]:
        """
        Return it as `read_misbehaviour` takes it.
        """
        return asdict(self)


class Mood:
    """
    Decides for each request what goes wrong; `misbehave` may be called at any time.
    """

    def __init__(self, misbehaviour: Misbehaviour, random: Random) -> None:
        self._random = random
        self.misbehave(misbehaviour)

    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """
        Go wrong in another way from now on; `fail_first` counts anew.
        """
        self.misbehaviour = misbehaviour
        self._status, self._rate = misbehaviour.status_and_rate()
        self._left = misbehaviour.fail_first

    def failing_status(self) -> int | None:
        """
        Return the status that the next request fails with, None where it is taken.
        """
        if self._left == 0 or self._random.random() >= self._rate:
            return None
        if self._left is not None:
            self._left -= 1
        return self._status

    def drops(self) -> bool:
        """
        Tell whether the next answer never comes.
        """
        return self._random.random() < self.misbehaviour.drop


def read_misbehaviour(said: Any, before: Misbehaviour) -> Misbehaviour:
    """
    Return what `before` becomes with the keys that were said.

    Raises:
        ValueError: an unknown key, or a value that is none.
    """
    keys = before.to_json()
    if not isinstance(said, dict) or not said.keys() <= keys.keys():
        raise ValueError(f"an object with some of {', '.join(keys)}")
    kinds: dict[str, tuple[type, ...]] = {
        "fail": (str, int, type(None)), "fail_first": (int, type(None)),
        "retry_after_s": (int, type(None)), "delay_s": (int, float), "drop": (int, float),
    }  # fmt: skip
    for key, value in said.items():
        if isinstance(value, bool) or not isinstance(value, kinds[key]):
            raise ValueError(f"{key}: not a value for it")
    fail = said.get("fail", before.fail)
    return Misbehaviour(**{**keys, **said, "fail": str(fail) if isinstance(fail, int) else fail})
