"""
Signatures: public keys for whoever checks them, a check for whoever has one that fails; and what endpoints
ask of requests besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from relay.api import shown
from relay.api.auth_bodies import BasicGiven, SignedRequest
from relay.api.operation import Answer, Asked, Reach
from relay.api.problems import FieldError, invalid
from relay.config.auth_fields import checked_auth
from relay.model.endpoint import RegisteredEndpoint
from relay.model.endpoint_auth import EndpointAuth
from relay.model.errors import NotFound

_FIELDS: Final = {"headers", "bearer", "basic"}


async def list_public_keys(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the keys that check the signatures of v1a; needs no key of the API, as they are no secrets.
    """
    endpoint_id = asked.path["endpoint_id"]
    known = await reach.registry.registered_as(endpoint_id, reach.clock.now())
    keys = [] if known is None else reach.signatures.public_keys(known)
    if not keys:  # who may not ask for endpoints is not told which there are
        raise NotFound(f"there are no public keys of `{endpoint_id}`")
    return Answer.of(shown.listing([shown.public_key(one) for one in keys], None))


async def verify_request(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with what is to be said of the signature of a request.
    """
    body, now, endpoint_id = asked.body_as(SignedRequest), reach.clock.now(), asked.path["endpoint_id"]
    known = await reach.registry.registered_as(endpoint_id, now)
    if known is None:
        raise NotFound(f"there is no endpoint `{endpoint_id}`")
    return Answer.of(shown.check(reach.signatures.check(known, body.headers, body.body_bytes(), now)))


def changed_auth(before: EndpointAuth, given: Mapping[str, Any]) -> EndpointAuth:
    """
    Return what an endpoint asks of requests, with the given `headers`, `bearer` and `basic`.

    Raises:
        Refused: they do not go together.
    """
    auth = EndpointAuth() if before.is_lost and _FIELDS & given.keys() else before
    if "headers" in given:
        auth = replace(auth, headers=tuple(given["headers"].items()))
    if "bearer" in given:
        auth = replace(auth, bearer=given["bearer"], basic=None if given["bearer"] else auth.basic)
    if "basic" in given:
        login: BasicGiven = given["basic"]
        basic = (login.user, login.password) if login.user or login.password else None
        # Given together they are refused; alone it takes the other's place.
        auth = replace(auth, basic=basic, bearer=auth.bearer if "bearer" in given or not basic else "")
    try:
        return checked_auth(auth)
    except ValueError as error:
        field = next((name for name in ("bearer", "basic") if given.get(name)), "headers")
        raise invalid([FieldError(field, str(error))]) from None


def newest_public_key(reach: Reach, made: RegisteredEndpoint) -> str | None:
    """
    Return the public key of the newest secret of v1a; None where there is none.
    """
    keys = reach.signatures.public_keys(made)
    return keys[0].key if keys else None
