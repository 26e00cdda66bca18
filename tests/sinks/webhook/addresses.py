"""
Networks the tests use.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Final

LOOPBACK: Final = IPv4Network("127.0.0.0/8")
