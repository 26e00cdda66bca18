"""
Rules of linking as a request gives them: those that are to be different.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from relay.api.operation import Given
from relay.model.linking import LinkRules

DEFAULTS: Final = LinkRules()
TIMES: Final = ("same_instant", "overflow_within", "attended_overlap")

Points = Annotated[int, Field(ge=0, le=1_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class LinkRulesGiven(Given):
    """
    Points, and times in seconds; `relay.model.linking.LinkRules` says what each is for.
    """

    threshold: Points = DEFAULTS.threshold
    margin: Points = DEFAULTS.margin
    same_caller: Points = DEFAULTS.same_caller
    same_did: Points = DEFAULTS.same_did
    same_agent: Points = DEFAULTS.same_agent
    same_answer: Points = DEFAULTS.same_answer
    same_finish: Points = DEFAULTS.same_finish
    rang: Points = DEFAULTS.rang
    overflowed: Points = DEFAULTS.overflowed
    at_once: Points = DEFAULTS.at_once
    in_turn: Points = DEFAULTS.in_turn
    transferred: Points = DEFAULTS.transferred
    talked_on: Points = DEFAULTS.talked_on
    same_instant_s: Seconds = DEFAULTS.same_instant.total_seconds()
    overflow_within_s: Seconds = DEFAULTS.overflow_within.total_seconds()
    attended_overlap_s: Seconds = DEFAULTS.attended_overlap.total_seconds()
    sure_from: Points = DEFAULTS.sure_from
    most_exact: Annotated[int, Field(ge=0, le=60)] = DEFAULTS.most_exact
    most_legs: Annotated[int, Field(ge=2, le=200)] = DEFAULTS.most_legs

    def wanted(self) -> LinkRules:
        """
        Return all rules, those that were not given as they are.
        """
        values: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name in TIMES:
            if f"{name}_s" in values:
                values[name] = timedelta(seconds=values.pop(f"{name}_s"))
        return replace(DEFAULTS, **values)
