"""
Replays in the journal: which events they choose, and that none is left out or made twice.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.journal.operating_port import MAX_UNFINISHED_REPLAYS
from relay.journal.port import EndpointChange
from relay.journal.replay_lists import BY_STATUS, CHOSEN, CHOSEN_OF_SUBJECT, REPLAYS, STAND, UNFINISHED
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.errors import Conflict, NotFound
from relay.model.replay import Chosen, ReplayFilter
from tests.journal.looking import append_call, plan_of, run
from tests.journal.making import NOW, append_of, call_change, endpoint_spec, settled
from tests.journal.registry import create, due, query
from tests.journal.replaying import again, make, walked

HOUR = timedelta(hours=1)
AGENT = {"agent_id": "1001", "agent_name": "Ann", "queue": "sales", "outcome": "missed"}


def with_data(path: Path, seq: int, **data: str) -> None:
    """
    Put fields into the data of an event.
    """
    with sqlite3.connect(path) as direct:
        for name, value in data.items():
            direct.execute(
                "UPDATE events SET body = CAST(json_set(CAST(body AS TEXT), ?, ?) AS BLOB) WHERE seq = ?",
                (f"$.data.{name}", value, seq),
            )


async def test_a_replay_makes_a_delivery_of_every_event_due_at_once_and_alone(journal: SqlJournal) -> None:
    crm = await create(journal)
    events = (await journal.append(append_of(call_change("a"), call_change("b")))).events
    await journal.settle([settled(one) for one in await due(journal, crm.endpoint.no)])

    replay = await make(journal)
    assert ("waiting", 0, 6, 0, 0.0) == (
        replay.state, replay.from_seq, replay.to_seq, replay.made, replay.progress,
    )  # fmt: skip
    assert [1, 2, 3, 4, 5, 6] == await walked(journal, replay, limit=4)

    made = await due(journal, crm.endpoint.no, resends=True)
    ended = await again(journal, replay)
    assert [(event.id, replay.job_id) for event in events] == [(one.event_id, one.job) for one in made]
    assert 6 == len({one.subject_key for one in made})
    assert ("running", 6, 6, 1.0) == (ended.state, ended.at_seq, ended.made, ended.progress)


async def test_what_comes_later_and_what_the_endpoint_does_not_want_is_left_out(journal: SqlJournal) -> None:
    await create(journal, endpoint_spec(events=("call.*",)))
    await append_call(journal, "a", ("call.started", "call.finished"))
    await journal.register_source("pbx", "voipcloud", NOW, NOW)
    await append_call(journal, "b", ("endpoint.paused",))
    replay = await make(journal)
    await append_call(journal, "c")

    assert [1, 2] == await walked(journal, replay)


async def test_an_endpoint_is_not_told_of_itself(journal: SqlJournal, journal_path: Path) -> None:
    await create(journal)
    await append_call(journal, "a", ("endpoint.paused", "endpoint.resumed"))
    with sqlite3.connect(journal_path) as direct:
        direct.execute("UPDATE events SET subject = 'endpoint/crm' WHERE seq = 1")

    assert [2] == await walked(journal, await make(journal))


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        ({"types": ("call.started",)}, [1, 3, 5]),
        ({"types": ("call.*",)}, [1, 2, 3, 4, 5]),
        ({"source_ids": ("other",)}, [5]),
        ({"call_id": "a"}, [1, 2]),
        ({"recorded_from": NOW + HOUR}, [3, 4, 5]),
        ({"recorded_before": NOW + HOUR}, [1, 2]),
        ({"recorded_from": NOW + HOUR, "recorded_before": NOW + 2 * HOUR}, [3, 4]),
        ({"recorded_from": NOW + 9 * HOUR}, []),
        *[({name: value}, [4]) for name, value in AGENT.items()],
        ({"queue": "support"}, []),
        ({"queue": "sales", "call_id": "a"}, []),
        ({"only_missing": True}, [2, 4]),
        ({"only_missing": True, "call_id": "a"}, [2]),
    ],
)
async def test_each_filter_leaves_out_what_does_not_fit(
    journal: SqlJournal, journal_path: Path, wanted: dict[str, Any], seqs: list[int]
) -> None:
    crm = await create(journal)
    await append_call(journal, "a", ("call.started", "call.finished"))
    await append_call(journal, "b", ("call.started", "call.finished"), recorded_at=NOW + HOUR)
    await append_call(journal, "c", source_id="other", recorded_at=NOW + 2 * HOUR)
    with_data(journal_path, 4, **AGENT)
    done = [one for one in await due(journal, crm.endpoint.no) if one.seq in (1, 3)]
    await journal.settle([settled(one) for one in done])
    # The last one is about to be sent.
    run(journal_path, "UPDATE deliveries SET status = 'expired' WHERE seq IN (2, 4)", [()])

    trial = await journal.operating.try_replay("crm", ReplayFilter(**wanted))
    replay = await make(journal, **wanted)

    assert seqs == await walked(journal, replay, limit=2)
    assert (len(seqs), True) == (trial.events, trial.is_complete)
    assert ReplayFilter(**wanted) == (await again(journal, replay)).wanted


async def test_a_trial_names_the_first_and_makes_nothing(journal: SqlJournal, journal_path: Path) -> None:
    await create(journal)
    events = (await journal.append(append_of(*(call_change(name) for name in "abc")))).events

    trial = await journal.operating.try_replay("crm", ReplayFilter())

    assert (9, tuple(event.id for event in events[:5])) == (trial.events, trial.first_event_ids)
    assert [(0, 0)] == query(
        journal_path,
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM deliveries WHERE job > 0)",
    )


async def test_what_was_entered_once_is_not_entered_again(journal: SqlJournal, journal_path: Path) -> None:
    """
    As where the answer to a commit was lost, and the step is done anew from what was known before.
    """
    await create(journal)
    await journal.append(append_of(call_change("a")))
    replay = await make(journal)
    chosen = await journal.operating.choose(replay, 2)

    assert [True, False] == [await journal.operating.enter(replay, chosen, NOW) for _ in range(2)]
    assert [(2,)] == query(journal_path, "SELECT count(*) FROM deliveries WHERE job > 0")
    assert (2, 2) == ((await again(journal, replay)).at_seq, (await again(journal, replay)).made)


async def test_a_new_owner_goes_on_where_the_last_one_was(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await create(journal)
        await journal.append(append_of(call_change("a"), call_change("b")))
        replay = await make(journal)
        await journal.operating.enter(replay, await journal.operating.choose(replay, 4), NOW)

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        (stand,) = await journal.operating.unfinished_replays(NOW)

        assert (4, 4, 4, "running") == (
            stand.pending, stand.due, stand.replay.at_seq, stand.replay.state,
        )  # fmt: skip
        assert [5, 6] == await walked(journal, stand.replay)


async def test_a_cancelled_replay_discards_what_waits_and_nothing_else(
    journal: SqlJournal, journal_path: Path
) -> None:
    crm = await create(journal)
    await journal.append(append_of(call_change("a", events=2)))
    other = await make(journal)
    await walked(journal, other)
    replay = await make(journal)
    await walked(journal, replay)
    first = next(one for one in await due(journal, crm.endpoint.no, resends=True) if one.job == replay.job_id)
    await journal.settle([settled(first)])

    cancelled = await journal.operating.cancel_replay(replay.job_id, NOW)

    found = await journal.operating.replay(replay.job_id)
    assert ("cancelled", NOW) == (cancelled.state, cancelled.finished_at)
    assert found == (cancelled, {"delivered": 1, "discarded": 1})
    assert [
        (0, "pending", None, 2),
        (1, "pending", None, 2),
        (2, "delivered", "ok", 1),
        (2, "discarded", "replay_cancelled", 1),
    ] == query(
        journal_path,
        "SELECT job, status, reason, count(*) FROM deliveries GROUP BY job, status, reason ORDER BY job",
    )
    assert not await journal.operating.enter(replay, Chosen((), 99), NOW)
    assert cancelled == await journal.operating.cancel_replay(replay.job_id, NOW + HOUR)


async def test_replays_are_listed_newest_first(journal: SqlJournal) -> None:
    for name in ("crm", "ops"):
        await create(journal, endpoint_spec(name))
    made = [await make(journal, name) for name in ("crm", "ops", "crm")]

    first = await journal.operating.list_replays(None, None, 2)
    rest = await journal.operating.list_replays(None, first.next, 2)
    of_crm = await journal.operating.list_replays("crm", None, 10)

    assert made[::-1] == [*first.items, *rest.items]
    assert (made[::-2], None, None) == (list(of_crm.items), rest.next, of_crm.next)


async def test_an_endpoint_that_takes_nothing_gets_no_replay(journal: SqlJournal) -> None:
    crm = await create(journal)
    await journal.append(append_of(call_change("a")))
    replay = await make(journal)
    chosen = await journal.operating.choose(replay, 9)

    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "disabled", "http_410", ()), NOW)
    with pytest.raises(Conflict, match="disabled"):
        await make(journal)
    assert not await journal.operating.enter(replay, chosen, NOW)
    await journal.registry.delete_endpoint("crm", NOW)
    with pytest.raises(NotFound, match="no endpoint `crm`"):
        await make(journal)
    with pytest.raises(NotFound, match="no endpoint `crm`"):
        await journal.operating.try_replay("crm", ReplayFilter())
    assert not await journal.operating.enter(replay, chosen, NOW)


async def test_what_is_not_there_is_not_found(journal: SqlJournal) -> None:
    await create(journal)

    with pytest.raises(NotFound, match="no call `x`"):
        await make(journal, call_id="x")
    with pytest.raises(NotFound, match="no replay `7`"):
        await journal.operating.cancel_replay(7, NOW)
    assert None is await journal.operating.replay(10**18)


async def test_there_are_only_so_many_at_a_time(journal: SqlJournal) -> None:
    await create(journal)
    made = [await make(journal) for _ in range(MAX_UNFINISHED_REPLAYS)]

    with pytest.raises(Conflict, match="which is the most"):
        await make(journal)
    await journal.operating.note_replay(made[0], "done", None, NOW)
    await make(journal)
    assert MAX_UNFINISHED_REPLAYS == len(await journal.operating.unfinished_replays(NOW))


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (CHOSEN, ["events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "(endpoint_no=? AND seq=?)"]),
        (CHOSEN_OF_SUBJECT, ["(subject=?)", "(endpoint_no=? AND seq=?)"]),
        (
            STAND,
            ["deliveries_of_jobs (job=? AND status=?)", "deliveries_of_jobs (job=? AND status=? AND"],
        ),
        (BY_STATUS, ["COVERING INDEX deliveries_of_jobs (job=?)"]),
        (REPLAYS, ["jobs_of_replays"]),
        (UNFINISHED, ["jobs_unfinished"]),
    ],
)
async def test_replays_search_by_index(journal_path: Path, question: Any, steps: list[str]) -> None:
    plan = await plan_of(journal_path, question)
    searches = [step for step in plan if step.split(" ")[1] in ("events", "deliveries", "jobs")]

    assert len(steps) == len(searches), plan
    assert all(step in search for step, search in zip(steps, searches, strict=True)), plan
