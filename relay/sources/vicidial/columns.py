"""
The columns of each function that answers in rows: by build and number of fields, never by the header line.

Measured on two builds (vicidial.md section 2); the header line names too few columns on one and swaps two of
`did_log_export` on both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

OLD_BUILD: Final = 96  # 2.14-96, of 2017: the vendor's document
NEW_BUILD: Final = 202  # 2.14-202, of 2025

_WORD: Final = r"[-_0-9A-Za-z]"
_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_SPAN: Final = r"-?\d*(?::\d\d){0,2}"  # seconds, M:SS or H:MM:SS, as time_format asks
_COUNT: Final = r"\d{1,9}"
_GROUP: Final = r"[^|\t\n<>]{1,200}"
_PHONE: Final = r"[-0-9A-Za-z+*#._ ]{0,40}"

# What a value may look like.  Free text may also hold the delimiter, and a newline.
_SHAPES: Final = {
    "user": rf"{_WORD}+",
    "word": rf"{_WORD}*",
    "session_id": r"\d+",
    "status": r"READY|CLOSER|QUEUE|MQUEUE|INCALL|PAUSED",
    # Letter, month without its first digit, day, hour, minute, second, lead; others by their first letters.
    "callerid": r"(?:[VMYJ]\d[0-3]\d[0-2]\d(?:[0-5]\d){2}\d{10}|(?:DC|S|LP|VH|XL)[0-9A-Za-z]{8,37})?",
    **dict.fromkeys(("lead_id", "list_id", "calls_today", "duration"), r"\d*"),
    **dict.fromkeys(("campaign_id", "call_status", "lead_status"), rf"{_WORD}*"),
    "user_group": r"[-_0-9A-Za-z ]{1,20}",
    "user_level": r"\d",
    "pause_code": r"[-_0-9A-Za-z ]{0,20}",
    # DEAD DISPO 3-WAY PARK RING PREVIEW DIAL; a newer build may know more.
    **dict.fromkeys(("sub_status", "real_time_sub_status"), r"(?:3-)?[A-Z]{2,12}|"),
    **dict.fromkeys(("phone_number", "phone", "did_number", "caller_id_number"), _PHONE),
    "computer_ip": r"[0-9A-Fa-f:]*[.:][0-9A-Fa-f.:]+|",
    "call_id": r"[A-Z]{1,2}[0-9A-Za-z_]{6,39}",
    **dict.fromkeys(("custtime", "length_in_sec"), r"-?\d*"),
    **dict.fromkeys(("call_date", "start_time"), _TIME),
    "call_type": r"[A-Z_]*",
    "hangup_reason": r"[A-Z_]*",
    "recording_id": r"\d+",
    **dict.fromkeys(("ingroups", "usergroups"), _GROUP),
    **dict.fromkeys(
        ("total_calls", "calls_waiting", "agents_logged_in", "agents_in_calls", "agents_waiting"), _COUNT
    ),
    **dict.fromkeys(("agents_paused", "agents_in_dead_calls", "agents_in_dispo", "agents_in_dial"), _COUNT),
    **dict.fromkeys(("calls", "sessions", "pauses"), _COUNT),
    **dict.fromkeys(("login_time", "total_talk_time", "avg_talk_time", "avg_wait_time", "pause_time"), _SPAN),
    **dict.fromkeys(("avg_session", "avg_pause_time", "wait_time", "talk_time"), _SPAN),
    **dict.fromkeys(("dispo_time", "dead_time"), _SPAN),
    **dict.fromkeys(("pct_of_queue", "pause_pct"), r"-?[\d.]*%?"),
    "pauses_per_session": r"[\d.]*",
    **dict.fromkeys(("number", "size", "epoch"), r"\d+"),
    "date": rf"(?:{_TIME}\.?)?",
    # No longer than the vendor's document allows: what is longer has swallowed a piece of another row.
    "full_name": r"(?s:.{0,50})",
    "vendor_lead_code": r"(?s:.{0,20})",
    "source_id": r"(?s:.{0,50})",
    "location": r"(?s:.{0,600})",
}
FREE_TEXT: Final = frozenset({"full_name", "vendor_lead_code", "source_id", "location"})
_ANYTHING: Final = r"[^\n]{0,1000}"
# In csv the names of groups that are joined into one field may hold commas.
_JOINED_NAMES: Final = frozenset({"ingroups", "usergroups"})
_OWN_CALL_ID: Final = re.compile(r"[VMYJ]\d{9}(\d{10})")


@dataclass(frozen=True)
class Columns:
    """
    One set of columns that a function is known to send, from build `first` to build `last`.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    first: int = 0
    last: int | None = None

    @cached_property
    def shapes(self) -> tuple[re.Pattern[str], ...]:
        """
        What each value looks like.
        """
        return tuple(re.compile(_SHAPES.get(kind, _ANYTHING)) for kind in self.kinds)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """
        The places of free text.
        """
        return tuple(place for place, name in enumerate(self.names) if name in FREE_TEXT)

    @cached_property
    def joined_names(self) -> bool:
        """
        Whether the first column holds names that were joined.
        """
        return self.names[0] in _JOINED_NAMES

    @cached_property
    def _lead_and_call(self) -> tuple[int, int] | None:
        if "callerid" not in self.names or "lead_id" not in self.names:
            return None
        return self.names.index("lead_id"), self.names.index("callerid")

    def matches(self, values: list[str]) -> bool:
        """
        Return whether each value looks like its column, and the lead agrees with the one in the call id.
        """
        for shape, value in zip(self.shapes, values, strict=True):
            if shape.fullmatch(value) is None:
                return False
        return self._lead_and_call is None or _same_lead(*(values[place] for place in self._lead_and_call))

    def is_sent_by(self, build: int | None) -> bool:
        """
        Return whether a build sends these columns; any may where the build is not known.
        """
        return build is None or (self.first <= build and (self.last is None or build <= self.last))


