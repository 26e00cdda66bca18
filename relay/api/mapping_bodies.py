"""
The bodies of requests about lead statuses and agent mappings.

A field that is left out keeps its default (or, in a change, its value); null is never meant.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from relay.api.bodies import Description
from relay.api.mapping_queries import CODE_PATTERN, NAME_PATTERN
from relay.api.operation import Given
from relay.config.section import Id

# The dialer takes six letters and digits (VICIdial, update_lead `status`).
DIALER_STATUS_PATTERN: Final = "^[0-9A-Za-z]{1,6}$"
EXTERNAL_ID_PATTERN: Final = "^[^\\u0000-\\u001f\\u007f]+$"

Code = Annotated[str, Field(pattern=CODE_PATTERN, description="The CRM's status; unique within the source.")]
DialerStatus = Annotated[
    str,
    Field(pattern=DIALER_STATUS_PATTERN, description="The dialer's status: 1 to 6 letters and digits."),
]
AgentId = Annotated[str, Field(pattern=NAME_PATTERN, description="The dialer's user id.")]
ExternalId = Annotated[
    str,
    Field(
        min_length=1, max_length=200, pattern=EXTERNAL_ID_PATTERN, description="Id of the user in the CRM."
    ),
]
IsDefault = Annotated[
    bool,
    Field(
        description="Of several codes with one dialer status, events are told in this one."
        " The first of a dialer status is always its default."
    ),
]


class LeadStatusNew(Given):
    """
    A status of the CRM and the dialer's status that it stands for.
    """

    source_id: Id
    code: Code
    dialer_status: DialerStatus
    description: Description = ""
    is_default: IsDefault = False


class LeadStatusChanges(Given):
    """
    What of a lead status is to be different.
    """

    dialer_status: DialerStatus = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    is_default: IsDefault = Field(default_factory=bool)

    def given(self) -> dict[str, Any]:
        """
        Return the fields that were given.
        """
        return {name: getattr(self, name) for name in self.model_fields_set}


class AgentMappingNew(Given):
    """
    An agent of a dialer and the user of the CRM who it is.
    """

    source_id: Id
    agent_id: AgentId
    external_id: ExternalId
    description: Description = ""


class AgentMappingChanges(Given):
    """
    What of an agent mapping is to be different.
    """

    external_id: ExternalId = Field(default_factory=str)
    description: Description = Field(default_factory=str)

    def given(self) -> dict[str, Any]:
        """
        Return the fields that were given.
        """
        return {name: getattr(self, name) for name in self.model_fields_set}
