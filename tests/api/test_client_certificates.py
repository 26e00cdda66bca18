"""
Which client certificate an endpoint is shown is chosen among those of the configuration.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.api.conftest import Api, running_api

UNKNOWN = {"client_certificate": "webhooks.client_certificates has no `crn`; did you mean `crm`?"}


@pytest.fixture
async def mutual(journal_path: Path) -> AsyncIterator[Api]:
    """
    Give an API behind which there are the certificates `crm` and `erp`.
    """
    async with running_api(
        journal_path, change_reach=lambda reach: replace(reach, client_certificates=("crm", "erp"))
    ) as api:
        yield api


async def test_a_known_one_is_kept_changed_and_taken_away(mutual: Api) -> None:
    made = await mutual.made(id="crm-1", client_certificate="crm")
    answers = [
        await mutual.ask("PATCH", "/v1/endpoints/crm-1", {"client_certificate": name}) for name in ("erp", "")
    ]

    assert ["crm", "erp", ""] == [
        made["client_certificate"],
        *(answer.document["client_certificate"] for answer in answers),
    ]


async def test_an_unknown_one_is_refused_when_made_and_when_changed(mutual: Api) -> None:
    await mutual.made(id="crm-1", client_certificate="crm")
    new = {"url": "https://crm.example.com/", "events": ["*"], "client_certificate": "crn"}
    made = await mutual.ask("POST", "/v1/endpoints", new)
    changed = await mutual.ask("PATCH", "/v1/endpoints/crm-1", {"client_certificate": "crn"})

    assert [((422, "invalid"), UNKNOWN)] * 2 == [(one.problem, one.faulty) for one in (made, changed)]
    assert "crm" == (await mutual.got("/v1/endpoints/crm-1"))["client_certificate"]
