"""
Whether an idle connection may carry the next request, where the kernel does not tell its state.
"""

from __future__ import annotations

import socket

import pytest

from relay.sinks.webhook.transport.connection import _has_nothing_to_read


@pytest.mark.parametrize(
    ("said", "is_closed", "may_be_used"),
    [(b"", False, True), (b"HTTP/1.1 408", False, False), (b"", True, False)],
    ids=["silent", "something said", "closed"],
)
def test_a_connection_on_which_something_came_unasked_is_not_used(
    said: bytes, is_closed: bool, may_be_used: bool
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.send(said)
        if is_closed:
            theirs.close()

        assert may_be_used is _has_nothing_to_read(ours)
