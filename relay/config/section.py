"""
What tables of the configuration have in common.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from relay.config import checked

ID_PATTERN: Final = r"^[a-z0-9-]{1,40}$"

Url = Annotated[str, AfterValidator(checked.http_url)]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
# TOML has lists only; strict models would want real tuples.
List = Field(strict=False)


class Section(BaseModel):
    """
    A table of the configuration file.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
