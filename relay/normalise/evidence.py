"""
Score two legs: what speaks for one conversation, and what makes it impossible (docs/decisions/0020).

Evidence is of the pair alone.  What competes with it, and whether it is enough, is for the matching.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from relay.model import linking as words
from relay.model.call import ABANDONED, INBOUND, TIMED_OUT, USER_CALLS, Leg, LegFacts
from relay.model.linking import LinkRules
from relay.model.numbers import LINK_DIGITS, is_masked

CERTAIN: Final = 100
# What rests on one end meeting the next start: chance, where several call from one number at a time.
BY_TIME_ALONE: Final = frozenset({words.TALKED_ON, words.RANG_IN_TURN, words.TRANSFERRED})
# Contradictions that show two callers behind one number at one time.
TWO_CALLERS: Final = frozenset(
    {
        "two_conversations_at_once",
        "two_waits_at_once",
        "one_phone_twice_at_once",
        "rang_on_after_the_answer",
        "rang_on_after_the_end",
        "nobody_answered_there",
        "other_agent",
        "other_answer",
    }
)
_NOT_DIGITS: Final = re.compile(r"\D+")


class Evidence(NamedTuple):
    """
    What two legs are to each other: a relation with points, or a contradiction: they can never be one call.

    Neither: by themselves they have nothing to do with each other.
    """

    relation: str | None = None
    score: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    contradiction: str | None = None


NOTHING: Final = Evidence()


class Scorer:
    """
    Holds legs against each other.

    Args:
        rules: weights and times.
        skew: the phone system's clock minus ours; None takes an open leg as it is, whenever it was read.
    """

    def __init__(self, rules: LinkRules, skew: timedelta | None) -> None:
        self._rules = rules
        self._skew = skew

    def evidence(self, a: Leg, b: Leg) -> Evidence:
        """
        Return what two legs are to each other, in whatever order they are given.
        """
        one, other = a.facts, b.facts
        if one.native_id is not None and other.native_id is not None:
            if one.native_id != other.native_id:
                return _impossible("other_native_id")
            return Evidence(words.SAME_NATIVE_ID, CERTAIN, ((words.SAME_NATIVE_ID, CERTAIN),))
        if one.link_key is None or other.link_key is None:
            return NOTHING
        why = _other_numbers(one, other)
        if why is not None:
            return _impossible(why)
        if one.direction != INBOUND:
            return NOTHING
        first, second = (a, b) if (one.started_at, a.leg_id) <= (other.started_at, b.leg_id) else (b, a)
        if one.stream == other.stream == USER_CALLS:
            return self._phones(first.facts, second.facts)
        if one.stream == USER_CALLS:
            return self._phone_and_summary(a, other)
        if other.stream == USER_CALLS:
            return self._phone_and_summary(b, one)
        return self._summaries(first.facts, second.facts)

    def _phones(self, first: LegFacts, second: LegFacts) -> Evidence:
        if first.agent_name is None or second.agent_name is None:
            return NOTHING
        is_later = second.started_at - first.started_at > self._rules.same_instant
        if first.agent_name == second.agent_name:
            is_over = first.ended_at is not None and first.ended_at <= second.started_at
            if first.answered_at is not None and second.answered_at is not None:
                return _impossible("one_agent_answered_twice")
            return NOTHING if is_later and is_over else _impossible("one_phone_twice_at_once")
        if first.answered_at is not None and second.answered_at is not None:
            return self._handed_on(first, second)
        user, answered = (first, second) if first.answered_at is None else (second, first)
        if self._rang_through(user, answered.answered_at):
            return _impossible("rang_on_after_the_answer")
        return self._in_turn(first, second) if is_later else self._together(first, second)

    def _rang_through(self, user: LegFacts, answered_at: datetime | None) -> bool:
        if answered_at is None or user.ended_at is None or user.started_at >= answered_at:
            return False
        return user.ended_at > answered_at + self._rules.same_instant

    def _handed_on(self, first: LegFacts, second: LegFacts) -> Evidence:
        """
        Weigh two phones on which somebody spoke: one call where the caller was handed on.
        """
        answered_at, rules = first.answered_at, self._rules
        if answered_at is None or second.started_at < answered_at:
            return _impossible("two_conversations_at_once")
        if first.ended_at is None:
            return NOTHING
        gap = second.started_at - first.ended_at
        if abs(gap) <= rules.same_instant:
            return self._related(first, second, words.TRANSFERRED, rules.transferred)
        if gap > rules.same_instant:
            return NOTHING
        goes_on = second.ended_at is None or second.ended_at - first.ended_at > rules.same_instant
        if goes_on and -gap <= rules.attended_overlap:
            return self._related(first, second, words.TRANSFERRED, rules.talked_on)
        return _impossible("two_conversations_at_once")

    def _together(self, first: LegFacts, second: LegFacts) -> Evidence:
        """
        Weigh two phones that began to ring in one moment: they also stop together.
        """
        rules = self._rules
        stopped, other_stopped = (facts.answered_at or facts.ended_at for facts in (first, second))
        if stopped is None or other_stopped is None:
            return self._related(first, second, words.RANG_TOGETHER, rules.rang)
        if abs(stopped - other_stopped) <= rules.same_instant:
            finish = rules.same_finish
        else:  # one may have declined; but where nobody answered, two callers are as likely
            finish = 0 if first.answered_at or second.answered_at else -rules.same_finish
        return self._related(first, second, words.RANG_TOGETHER, rules.rang, same_finish=finish)

    def _in_turn(self, first: LegFacts, second: LegFacts) -> Evidence:
        rules = self._rules
        if first.ended_at is None:
            return NOTHING
        gap = second.started_at - first.ended_at
        if abs(gap) <= rules.same_instant:
            if first.answered_at is None:
                return self._related(first, second, words.RANG_IN_TURN, rules.in_turn)
            return self._related(first, second, words.TRANSFERRED, rules.transferred)
        return NOTHING

    def _phone_and_summary(self, leg: Leg, summary: LegFacts) -> Evidence:
        user = leg.facts
        if self._is_gone(user, summary):
            return _impossible("caller_had_gone")
        if user.started_at < summary.started_at - self._rules.same_instant:
            # A phone may have rung before, for the group that gave the caller on.  After a conversation a
            # summary that begins is of a caller who comes in, and so of another call.
            is_over = user.ended_at is not None and (
                user.ended_at <= summary.started_at + self._rules.same_instant
            )
            return _impossible("came_in_again") if is_over and user.answered_at is not None else NOTHING
        if summary.ended_at is not None and user.started_at > summary.ended_at + self._rules.same_instant:
            return NOTHING  # or after
        if user.answered_at is None:
            return self._rang_in(leg, summary)
        if summary.answered_at is None:
            return self._answered_elsewhere(user, summary)
        return self._answered(user, summary, user.answered_at - summary.answered_at)

    def _is_gone(self, user: LegFacts, summary: LegFacts) -> bool:
        """
        Tell whether a phone was busy with a caller who had given up by then.
        """
        if summary.status != ABANDONED or summary.ended_at is None:
            return False
        return (user.ended_at or user.started_at) > summary.ended_at + self._rules.same_instant

    def _rang_in(self, leg: Leg, summary: LegFacts) -> Evidence:
        user, rules = leg.facts, self._rules
        until = summary.answered_at or summary.ended_at
        same_agent = 0
        if until is not None:
            if user.started_at > until + rules.same_instant:
                return NOTHING
            if user.ended_at is None:
                # Read while it still rang.  Whose phone rings past the end is another's; an old answer
                # about it is made good when it is read again.
                if self._skew is not None and leg.first_seen_at + self._skew > until + rules.same_instant:
                    return NOTHING
                if summary.agent_name is not None and user.agent_name == summary.agent_name:
                    same_agent = rules.same_agent
            elif user.ended_at > until + rules.same_instant:
                if user.started_at >= until - rules.same_instant:
                    return NOTHING  # it rang for whatever the caller was given on to
                return _impossible("rang_on_after_the_end")
        agrees = _is_close(user.ended_at, until, rules.same_instant)
        return self._related(
            user,
            summary,
            words.RANG_IN,
            rules.rang,
            same_finish=rules.same_finish if agrees else 0,
            same_agent=same_agent,
        )

    def _answered_elsewhere(self, user: LegFacts, summary: LegFacts) -> Evidence:
        """
        Weigh a phone that was answered and a summary that was not: it may be of what came after.
        """
        ended_at = summary.ended_at
        is_over = ended_at is not None and user.started_at >= ended_at - self._rules.same_instant
        if summary.status == TIMED_OUT and is_over:
            return NOTHING
        return _impossible("nobody_answered_there")

    def _answered(self, user: LegFacts, summary: LegFacts, late: timedelta) -> Evidence:
        """
        Weigh a phone and a summary that were both answered, the phone `late` after the summary.
        """
        rules = self._rules
        same_finish = _is_close(user.ended_at, summary.ended_at, rules.same_instant)
        is_named = summary.agent_name is not None and user.agent_name is not None
        same_agent = is_named and user.agent_name == summary.agent_name
        finish = rules.same_finish if same_finish else 0
        agent = rules.same_agent if same_agent else 0
        if abs(late) <= rules.same_instant:
            if is_named and not same_agent:
                return _impossible("other_agent")
            more = {"same_agent": agent, "same_answer": rules.same_answer, "same_finish": finish}
            return self._related(user, summary, words.ANSWERED_BY, 0, **more)
        if same_agent and same_finish:  # one of the two tells the answer in another way
            return self._related(user, summary, words.ANSWERED_BY, 0, same_agent=agent, same_finish=finish)
        if late < -rules.same_instant:
            return _impossible("other_answer")
        was_handed_on = summary.answered_at is not None and user.started_at > summary.answered_at
        if same_finish and is_named and was_handed_on:
            return self._related(user, summary, words.TALKED_ON, rules.talked_on, same_finish=finish)
        return NOTHING

    def _summaries(self, first: LegFacts, second: LegFacts) -> Evidence:
        rules, ended_at = self._rules, first.ended_at
        if ended_at is None or ended_at - second.started_at > rules.overflow_within:
            return _impossible("two_waits_at_once")
        if first.started_at == second.started_at < ended_at:
            return _impossible("two_waits_at_once")
        if first.status == ABANDONED:
            return _impossible("caller_had_gone")
        gap = second.started_at - ended_at
        if first.status != TIMED_OUT or abs(gap) > rules.overflow_within:
            return NOTHING
        # Whole seconds are told: the second in which one ended is the strongest that can be said.
        at_once = rules.at_once if not gap else 0
        return self._related(first, second, words.OVERFLOWED, rules.overflowed, at_once=at_once)

    def _related(self, one: LegFacts, other: LegFacts, relation: str, points: int, **more: int) -> Evidence:
        reasons = [(relation, points), ("same_caller", self._rules.same_caller)]
        if one.to_raw and other.to_raw and not (one.masked or other.masked):
            reasons.append(("same_did", self._rules.same_did))
        reasons += more.items()
        told = tuple([reason for reason in reasons if reason[1]])
        return Evidence(relation, sum([score for _, score in told]), told)


def _impossible(why: str) -> Evidence:
    return Evidence(contradiction=why)


def _other_numbers(one: LegFacts, other: LegFacts) -> str | None:
    if one.link_key != other.link_key:
        return "other_caller"
    if one.direction != other.direction:
        return "other_direction"
    if one.direction == INBOUND:
        if _differ(one.from_raw, one.from_e164, other.from_raw, other.from_e164):
            return "other_caller"
        if _differ(one.to_raw, one.to_e164, other.to_raw, other.to_e164):
            return "other_did"
    return None


def _differ(raw: str, full: str | None, other_raw: str, other_full: str | None) -> bool:
    if raw == other_raw or not raw or not other_raw or is_masked(raw) or is_masked(other_raw):
        return False
    if full is not None and other_full is not None:
        return full != other_full
    digits, others = _NOT_DIGITS.sub("", raw), _NOT_DIGITS.sub("", other_raw)
    return len(digits) < LINK_DIGITS or digits[-LINK_DIGITS:] != others[-LINK_DIGITS:]


def _is_close(one: datetime | None, other: datetime | None, within: timedelta) -> bool:
    return one is not None and other is not None and abs(one - other) <= within
