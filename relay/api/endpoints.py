"""
`/v1/endpoints`: registering webhooks and changing them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson

from relay.api import shown
from relay.api.bodies import EndpointChanges, EndpointNew, SecretNew
from relay.api.operation import Answer, Asked, Reach
from relay.api.problems import FieldError, invalid
from relay.api.queries import ListQuery
from relay.api.signatures import changed_auth, newest_public_key
from relay.config.checked import near_miss
from relay.config.delivery_fields import options_of
from relay.config.event_fields import condition_faults, field_faults
from relay.config.signing_key import decode_signing_key, new_signing_key
from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.delivery_options import V1A, DeliveryOptions
from relay.model.endpoint import EndpointSpec, RegisteredEndpoint
from relay.model.endpoint_auth import EndpointAuth
from relay.model.errors import NoSuchPlace, NotFound

PATH: Final = "/v1/endpoints"
MAX_AHEAD: Final = timedelta(days=366)
CLOCKS_APART: Final = timedelta(minutes=5)
COUNTED: Final = 1_000  # of the newest deliveries, for statistics
_ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH: Final = 12


async def list_endpoints(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with endpoints, oldest first.
    """
    query = asked.query_as(ListQuery)
    after = _place(query.after)
    known = [one for one in await reach.registry.registered(reach.clock.now()) if one.endpoint.no > after]
    page = known[: query.limit]
    place = str(page[-1].endpoint.no) if len(known) > len(page) else None
    return Answer.of(shown.listing([shown.endpoint(one) for one in page], place))


async def create_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Register an endpoint; the answer is the only one that shows its secret.
    """
    body = asked.body_as(EndpointNew)
    auth = changed_auth(EndpointAuth(), {name: getattr(body, name) for name in body.model_fields_set})
    named = {"url": body.url, "sources": body.sources, "client_certificate": body.client_certificate}
    _check(reach, named, body.events, body.options())
    secret = body.secret or new_secret()
    spec = EndpointSpec(
        id=body.id or _new_id(),
        url=body.url,
        secrets=(decode_secret(secret),),
        events=body.events,
        sources=body.sources,
        timeout_s=body.timeout_s,
        max_in_flight=body.max_in_flight,
        retry_schedule_s=body.retry_schedule_s,
        description=body.description,
        options=body.options(),
        signing_keys=(decode_signing_key(body.signing_key),) if body.signing_key else (),
        auth=auth,
    )
    spec = _with_signing_key(spec)

    def reply(made: RegisteredEndpoint) -> bytes:
        told = {"secret": secret, "public_key": newest_public_key(reach, made)}
        document = orjson.dumps({**shown.endpoint(made), **told})
        return Answer(document, 201, headers={"Location": f"{PATH}/{spec.id}"}).to_reply()

    stored = await reach.registry.create_endpoint(spec, reply, reach.clock.now(), asked.once)
    await reach.owner.refresh()
    return Answer.of_reply(stored)


async def get_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with an endpoint.
    """
    return Answer.of(shown.endpoint(await _found(reach, asked)))


async def change_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Change the fields that were given, and no others.
    """
    given = asked.body_as(EndpointChanges).given()
    async with reach.changing:
        known = await _found(reach, asked)
        wanted = replace(_changed(known.spec, given), auth=changed_auth(known.spec.auth, given))
        _check(reach, given, wanted.events, wanted.options)
        changed = await reach.registry.change_registered(_with_signing_key(wanted), reach.clock.now())
    await reach.owner.refresh()
    return Answer.of(shown.endpoint(changed))


async def delete_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Take an endpoint away.
    """
    await reach.registry.delete_endpoint(asked.path["endpoint_id"], reach.clock.now())
    await reach.owner.refresh()
    return Answer(b"", 204)


