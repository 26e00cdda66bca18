"""
The keys of a Dialer360 and of an Elision account.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator

from relay.config.checked import each_once, http_url
from relay.config.schema import SourceConfig
from relay.config.secrets import Secret
from relay.config.section import Id, List, Section

# The server drops every other character without a word before it compares (reference, vicidial section 1).
_KEPT: Final = re.compile(r"[-_0-9A-Za-z]+", re.ASCII)
NAME: Final = r"^[^|,\s\x00-\x1f]{1,40}$"

Name = Annotated[str, Field(pattern=NAME)]
Names = Annotated[tuple[Name, ...], List, AfterValidator(each_once)]
Did = Annotated[str, Field(pattern=r"^\+?[0-9A-Za-z]{2,20}$")]


class VicidialConfig(SourceConfig):
    """
    What accounts of both kinds have in common.
    """

    base_url: Annotated[str, AfterValidator(http_url)] = Field(
        description="Address of the API page itself, e.g. https://dialer.example.com/adminpanel/api.php."
    )
    user: Annotated[str, Field(pattern=r"^[-_0-9A-Za-z]{2,20}$")] = Field(
        description="User of the API: level 7 or higher to read, 8 for commands. Give relay one of its own."
    )
    password: Secret = Field(description="Its password: letters, digits, - and _ only.")
    source_name: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{2,20}$")] = Field(
        default="relay", description="How relay names itself in the dialer's API log (`source`)."
    )
    method: Literal["POST", "GET"] = Field(
        default="POST", description="POST keeps the password out of the web server's access log."
    )

    @field_validator("password")
    @classmethod
    def _is_kept_whole(cls, password: Secret) -> Secret:
        if not _KEPT.fullmatch(password.reveal()):
            raise ValueError(
                "may hold letters, digits, - and _ only: the dialer drops every other character and then"
                " refuses the login"
            )
        return password


class StatsConfig(Section):
    """
    What agents did, window by window.
    """

    every_s: int = Field(default=900, ge=60, le=86_400, description="Length of each window.")
    settle_s: int = Field(
        default=120, ge=0, le=3_600, description="How long after its end a window is asked for."
    )


class Dialer360Config(VicidialConfig):
    """
    One Dialer360 account.
    """

    poll_every_s: float = Field(
        default=2.0, ge=0.2, le=3_600, description="Time between polls of all agents' status."
    )
    agents: Annotated[tuple[Name, ...], List, AfterValidator(each_once)] = Field(
        default=(),
        description="Agents asked one by one where the user may not list those logged in; else not needed.",
    )
    in_groups: Names = Field(default=(), description="In-groups whose gauges are read.")
    user_groups: Names = Field(default=(), description="User groups whose gauges are read.")
    group_every_s: float = Field(
        default=5.0, ge=0.2, le=3_600, description="Time between reads of a group's gauges."
    )
    min_interval_s: float = Field(
        default=10.0, ge=0, le=3_600, description="Least time between two events of a group."
    )
    dids: Annotated[tuple[Did, ...], List, AfterValidator(each_once)] = Field(
        default=(), description="Inbound numbers whose log is read: shows calls that no agent took."
    )
    did_every_s: float = Field(
        default=60.0, ge=1, le=86_400, description="Time between reads of a number's log."
    )
    version_every_s: float = Field(
        default=60.0, ge=1, le=86_400, description="Time between looks at the dialer's clock and build."
    )
    recordings: bool = Field(default=True, description="Look for the recording of each answered call.")
    stats: StatsConfig | None = Field(
        default=None, description="Read what agents did, window by window. Left out: not read."
    )
    link_with: tuple[Id, ...] = Field(
        default=(),
        strict=False,
        description="Sources whose calls may be the same conversations: named in linked_call_ids.",
    )


class ElisionConfig(VicidialConfig):
    """
    One Elision account.
    """

    lists_every_s: float = Field(
        default=300.0, ge=5, le=86_400, description="Time between reads of the active lists."
    )
