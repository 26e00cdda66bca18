"""
Ways to do it wrong, each of them usual: the proof must find every one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from relay.model.call import LegFacts
from relay.model.ids import IdMaker, row_digest
from relay.model.linking import LinkRules
from relay.normalise.calls import CallAssembler
from relay.pipeline.page_rows import RowReader
from relay.source_assembly import Rooms
from relay.sources.port import Pull, Source, Window
from tests.ingest.world import Doubles

ANY_CALL_OF_THE_NUMBER = LinkRules(
    threshold=1,
    margin=0,
    same_instant=timedelta(minutes=3),
    overflow_within=timedelta(minutes=3),
    attended_overlap=timedelta(minutes=10),
    most_exact=0,
    most_legs=0,
)


class StopsAtWhatItKnows:
    """
    A source that reads down to the first row that it has read before, as it is, and takes the rest as known.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: set[bytes] = set()
        self.source_id = source.source_id
        self.call_streams = source.call_streams
        self.status_streams = source.status_streams
        self.allow = source.allow
        self.quota_remaining = source.quota_remaining

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Read a stream; rows below the first known one are those that were below it then.
        """
        pull = await self._source.pull(stream, window, names)
        if stream not in self.call_streams:
            return pull
        digests = [row_digest(row) for row in pull.rows]
        place = next((place for place, digest in enumerate(digests) if digest in self._seen), len(digests))
        kept = [
            row
            for row, digest in zip(pull.rows, digests, strict=True)
            if digest in self._seen or digest in digests[:place]
        ]
        self._seen.update(digests[:place])
        return replace(pull, rows=kept)


class ContentIsIdentity:
    """
    A reader for whom every other content of a row is another row.
    """

    def __init__(self, reader: RowReader, ids: IdMaker) -> None:
        self._reader = reader
        self._ids = ids
        self.has_native_id = reader.has_native_id
        self.folds = reader.folds

    def read(self, stream: str, row: dict[str, Any], *more: Any, **named: Any) -> LegFacts:
        """
        Read a row.
        """
        facts = self._reader.read(stream, row, *more, **named)
        return facts._replace(base_key=self._ids.leg_base(stream, facts.digest.hex()))

    def other_pass(self, *_args: object) -> LegFacts | None:
        """
        Know of no other pass.
        """
        return None


def content_is_identity(rooms: Rooms, ids: IdMaker) -> Rooms:
    """
    Read rows so.
    """
    return replace(rooms, reader=ContentIsIdentity(rooms.reader, ids))


def greedy_linking(rooms: Rooms, ids: IdMaker) -> Rooms:
    """
    Link to the best call of the number at about the time, whatever else it might be.
    """
    return replace(rooms, assembler=CallAssembler(rooms.rules, ids, {}, ANY_CALL_OF_THE_NUMBER))


WRONG: Mapping[str, Doubles] = {
    "early stop": Doubles(source=StopsAtWhatItKnows),
    "content as identity": Doubles(rooms=content_is_identity),
    "greedy linking": Doubles(rooms=greedy_linking),
}
