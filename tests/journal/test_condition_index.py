"""
The index of conditions finds exactly the endpoints that asking each one would find.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.journal.condition_index import BLOCK, FEW
from relay.journal.matching import Matching
from relay.journal.preparing import prepare_events
from relay.journal.store import SqlJournal
from relay.model.conditions import all_hold
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import HEALTHY, Endpoint, EndpointSpec
from tests.journal.making import NOW, append_of, call_change, call_event

FIELDS = st.sampled_from(["data.a", "data.b", "data.c", "subject"])
LITERALS = st.sampled_from(['"x"', '"y"', '"1"', "0", "1", "1.0", "2", "-1.5", "true", "false"])
BOUNDS = st.sampled_from(['"x"', '"y"', "0", "1", "1.0", "2", "-1.5"])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 1.0, 2, -1.5, 1.5]),
    st.sampled_from(["x", "y", "1", "z"]),
    st.just([1]),
    st.just({}),
)
CONDITIONS = st.one_of(
    st.builds("{} {} {}".format, FIELDS, st.sampled_from(["==", "!="]), LITERALS),
    st.builds("{} {} {}".format, FIELDS, st.sampled_from([">", ">=", "<", "<="]), BOUNDS),
    st.builds(
        lambda field, word, values: f"{field} {word} [{', '.join(values)}]",
        FIELDS,
        st.sampled_from(["in", "not in"]),
        st.lists(LITERALS, min_size=1, max_size=3),
    ),
    st.builds("{} {}".format, FIELDS, st.sampled_from(["is null", "is not null"])),
)


def matching_of(asked: Sequence[tuple[str, ...]]) -> Matching:
    """
    Make endpoints that ask something of events.
    """
    return Matching(
        Endpoint(
            no,
            f"e{no}",
            "https://x.example",
            ("call.*",),
            (),
            HEALTHY,
            options=DeliveryOptions(conditions=one),
        )
        for no, one in enumerate(asked, 1)
    )


def document_of(data: dict[str, Any], subject: str = "x") -> dict[str, Any]:
    """
    Make as much of an event as is asked.
    """
    return {"type": "call.updated", "source": "/sources/pbx", "subject": subject, "data": data}


@settings(max_examples=300, deadline=None)
@given(
    asked=st.lists(st.lists(CONDITIONS, max_size=3).map(tuple), max_size=3 * FEW),
    events=st.lists(
        st.tuples(st.dictionaries(st.sampled_from("abc"), VALUES), st.sampled_from("xy")), max_size=4
    ),
)
def test_the_index_agrees_with_asking_each_endpoint(
    asked: list[tuple[str, ...]], events: list[tuple[dict[str, Any], str]]
) -> None:
    matching = matching_of(asked)
    documents = [document_of(data, subject) for data, subject in events]

    found = [matching.endpoints_for("call.updated", "pbx", "call/pbx/1", one) for one in documents]

    assert [
        [no for no, conditions in enumerate(asked, 1) if all_hold(conditions, one)] for one in documents
    ] == found


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=BLOCK, max_size=4 * BLOCK),
    st.integers(-1, 31),
)
def test_many_bands_agree_too(bands: list[tuple[int, int]], value: int) -> None:
    asked = [(f"data.a >= {low}", f"data.b < {high}") for low, high in bands]
    asked += [(f"data.a < {low}", f"data.b > {high}") for low, high in bands]
    document = document_of({"a": value, "b": 30 - value})

    found = matching_of(asked).endpoints_for("call.updated", "pbx", "call/pbx/1", document)

    assert [no for no, conditions in enumerate(asked, 1) if all_hold(conditions, document)] == found


class Looked(dict[str, Any]):
    """
    Data that counts how often it is looked at.
    """

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        """
        Return a field.
        """
        self.looks += 1
        return super().get(key, default)


@pytest.mark.parametrize(
    "asked",
    [
        [(f'data.queue == "q{n}"',) for n in range(1_000)],
        [(f"data.talk_s > {n}",) for n in range(1_000)],
        [('data.direction == "inbound"', f"data.talk_s > {n}") for n in range(1_000)],
        [(f'data.queue in ["q{n}", "r{n}"]', f"data.talk_s > {n % 7}") for n in range(1_000)],
        [("data.campaign is not null", f"data.talk_s >= {n}") for n in range(1_000)],
        [("data.talk_s != 5", f'data.queue == "q{n % 20}"') for n in range(1_000)],
    ],
)
def test_a_thousand_endpoints_are_not_asked_one_by_one(asked: list[tuple[str, ...]]) -> None:
    data = Looked(queue="q7", talk_s=3, direction="inbound")
    matching = matching_of(asked)

    found = matching.endpoints_for("call.updated", "pbx", "call/pbx/1", document_of(data))

    assert data.looks < 10
    assert [no for no, one in enumerate(asked, 1) if all_hold(one, document_of(data))] == found


def test_types_and_sources_count_besides_conditions() -> None:
    options = DeliveryOptions(conditions=("data.a == 1",))
    matching = Matching(
        [
            Endpoint(1, "e1", "https://x.example", ("call.updated",), (), HEALTHY, options=options),
            Endpoint(2, "e2", "https://x.example", ("*",), ("dialer",), HEALTHY, options=options),
            Endpoint(3, "e3", "https://x.example", ("*",), ("pbx",), HEALTHY),
        ]
    )
    wanted, other = document_of({"a": 1}), document_of({"a": 2})

    assert [1, 3] == matching.endpoints_for("call.updated", "pbx", "call/pbx/1", wanted)
    assert [3] == matching.endpoints_for("call.updated", "pbx", "call/pbx/1", other)
    assert [2] == matching.endpoints_for("call.missed", "dialer", "call/dialer/1", wanted)


def test_an_event_about_an_endpoint_is_never_for_itself() -> None:
    options = DeliveryOptions(conditions=("data.a == 1",))
    matching = Matching(
        Endpoint(no, f"e{no}", "https://x.example", ("*",), (), HEALTHY, options=asked)
        for no, asked in enumerate((DeliveryOptions(), DeliveryOptions(), options, options), 1)
    )

    found = [
        matching.endpoints_for("endpoint.failing", None, subject, document_of({"a": 1}))
        for subject in ("endpoint/e1", "endpoint/e3", "endpoint/gone")
    ]

    assert [[2, 3, 4], [1, 2, 4], [1, 2, 3, 4]] == found


def test_conditions_are_asked_of_the_event_as_it_is_appended() -> None:
    matching = matching_of(
        [
            ("data.revision == 2", 'data.source_id == "pbx"', 'source == "/sources/pbx"'),
            ("data.final == true",),
            ('type == "call.updated"', 'subject == "call/pbx/a"', 'data.origin == "live"'),
            ('data.recorded_at > "2000"', "data.precision_s == 1"),
        ]
    )

    rows = prepare_events([call_event("a", 2)], 0, matching, NOW).delivery_rows

    assert [1, 3, 4] == [endpoint_no for endpoint_no, *_ in rows]


async def test_an_endpoint_gets_deliveries_only_of_what_it_asked_for(journal: SqlJournal) -> None:
    options = DeliveryOptions(conditions=("data.revision >= 2", "data.revision < 4"))
    spec = EndpointSpec("crm", "https://crm.example.com/", (b"s" * 24,), ("*",), options=options)
    await journal.sync_endpoints([spec], NOW)

    appended = await journal.append(append_of(call_change("a", events=5)))

    assert [2, 3] == [delivery.seq for delivery in appended.deliveries]
