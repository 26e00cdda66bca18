"""
Every operation of the API, in the order of the documentation.
"""

from __future__ import annotations

from typing import Final

from relay.api import (
    aliases,
    answers,
    auth_bodies,
    bodies,
    calls,
    command_operations,
    contract,
    deliveries,
    endpoints,
    events,
    links,
    queries,
    rejects,
    signatures,
    source_answers,
    source_jobs,
    sources,
)
from relay.api.agent_operations import AGENT_OPERATIONS, MAPPING_OPERATIONS
from relay.api.operating_operations import EXPLAIN, OF_ENDPOINTS, REPLAYS
from relay.api.operation import EVENT_STREAM, KEY_IGNORED, Operation

ENDPOINT: Final = "/v1/endpoints/{endpoint_id}"
DELIVERY: Final = "/v1/deliveries/{delivery_id}"
SOURCE: Final = "/v1/sources/{source_id}"

OPERATIONS: Final = (
    Operation(
        "GET", "/v1/endpoints", endpoints.list_endpoints, "List endpoints, oldest first.",
        "endpoints:read", answers.Listing[answers.EndpointAnswer], query=queries.ListQuery,
    ),
    Operation(
        "POST", "/v1/endpoints", endpoints.create_endpoint,
        "Register an endpoint: every matching event after its start_seq is delivered.",
        "endpoints:write", answers.NewEndpointAnswer, 201, body=bodies.EndpointNew, problems=(409,),
        keeps_reply=True,
    ),
    Operation(
        "GET", ENDPOINT, endpoints.get_endpoint, "Show an endpoint.",
        "endpoints:read", answers.EndpointAnswer,
    ),
    Operation(
        "PATCH", ENDPOINT, endpoints.change_endpoint,
        "Change the given fields of an endpoint; deliveries that wait already stay.",
        "endpoints:write", answers.EndpointAnswer, body=bodies.EndpointChanges, problems=(409,),
    ),
    Operation(
        "DELETE", ENDPOINT, endpoints.delete_endpoint,
        "Delete an endpoint; what waits for it is discarded.",
        "endpoints:write", None, 204, problems=(409,),
    ),
    Operation(
        "GET", f"{ENDPOINT}/secrets", endpoints.list_secrets,
        "List the secrets that sign now or later, newest first, without their values.",
        "endpoints:read", answers.Listing[answers.SecretAnswer],
    ),
    Operation(
        "POST", f"{ENDPOINT}/secrets", endpoints.add_secret,
        "Sign with a new secret, now or later, and with the older ones until the overlap is over.",
        "endpoints:write", answers.NewSecretAnswer, 201, body=bodies.SecretNew, problems=(409,),
        keeps_reply=True,
    ),
    Operation(
        "POST", f"{ENDPOINT}/verify", signatures.verify_request,
        "Check the signature of a request that arrived, and tell what is wrong with it.",
        "endpoints:read", answers.CheckAnswer, body=auth_bodies.SignedRequest, key=KEY_IGNORED,
    ),
    Operation(
        "POST", f"{ENDPOINT}/test", endpoints.test_endpoint,
        "Send an endpoint a test event now, once, and tell what came of it.",
        "endpoints:write", answers.TestAnswer, problems=(409,), waits_for_others=True,
    ),
    Operation(
        "POST", f"{ENDPOINT}/pause", endpoints.pause_endpoint,
        "Hold deliveries to an endpoint; events that match it wait.",
        "endpoints:write", answers.EndpointAnswer, problems=(409,),
    ),
    Operation(
        "POST", f"{ENDPOINT}/resume", endpoints.resume_endpoint,
        "Deliver again to an endpoint that was paused or disabled.",
        "endpoints:write", answers.EndpointAnswer, problems=(409,),
    ),
    Operation(
        "GET", f"{ENDPOINT}/stats", endpoints.endpoint_stats,
        "Show what waits for an endpoint, and what became of its newest deliveries.",
        "endpoints:read", answers.EndpointStats,
    ),
    Operation(
        "GET", f"{ENDPOINT}/deliveries", deliveries.list_deliveries_of_endpoint,
        "List deliveries to an endpoint, newest event first.",
        "deliveries:read", answers.Listing[answers.DeliveryAnswer],
        query=queries.DeliveriesOfEndpointQuery,
    ),
    *OF_ENDPOINTS,
    Operation(
        "GET", "/v1/deliveries", deliveries.list_deliveries, "List deliveries, newest event first.",
        "deliveries:read", answers.Listing[answers.DeliveryAnswer], query=queries.DeliveryListQuery,
    ),
    Operation(
        "GET", DELIVERY, deliveries.get_delivery, "Show a delivery.",
        "deliveries:read", answers.DeliveryAnswer,
    ),
    Operation(
        "GET", f"{DELIVERY}/attempts", deliveries.list_attempts,
        "List the attempts of a delivery, oldest first.",
        "deliveries:read", answers.Listing[answers.AttemptAnswer],
    ),
    Operation(
        "POST", f"{DELIVERY}/resend", deliveries.resend_delivery,
        "Send the event of a delivery to its endpoint once more.",
        "deliveries:write", answers.DeliveryAnswer, 201, problems=(409,), keeps_reply=True,
    ),
    *REPLAYS,
    Operation(
        "GET", "/v1/events", events.list_events, "List events in the order of the journal.",
        "events:read", answers.Listing[answers.EventAnswer], query=queries.EventListQuery,
    ),
    Operation(
        "GET", "/v1/events/stream", events.stream_events,
        "Send events as they are appended, as Server-Sent Events; id is the seq.",
        "events:read", query=queries.EventsQuery, content_type=EVENT_STREAM,
    ),
    Operation(
        "GET", "/v1/events/{event_id}", events.get_event, "Show an event.",
        "events:read", answers.EventAnswer,
    ),
    Operation(
        "GET", "/v1/event-types", contract.list_event_types, "List the types of events.",
        "events:read", answers.Listing[answers.EventTypeAnswer],
    ),
    Operation(
        "GET", "/v1/calls", calls.list_calls, "List calls, newest start first.",
        "calls:read", answers.Listing[answers.CallAnswer], query=queries.CallListQuery,
    ),
    Operation(
        "GET", "/v1/calls/{call_id}", calls.get_call, "Show a call with its legs and events.",
        "calls:read", answers.CallDetailAnswer,
    ),
    Operation(
        "GET", "/v1/calls/{call_id}/links", links.explain_links,
        "Show the scores that made a call of its legs.", "calls:read",
    ),
    *EXPLAIN,
    *AGENT_OPERATIONS,
    Operation(
        "GET", "/v1/sources", sources.list_sources, "List sources by id, with how far they were read.",
        "sources:read", answers.Listing[answers.SourceAnswer], query=queries.ListQuery,
    ),
    Operation(
        "GET", SOURCE, sources.get_source, "Show a source, and what is missing of it.",
        "sources:read", source_answers.SourceDetailAnswer,
    ),
    Operation(
        "GET", f"{SOURCE}/coverage", sources.source_coverage,
        "Show what was read completely of each stream of a source, and what was not.",
        "sources:read", source_answers.CoverageAnswer,
    ),
    Operation(
        "GET", f"{SOURCE}/reads", sources.list_reads,
        "List the complete reads of a source, newest first: which request proved which stretch of time.",
        "sources:read", answers.Listing[source_answers.ReadAnswer], query=queries.ReadListQuery,
    ),
    Operation(
        "POST", f"{SOURCE}/backfill", source_jobs.start_backfill,
        "Read a stretch of the past, with what live polling leaves of the budget, and publish its calls.",
        "sources:write", source_answers.JobAnswer, 202, body=bodies.Stretch, keeps_reply=True,
    ),
    Operation(
        "GET", f"{SOURCE}/backfill", source_jobs.list_backfills,
        "List the backfills of a source, newest first.",
        "sources:read", answers.Listing[source_answers.JobAnswer], query=queries.ListQuery,
    ),
    Operation(
        "GET", f"{SOURCE}/backfill/{{job_id}}", source_jobs.get_backfill, "Show a backfill.",
        "sources:read", source_answers.JobAnswer,
    ),
    Operation(
        "DELETE", f"{SOURCE}/backfill/{{job_id}}", source_jobs.cancel_backfill,
        "Cancel a backfill; one that has ended stays as it is.",
        "sources:write", source_answers.JobAnswer,
    ),
    Operation(
        "POST", f"{SOURCE}/reconcile", source_jobs.start_reconciliation,
        "Read a closed day again, yesterday by default, and publish what is missing of it.",
        "sources:write", source_answers.JobAnswer, 202, body=bodies.Reconciliation, keeps_reply=True,
    ),
    Operation(
        "GET", f"{SOURCE}/reconcile", source_jobs.list_reconciliations,
        "List the reconciliations of a source, newest first.",
        "sources:read", answers.Listing[source_answers.JobAnswer], query=queries.ListQuery,
    ),
    Operation(
        "GET", f"{SOURCE}/reconcile/{{job_id}}", source_jobs.get_reconciliation, "Show a reconciliation.",
        "sources:read", source_answers.JobAnswer,
    ),
    Operation(
        "DELETE", f"{SOURCE}/reconcile/{{job_id}}", source_jobs.cancel_reconciliation,
        "Cancel a reconciliation; one that has ended stays as it is.",
        "sources:write", source_answers.JobAnswer,
    ),
    Operation(
        "POST", f"{SOURCE}/links/dry-run", links.dry_run_links,
        "Link the stored rows of a stretch of time anew, with other rules; nothing is changed.",
        "sources:write", body=bodies.LinksTrial,
    ),
    Operation(
        "GET", "/v1/rejects", rejects.list_rejects, "List rows that could not be read, newest first.",
        "rejects:read", answers.Listing[source_answers.RejectAnswer], query=queries.RejectListQuery,
    ),
    Operation(
        "POST", "/v1/rejects/replay", rejects.replay_rejects,
        "Read the rows of a source that could not be read once more.",
        "rejects:write", source_answers.RejectsReplayAnswer, 202, body=bodies.RejectsReplay,
        problems=(404,), keeps_reply=True,
    ),
    Operation(
        "GET", "/v1/aliases", aliases.list_aliases,
        "List calls whose published id a rebuild would not choose, by source and natural id.",
        "aliases:read", source_answers.AliasesAnswer, query=queries.AliasListQuery,
    ),
    Operation(
        "POST", "/v1/aliases", aliases.import_aliases,
        "Keep aliases of another journal of this deployment, all or none of them.",
        "aliases:write", source_answers.AliasesImportedAnswer, body=bodies.Aliases, problems=(409,),
    ),
    *MAPPING_OPERATIONS,
    *command_operations.OPERATIONS,
    Operation(
        "GET", "/public-keys/{endpoint_id}", signatures.list_public_keys,
        "List the keys that signatures of v1a are checked with, newest first.",
        None, answers.Listing[answers.PublicKeyAnswer],
    ),
    Operation("GET", "/openapi.json", contract.openapi, "This document.", None),
    Operation(
        "GET", "/schemas/{type}", contract.event_schema, "JSON Schema of a type of event.",
        None, content_type=contract.SCHEMA,
    ),
)  # fmt: skip
