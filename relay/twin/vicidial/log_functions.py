"""
What became of calls: the functions that read the logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.calls import AUTO, CALL_TYPES, Call, local

SHORTEST_NUMBER: Final = 6
_CALL_ID: Final = re.compile(r"(?:Y|J|V|M|DC|S|LP|VH|XL)[-_0-9A-Za-z]*")
_CALL_ID_LENGTHS: Final = range(18, 40)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def callid_info(ask: Ask) -> str:
    """
    Tell how long customer and agent talked, and with detail=YES the log row of the call.

    The time is 0, and the status QUEUE or INCALL, until the agent said what became of the call.
    """
    call_id = ask.get("call_id")
    if len(call_id) not in _CALL_ID_LENGTHS or not _CALL_ID.fullmatch(call_id):
        return ask.error("INVALID SEARCH PARAMETERS", call_id)
    call = ask.world.exchange.by_id.get(call_id)
    if call is None:
        return ask.error("CALL NOT FOUND", "")
    if not _is_logged(call):
        return ask.error("CALL LOG NOT FOUND", "")
    talk_s = 0 if call.dispositioned_ms is None else call.talk_s or 0
    if ask.get("detail") != "YES":
        return ask.table(ask.headers("callid_info"), [[call_id, talk_s]])
    row = [
        call_id, talk_s, _time(ask, call.logged_ms), call.phone, CALL_TYPES[call.kind], call.group,
        call.list_id, call.status, call.user,
    ]  # fmt: skip
    return ask.table(ask.headers("callid_info detail"), [row])


def phone_number_log(ask: Ask) -> str:
    """
    List the calls with one or more numbers: those that went out, then those that came in, newest first.
    """
    asked = ask.get("phone_number")
    numbers = [number for number in asked.split(",") if number.isdigit() and len(number) >= SHORTEST_NUMBER]
    if not numbers:
        return ask.error("NO VALID PHONE NUMBERS DEFINED", asked, "")
    kinds = {"IN": (True,), "ALL": (False, True)}.get(ask.get("type"), (False,))
    rows = []
    for number in numbers:
        for is_inbound in kinds:
            calls = [c for c in _logged(ask) if c.phone == number and c.is_inbound == is_inbound]
            calls.sort(key=lambda call: call.logged_ms, reverse=True)
            rows += [_number_row(ask, call) for call in calls[: 1 if ask.get("detail") == "LAST" else None]]
    if not rows:
        text = "NO RECORDS FOUND FOR THIS PHONE NUMBER"
        return ask.noted("NOTICE", text, ask.caller.user, asked, "", "")
    return ask.table(ask.headers("phone_number_log"), rows)


def _number_row(ask: Ask, call: Call) -> list[object]:
    return [
        call.phone, _time(ask, call.logged_ms), call.list_id, _length(call), call.lead.status,
        call.hangup_reason or "NONE", call.status, call.lead.fields["source_id"], call.user,
    ]  # fmt: skip


def did_log_export(ask: Ask) -> str:
    """
    List the calls to a DID on one day of the server: did, caller, time, length, whatever the header says.
    """
    did, day = ask.get("phone_number"), ask.get("date")
    if not did or not _DAY.fullmatch(day):
        return ask.error("INVALID SEARCH PARAMETERS", did, day)
    calls = [
        call for call in ask.world.exchange.calls if call.did == did and _day(ask, call.started_ms) == day
    ]
    if not calls:
        return ask.noted("ERROR", "NO RECORDS FOUND", ask.caller.user, "", "", day)
    rows = ([did, call.phone, _time(ask, call.started_ms), _length(call)] for call in calls)
    return ask.table(ask.headers("did_log_export"), rows)


def recording_lookup(ask: Ask) -> str:
    """
    List recordings; the location is empty until the file has been moved to where it stays.
    """
    agent, lead, day, uniqueid = (ask.get(n) for n in ("agent_user", "lead_id", "date", "uniqueid"))
    if not (uniqueid or lead or (agent and _DAY.fullmatch(day))):
        return ask.error("INVALID SEARCH PARAMETERS", agent, lead, day, "")
    calls = [
        call
        for call in ask.world.exchange.calls
        if call.recording_id is not None
        and (not agent or call.user == agent)
        and (not lead or str(call.lead.lead_id) == lead)
        and (not day or _day(ask, call.answered_ms or 0) == day)
        and (not uniqueid or call.uniqueid == uniqueid)
    ]
    if not calls:
        return ask.noted("ERROR", "NO RECORDINGS FOUND", ask.caller.user, agent, lead, day, "")
    calls.sort(key=lambda call: call.answered_ms or 0)
    has_length = ask.build.is_newer and ask.get("duration") == "Y"
    return ask.table(ask.headers("recording_lookup"), (_recording_row(ask, c, has_length) for c in calls))


def _recording_row(ask: Ask, call: Call, has_length: bool) -> list[object]:
    length = [_length_since(call.answered_ms or 0, call.ended_ms)] if has_length else []
    started = _time(ask, call.answered_ms or 0)
    return [started, call.user, call.recording_id, call.lead.lead_id, *length, call.recording_url]


def _logged(ask: Ask) -> Iterable[Call]:
    return filter(_is_logged, ask.world.exchange.calls)


def _is_logged(call: Call) -> bool:
    """
    Tell whether there is a log row: an automatic call gets one when it is answered, or given up.
    """
    return call.kind != AUTO or call.connected_ms is not None or call.ended_ms is not None


def _length(call: Call) -> object:
    return "" if call.length_s is None else call.length_s


def _length_since(begin_ms: int, ended_ms: int | None) -> object:
    return "" if ended_ms is None else ended_ms // 1000 - begin_ms // 1000


def _time(ask: Ask, at_ms: int) -> str:
    return f"{local(at_ms, ask.world.zone):%Y-%m-%d %H:%M:%S}"


def _day(ask: Ask, at_ms: int) -> str:
    return f"{local(at_ms, ask.world.zone):%Y-%m-%d}"


FUNCTIONS: Final[dict[str, Answer]] = {
    "callid_info": callid_info,
    "phone_number_log": phone_number_log,
    "did_log_export": did_log_export,
    "recording_lookup": recording_lookup,
}
