"""
Phone numbers: one E.164 form and one link key for every spelling, none where a number says nothing.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.numbers import CACHED_NUMBERS, country_of, e164, is_masked, is_withheld, link_key

PROFILE = settings(derandomize=True, database=None, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("country", "number", "spellings"),
    [
        (
            "AU",
            "+61491570156",
            (
                "0491570156",
                "+61491570156",
                "61491570156",
                "0491 570 156",
                "(04) 9157-0156",
                "001161491570156",
            ),
        ),
        ("AU", "+61270101000", ("0270101000", "+61 2 7010 1000", "(02) 7010 1000", "61270101000")),
        ("AU", "+442079460000", ("+442079460000", "0011442079460000", "+44 20 7946 0000")),
        ("US", "+12025550123", ("2025550123", "12025550123", "+1 (202) 555-0123")),
        ("AU", "+611300975707", ("1300975707", "1300 975 707")),
    ],
)
def test_every_spelling_of_a_number_is_one_number_and_one_key(
    country: str, number: str, spellings: tuple[str, ...]
) -> None:
    assert {number} == {e164(spelling, country) for spelling in spellings}
    keys = {link_key(spelling, country) for spelling in spellings}
    assert 1 == len(keys)
    assert None not in keys


def test_other_numbers_have_other_keys() -> None:
    keys = {link_key(number, "AU") for number in ("0491570156", "0491570157", "0270101000", "+442079460000")}

    assert 4 == len(keys)


@pytest.mark.parametrize("raw", ["201", "1001", "000", "112", "*97", "#1", "0", "-", "+", "sip:alice@pbx"])
def test_extensions_and_short_numbers_have_no_form_and_no_key(raw: str) -> None:
    assert (None, None) == (e164(raw, "AU"), link_key(raw, "AU"))
    assert not is_masked(raw)


@pytest.mark.parametrize(
    "raw", ["", " ", "anonymous", "Anonymous", " PRIVATE ", "Restricted", "unknown", "None"]
)
def test_withheld_numbers_have_no_form_and_no_key(raw: str) -> None:
    assert is_withheld(raw)
    assert (None, None) == (e164(raw, "AU"), link_key(raw, "AU"))


@pytest.mark.parametrize(
    "raw", ["12345***", "04915701**", "+61491xxxxxx", "XXXXXX0156", "0491####56", "**********"]
)
def test_masked_numbers_have_no_form_and_no_key(raw: str) -> None:
    assert is_masked(raw)
    assert (None, None) == (e164(raw, "AU"), link_key(raw, "AU"))


@pytest.mark.parametrize("raw", ["04915701560156", "99999999999999999999"])
def test_a_number_of_an_impossible_length_has_no_form(raw: str) -> None:
    assert e164(raw, "AU") is None


def test_a_number_with_an_extension_has_no_form() -> None:
    assert e164("0270101000 ext. 12", "AU") is None


@PROFILE
@given(st.text(max_size=40))
def test_whatever_a_number_holds_it_has_forms_or_none(raw: str) -> None:
    full, key = e164(raw, "AU"), link_key(raw, "AU")

    assert full is None or (full.startswith("+") and full[1:].isdigit())
    assert key is None or 6 <= len(key) <= 9
    if is_masked(raw) or is_withheld(raw):
        assert (None, None) == (full, key)


def test_the_caches_are_bounded() -> None:
    for cached in (e164, link_key):
        assert CACHED_NUMBERS == cached.cache_parameters()["maxsize"]


@pytest.mark.parametrize("raw", ["12345", "201001", "12345678", "101"])
def test_what_may_be_an_extension_has_no_full_form(raw: str) -> None:
    assert e164(raw, "AU") is None


@pytest.mark.parametrize(
    "raw", ["0270101000 ext. 12", "sip:201@192.168.1.10", "201@pbx.example.com", "0270101000;ext=12"]
)
def test_an_address_or_a_number_with_an_extension_never_links(raw: str) -> None:
    assert link_key(raw, "AU") is None


@pytest.mark.parametrize(
    ("phone_code", "country", "found"),
    [
        ("44", "AU", "GB"),
        (44, "AU", "GB"),
        ("044", "AU", "GB"),
        ("1", "CA", "CA"),
        ("1", "GB", "US"),
        ("800", "GB", "GB"),
        ("999", "GB", "GB"),
        ("", "GB", "GB"),
        (None, "GB", "GB"),
        ("٤٤", "GB", "GB"),
    ],
)
def test_a_calling_code_names_the_country_of_a_number(phone_code: object, country: str, found: str) -> None:
    assert found == country_of(phone_code, country)
