"""Settings of a process: one YAML file, over which the environment may put single values.

The environment's names are those of the file, in capitals, after `NARROWS_`: `NARROWS_LISTEN`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from narrows.core.document import read_document
from narrows.errors import BadFederation

PREFIX = "NARROWS_"
S = TypeVar("S", bound="ProcessSettings")


class ProcessSettings(BaseModel):
    """What every serving process is told. Paths are taken from the settings file's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    federation: Path
    """The folder of the federation."""
    home: Path
    """The folder with this process's keys, certificates, ledger and spans."""
    directory: Path
    """The file of the signed member directory."""
    root_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The federation's root key: 64 hexadecimal digits."""
    listen: str
    """Host and port to serve on, as `127.0.0.1:7001`."""
    calls_per_caller: Annotated[int, Field(ge=1)] = 64
    calls_at_once: Annotated[int, Field(ge=1)] = 256
    stop_s: Annotated[float, Field(gt=0)] = 10.0
    """How long a stop waits for what is under way."""


def read_settings(path: Path, model: type[S], environment: Mapping[str, str]) -> S:
    """The settings in the file, with what the environment puts over them.

    Raises: BadFederation with file and line, or the name in the environment.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise BadFederation(
            "the settings are missing or not text in UTF-8",
            hint="`narrows up` writes them",
            file=str(path),
        ) from cause
    found, _ = read_document(text, model, str(path))
    over = {
        name: value
        for name in model.model_fields
        if (value := environment.get(PREFIX + name.upper())) is not None
    }
    try:
        mixed = model.model_validate({**found.model_dump(mode="json"), **over})
    except ValidationError as cause:
        first = cause.errors(include_input=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise BadFederation(
            f"the environment's `{name}`: {first['msg'].lower()}", hint="see docs/operating.md"
        ) from cause
    base = path.resolve().parent
    places = {
        name: base / value
        for name in model.model_fields
        if isinstance(value := getattr(mixed, name), Path)
    }
    return mixed.model_copy(update=places)
