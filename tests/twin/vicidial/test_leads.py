"""
Leads are added, changed, found and deleted with all the lines that the real server writes about it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.twin.vicidial.asking_dialer import QUIET, dialer, of_version

NEW = {"phone_number": "7275551112"}
CALLBACK = {**NEW, "callback": "Y", "campaign_id": "TESTCAMP", "callback_datetime": "2026-11-22+12:00:01"}
ADDING: list[tuple[dict[str, Any], str]] = [
    ({"user": "lvl7", "pass": "pass7", **NEW},
     "ERROR: add_lead USER DOES NOT HAVE PERMISSION TO ADD LEADS TO THE SYSTEM: |lvl7|0|\n"),
    ({"phone_number": "72755", "list_id": "101"},
     "ERROR: add_lead INVALID PHONE NUMBER LENGTH - 72755|apiuser\n"),
    ({"phone_number": "9115551115", "usacan_areacode_check": "Y"},
     "ERROR: add_lead INVALID PHONE NUMBER AREACODE - 9115551115|apiuser\n"),
    ({"phone_number": "7271551115", "usacan_prefix_check": "Y"},
     "ERROR: add_lead INVALID PHONE NUMBER PREFIX - 7271551115|apiuser\n"),
    ({"phone_number": "7275550000", "dnc_check": "Y"},
     "ERROR: add_lead PHONE NUMBER IN DNC - 7275550000|apiuser\n"),
    ({**NEW, "list_id": "98762"}, "ERROR: add_lead NOT AN ALLOWED LIST ID - 7275551112|98762\n"),
    (NEW, "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"),
    ({**NEW, "nanpa_ac_prefix_check": "Y"},
     "NOTICE: add_lead NANPA options disabled, NANPA prefix data not loaded - 0|apiuser\n"
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"),
    ({"phone_number": "7275551113", "list_id": "101", "custom_fields": "Y", "favorite_color": "red",
      "add_to_hopper": "Y", "multi_alt_phones": "7275551212_1_work!7275551213_1_home"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551113|101|581|-5|apiuser\n"
     "7275551212|1|work7275551213|1|homeNOTICE: add_lead MULTI-ALT-PHONE NUMBERS LOADED - 2|581|apiuser\n"
     "NOTICE: add_lead CUSTOM FIELDS VALUES ADDED - 7275551113|581|101|1\n"
     "NOTICE: add_lead ADDED TO HOPPER - 7275551113|581|1|apiuser\n"),
    ({**NEW, "add_to_hopper": "Y", "hopper_local_call_time_check": "Y"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"
     "NOTICE: add_lead NOT ADDED TO HOPPER, OUTSIDE OF LOCAL TIME - 7275551112|581|-5|0|apiuser\n"),
    ({**NEW, "custom_fields": "Y", "favorite_color": "red"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"
     "NOTICE: add_lead CUSTOM FIELDS NOT ADDED, NO CUSTOM FIELDS DEFINED FOR THIS LIST - "
     "7275551112|581|999\n"),
    ({**NEW, "custom_fields": "Y", "list_id": "101"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|101|581|-5|apiuser\n"
     "NOTICE: add_lead CUSTOM FIELDS NOT ADDED, NO FIELDS DEFINED - 7275551112|581|101\n"),
    (CALLBACK,
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"
     "NOTICE: add_lead SCHEDULED CALLBACK ADDED - 581|2026-11-22 12:00:01|TESTCAMP||ANYONE|CALLBK\n"),
    ({**CALLBACK, "campaign_id": "XYZ"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"
     "NOTICE: add_lead SCHEDULED CALLBACK NOT ADDED, CAMPAIGN NOT VALID - 581|XYZ\n"),
    ({**CALLBACK, "callback_type": "USERONLY", "callback_user": "6"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275551112|999|581|-5|apiuser\n"
     "NOTICE: add_lead SCHEDULED CALLBACK NOT ADDED, USER NOT VALID - 581|TESTCAMP|6|\n"),
    ({"phone_number": "7275500101", "list_id": "102", "duplicate_check": "DUPLIST"},
     "ERROR: add_lead DUPLICATE PHONE NUMBER IN LIST - 7275500101|102|101\n"),
    ({"phone_number": "7275500101", "list_id": "101", "duplicate_check": "DUPLIST"},
     "SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275500101|101|581|-5|apiuser\n"),
    ({"phone_number": "7275500101", "list_id": "101", "duplicate_check": "DUPCAMP"},
     "ERROR: add_lead DUPLICATE PHONE NUMBER IN CAMPAIGN LISTS - 7275500101|101|101|102\n"),
    ({"phone_number": "7275500101", "duplicate_check": "DUPSYS90DAY"},
     "ERROR: add_lead DUPLICATE PHONE NUMBER IN SYSTEM - 7275500101|999|101|102\n"),
    ({"phone_number": "7275500101", "first_name": "Cleo", "last_name": "Cross",
      "duplicate_check": "DUPNAMEPHONESYS"},
     "ERROR: add_lead DUPLICATE NAME PHONE IN SYSTEM - Cleo|Cross|7275500101|999|101|102\n"),
    ({**NEW, "list_id": "102", "duplicate_check": "DUPLIST-DUPTITLEALTPHONELIST"},
     "ERROR: add_lead DUPLICATE TITLE ALT_PHONE IN LIST - ||102|101|102\n"),
]  # fmt: skip
UPDATING: list[tuple[dict[str, Any], str]] = [
    ({"lead_id": "99999999", "last_name": "X"},
     "ERROR: update_lead NO MATCHES FOUND IN THE SYSTEM: |apiuser|99999999||\n"),
    ({"last_name": "X"}, "ERROR: update_lead NO VALID SEARCH METHOD - apiuser|LEAD_ID|||\n"),
    ({"lead_id": "101", "list_id": "98762"}, "ERROR: update_lead NOT AN ALLOWED LIST ID - |98762\n"),
    ({"search_method": "VENDOR_LEAD_CODE", "vendor_lead_code": "VLC00151", "status": "NEW"},
     "SUCCESS: update_lead LEAD HAS BEEN UPDATED - apiuser|151|0|||\n"),
    ({"search_method": "PHONE_NUMBER", "phone_number": "7275500101", "records": "2", "last_name": "Z"},
     "SUCCESS: update_lead LEAD HAS BEEN UPDATED - apiuser|101|1|||\n"),
    ({"search_method": "PHONE_NUMBER", "phone_number": "7275559999", "insert_if_not_found": "Y",
      "phone_code": "1", "list_id": "101", "first_name": "New"},
     "NOTICE: update_lead NO MATCHES FOUND IN THE SYSTEM: |apiuser|||7275559999\n"
     "SUCCESS: update_lead LEAD HAS BEEN ADDED - 7275559999|101|581|-5|apiuser\n"),
    ({"search_method": "PHONE_NUMBER", "phone_number": "7275559999", "insert_if_not_found": "Y"},
     "NOTICE: update_lead NO MATCHES FOUND IN THE SYSTEM: |apiuser|||7275559999\n"
     "ERROR: update_lead INVALID DATA FOR LEAD INSERTION: |apiuser|||7275559999\n"),
    ({"lead_id": "151", "custom_fields": "Y", "favorite_color": "green"},
     "NOTICE: update_lead CUSTOM FIELDS NOT UPDATED, NO CUSTOM FIELDS DEFINED FOR THIS LIST - |151|102\n"),
    ({"lead_id": "150", "custom_fields": "Y", "favorite_color": "green"},
     "NOTICE: update_lead CUSTOM FIELDS VALUES UPDATED - |150|101|0|101|1\n"),
    ({"lead_id": "152", "delete_lead": "Y"},
     "SUCCESS: update_lead LEAD HAS BEEN DELETED 0|0 - apiuser|152|1|0|0|\n"),
    ({"lead_id": "101"}, ""),
    ({"lead_id": "101", "no_update": "Y"},
     "NOTICE: update_lead LEADS FOUND IN THE SYSTEM: |apiuser|101|VLC00101|7275500101|102|0\n"),
    ({"lead_id": "101", "reset_lead": "Y"},
     "SUCCESS: update_lead LEAD HAS BEEN UPDATED - apiuser|101|0|||\n"),
    ({"lead_id": "101", "callback": "Y", "campaign_id": "TESTCAMP", "callback_datetime": "NOW"},
     "NOTICE: update_lead SCHEDULED CALLBACK ADDED - 101|2026-11-21 03:05:43|TESTCAMP||ANYONE|CALLBK\n"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "answer"), ADDING)
async def test_adding_a_lead_is_answered_line_by_line(params: dict[str, Any], answer: str) -> None:
    async with dialer() as asking:
        assert answer == await asking.ask("add_lead", **params)


@pytest.mark.parametrize(("params", "answer"), UPDATING)
async def test_updating_a_lead_is_answered_line_by_line(params: dict[str, Any], answer: str) -> None:
    async with dialer() as asking:
        assert answer == await asking.ask("update_lead", **params)


async def test_a_lead_is_in_the_hopper_once_and_has_one_callback() -> None:
    hopper, back = {"lead_id": "101", "add_to_hopper": "Y"}, {"lead_id": "101", "callback": "Y"}
    async with dialer() as asking:
        hoppered = [await asking.ask("update_lead", **hopper) for _ in range(2)]
        called = [
            await asking.ask(
                "update_lead", **back, campaign_id="TESTCAMP", callback_datetime="2026-11-22+12:00:01"
            ),
            await asking.ask(
                "update_lead", **back, callback_status="CBX", callback_datetime="2026-11-23+12:00:01"
            ),
            await asking.ask("update_lead", **back),
            await asking.ask("update_lead", lead_id="101", callback="REMOVE"),
        ]

    assert [
        "NOTICE: update_lead ADDED TO HOPPER - 7275500101|101|1|apiuser\n",
        "NOTICE: update_lead NOT ADDED TO HOPPER, LEAD IS ALREADY IN THE HOPPER - 7275500101|101|apiuser\n",
    ] == hoppered
    assert [
        "NOTICE: update_lead SCHEDULED CALLBACK ADDED - 101|2026-11-22 12:00:01|TESTCAMP||ANYONE|CALLBK\n",
        "NOTICE: update_lead SCHEDULED CALLBACK UPDATED - 101|2026-11-23 12:00:01|||ANYONE|CBX\n",
        "NOTICE: update_lead SCHEDULED CALLBACK NOT UPDATED, NO FIELDS SPECIFIED - 101|\n",
        "NOTICE: update_lead SCHEDULED CALLBACK REMOVED - 101|\n",
    ] == called


async def test_a_field_is_told_without_a_newline_and_with_whatever_is_in_it() -> None:
    odd = "A,B|C'D\tE\nFG"
    async with dialer() as asking:
        await asking.ask("add_lead", phone_number="7275551116", list_id="101", vendor_lead_code=odd)
        whole = await asking.whole("lead_field_info", lead_id="581", field_name="vendor_lead_code")
        empty = await asking.ask("lead_field_info", lead_id="101", field_name="comments")
        missing = await asking.ask("lead_field_info", lead_id="99999999", field_name="phone_number")

    assert (500, odd) == whole
    assert "" == empty
    assert "ERROR: lead_field_info LEAD NOT FOUND: apiuser|99999999\n" == missing


@pytest.mark.parametrize(
    ("has_php8", "answer"),
    [(True, (500, "")), (False, (200, "ERROR: lead_field_info LEAD FIELD NOT FOUND: apiuser|101|shoe\n"))],
)
async def test_an_unknown_field_breaks_php_8_only(has_php8: bool, answer: tuple[int, str]) -> None:
    settings = replace(QUIET, dialect=of_version("2.14-202", has_php8=has_php8).dialect)
    async with dialer(settings) as asking:
        assert answer == await asking.whole("lead_field_info", lead_id="101", field_name="shoe")


CHECK = {"phone_number": "7275551111", "local_call_time": "24hours"}


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ({**CHECK, "local_call_time": "badct"},
         "ERROR: check_phone_number THIS IS NOT A VALID CALL TIME: |apiuser|badct|\n"),
        ({**CHECK, "phone_number": "72755"},
         "ERROR: check_phone_number INVALID PHONE NUMBER LENGTH - 72755|apiuser\n"),
        ({**CHECK, "phone_number": "7275550000", "dnc_check": "Y"},
         "ERROR: check_phone_number PHONE NUMBER IN DNC - 7275550000|apiuser\n"),
        (CHECK, "AREACODE: 1|-5#PHONE: 7275551111|1||||\n"),
        ({**CHECK, "local_call_time": "9am-9pm", "tz_method": "AREACODEPOSTAL", "postal_code": "81009"},
         "AREACODE: 0|-5#POSTAL: 0|-5#PHONE: 7275551111|1|81009|||\n"),
    ],
)  # fmt: skip
async def test_a_number_is_checked(params: dict[str, str], answer: str) -> None:
    async with dialer() as asking:
        assert answer == await asking.ask("check_phone_number", **params)