def _same_lead(lead_id: str, call_id: str) -> bool:
    # The call id ends with the lead; lead 0 is none (any more).
    match = _OWN_CALL_ID.fullmatch(call_id)
    return match is None or int(lead_id or 0) in (0, int(match.group(1)))


def _columns(names: str, first: int = 0, last: int | None = None) -> Columns:
    """
    Read "name" and "name:kind", where the kind of value is not the one usual under that name.
    """
    pairs = [name.partition(":") for name in names.split()]
    kinds = tuple(kind or name for name, _, kind in pairs)
    return Columns(tuple(name for name, _, _ in pairs), kinds, first, last)


_AGENT = (
    "status callerid lead_id campaign_id calls_today full_name user_group user_level pause_code"
    " real_time_sub_status phone_number vendor_lead_code session_id"
)
_AGENTS = "user campaign_id session_id status lead_id callerid calls_today full_name user_group user_level"
_IN_GROUP = (
    "ingroups total_calls calls_waiting agents_logged_in agents_in_calls agents_waiting agents_paused"
    " agents_in_dispo"
)
_USER_GROUP = (
    "usergroups calls_waiting agents_logged_in agents_in_calls agents_waiting agents_paused"
    " agents_in_dead_calls agents_in_dispo"
)
_STATS = (
    "user full_name user_group calls login_time total_talk_time avg_talk_time avg_wait_time pct_of_queue"
    " pause_time sessions avg_session pauses avg_pause_time pause_pct pauses_per_session wait_time"
)
_LEAD = (
    "status:word user:word vendor_lead_code source_id list_id gmt_offset_now phone_code phone_number"
    " title first_name middle_initial last_name address1 address2 address3 city state province"
    " postal_code country_code gender date_of_birth alt_phone email security_phrase comments"
    " called_count last_local_call_time rank owner entry_list_id lead_id"
)
# Between the two measured builds a column was added: there the number of fields alone decides.
TABLES: Final = {
    "agent_status": (_columns(_AGENT), _columns(f"{_AGENT} computer_ip", OLD_BUILD + 1)),
    "logged_in_agents": (_columns(_AGENTS), _columns(f"{_AGENTS} pause_code sub_status")),
    "in_group_status": (
        _columns(_IN_GROUP, 0, NEW_BUILD - 1),
        _columns(f"{_IN_GROUP} agents_in_dial", OLD_BUILD + 1),
    ),
    "user_group_status": (
        _columns(_USER_GROUP, 0, NEW_BUILD - 1),
        _columns(f"{_USER_GROUP} agents_in_dial", OLD_BUILD + 1),
    ),
    "callid_info": (
        _columns("call_id custtime"),
        _columns("call_id custtime call_date phone call_type campaign_id list_id status:word user:word"),
    ),
    "phone_number_log": (
        _columns(
            "phone_number call_date list_id length_in_sec lead_status hangup_reason call_status source_id"
            " user:word"
        ),
    ),
    "did_log_export": (_columns("did_number caller_id_number call_date length_in_sec"),),
    "recording_lookup": (
        _columns("start_time user:word recording_id lead_id location"),
        _columns("start_time user:word recording_id lead_id duration location", OLD_BUILD + 1),
    ),
    "agent_stats_export": (
        _columns(_STATS, 0, NEW_BUILD - 1),
        _columns(f"{_STATS} talk_time dispo_time dead_time", OLD_BUILD + 1),
    ),
    "sounds_list": (_columns("number filename date size epoch"),),
    "lead_all_info": (_columns(_LEAD),),
}
ONE_ROW: Final = frozenset(
    {"agent_status", "callid_info", "in_group_status", "user_group_status", "lead_all_info"}
)
_BUILD: Final = re.compile(r"\d+\.\d+-(\d+)[a-z]?")


def build_number(version: str | None) -> int | None:
    """
    Return the number behind the dash of "2.14-202"; None where there is none.
    """
    match = _BUILD.fullmatch(version.strip()) if version is not None else None
    return int(match.group(1)) if match is not None else None


def is_newer(build: int | None) -> bool:
    """
    Return whether a build is newer than all that were measured: it may send more columns at the end.
    """
    return build is not None and build > NEW_BUILD


def is_free_text(name: str) -> bool:
    """
    Return whether a column may hold anything, as no shape of its values is known or people type them.
    """
    return name in FREE_TEXT or name not in _SHAPES
