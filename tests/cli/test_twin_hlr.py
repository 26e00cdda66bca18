"""
`relay twin hlr` as a process.
"""

from __future__ import annotations

import json
import signal
import urllib.request

from tests.cli.conftest import Relay, finished, started


def test_a_provider_answers_at_the_url_that_it_prints() -> None:
    with started("twin", "hlr", "--listen", "127.0.0.1:0", "--token", "t0ken") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        asked = urllib.request.Request(  # noqa: S310 (the twin)
            f"{url}?number=%2B447911123490", headers={"Authorization": "Bearer t0ken"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            told = json.load(answer)
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (0, "") == (done.code, done.err)
    assert ("+447911123490", "invalid") == (told["number"], told["status"])


def test_it_listens_on_loopback_only(relay: Relay) -> None:
    done = relay("twin", "hlr", "--listen", "0.0.0.0:0")

    assert (2, True) == (done.code, "loopback only" in done.err)
