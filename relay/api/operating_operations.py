"""
The operations on replays, reconciliations of endpoints, and the account of a call.
"""

from __future__ import annotations

from typing import Final

from relay.api import explain, operating_answers, operating_bodies, operating_queries, reconciliation, replays
from relay.api.answers import Listing
from relay.api.operation import Operation

ENDPOINT: Final = "/v1/endpoints/{endpoint_id}"
REPLAY: Final = f"{replays.PATH}/{{job_id}}"

OF_ENDPOINTS: Final = (
    Operation(
        "POST", f"{ENDPOINT}/replay", replays.start_replay_to_endpoint,
        "Send events to an endpoint again, oldest first, beside what is new; with dry_run only count them.",
        "deliveries:write", operating_answers.ReplayAskedAnswer, 202, body=operating_bodies.ReplayToEndpoint,
        problems=(409,), keeps_reply=True,
    ),
    Operation(
        "GET", f"{ENDPOINT}/reconciliation", reconciliation.reconcile_endpoint,
        "Compare the events that an endpoint wants with what it has acknowledged.",
        "deliveries:read", operating_answers.ReconciliationAnswer,
        query=operating_queries.ReconciliationQuery,
    ),
    Operation(
        "GET", f"{ENDPOINT}/reconciliation/missing", reconciliation.list_missing_events,
        "List the events that an endpoint wants and neither has nor is about to be sent, oldest first.",
        "deliveries:read", Listing[operating_answers.MissingAnswer], query=operating_queries.MissingListQuery,
    ),
)  # fmt: skip

REPLAYS: Final = (
    Operation(
        "POST", replays.PATH, replays.start_replay,
        "Send events to an endpoint again, as its own operation does.",
        "deliveries:write", operating_answers.ReplayAskedAnswer, 202, body=operating_bodies.ReplayNew,
        problems=(404, 409), keeps_reply=True,
    ),
    Operation(
        "GET", replays.PATH, replays.list_replays, "List replays, newest first.",
        "deliveries:read", Listing[operating_answers.ReplayAnswer], query=operating_queries.ReplayListQuery,
    ),
    Operation(
        "GET", REPLAY, replays.get_replay, "Show a replay, and what became of its deliveries.",
        "deliveries:read", operating_answers.ReplayDetailAnswer,
    ),
    Operation(
        "DELETE", REPLAY, replays.cancel_replay,
        "Cancel a replay: what waits of it is discarded; one that has ended stays as it is.",
        "deliveries:write", operating_answers.ReplayAnswer,
    ),
)  # fmt: skip

EXPLAIN: Final = (
    Operation(
        "GET", "/v1/calls/{call_id}/explain", explain.explain_call,
        "Show how a call came to be known and who was told of it: reads, rows, events, deliveries, attempts.",
        "calls:read", operating_answers.ExplanationAnswer,
    ),
)  # fmt: skip
