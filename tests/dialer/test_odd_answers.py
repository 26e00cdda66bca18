"""
Answers in which anything may be odd: the loop goes on, and what it tells is as documented.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from relay.model import vendor_answer as verdicts
from relay.model.vendor_answer import Message, RejectedLine, VendorAnswer
from relay.sources.port import POLL, Answered, FunctionSource
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.dialer.story import DID, Story

ODD: list[Any] = [
    "", " ", "0", "-1", "1e9", "99999999999", "QUEUE", "INCALL", "DEAD", "SALE", "VDCL", "1001", "x" * 300,
    "2026-03-02 01:00:00", "2026-13-45 99:99:99", "9999-12-31 23:59:59", "0001-01-01 00:00:00",
    "0000-00-00 00:00:00", "2026-03-02 25:00:00",
    "Y3012000060000009999", "V9999999990000000000", "DC1",
    "٣", "None", "nan", "253402300799", "-62135596800", "2026-03-02", "2026-03-02T01:00:00+02:00",
]  # fmt: skip
VERDICTS = (
    verdicts.ROWS, verdicts.EMPTY, verdicts.SUCCESS, verdicts.NOTICE, verdicts.LOGGED_OUT, verdicts.NOT_FOUND,
    verdicts.DENIED, verdicts.BAD_ARGUMENT, verdicts.SERVER_FAULT, verdicts.UNKNOWN,
)  # fmt: skip


@dataclass
class OddSource:
    """
    A source that bends a share of the answers.
    """

    source: FunctionSource
    rng: random.Random
    rate: float = 0.0
    bent: list[str] = field(default_factory=list)

    @property
    def source_id(self) -> str:
        """
        Return whose source it is.
        """
        return self.source.source_id

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function, and perhaps bend its answer.
        """
        answered = await self.source.call(function, params, purpose=purpose, is_write=is_write)
        if self.rng.random() >= self.rate:
            return answered
        self.bent.append(function)
        return replace(answered, answer=self._bent(answered.answer))

    def _bent(self, answer: VendorAnswer) -> VendorAnswer:
        rows, rng = [dict(row) for row in answer.rows], self.rng
        if rng.random() < 0.2:
            answer = replace(answer, verdict=rng.choice(VERDICTS))
        if rng.random() < 0.1:
            answer = replace(answer, rejected=(RejectedLine("odd", "odd"),))
        if rng.random() < 0.1:
            answer = replace(answer, messages=(Message("ERROR", "odd", ()),))
        if rows and rng.random() < 0.2:
            rows.pop(rng.randrange(len(rows)))
        if rows and rng.random() < 0.2:
            rows.append(dict(rng.choice(rows)))
        for row in rng.sample(rows, min(len(rows), rng.randrange(1, 4))):
            for name in rng.sample(list(row), min(len(row), rng.randrange(1, 4))):
                if rng.random() < 0.15:
                    del row[name]
                else:
                    row[name] = rng.choice(ODD)
        return replace(answer, rows=tuple(rows))


@dataclass
class OddStory(Story):
    """
    A dialer whose answers are odd.
    """

    def watched(self, source: FunctionSource) -> FunctionSource:
        """
        Return the source that bends answers.
        """
        self.odd = OddSource(super().watched(source), random.Random(9))
        return self.odd


@pytest.mark.parametrize("seed", [1, 3])
async def test_the_loop_goes_on_whatever_is_answered(tmp_path: Path, seed: int) -> None:
    keys = {
        "dids": [DID], "did_every_s": 5, "in_groups": ["SALESLINE"], "user_groups": ["AGENTS"],
        "end_hold_s": 30,
        "group_every_s": 2, "stats": {"every_s": 60, "settle_s": 5}, "version_every_s": 10,
    }  # fmt: skip
    settings = DialerTwinSettings(seed, Floor(agents=4, short_calls=0.2))
    async with OddStory(tmp_path, settings, keys) as story:
        story.odd.rng = random.Random(seed)
        await story.run_for(20)
        story.odd.rate = 0.6
        await story.run_for(200)
        await story.restart()
        story.odd.rate = 0.6
        await story.run_for(200)
        story.odd.rate = 0.0
        await story.run_for(500)
        await story.check()
        bugs = [
            sample.labels
            for metric in story.registry.collect()
            for sample in metric.samples
            if "bug" in sample.labels.values() and sample.name.endswith("_total") and sample.value
        ]
        states = await story.states()

    assert [] == bugs
    assert "up" == (states or ["up"])[-1]
