"""
Conditions and fields of endpoints by REST: the rules of the file, told field by field.
"""

from __future__ import annotations

from tests.api.conftest import NEW, Api
from tests.journal.making import append_of, call_change


async def test_only_what_was_asked_for_is_delivered(api: Api) -> None:
    made = await api.made(conditions=["data.revision == 2"])

    await api.append(append_of(call_change("a"), call_change("b")))
    await api.sink.wait_until(lambda sink: len(sink.delivered) == 2)

    assert ["data.revision == 2"] == made["conditions"]
    assert [2, 5] == [delivery.seq for delivery in api.sink.delivered]


async def test_what_can_not_be_meant_is_refused_whole(api: Api) -> None:
    conditions = ["data.quue is null", 'data.talk_s > "3"', "data.talk_s > 3"]

    answer = await api.ask(
        "POST", "/v1/endpoints", {**NEW, "events": ["call.*"], "conditions": conditions, "fields": ["quue"]}
    )

    assert (422, "invalid") == answer.problem
    assert {
        "conditions[0]": "no event wanted has a field `data.quue`; did you mean `data.queue`?",
        "conditions[1]": '`data.talk_s` holds a number, never "3"',
        "fields[0]": "no event wanted has a field `quue`; did you mean `queue`?",
    } == answer.faulty


async def test_what_is_no_condition_is_refused_with_its_place(api: Api) -> None:
    answer = await api.ask("POST", "/v1/endpoints", {**NEW, "conditions": ["data.queue = 3"]})

    assert 422 == answer.status
    assert answer.faulty["conditions[0]"].startswith("at character 11: expected one of ==")


async def test_a_change_is_checked_against_what_stays(api: Api) -> None:
    await api.made(events=["call.*"], conditions=["data.talk_s > 3"])

    answer = await api.ask("PATCH", "/v1/endpoints/crm", {"events": ["agent.logged_in"]})
    both = await api.ask("PATCH", "/v1/endpoints/crm", {"events": ["agent.logged_in"], "conditions": []})

    assert ({"conditions[0]"}, 200) == (set(answer.faulty), both.status)
