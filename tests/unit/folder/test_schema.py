"""The schemas for editors are those of the loader, and each example file names its own."""

from pathlib import Path

import pytest

from narrows.folder.schema import FILES, json_schema, schema_text, write_schemas

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "docs" / "schema"
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
MARK = "# yaml-language-server: $schema="


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_file_of_a_schema_is_up_to_date(name: str) -> None:
    written = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(name), "run python -m narrows.folder.schema docs/schema"


def test_nothing_but_schemas_is_there(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert {path.name for path in SCHEMAS.iterdir()} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_schema_is_closed_as_the_loader_is(name: str) -> None:
    found = json_schema(name)
    assert found["additionalProperties"] is False
    assert isinstance(found["properties"], dict)
    assert set(found["properties"]) == {
        field.alias or key for key, field in FILES[name].model_fields.items()
    }


def test_names_that_the_loader_refuses_are_refused_by_editors() -> None:
    relations = json_schema("catalog")["properties"]
    assert isinstance(relations, dict)
    assert isinstance(relations["relations"], dict)
    assert relations["relations"]["additionalProperties"] is False


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_example_file_names_its_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(MARK)
    kind = "policy" if path.parent.name == "policies" else path.stem
    assert (path.parent / first.removeprefix(MARK)).resolve() == SCHEMAS / f"{kind}.schema.json"
