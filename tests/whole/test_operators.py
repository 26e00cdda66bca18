"""
Whoever runs relay can see how it does while it works.
"""

from __future__ import annotations

import orjson
import pytest

from relay.twin.voipcloud.settings import Traffic
from tests.whole.conftest import SetUp
from tests.whole.scene import ENDPOINT, SOURCE

pytestmark = pytest.mark.whole


async def test_metrics_and_health_are_answered_while_calls_go_on(set_up: SetUp) -> None:
    scene = await set_up(Traffic(calls_per_minute=9, speed=20, past_calls=20))
    await scene.relay.start()
    await scene.receiver.wait_for(60, 40)

    families = await scene.relay.metrics()
    live = await scene.relay.get("/livez")
    ready = orjson.loads(await scene.relay.get("/readyz?verbose") or b"{}")

    async def has_counted() -> bool:
        # Outcomes are counted once they are durable, a moment after the receiver had them.
        counted = await scene.relay.total("relay_deliveries_total", endpoint=ENDPOINT, outcome="delivered")
        return counted >= 60

    await scene.relay.wait_for(has_counted, "counted")
    events = await scene.relay.total("relay_journal_events_total", source=SOURCE)
    up = await scene.relay.total("relay_source_state", source=SOURCE, state="up")
    code = await scene.relay.stop()

    assert ("ok\n", True) == (live, ready["ready"])
    assert {"config", "journal", "leases"} <= {condition["name"] for condition in ready["conditions"]}
    assert {"counter", "gauge", "histogram"} <= {family.type for family in families.values()}
    assert {"relay_poll_requests", "relay_event_delivery_latency_seconds", "relay_build_info"} <= set(
        families
    )
    assert (True, 1.0, 0) == (events >= 60, up, code)
