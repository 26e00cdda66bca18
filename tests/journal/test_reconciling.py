"""
What an endpoint should have against what it has acknowledged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.journal import operating as operating_module
from relay.journal.fence import Fence
from relay.journal.matching import Matcher
from relay.journal.operating import SqlOperating
from relay.journal.reconciling import BY_STATUS, MISSING
from relay.journal.store import SqlJournal
from relay.model.errors import NoSuchPlace, NotFound
from relay.model.replay import MissingItem
from tests.journal.looking import append_call, plan_of, run
from tests.journal.making import NOW, append_of, call_change, endpoint_spec, settled
from tests.journal.registry import create, due
from tests.journal.replaying import make, walked

HOUR = timedelta(hours=1)
STATUSES = ("delivered", "pending", "exhausted", "expired", "discarded")


async def of_each_status(journal: SqlJournal, path: Path) -> None:
    """
    Record an event before the endpoint is there, one for each status, and one that it does not want.
    """
    await append_call(journal, "before")
    await create(journal, endpoint_spec(events=("call.*",)))
    for status in STATUSES:
        await append_call(journal, status, recorded_at=NOW + HOUR)
        run(path, "UPDATE deliveries SET status = ?, reason = ? WHERE seq = (SELECT last_seq FROM meta)", [
            (status, f"why {status}")
        ])  # fmt: skip
    await append_call(journal, "other", ("agent.logged_in",))


async def test_every_wanted_event_is_counted_once(journal: SqlJournal, journal_path: Path) -> None:
    await of_each_status(journal, journal_path)

    owed = await journal.operating.reconcile("crm", None, None, None)
    whole = await journal.operating.reconcile("crm", NOW, None, None)
    later = await journal.operating.reconcile("crm", NOW + HOUR, NOW + 2 * HOUR, None)
    earlier = await journal.operating.reconcile("crm", NOW, NOW + HOUR, None)

    assert (5, dict.fromkeys(STATUSES, 1), None) == (owed.matching, owed.by_status, owed.next)
    assert (6, {**dict.fromkeys(STATUSES, 1), "none": 1}, None) == (
        whole.matching, whole.by_status, whole.next,
    )  # fmt: skip
    assert dict.fromkeys(STATUSES, 1) == later.by_status
    assert {"none": 1} == earlier.by_status


async def test_what_is_missing_is_listed_page_by_page_with_the_reason(
    journal: SqlJournal, journal_path: Path
) -> None:
    await of_each_status(journal, journal_path)

    owed = await journal.operating.list_missing("crm", None, None, None, 9)
    first = await journal.operating.list_missing("crm", NOW, None, None, 2)
    rest = await journal.operating.list_missing("crm", NOW, None, first.next, 3)
    bare = [(item.seq, item.status, item.reason) for item in (*first.items, *rest.items)]

    expected = [(1, "none", "before_start")]
    # The one that waits is about to be sent.
    expected += [(4 + n, status, f"why {status}") for n, status in enumerate(STATUSES[2:])]
    assert expected == bare
    assert expected[1:] == [(item.seq, item.status, item.reason) for item in owed.items]
    assert (2, None) == (len(first.items), (await last_page(journal, rest.next)))
    assert (
        MissingItem(
            1, first.items[0].event_id, "call.started", "call/pbx/before", NOW, "none", "before_start"
        )
        == first.items[0]
    )


async def last_page(journal: SqlJournal, after: str | None) -> str | None:
    """
    Return the place after the last page, which is none.
    """
    while after is not None:
        page = await journal.operating.list_missing("crm", None, None, after, 3)
        assert () == page.items
        after = page.next
    return after


async def test_an_event_that_was_wanted_and_never_made_says_so(
    journal: SqlJournal, journal_path: Path
) -> None:
    await create(journal)
    await append_call(journal, "a")
    run(journal_path, "DELETE FROM deliveries")

    (item,) = (await journal.operating.list_missing("crm", None, None, None, 9)).items

    assert ("none", "not_made") == (item.status, item.reason)


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        (("exhausted", "delivered"), "delivered"),
        (("delivered", "exhausted"), "delivered"),
        (("exhausted", "pending"), "pending"),
        (("expired", "discarded"), "discarded"),
    ],
)
async def test_of_several_deliveries_the_best_counts(
    journal: SqlJournal, journal_path: Path, statuses: tuple[str, str], best: str
) -> None:
    await create(journal)
    await append_call(journal, "a")
    await walked(journal, await make(journal))
    rows = [(status, job) for job, status in enumerate(statuses)]
    run(journal_path, "UPDATE deliveries SET status = ? WHERE job = ?", rows)

    found = await journal.operating.reconcile("crm", None, None, None)

    assert {best: 1} == found.by_status


async def test_a_replay_of_the_missing_ones_sends_what_was_listed(
    journal: SqlJournal, journal_path: Path
) -> None:
    await of_each_status(journal, journal_path)
    missing = (await journal.operating.list_missing("crm", None, None, None, 9)).items

    seqs = await walked(journal, await make(journal, only_missing=True))
    crm = (await journal.registry.registered(NOW))[0].endpoint.no
    await journal.settle([settled(one) for one in await due(journal, crm, resends=True)])

    assert [item.seq for item in missing] == seqs
    counted = (await journal.operating.reconcile("crm", None, None, None)).by_status
    assert {"delivered": 4, "pending": 1} == counted


async def test_of_very_many_events_only_the_first_are_counted_and_the_rest_can_follow(
    journal: SqlJournal,
) -> None:
    await create(journal)
    size = operating_module.COUNT_FROM
    for start in range(0, size + 400, 400):
        await journal.append(append_of(*(call_change(f"c{n}", events=1) for n in range(start, start + 400))))
    short = SqlOperating(journal._database, Fence(journal._database, 1, Matcher()), max_steps=1)

    first = await short.reconcile("crm", None, None, None)
    rest = await short.reconcile("crm", None, None, first.next)

    assert ({"pending": size}, str(size)) == (first.by_status, first.next)
    assert ({"pending": 600}, None) == (rest.by_status, rest.next)


async def test_what_is_not_there_is_not_found(journal: SqlJournal) -> None:
    await create(journal)
    await append_call(journal, "a")

    with pytest.raises(NotFound, match="no endpoint `ops`"):
        await journal.operating.reconcile("ops", None, None, None)
    with pytest.raises(NotFound, match="no endpoint `ops`"):
        await journal.operating.list_missing("ops", None, None, None, 9)
    with pytest.raises(NoSuchPlace):
        await journal.operating.reconcile("crm", None, None, "x")


@pytest.mark.parametrize("question", [BY_STATUS, MISSING])
async def test_events_and_deliveries_are_searched_by_their_keys(journal_path: Path, question: object) -> None:
    plan = await plan_of(journal_path, question)  # type: ignore[arg-type] # both are questions
    searches = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]

    assert any("events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in step for step in searches), plan
    assert [] == [step for step in plan if step.startswith(("SCAN deliveries", "SCAN events"))]
    assert any("deliveries USING PRIMARY KEY (endpoint_no=? AND seq=? AND job=?)" in s for s in searches), (
        plan
    )
    assert any("each_delivery USING PRIMARY KEY (endpoint_no=? AND seq=?)" in s for s in searches)


async def test_only_events_of_which_the_conditions_hold_are_missing_and_replayed(journal: SqlJournal) -> None:
    for call_id in ("a", "b", "c"):
        await append_call(journal, call_id)
    options = replace(endpoint_spec().options, conditions=('data.call_id in ["b", "c"]',))
    await create(journal, replace(endpoint_spec(events=("call.*",)), options=options))

    whole = await journal.operating.reconcile("crm", NOW, None, None)
    missing = await journal.operating.list_missing("crm", NOW, None, None, 10)
    replayed = await walked(journal, await make(journal, recorded_from=NOW, only_missing=True))

    assert (2, {"none": 2}) == (
        whole.matching, {name: count for name, count in whole.by_status.items() if count},
    )  # fmt: skip
    assert [2, 3] == [item.seq for item in missing.items] == replayed
