"""
Rejects, aliases and links by REST.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.api.link_rules import LinkRulesGiven
from relay.api.operation import Reach
from relay.api.source_answers import AliasAnswer, RejectAnswer, RejectsReplayAnswer
from relay.model.change import Reject
from relay.model.linking import LinkRules
from relay.model.source_work import Alias
from relay.model.times import rfc3339
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW, append_of

REPLAY = "/v1/rejects/replay"
ALIAS = {"source_id": "pbx", "natural_id": "c_would_be", "call_id": "c_is"}
STRETCH = {"from": rfc3339(NOW - timedelta(days=2)), "to": rfc3339(NOW - timedelta(days=1))}


async def keep_rejects(api: Api) -> None:
    """
    Keep a row of each of two streams that could not be read.
    """
    for stream in ("user_calls", "queue_calls"):
        reject = Reject(f"d-{stream}".encode(), {"call": stream, "n": None}, "call_started_at is missing")
        await api.journal.append(replace(append_of(), stream=stream, rejects=(reject,)))


async def test_rejects_are_listed_with_their_rows_and_reasons(api: Api) -> None:
    await keep_rejects(api)

    (shown,) = (await api.got("/v1/rejects?source_id=pbx&stream=queue_calls"))["items"]
    first = await api.got("/v1/rejects?limit=1")
    second = await api.got(f"/v1/rejects?limit=1&after={first['next']}")

    RejectAnswer.model_validate(shown, extra="forbid")
    assert {
        "source_id": "pbx",
        "stream": "queue_calls",
        "digest": b"d-queue_calls".hex(),
        "why": "call_started_at is missing",
        "first_seen_at": rfc3339(NOW),
        "row": {"call": "queue_calls", "n": None},
    } == shown
    assert {"user_calls", "queue_calls"} == {one["stream"] for one in first["items"] + second["items"]}
    assert [] == (await api.got("/v1/rejects?source_id=dialer"))["items"]


@pytest.mark.parametrize(
    ("body", "stream"), [({"source_id": "pbx"}, None), ({"source_id": "pbx", "stream": "queue_calls"},) * 2]
)
async def test_a_replay_is_put_down_for_the_owner(journal_path: Path, body: Any, stream: Any) -> None:
    woken: list[str] = []
    wanted = stream and stream["stream"]
    async with running_api(journal_path, change_reach=lambda reach: replace(reach, wake=woken.append)) as api:
        answers = [await api.ask("POST", REPLAY, body, {"Idempotency-Key": "k"}) for _ in range(2)]
        (item,) = await api.journal.inbox("pbx", 10)

    replay = RejectsReplayAnswer.model_validate(answers[0].document, extra="forbid")
    assert [(202, answers[0].body)] * 2 == [(answer.status, answer.body) for answer in answers]
    assert ("replay_rejects", {"stream": wanted}) == (item.kind, item.body)
    assert (item.item_id, wanted) == (replay.item_id, replay.stream)
    assert ["pbx"] == woken


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"source_id": "nowhere"}, 404),
        ({"stream": "user_calls"}, 422),
        ({"source_id": "pbx", "stream": "agents"}, 422),
        ({"source_id": "pbx", "stream": None}, 422),
    ],
)
async def test_what_cannot_be_replayed_is_refused(api: Api, body: object, status: int) -> None:
    answer = await api.ask("POST", REPLAY, body)

    assert status == answer.problem[0]
    assert [] == await api.journal.inbox("pbx", 10)


async def test_a_list_of_aliases_is_what_another_relay_imports(api: Api) -> None:
    given = [{**ALIAS, "natural_id": f"c_{number}", "call_id": f"c_{number}x"} for number in range(5)]

    first = await api.ask("POST", "/v1/aliases", {"items": given})
    again = await api.ask("POST", "/v1/aliases", {"items": given[:2]})
    page = await api.got("/v1/aliases?limit=2")
    rest = await api.got(f"/v1/aliases?source_id=pbx&after={page['next']}")

    for one in page["items"]:
        AliasAnswer.model_validate(one, extra="forbid")
    assert [{"given": 5, "added": 5}, {"given": 2, "added": 0}] == [first.document, again.document]
    assert given == page["items"] + rest["items"]
    assert {"c_0": "c_0x", "c_1": "c_1x"}.items() <= (await api.journal.aliases("pbx")).items()


async def test_an_alias_with_another_id_is_a_conflict_and_nothing_is_kept(api: Api) -> None:
    await api.journal.work.import_aliases([Alias(**ALIAS)])
    other = {**ALIAS, "natural_id": "c_new"}

    answer = await api.ask("POST", "/v1/aliases", {"items": [other, {**ALIAS, "call_id": "c_other"}]})

    assert (409, "conflict") == answer.problem
    assert [ALIAS] == (await api.got("/v1/aliases"))["items"]


async def test_too_many_aliases_at_once_are_refused(api: Api) -> None:
    answer = await api.ask("POST", "/v1/aliases", {"items": [ALIAS] * 1_001})

    assert {"items": "must have at most 1000 items"} == answer.faulty


async def explained(call_id: str) -> dict[str, Any] | None:
    """
    Explain one call.
    """
    return {"call_id": call_id, "pairs": [{"score": 0.5}]} if call_id == "a" else None


async def test_the_links_of_a_call_are_explained(journal_path: Path) -> None:
    async with running_api(
        journal_path, change_reach=lambda reach: replace(reach, explain_links=explained)
    ) as api:
        assert {"call_id": "a", "pairs": [{"score": 0.5}]} == await api.got("/v1/calls/a/links")
        assert (404, "not_found") == (await api.ask("GET", "/v1/calls/b/links")).problem


async def test_links_are_tried_with_other_rules(journal_path: Path) -> None:
    tried: list[tuple[str, datetime, datetime, LinkRules]] = []

    async def dry_run(source_id: str, start: datetime, end: datetime, rules: LinkRules) -> dict[str, Any]:
        if tried:
            raise ValueError("choose a shorter stretch")
        tried.append((source_id, start, end, rules))
        return {"calls": 3}

    def trying(reach: Reach) -> Reach:
        return replace(reach, dry_run_links=dry_run)

    path = "/v1/sources/{}/links/dry-run"
    changed: dict[str, Any] = {"margin": 1, "same_instant_s": 5, "attended_overlap_s": 0.5}
    async with running_api(journal_path, clock=ManualClock(NOW), change_reach=trying) as api:
        good = await api.ask("POST", path.format("pbx"), {**STRETCH, "rules": changed})
        nowhere = await api.ask("POST", path.format("nowhere"), STRETCH)
        bad = await api.ask("POST", path.format("pbx"), {**STRETCH, "rules": {"unknown": 1, "margin": -1}})
        late = await api.ask("POST", path.format("pbx"), {**STRETCH, "to": rfc3339(NOW + timedelta(days=1))})
        long = await api.ask("POST", path.format("pbx"), STRETCH)

    assert (200, {"calls": 3}) == (good.status, good.document)
    start, end = NOW - timedelta(days=2), NOW - timedelta(days=1)
    rules = LinkRules(margin=1, same_instant=timedelta(seconds=5), attended_overlap=timedelta(seconds=0.5))
    assert [("pbx", start, end, rules)] == tried
    assert (404, "not_found") == nowhere.problem
    assert {"rules.unknown", "rules.margin"} == bad.faulty.keys()
    assert ["must not be in the future", "choose a shorter stretch"] == [late.faulty["to"], long.faulty["to"]]


def test_every_rule_of_linking_may_be_given() -> None:
    given = dict.fromkeys(LinkRulesGiven.model_fields, 2)
    wanted = LinkRulesGiven(**given).wanted()

    assert {field.name for field in fields(LinkRules)} == {name.removesuffix("_s") for name in given}
    assert {2, timedelta(seconds=2)} == {getattr(wanted, field.name) for field in fields(LinkRules)}


async def test_without_an_explanation_there_is_none(journal_path: Path) -> None:
    async with running_api(journal_path, clock=ManualClock(NOW)) as api:
        assert 404 == (await api.ask("GET", "/v1/calls/a/links")).status
