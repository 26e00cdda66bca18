"""
One side of a comparison, in a process of its own: `python -m bench.side NAME PARAMETERS`.

Parameters and result are JSON; the result is the last line on standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Final

import orjson
import uvloop

Side = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]

# Each side imports only what it needs: what others import must not slow down its garbage collector.
SIDES: Final = {
    "load": "bench.load:load",
    "bare": "bench.bare:bare",
    "flat_out": "bench.flat_out:flat_out",
    "batched": "bench.batched:batched",
    "hanging": "bench.hanging:hanging",
    "many": "bench.many:many",
    "killed": "bench.killed:killed",
    "refused": "bench.refused:refused",
    "pending": "bench.pending:pending",
    "pending_few": "bench.pending:pending_few",
    "profile": "bench.profile:profiled",
    "paced": "bench.paced:paced",
    "beside_reads": "bench.beside_reads:beside_reads",
    "reads": "bench.api_reads:reads",
    "ingest": "bench.ingest:ingest",
    "agents": "bench.agents:agents",
    "backfill": "bench.past:backfill",
    "kafka_bare": "bench.kafka_sides:bare",
    "kafka_exactly_once": "bench.kafka_sides:exactly_once",
    "kafka_paced": "bench.kafka_sides:paced",
}


def side_of(name: str) -> Side:
    """
    Return the function of a side.
    """
    module, _, function = SIDES[name].partition(":")
    found: Side = getattr(import_module(module), function)
    return found


async def main() -> None:
    """
    Run the side that the command line names.
    """
    name, parameters = sys.argv[1:]
    result = await side_of(name)(orjson.loads(parameters))
    sys.stdout.write(orjson.dumps(result).decode() + "\n")


if __name__ == "__main__":
    uvloop.run(main())
