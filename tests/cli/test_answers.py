"""
What a running relay answered, and what is no answer of relay, in words for a person.
"""

from __future__ import annotations

import orjson
import pytest

from relay.cli.answers import Answer, as_json, printable
from relay.model.errors import RelayError
from relay.model.listing import Page

ASKED = "GET http://127.0.0.1:8080/v1/endpoints"
JSON = "application/json"


def answer(body: object, status: int = 200, content_type: str = JSON, location: str | None = None) -> Answer:
    """
    Return an answer; bytes are its body, anything else becomes JSON.
    """
    return Answer(
        ASKED, status, content_type, location, body if isinstance(body, bytes) else orjson.dumps(body)
    )


def told(given: Answer) -> str:
    """
    Return the words in which reading a list out of an answer fails.
    """
    with pytest.raises(RelayError) as failure:
        given.page()
    return str(failure.value)


@pytest.mark.parametrize("content_type", [JSON, "application/problem+json"])
def test_what_relay_says_is_returned_as_it_is(content_type: str) -> None:
    said = {"items": [{"id": "crm"}], "next": "1", "more": [1, None]}

    assert said == answer(said, 201, content_type).item()
    assert Page(({"id": "crm"},), "1") == answer(said).page()
    assert answer(b"", 204).document() is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"title": "Conflict", "detail": "crm is taken"}, "Conflict (409): crm is taken"),
        ({"title": "Conflict", "errors": None}, "Conflict (409)"),
        ({}, "refused (409)"),
        (["?"], "refused (409)"),
        (
            {"title": "Invalid", "errors": [{"field": "url", "problem": "is private"}, {"field": "x"}, 7]},
            "Invalid (409)\n  url: is private\n  x: None",
        ),
        ({"title": "\x1b[2J\n", "detail": "\x9b"}, "\\x1b[2J\\n (409): \\x9b"),
    ],
)
def test_a_problem_is_told_with_every_field(document: object, words: str) -> None:
    assert words == told(answer(document, 409, "application/problem+json"))


def test_many_and_long_faults_are_cut() -> None:
    errors = [{"field": f"f{number}", "problem": "x" * 1_000} for number in range(60)]

    lines = told(answer({"title": "Invalid", "errors": errors}, 422)).splitlines()

    assert ("  f49: " + "x" * 500 + "…", "  and 10 more") == (lines[50], lines[51])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(b"<html>", 200, "text/html"), "200 with text/html"),
        (answer(b"<html>", 502, "text/html"), "502 with text/html"),
        (answer(b"?", 200, ""), "200 with words of no known type"),
        (answer(b"{"), "200 with broken JSON"),
        (answer(b"\xff", 500, "application/problem+json"), "500 with broken JSON"),
        (answer([]), "200 with not what relay answers there"),
        (answer(b""), "200 with not what relay answers there"),
        (answer({}), "200 with no list"),
        (answer({"items": [1]}), "200 with no list"),
        (answer({"items": [], "next": 1}), "200 with no list"),
    ],
)
def test_what_is_no_answer_of_relay_is_told(given: Answer, words: str) -> None:
    assert f"{ASKED} was answered {words}: is that relay, or something in between?" == told(given)


@pytest.mark.parametrize(("location", "where"), [("https://x/\x1b[2J", " to https://x/\\x1b[2J"), (None, "")])
def test_a_redirect_is_told_with_its_place(location: str | None, where: str) -> None:
    words = told(answer(b"", 302, location=location))

    assert f"{ASKED} is redirected{where} (302); that is not followed: name the right --url" == words


def test_nothing_shown_steers_a_terminal() -> None:
    said = "a\x1b[2J\x07\r\n\x9b31m\u202eb é"

    assert "a\\x1b[2J\\x07\\r\\n\\x9b31m\\u202eb é" == printable(said)
    assert said == orjson.loads(as_json(said))
    assert not {"\x1b", "\x9b", "\x07"} & set(as_json(said))
