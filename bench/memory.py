"""
The part `memory`: what an idle `relay serve` keeps resident.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from bench.child import BenchFailed, running, server
from bench.progress import Progress
from bench.sizes import Sizes

RELAY: Final = ("-m", "relay.cli.app")
STREAMS: Final = 4
READY_TIMEOUT_S: Final = 40.0
LOOK_EVERY_S: Final = 0.1
CONFIG: Final = """\
[server]
listen = "127.0.0.1:{api_port}"
ops_listen = "127.0.0.1:{ops_port}"
[journal]
url = "sqlite:///{folder}/relay.db"
[webhooks]
allow_private = ["127.0.0.0/8"]
[[sources]]
id = "pbx"
kind = "voipcloud"
base_url = "{twin}"
token = "twin"
timezone = "Australia/Sydney"
country = "AU"
publish_from = "lookback"
budget = {{ requests = 200, per_s = 10.0 }}
[[endpoints]]
id = "crm"
url = "{receiver}/00"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
events = ["*"]
"""


def memory(sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return the resident memory of a relay that has read its phone system and told its endpoint, in MB (10^6).
    """
    with TemporaryDirectory(prefix="relay-bench-") as folder, server("bench.receiver") as receiver:
        twin_of = ("twin", "voipcloud", "--listen", "127.0.0.1:0", "--past-calls", "200", "--stop-after", "0")
        with running(*RELAY, *twin_of, "--requests", "1000", "--per-s", "1") as twin:
            url = twin.line().split()[-1].decode()
            api_port, ops_port = _free_ports(2)
            config = Path(folder) / "relay.toml"
            config.write_text(
                CONFIG.format(
                    api_port=api_port, ops_port=ops_port, folder=folder, twin=url, receiver=receiver
                )
            )
            with running(*RELAY, "serve", "--config", str(config)):
                figures = {"idle_mb": _idle_bytes(f"http://127.0.0.1:{ops_port}/metrics", sizes.idle_s) / 1e6}
    progress.tell("memory", figures)
    return figures


def _idle_bytes(metrics_url: str, idle_s: float) -> float:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(URLError):
            page = _page(metrics_url)
            polled = _sum(page, r'relay_poll_requests_total{[^}]*outcome="success"[^}]*}')
            if polled >= STREAMS and _sum(page, r'relay_deliveries_total{[^}]*outcome="delivered"}'):
                time.sleep(idle_s)
                return _sum(_page(metrics_url), "process_resident_memory_bytes")
        time.sleep(LOOK_EVERY_S)
    raise BenchFailed(f"relay has not read and told everything within {READY_TIMEOUT_S:.0f} s")


def _page(url: str) -> str:
    with urlopen(url, timeout=5) as answer:  # noqa: S310 - our own process on loopback
        return bytes(answer.read()).decode()


def _sum(page: str, series: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{series} (\S+)$", page, flags=re.MULTILINE))


def _free_ports(count: int) -> list[int]:
    # All held at once: a port given back too early could be handed out twice.
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
