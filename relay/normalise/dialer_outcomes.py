"""
What a dialer's own words for the fate of a call mean in relay's.

The statuses are those that VICIdial sets by itself (its system statuses); what a campaign or an agent adds to
them says what was talked about, so a call that was answered stays answered whatever its status.
"""

from __future__ import annotations

from typing import Final

from relay.model import call as words
from relay.model.dialer_call import DialerCall

_OUTCOMES: Final = {
    "DROP": words.ABANDONED,  # the caller hung up while no agent was free
    "XDROP": words.ABANDONED,
    "PDROP": words.ABANDONED,
    "IVRXFR": words.UNKNOWN,
    "TIMEOT": words.TIMED_OUT,
    "AFTHRS": words.TIMED_OUT,
    "NANQUE": words.TIMED_OUT,
    "HOLDTO": words.TIMED_OUT,
    "NA": words.NO_ANSWER,
    "N": words.NO_ANSWER,
    "NP": words.NO_ANSWER,
    "AA": words.NO_ANSWER,  # a machine answered
    "AM": words.NO_ANSWER,
    "AL": words.NO_ANSWER,
    "AFAX": words.NO_ANSWER,
    "B": words.NO_ANSWER,  # busy
    "AB": words.NO_ANSWER,
    "ADC": words.FAILED,  # number disconnected
    "ADCT": words.FAILED,
    "DC": words.FAILED,
    "ERI": words.FAILED,
    "DNCC": words.FAILED,
    "DNCL": words.FAILED,
    "PU": words.NO_ANSWER,
    "CANCEL": words.FAILED,
}
_UNANSWERED_STATUS: Final = {words.ABANDONED: words.ABANDONED, words.TIMED_OUT: words.TIMED_OUT}
IN_PROGRESS: Final = frozenset({"", "QUEUE", "INCALL"})  # callid_info: no disposition yet


def outcome_of(call: DialerCall) -> str:
    """
    Say what became of a call; unknown while it lasts, and where nobody knows.
    """
    if call.is_lost:
        return words.UNKNOWN
    if call.answered_at is not None:
        return words.ANSWERED
    if call.ended_at is None or call.status is None:
        return words.UNKNOWN
    known = _OUTCOMES.get(call.status)
    if known is not None:
        return known
    return words.ANSWERED if was_spoken(call) else words.UNKNOWN


def was_spoken(call: DialerCall) -> bool:
    """
    Tell whether a call whose fate is known was one that somebody spoke on, though no poll saw it.

    Either the dialer counted seconds of talk, or an agent chose a disposition of the campaign's own.
    """
    if call.talk_s:
        return True
    return call.status is not None and call.agent_id is not None and call.status not in _OUTCOMES


def leg_status(call: DialerCall) -> str | None:
    """
    Return the verdict of the call's leg: abandoned, timed_out, answered, or None.
    """
    outcome = outcome_of(call)
    return words.ANSWERED if outcome == words.ANSWERED else _UNANSWERED_STATUS.get(outcome)
