"""
Web servers of others that receivers run: nginx with TLS, and Node's own, which is an egress proxy too.

Both listen on loopback, with all their files under a folder of their own.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from tests.services.kafka import ServiceFailed

HERE: Final = Path(__file__).parent
START_TIMEOUT_S: Final = 20.0
NGINX_FOLDERS: Final = (
    ":/usr/sbin:/usr/local/sbin"  # where Debian has it, and a plain user's path does not lead
)


@dataclass(frozen=True, slots=True)
class Nginx:
    """
    A running nginx: `authority` signed its certificate for `hooks.example`, and signs those of clients.
    """

    port: int
    authority: trustme.CA


@contextmanager
def running_nginx(folder: Path) -> Iterator[Nginx]:
    """
    Start nginx with its files in `folder`; stop it at the end.

    Raises:
        ServiceFailed: it did not start.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path=NGINX_FOLDERS)
    if program is None:
        raise ServiceFailed("nginx is not installed")
    authority = trustme.CA()
    own = authority.issue_cert("hooks.example")
    own.private_key_and_cert_chain_pem.write_to_path(folder / "own.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    settings = (HERE / "nginx.conf").read_text().replace("PORT", str(port)).replace("FOLDER", str(folder))
    (folder / "nginx.conf").write_text(settings)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - fixed
        try:
            _wait_until_open(process, port)
            yield Nginx(port, authority)
        finally:
            process.terminate()


@contextmanager
def running_node() -> Iterator[int]:
    """
    Start Node's HTTP server; give its port, and stop it at the end.

    Raises:
        ServiceFailed: it did not start.
    """
    program = shutil.which("node")
    if program is None:
        raise ServiceFailed("node is not installed")
    command = [program, str(HERE / "node_server.js")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - fixed
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.strip().isdigit():
                raise ServiceFailed("node told no port")
            yield int(line)
        finally:
            process.terminate()


def _wait_until_open(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            words = process.stderr.read() if process.stderr is not None else ""
            raise ServiceFailed(f"nginx ended with {process.returncode}:\n{words}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.02)
    raise ServiceFailed(f"nginx is not up after {START_TIMEOUT_S:.0f} s")
