"""What the pages for newcomers show is what the examples hold and the loader takes."""

import re
from pathlib import Path

import pytest

from narrows.core.document import read_document
from narrows.core.policy.layout import PolicyFile
from narrows.core.terms import ColumnType
from narrows.folder.format import CatalogFile, FederationFile
from narrows.folder.schema import FILES, json_schema

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{re.escape(language)}\n(.*?)```", text, re.DOTALL)


def test_the_policy_on_the_page_is_that_of_the_example() -> None:
    path = "examples/library/members/harbour/policy.yaml"
    (shown,) = blocks(page("policy.md"), f"yaml {path}")
    one, _ = read_document(shown, PolicyFile, "policy.md")
    other, _ = read_document((ROOT / path).read_text(encoding="utf-8"), PolicyFile, path)
    assert one == other


def test_the_catalog_and_the_federation_on_the_pages_read() -> None:
    (shown,) = blocks(page("catalog.md"), "yaml")
    read_document(shown, CatalogFile, "catalog.md")
    top = [one for one in blocks(page("federation-folder.md"), "yaml") if "zone:" in one]
    for one in top:
        read_document(one, FederationFile, "federation-folder.md")
    assert len(top) == 1


@pytest.mark.parametrize("kind", list(ColumnType))
def test_each_type_is_told(kind: ColumnType) -> None:
    assert page("catalog.md").count(f"`{kind}`") >= 2


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("federation-folder.md", "federation"),
        ("federation-folder.md", "member"),
        ("catalog.md", "catalog"),
        ("policy.md", "policy"),
    ],
)
def test_each_key_is_told(file: str, name: str) -> None:
    text = page(file)
    missing = [key for key in _keys(json_schema(name)) if not re.search(rf"\b{key}\b", text)]
    assert missing == []
    assert name in FILES


def _keys(schema: object) -> set[str]:
    """Every key that a schema names, at whatever depth."""
    match schema:
        case dict():
            named = schema.get("properties")
            mine = set(named) if isinstance(named, dict) else set()
            return mine.union(*(_keys(inner) for inner in schema.values()))
        case list():
            return set().union(*(_keys(inner) for inner in schema))
        case _:
            return set()
