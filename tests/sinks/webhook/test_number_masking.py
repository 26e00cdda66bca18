"""
Which digits an endpoint that masks numbers still sees.
"""

from __future__ import annotations

from typing import Any, get_args

import orjson
import pytest

from relay.model.catalogue import CATALOGUE
from relay.model.examples import example
from relay.sinks.webhook.number_masking import LINK_FIELD, NUMBER_FIELDS, TEXT_FIELDS, mask_data, mask_number

# Every other field of text: ids, names of people and things, words, times, addresses of endpoints.
NO_NUMBERS = {
    "absorbed_call_id", "absorbed_into", "agent_extension", "agent_external_id", "agent_id", "agent_name",
    "call_id", "campaign", "changed", "command_id", "disposition_mapped", "endpoint_id", "event_id",
    "event_subject", "event_type", "function", "group_id", "lead_id", "legs", "linked_call_ids", "list_id",
    "list_name", "native_id", "now", "pause_code", "queue", "requested_by", "ring_group", "source_id",
    "source_tz", "status_mapped", "stream", "streams", "url", "user_group", "vendor_lead_code", "was",
}  # fmt: skip


def holds_text(annotation: Any) -> bool:
    """
    Tell whether free text can be in a field.
    """
    return annotation is str or annotation is Any or any(holds_text(part) for part in get_args(annotation))


def test_every_field_of_text_is_masked_or_known_to_hold_no_number() -> None:
    texts = set()
    for one in CATALOGUE:
        for name, field in one.data.model_fields.items():
            is_time = name.endswith(("_at", "_from", "_to")) or name == "since"
            if (holds_text(field.annotation) or name in ("legs", "samples")) and not is_time:
                texts.add(name)
    masked = NUMBER_FIELDS | TEXT_FIELDS | {LINK_FIELD}

    assert texts == NO_NUMBERS | masked
    assert not NO_NUMBERS & masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+61491570156", "+xxxxxxxx156"),
        ("(02) 5550 0100", "(xx) xxxx x100"),
        ("sip:0491570156@pbx", "sip:xxxxxxx156@pbx"),
        ("1040", "x040"),
        ("101", "101"),
        ("12345***", "xx345***"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_all_digits_but_the_last_three_are_hidden(number: str, shown: str) -> None:
    assert shown == mask_number(number)


@pytest.mark.parametrize("event_type", [one.name for one in CATALOGUE])
def test_no_number_of_an_example_is_left(event_type: str) -> None:
    event = example(event_type)
    subject = event["subject"]
    data = {**event["data"], "recording_url": None} if "recording_url" in event["data"] else event["data"]
    numbers = {value for name, value in data.items() if name in NUMBER_FIELDS and value is not None}
    numbers -= {data["did"]} if subject.startswith("did/") else set()

    masked = mask_data(data, subject)

    shown = orjson.dumps(masked).decode()
    assert [] == [number for number in numbers if number.lstrip("+0") in shown]
    assert data.keys() == masked.keys()
    assert masked.get("masked", True) is True


def test_free_text_is_masked_where_it_looks_like_a_number() -> None:
    data = {
        "message": "SUCCESS: LEAD HAS BEEN ADDED - 7275551212|999|2026",
        "caller_name": "0491 570 156",
        "hangup_reason": "CALLER",
        "samples": [
            {
                "why": "x",
                "row": {"from": 61491570156, "to": "+61-2-5550-0100", "duration": "00:01:00", "n": 7},
            }
        ],
        "agent_id": "1234567",
    }

    assert {
        "message": "SUCCESS: LEAD HAS BEEN ADDED - xxxxxxx212|999|2026",
        "caller_name": "xxxx xxx 156",
        "hangup_reason": "CALLER",
        "samples": [
            {
                "why": "x",
                "row": {"from": "xxxxxxxx156", "to": "+xx-x-xxxx-x100", "duration": "00:01:00", "n": 7},
            }
        ],
        "agent_id": "1234567",
    } == mask_data(data, "command/dialer/1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12345", "12345"),
        ("123456", "xxx456"),
        ("ext. 12 34-56", "ext. xx x4-56"),
        ("12, 3456", "12, 3456"),
        ("at 10:00:00", "at 10:00:00"),
    ],
)
def test_six_digits_make_a_number(text: str, shown: str) -> None:
    assert {"message": shown} == mask_data({"message": text}, "command/dialer/1")


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://pbx.example/rec/20261121-100000_491570156.wav", None),
        (
            "https://pbx.example/rec/20261121-100000_8812345.wav",
            "https://pbx.example/rec/20261121-100000_8812345.wav",
        ),
        (None, None),
    ],
)
def test_a_link_that_tells_a_number_is_left_out(link: str | None, shown: str | None) -> None:
    masked = mask_data({"from_raw": "0491 570 156", "to_raw": "101", "recording_url": link}, "call/pbx/1")

    assert shown == masked["recording_url"]


def test_the_number_that_an_event_is_about_stays() -> None:
    masked = mask_data({"did": "3125550199", "from_raw": "7275551212"}, "did/dialer/3125550199")

    assert {"did": "3125550199", "from_raw": "xxxxxxx212"} == masked
