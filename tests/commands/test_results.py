"""
What becomes of the vendor's answers; those to writes are as real servers gave them.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.commands.catalogue import ALL, Function, function
from relay.commands.function import DONE, DUPLICATE, WORDS
from relay.commands.result import FAILED, PROBLEMS, SUCCEEDED, result_of, unanswered
from relay.model.vendor_answer import (
    AUTH,
    BAD_ARGUMENT,
    DENIED,
    EMPTY,
    IP_BLOCKED,
    LOCKED,
    LOGGED_OUT,
    NOT_FOUND,
    NOTICE,
    ROWS,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
    VERDICTS,
    Message,
    RejectedLine,
    VendorAnswer,
)
from tests.commands.answering import judged

ERRORS = [(one, saying) for one in ALL for saying in one.errors]


@pytest.mark.parametrize(
    ("one", "saying"), ERRORS, ids=[f"{one.kind} {one.name}: {text}" for one, (text, *_) in ERRORS]
)
def test_every_documented_error_becomes_its_problem(one: Function, saying: Any) -> None:
    text = f"{one.name} {saying.text.replace('*', 'ABC')}"
    message = Message("ERROR", text, ("6666", "0"))

    result = result_of(one, VendorAnswer(BAD_ARGUMENT, (message,)))
    unclear = one.is_write and saying.word in (SERVER_FAULT, UNKNOWN)
    assert (saying.word, UNKNOWN if unclear else FAILED, text) == (result.word, result.status, result.message)
    assert result.problem is PROBLEMS[saying.word]


def test_every_word_has_a_problem_or_is_a_success() -> None:
    assert set(PROBLEMS) == WORDS - DONE
    assert set(VERDICTS) <= WORDS
    assert {
        BAD_ARGUMENT: 422, DUPLICATE: 409, NOT_FOUND: 404, DENIED: 403, AUTH: 502, IP_BLOCKED: 502,
        LOCKED: 503,        "throttled": 503, SERVER_FAULT: 502, UNKNOWN: 502,
    } == {word: problem.status for word, problem in PROBLEMS.items()}  # fmt: skip


@pytest.mark.parametrize("verdict", [AUTH, LOCKED, IP_BLOCKED, DENIED])
def test_a_write_that_was_not_let_in_has_failed(verdict: str) -> None:
    result = judged("add_list", verdict)

    assert (FAILED, verdict) == (result.status, result.word)


@pytest.mark.parametrize("verdict", [SERVER_FAULT, UNKNOWN])
def test_an_unclear_answer_leaves_a_write_unknown_and_fails_a_read(verdict: str) -> None:
    write, read = judged("add_lead", verdict), judged("agent_status", verdict)

    assert (UNKNOWN, 502, ()) == (write.status, write.problem and write.problem.status, write.events)
    assert (FAILED, 502) == (read.status, read.problem and read.problem.status)


def test_an_error_that_nobody_knows_is_no_success() -> None:
    result = judged("add_lead", UNKNOWN, "ERROR: add_lead SOMETHING NEW - 6666")

    assert (UNKNOWN, "add_lead SOMETHING NEW", {}) == (result.status, result.message, result.data["details"])
    assert UNKNOWN == judged("add_lead", SUCCESS, "ERROR: add_lead SOMETHING NEW - 6666").status


@pytest.mark.parametrize("verdict", [UNKNOWN, SERVER_FAULT])
def test_nothing_there_is_not_believed_of_an_answer_that_could_not_be_read(verdict: str) -> None:
    result = judged("logged_in_agents", verdict, "ERROR: logged_in_agents NO LOGGED IN AGENTS - apiuser")

    assert (FAILED, verdict) == (result.status, result.word)


def test_a_success_beside_an_unreadable_line_stands_and_one_beside_a_fault_does_not() -> None:
    line = "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|402|-5"

    results = [judged("add_lead", verdict, line) for verdict in (UNKNOWN, SERVER_FAULT)]
    assert [(SUCCEEDED, ("lead.created",)), (UNKNOWN, ())] == [(one.status, one.events) for one in results]


def test_an_error_is_no_success_whatever_its_text() -> None:
    assert UNKNOWN == judged("add_lead", SUCCESS, "ERROR: add_lead LEAD HAS BEEN ADDED - 1").word


def test_a_success_in_new_words_is_one() -> None:
    result = judged("add_lead", SUCCESS, "SUCCESS: add_lead LEAD IS THERE NOW - 6666")

    assert (SUCCEEDED, {}, None) == (result.status, result.data["details"], result.problem)


def test_no_answer_leaves_a_write_unknown() -> None:
    write = unanswered(function("dialer360", "add_lead"), "no answer within 10 s")
    read = unanswered(function("dialer360", "agent_status"), "no answer within 10 s")

    assert (UNKNOWN, FAILED) == (write.status, read.status)
    assert "no answer within 10 s" == write.message


def test_rows_are_the_data_of_a_read() -> None:
    rows = ({"ingroups": "SALESLINE", "total_calls": "5"},)
    answer = VendorAnswer(ROWS, rows=rows, rejected=(RejectedLine("x", "too few fields"),), raw="SALESLINE|5")

    result = result_of(function("dialer360", "in_group_status"), answer)
    assert (SUCCEEDED, "", "SALESLINE|5") == (result.status, result.message, result.raw)
    assert {"details": {}, "rows": list(rows), "notices": [], "rejected": 1} == result.data


@pytest.mark.parametrize(
    ("name", "verdict", "line"),
    [
        ("agent_status", LOGGED_OUT, "ERROR: agent_status AGENT NOT LOGGED IN - apiuser|1012"),
        ("logged_in_agents", EMPTY, "ERROR: logged_in_agents NO LOGGED IN AGENTS - apiuser"),
        (
            "phone_number_log",
            EMPTY,
            "NOTICE: phone_number_log NO RECORDS FOUND FOR THIS PHONE NUMBER - apiuser|5",
        ),
        ("did_log_export", EMPTY, "ERROR: did_log_export NO RECORDS FOUND - apiuser|||2001-01-01"),
        ("recording_lookup", EMPTY, "ERROR: recording_lookup NO RECORDINGS FOUND - apiuser|1000||2001-01-01"),
    ],
)
def test_nothing_there_is_a_success_without_rows(name: str, verdict: str, line: str) -> None:
    result = judged(name, verdict, line)

    assert (SUCCEEDED, verdict, []) == (result.status, result.word, result.data["rows"])


def test_a_shorter_text_does_not_stand_for_a_longer_one() -> None:
    new = judged(
        "update_list", NOTICE, "NOTICE: update_list LIST DOES NOT EXIST, SENDING TO add_list FUNCTION - 1"
    )
    none = judged("update_list", NOT_FOUND, "ERROR: update_list LIST DOES NOT EXIST - 1")

    assert (NOTICE, NOT_FOUND) == (new.word, none.word)


@pytest.mark.parametrize(
    ("name", "kind", "text", "word"),
    [
        ("add_list", "SUCCESS", "1101 list created", SUCCESS),
        ("add_list", "ERROR", "1101 list already exist", DUPLICATE),
        ("add_list", "ERROR", "TESTCAMP campaign does not exist", NOT_FOUND),
        ("add_list", "ERROR", "api User does not have permission to add list in the system", DENIED),
        ("add_multi_lead", "ERROR", "add_multi_lead YOU MUST USE ALL REQUIRED FIELDS", BAD_ARGUMENT),
        ("active_lists", "SUCCESS", "lists are listed successfully", SUCCESS),
    ],
)
def test_elision_says_it_in_its_own_words(name: str, kind: str, text: str, word: str) -> None:
    result = result_of(
        function("elision", name),
        VendorAnswer(SUCCESS if kind == "SUCCESS" else BAD_ARGUMENT, (Message(kind, text),)),
    )

    assert (word, text) == (result.word, result.message)


@pytest.mark.parametrize(
    ("successes", "word", "events"),
    [
        ((True, True), SUCCESS, ("lead.created",)),
        ((True, False), SUCCESS, ("lead.created", "lead.rejected")),
        ((False, False), BAD_ARGUMENT, ("lead.rejected",)),
    ],
)
def test_each_lead_of_many_has_its_verdict(
    successes: tuple[bool, ...], word: str, events: tuple[str, ...]
) -> None:
    texts = {True: "Record(s) Created", False: "Invalid phone number"}
    rows = tuple({"lead": "lead", "success": one, "message": texts[one], "data": "1"} for one in successes)
    messages = tuple(Message("SUCCESS" if one else "ERROR", texts[one], ("lead",)) for one in successes)

    result = result_of(function("elision", "add_multi_lead"), VendorAnswer(NOTICE, messages, rows))
    assert (word, events, list(rows)) == (result.word, result.events, result.data["rows"])
    assert [] == result.data["notices"]


def test_a_call_was_asked_for() -> None:
    answer = VendorAnswer(SUCCESS, raw="{}")

    assert SUCCEEDED == result_of(function("voipcloud", "call-to-number"), answer).status
