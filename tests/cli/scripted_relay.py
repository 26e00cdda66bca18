"""
The command `relay` over a scripted assembly: run as a process, it shows what the command line itself does.

`SCRIPT` in the environment says what serving does: wait (until stopped), hang (whatever it is told), the name
of an error, or several errors that ended together.
"""

from __future__ import annotations

import asyncio
import os
import sys
from types import ModuleType

import relay
from relay.config.schema import RelayConfig
from relay.model.errors import Fault, JournalUnusable, PublisherLost
from relay.sources.voipcloud.config import VoipcloudConfig

SCRIPT = os.environ.get("SCRIPT", "wait")


def say(text: str) -> None:
    """
    Tell the test how far it is.
    """
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def serve(config: RelayConfig, stop: asyncio.Event) -> None:
    """
    Do what the script says.
    """
    say(f"serving {len(config.sources)} sources")
    if SCRIPT == "unusable":
        raise JournalUnusable("the journal is of a newer relay")
    if SCRIPT == "several":
        raise ExceptionGroup(
            "loops", [JournalUnusable("disk full"), ExceptionGroup("", [PublisherLost("x", "gone")])]
        )
    if SCRIPT == "bug":
        raise ExceptionGroup("loops", [JournalUnusable("disk full"), ZeroDivisionError("a bug")])
    await stop.wait()
    say("stopping")
    if SCRIPT == "hang":
        await asyncio.Event().wait()


async def upgrade(url: str) -> None:
    """
    Say what would be upgraded.
    """
    if SCRIPT == "unusable":
        raise JournalUnusable("the journal is of a newer relay")
    say(f"upgrading {url}")


def check(config: RelayConfig) -> list[Fault]:
    """
    Find fault with one name of an endpoint.
    """
    return [
        Fault(f"endpoints[{one.id}].url", "is forbidden") for one in config.endpoints if one.id == "forbidden"
    ]


scripted = ModuleType("relay.assembly")
vars(scripted).update(SOURCE_KINDS={"voipcloud": VoipcloudConfig}, serve=serve, upgrade=upgrade, check=check)
sys.modules[scripted.__name__] = scripted
vars(relay)["assembly"] = scripted

if __name__ == "__main__":
    from relay.cli.app import main

    main()
