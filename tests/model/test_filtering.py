"""
One stored event and one endpoint agree with what the journal matches as it appends.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.journal.matching import Matching
from relay.model.catalogue import CATALOGUE
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import HEALTHY, Endpoint, EndpointSpec
from relay.model.examples import example
from relay.model.filtering import matches

EVENTS = [example(one.name) for one in CATALOGUE]


@pytest.mark.parametrize("events", [("*",), ("call.*",), ("call.finished", "endpoint.*")])
@pytest.mark.parametrize("sources", [(), ("pbx-sydney",), ("elsewhere",)])
@pytest.mark.parametrize(
    "conditions", [(), ("data.talk_s > 30",), ("data.final == true", "data.queue is null")]
)
def test_it_is_what_the_journal_would_say(
    events: tuple[str, ...], sources: tuple[str, ...], conditions: tuple[str, ...]
) -> None:
    options = DeliveryOptions(conditions=conditions)
    endpoint = Endpoint(7, "crm", "https://x.example", events, sources, HEALTHY, options=options)
    matching = Matching([endpoint])

    def journal_says(event: dict[str, Any]) -> bool:
        source_id = event["data"]["source_id"]
        return [7] == matching.endpoints_for(event["type"], source_id, event["subject"], event)

    assert [journal_says(event) for event in EVENTS] == [matches(endpoint, event) for event in EVENTS]


def test_a_specification_will_do_and_an_endpoint_never_wants_what_is_about_itself() -> None:
    event = example("endpoint.failing")
    itself, other = (
        EndpointSpec(name, "https://x.example", (b"s" * 24,), ("*",)) for name in ("crm", "other")
    )

    assert (False, True) == (matches(itself, event), matches(other, event))
