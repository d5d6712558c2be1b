"""JSON Schemas of every YAML file of a federation, so that editors help while one writes.

    python -m narrows.folder.schema docs/schema

writes them afresh. A file names its schema in its first line, as
`# yaml-language-server: $schema=../../docs/schema/catalog.schema.json`. A schema says the layout
alone; names that must be those of another file are found by `narrows check`.
"""

import json
import sys
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

from narrows.core.policy.layout import PolicyFile
from narrows.folder.format import CatalogFile, FederationFile, MappingFile, MemberFile

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | float | bool | None"

FILES: dict[str, type[BaseModel]] = {
    "federation": FederationFile,
    "catalog": CatalogFile,
    "member": MemberFile,
    "mapping": MappingFile,
    "policy": PolicyFile,
}


def json_schema(name: str) -> dict[str, _Json]:
    """The JSON Schema of one kind of file. Needs: a name of `FILES`."""
    found = _tidy(FILES[name].model_json_schema(by_alias=True))
    assert isinstance(found, dict)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{name}.yaml of a federation of Narrows",
        **found,
    }


def write_schemas(folder: Path) -> None:
    """Nothing; the folder holds `<name>.schema.json` for each kind of file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / f"{name}.schema.json").write_text(schema_text(name), encoding="utf-8")


def schema_text(name: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"


def _tidy(value: _Json, *, of_names: bool = False) -> _Json:
    """The schema without the titles that pydantic makes of names, and closed where it is not."""
    match value:
        case dict():
            kept = {
                key: _tidy(inner, of_names=key in ("properties", "$defs", "patternProperties"))
                for key, inner in value.items()
                if of_names or key != "title"
            }
            if not of_names and "patternProperties" in kept:
                # Else an editor takes a name that the pattern refuses.
                kept["additionalProperties"] = False
            return kept
        case list():
            return [_tidy(inner) for inner in value]
        case _:
            return value


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
