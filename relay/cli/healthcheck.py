"""
Ask a running relay whether it lives: `python -m relay.cli.healthcheck [HOST:PORT]`, for containers.

Exits 0 where `/livez` answers 200, 1 where it does not, 2 for an address that is none.  Uses the standard
library only: a check that runs every few seconds should cost little, and an image needs no shell for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import Final

ADDRESS_VARIABLE: Final = "RELAY_SERVER__OPS_LISTEN"
DEFAULT_ADDRESS: Final = "127.0.0.1:9464"
TIMEOUT_S: Final = 3.0
# A server that listens on every address is asked on loopback.
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names the wildcard, binds nothing


def main(arguments: Sequence[str]) -> int:
    """
    Return the exit code for the address given, or that of the environment, or the default one.
    """
    address = next(iter(arguments), os.environ.get(ADDRESS_VARIABLE, DEFAULT_ADDRESS))
    host, _, port = address.rpartition(":")
    bare_host = host.removeprefix("[").removesuffix("]")
    if not bare_host or not (port.isascii() and port.isdigit()):
        return _say(f"{address} is not HOST:PORT", 2)
    connection = HTTPConnection(_LOOPBACK.get(bare_host, bare_host), int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, HTTPException, UnicodeError) as error:
        return _say(f"no answer from {address}: {error!r}", 1)
    finally:
        connection.close()
    return 0 if status == 200 else _say(f"{address} answered {status}", 1)


def _say(problem: str, code: int) -> int:
    sys.stderr.write(f"relay: {problem}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
