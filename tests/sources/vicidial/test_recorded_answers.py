"""
Each recorded answer is read as its rule says.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from relay.model.vendor_answer import VERDICTS, VendorAnswer
from relay.sources.vicidial.wire import read_answer
from tests.sources.vicidial.recorded import Recorded, recorded_answers

ANSWERS: Final = recorded_answers()
BY_KEY: Final = {answer.key: answer for answer in ANSWERS}
# Chosen values, read off the recorded bytes: answer, row, column, value.
VALUES: Final = [
    (("version", 0), 0, "version", "2.14-202"),
    (("version", 0), 0, "epoch", "1795248464"),
    (("version", 1), 0, "build", "170601-0747"),
    (("version", 1), 0, "tznow", "-5.00"),
    (("agent_status", 0), 0, "status", "READY"),
    (("agent_status", 0), 0, "session_id", "8600051"),
    (("agent_status", 1), 0, "callerid", "V1210306580000000101"),
    (("agent_status", 2), 0, "real_time_sub_status", "DEAD"),
    (("agent_status", 6), 0, "real_time_sub_status", "3-WAY"),
    (("agent_status_include_ip", 0), 0, "session_id", "8600051"),  # names 14, values 13
    (("agent_status_include_ip", 1), 0, "session_id", "8600051"),  # names 8, values 13
    (("logged_in_agents_filter", 0), 2, "status", "QUEUE"),
    (("logged_in_agents_filter", 0), 0, "sub_status", "3-WAY"),
    (("user_group_status", 0), 0, "agents_in_dial", "1"),
    (("in_group_status_unknown", 0), 0, "ingroups", "NOPE"),
    (("in_group_status_comma", 0), 0, "ingroups", "SALESLINE,SUPPORT"),
    (("pipe_raw", 0), 0, "agents_waiting", "1"),
    (("callid_info", 0), 0, "custtime", "583"),
    (("callid_info_detail_in", 0), 0, "call_type", "INBOUND"),
    (("callid_info_detail_in", 0), 0, "user", "1001"),
    (("lead_field_info_multiline", 0), 0, "value", "line one\nline two"),
    (("lead_field_info_empty_value", 0), 0, "value", ""),
    (("lead_field_info_odd", 0), 0, "value", "A,B|C'D\tE\nFG"),
    (("phone_number_log", 0), 2, "hangup_reason", "CALLER"),
    (("phone_number_log", 1), 1, "user", "VDCL"),
    (("recording_lookup_uniqueid", 0), 0, "recording_id", "158"),
    (("agent_stats_export", 0), 0, "dead_time", "0:00:18"),  # the new build
    (("agent_stats_export", 4), 0, "wait_time", "0:04:52"),  # the old one, not named in its header
    (("sounds_list", 0), 1, "filename", "vm-goodbye.gsm"),
    (("sounds_list", 1), 0, "url", "http://127.0.0.1:8099/sounds_dir/hold-music.wav"),
    (("lead_all_info", 0), 0, "email", "lead101@example.invalid"),
    (("odd_name_2001", 0), 0, "full_name", "Smith, Mary"),
    (("odd_name_2001", 0), 0, "user_group", "AGENTS"),
    (("odd_name_2002", 0), 0, "full_name", "Pat O'Brien"),
    (("odd_name_2004", 0), 0, "full_name", "José Núñez ?ód?"),
    (("odd_name_2005", 0), 0, "full_name", '<b>Bo</b> & Co "Q"'),
    (("odd_name_2006", 0), 0, "full_name", "Tab\tNewline\nName"),
    (("odd_name_2006", 2), 0, "full_name", "Tab\tNewline\nName"),
    (("odd_name_2006", 2), 0, "session_id", "8600076"),
    (("odd_name_logged_in_agents", 0), 11, "full_name", "Smith, Mary"),
    (("odd_name_logged_in_agents", 0), 16, "full_name", "Tab\tNewline\nName"),
    (("odd_vendor_code", 0), 0, "vendor_lead_code", "A,B|C"),
    (("odd_vendor_code", 1), 0, "vendor_lead_code", "A,B|C"),
    (("after_call_callid_info", 3), 0, "status", "INCALL"),
]
COLUMNS_OF_THE_OLD_BUILD: Final = [("in_group_status_unknown", 8), ("user_group_status_unknown", 8)]


def read(answer: Recorded, **others: Any) -> VendorAnswer:
    """
    Read a recorded answer as it came.
    """
    return read_answer(answer.function, answer.body, http_status=answer.http_status, **others)


def test_there_are_204() -> None:
    assert 204 == len(ANSWERS)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.key[0]}-{answer.key[1]}")
@pytest.mark.parametrize("knows_the_stage", [True, False])
def test_each_is_read_as_its_rule_says(answer: Recorded, knows_the_stage: bool) -> None:
    stage = answer.stage if knows_the_stage else "pipe"

    read_as = read(answer, stage=stage)

    expected = (answer.verdict, answer.rows, answer.rejected)
    assert expected == (read_as.verdict, len(read_as.rows), len(read_as.rejected))
    assert read_as.verdict in VERDICTS


@pytest.mark.parametrize(("key", "row", "column", "value"), VALUES)
def test_values_stand_under_their_column(key: tuple[str, int], row: int, column: str, value: str) -> None:
    read_as = read(BY_KEY[key])

    assert value == read_as.rows[row][column]


@pytest.mark.parametrize(("name", "columns"), COLUMNS_OF_THE_OLD_BUILD)
def test_the_old_build_sends_fewer_columns(name: str, columns: int) -> None:
    read_as = read(BY_KEY[name, 1])

    assert columns == len(read_as.rows[0])
    assert "agents_in_dial" not in read_as.rows[0]


def test_did_log_columns_are_in_the_order_of_the_values() -> None:
    body = b"3125551212|7275550000|2026-11-20 10:00:00|61\n"

    read_as = read_answer("did_log_export", body)

    names = ("did_number", "caller_id_number", "call_date", "length_in_sec")
    assert dict(zip(names, body.decode().strip().split("|"), strict=True)) == read_as.rows[0]


def test_the_duration_stands_before_the_location() -> None:
    body = b"2026-11-20 00:34:48|1003|78|285|31|http://x/a.mp3\n"

    read_as = read_answer("recording_lookup", body)

    assert ("31", "http://x/a.mp3") == (read_as.rows[0]["duration"], read_as.rows[0]["location"])


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.key[0]}-{answer.key[1]}")
@pytest.mark.parametrize("knows_the_secrets", [True, False])
def test_no_password_is_shown(answer: Recorded, knows_the_secrets: bool) -> None:
    secrets = [answer.query[name] for name in ("user", "pass") if name in answer.query]
    passwords = [answer.query[name] for name in ("pass", "agent_pass") if name in answer.query]

    read_as = read(answer, secrets=secrets if knows_the_secrets else ())

    shown = json.dumps([read_as.messages, read_as.rows, read_as.rejected, read_as.raw])
    assert [] == [one for one in passwords if one in shown or re.sub(r"[^-_0-9A-Za-z]", "", one) in shown]
    if knows_the_secrets and answer.query.get("user") == "apiuser":
        assert "apiuser" not in shown
