"""
Elision's JSON and mixed answers.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.sources.vicidial.wire import read_answer

DATA = {"list_id": "1101", "list_name": "Test API list", "campaign_id": "TESTCAMP"}


def result(success: bool, message: str, data: Any) -> dict[str, Any]:
    """
    Return one result as Elision writes it.
    """
    return {"success": success, "message": message, "data": data}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (
            result(False, "api User does not have permission to add list in the system", {"user": "api"}),
            "denied",
        ),
        (result(False, "Please send list id , campaign id and list name", DATA), "bad_argument"),
        (result(False, "TESTCAMP campaign does not exist", DATA), "not_found"),
        (result(False, "1101 list already exist", DATA), "bad_argument"),
        (result(True, "1101 list created", DATA), "success"),
        (result(False, "something else", DATA), "unknown"),
    ],
)
def test_a_result_in_json_is_a_message(answer: dict[str, Any], verdict: str) -> None:
    read_as = read_answer("add_list", json.dumps(answer).encode())

    assert (verdict, 1, ()) == (read_as.verdict, len(read_as.messages), read_as.rejected)


def test_active_lists_are_rows() -> None:
    lists = ["NIKHIL-1101-Test API list", "TESTING-20042018-20042018-hardik", "test_plk-260518-260518 test"]

    read_as = read_answer(
        "active_lists", json.dumps(result(True, "lists are listed successfully", lists)).encode()
    )

    expected = [
        {"campaign_id": "NIKHIL", "list_id": "1101", "list_name": "Test API list"},
        {"campaign_id": "TESTING", "list_id": "20042018", "list_name": "20042018-hardik"},
        {"campaign_id": "test_plk", "list_id": "260518", "list_name": "260518 test"},
    ]
    assert ("rows", expected, ()) == (read_as.verdict, list(read_as.rows), read_as.rejected)


def test_a_list_that_can_be_read_in_two_ways_is_rejected() -> None:
    lists = ["AB-12-34-name", "SALES-99-x"]

    read_as = read_answer(
        "active_lists", json.dumps(result(True, "lists are listed successfully", lists)).encode()
    )

    assert (1, "AB-12-34-name") == (len(read_as.rows), read_as.rejected[0].line)


def test_no_active_list_is_empty() -> None:
    read_as = read_answer(
        "active_lists", json.dumps(result(True, "lists are listed successfully", [])).encode()
    )

    assert "empty" == read_as.verdict


@pytest.mark.parametrize(
    ("taken", "verdict"),
    [([True, True], "success"), ([False, False], "bad_argument"), ([True, False], "notice")],
)
def test_leads_have_a_row_each(taken: list[bool], verdict: str) -> None:
    good, bad = (
        result(True, "Record(s) Created", "1234567893|1101|1036||NEW|"),
        result(False, "Invalid phone number", "12"),
    )
    answer = {f"lead {number}": good if ok else bad for number, ok in enumerate(taken, 1)}

    read_as = read_answer("add_multi_lead", json.dumps(answer).encode())

    assert (verdict, taken) == (read_as.verdict, [row["success"] for row in read_as.rows])
    assert "lead 1" == read_as.rows[0]["lead"]


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ('["ERROR","add_multi_lead YOU MUST USE ALL REQUIRED FIELDS","api",""]', "bad_argument"),
        ("ERROR: Login incorrect, please try again: |api|1234|BAD|\n", "auth"),
        ('<b>Notice</b>:  x in <b>/a</b> on line <b>1</b><br />\n{"success":true,"message":"1 list created"}',
         "success"),
        ('NOTICE: add_list NO UPDATES DEFINED - x\n{"success":true,"message":"1 list created"}\n', "success"),
        ('{"success":true,"message":"1 list cre', "unknown"),
        ('{"other": 1}', "unknown"),
        ("[" * 100_000, "unknown"),
        ('{"success":false,"message":"\\ud800","data":[1e999,NaN]}', "unknown"),
    ],
)  # fmt: skip
def test_mixed_and_broken_answers(body: str, verdict: str) -> None:
    read_as = read_answer("add_list", body.encode())

    assert verdict == read_as.verdict
    assert "1234" not in json.dumps([read_as.messages, read_as.rejected, read_as.raw])
    assert json.dumps([read_as.messages, read_as.raw], ensure_ascii=False).encode()
