"""
Read the configuration: file, environment, secrets; checked whole before anything starts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from relay.config.dialled import Dialled, dialled_in
from relay.config.faults import SourceKinds, faults_of, reference_faults
from relay.config.overrides import Override, find_overrides, put
from relay.config.schema import RelayConfig
from relay.config.secrets import WRONG_SHAPE
from relay.model.errors import ConfigError, Fault

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
Vet = Callable[[Dialled], list[Fault]]
_TEXT_WANTED: Final = ("string_type", WRONG_SHAPE)


def load(
    path: Path, environ: Mapping[str, str], source_kinds: SourceKinds, vet: Vet = lambda _: []
) -> RelayConfig:
    """
    Return the configuration of a TOML file with the overrides of the environment.

    Args:
        path: the file.
        environ: the environment.
        source_kinds: the class of each kind of source.
        vet: finds fault with addresses, where there are other faults too, so that all are told at once.

    Raises:
        ConfigError: with all faults of file, environment and secrets, not just the first.
    """
    data = _parse(path)
    overrides, unknown = find_overrides(data, environ)
    for override in overrides:
        put(data, override.place, override.value)
    faults = unknown + reference_faults(data)
    context = {"environ": environ, "folder": path.absolute().parent, "source_kinds": source_kinds}
    try:
        config = _validate(data, overrides, context)
    except ValidationError as error:
        faults = faults_of(error, data, overrides, source_kinds) + faults
    else:
        if not faults:
            return config
    told = {fault.key for fault in faults}
    raise ConfigError(faults + [fault for fault in vet(dialled_in(data)) if fault.key not in told])


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ConfigError([Fault(str(path), f"is over {MAX_FILE_BYTES} bytes")])
        return tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError([Fault(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), "is not UTF-8 text")]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Fault(str(path), f"is no TOML: {error}")]) from error


def _validate(
    data: dict[str, Any], overrides: Sequence[Override], context: Mapping[str, object]
) -> RelayConfig:
    try:
        return RelayConfig.model_validate(data, context=dict(context))
    except ValidationError as error:
        wanted = {detail["loc"] for detail in error.errors() if detail["type"] in _TEXT_WANTED}
    # A token of digits reads as a number in TOML; where text is wanted it is the text as it was given.
    for override in overrides:
        if override.place in wanted and not isinstance(override.value, dict):
            put(data, override.place, override.text)
    return RelayConfig.model_validate(data, context=dict(context))