async def list_secrets(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the secrets that sign now or later, without their values.
    """
    known = await _found(reach, asked)
    return Answer.of(shown.listing([shown.secret(one) for one in known.secrets], None))


async def add_secret(reach: Reach, asked: Asked) -> Answer:
    """
    Sign with another secret, now or later, and with the older ones for a while.
    """
    body, endpoint_id = asked.body_as(SecretNew), asked.path["endpoint_id"]
    now = reach.clock.now()
    starts_at = body.starts_at if body.starts_at > now else None
    if starts_at is not None and starts_at > now + MAX_AHEAD:
        raise invalid([FieldError("starts_at", f"must be within {MAX_AHEAD.days} days")])
    if "starts_at" in body.model_fields_set and body.starts_at < now - CLOCKS_APART:
        raise invalid([FieldError("starts_at", "is past; leave it out for a secret that signs at once")])
    key, secret = _new_key(body)

    def reply(made: RegisteredEndpoint) -> bytes:
        public = newest_public_key(reach, made) if body.scheme == V1A else None
        document = {**shown.secret(made.secrets[0]), "secret": secret, "public_key": public}
        return Answer(
            orjson.dumps(document), 201, headers={"Location": f"{PATH}/{endpoint_id}/secrets"}
        ).to_reply()

    old_until = (starts_at or now) + timedelta(seconds=body.overlap_s)
    stored = await reach.registry.add_secret(
        endpoint_id, key, old_until, reply, now, asked.once, scheme=body.scheme, starts_at=starts_at
    )
    await reach.owner.refresh()
    return Answer.of_reply(stored)


async def test_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Send an endpoint a test and answer with what came of it.
    """
    return Answer.of(shown.test_result(await reach.owner.test(asked.path["endpoint_id"])))


async def pause_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Hold deliveries to an endpoint.
    """
    await reach.owner.pause(asked.path["endpoint_id"])
    return await get_endpoint(reach, asked)


async def resume_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Deliver to an endpoint again.
    """
    await reach.owner.resume(asked.path["endpoint_id"])
    return await get_endpoint(reach, asked)


async def endpoint_stats(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with what waits for an endpoint and how its newest deliveries went.
    """
    endpoint_id = asked.path["endpoint_id"]
    counts = await reach.reading.endpoint_counts(endpoint_id, COUNTED)
    if counts is None:
        raise _missing(endpoint_id)
    return Answer.of(shown.stats(endpoint_id, counts))


async def require_endpoint(reach: Reach, asked: Asked) -> None:
    """
    Raise NotFound where the path names no endpoint.
    """
    await _found(reach, asked)


async def _found(reach: Reach, asked: Asked) -> RegisteredEndpoint:
    endpoint_id = asked.path["endpoint_id"]
    found = await reach.registry.registered_as(endpoint_id, reach.clock.now())
    if found is None:
        raise _missing(endpoint_id)
    return found


def _missing(endpoint_id: str) -> NotFound:
    return NotFound(f"there is no endpoint `{endpoint_id}`")


def _check(reach: Reach, given: dict[str, Any], events: Iterable[str], options: DeliveryOptions) -> None:
    errors = [
        *_address_errors(reach, given.get("url")),
        *_source_errors(reach, given.get("sources")),
        *_certificate_errors(reach, given.get("client_certificate")),
        *_errors_in("conditions", condition_faults(options.conditions, events)),
        *_errors_in("fields", field_faults(options.fields, events)),
    ]
    if errors:
        raise invalid(errors)


def _address_errors(reach: Reach, url: object) -> Iterator[FieldError]:
    refusal = reach.refusal_of_url(url) if isinstance(url, str) else None
    if refusal is not None:
        yield FieldError("url", refusal)


def _source_errors(reach: Reach, sources: object) -> Iterator[FieldError]:
    wanted: Iterable[str] = sources if isinstance(sources, tuple) else ()
    for number, name in enumerate(wanted):
        if name not in reach.sources:
            problem = f"there is no source `{name}`" + near_miss(name, reach.sources)
            yield FieldError(f"sources[{number}]", problem)


def _certificate_errors(reach: Reach, name: object) -> Iterator[FieldError]:
    known = reach.client_certificates
    if isinstance(name, str) and name and name not in known:
        problem = f"webhooks.client_certificates has no `{name}`" + near_miss(name, known)
        yield FieldError("client_certificate", problem)


def _errors_in(field: str, faults: Iterable[tuple[int, str]]) -> Iterator[FieldError]:
    for number, problem in faults:
        yield FieldError(f"{field}[{number}]", problem)


def _changed(spec: EndpointSpec, given: dict[str, Any]) -> EndpointSpec:
    own = {name: value for name, value in given.items() if name in EndpointSpec.__slots__}
    return replace(spec, **own, options=options_of(given, spec.options))


def _new_key(body: SecretNew) -> tuple[bytes, str | None]:
    """
    Return a key with what the receiver needs of it, which of a key pair is nothing secret.
    """
    if body.scheme == V1A:
        return decode_signing_key(body.secret) if body.secret else new_signing_key(), None
    secret = body.secret or new_secret()
    return decode_secret(secret), secret


def _with_signing_key(spec: EndpointSpec) -> EndpointSpec:
    return replace(spec, signing_keys=(new_signing_key(),)) if spec.missing_scheme == V1A else spec


def _place(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isdigit() and len(after) <= 18):
        raise NoSuchPlace("not a place in the list of endpoints")
    return int(after)


def _new_id() -> str:
    return "ep-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
