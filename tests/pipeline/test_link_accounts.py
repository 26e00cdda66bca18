"""
The account of linking that people ask for, from what is stored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relay.journal.store import open_sqlite
from relay.pipeline.link_accounts import LinkAccounts
from tests.journal.making import NOW, append_of, call_change, leg_of


async def test_of_a_call_that_was_merged_the_account_is_of_the_one_it_is_part_of(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
        await journal.append(append_of(call_change("kept", 1), call_change("gone", 1)))
        absorbed = replace(
            call_change("gone", 1, first_revision=2),
            call=call_change("gone", 2).call._replace(absorbed_into="kept"),
            legs=(),
        )
        legs = (leg_of("kept"), leg_of("gone")._replace(call_id="kept"))
        survivor = replace(call_change("kept", 1, first_revision=2), legs=legs, also=(absorbed,))
        await journal.append(append_of(survivor))
        detail = await journal.reading.call("gone")
        accounts = LinkAccounts(journal, journal.reading)
        kept, gone = await accounts.explain("kept"), await accounts.explain("gone")
        unknown = await accounts.explain("nothing")

    assert detail is not None
    assert ("kept", ()) == (detail.absorbed_into, detail.legs)
    assert kept is not None
    assert "kept" == kept["call_id"]
    assert kept == gone
    assert unknown is None
