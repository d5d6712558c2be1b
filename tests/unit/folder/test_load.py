"""The folder of a federation: the example loads, and each slip is found at its line."""

import shutil
from pathlib import Path

import pytest

from narrows.core.terms import ColumnName, Holder, MemberName, RelationName
from narrows.errors import BadFederation
from narrows.folder.check import check_folder
from narrows.folder.format import FILES, json_schema
from narrows.folder.load import load_folder

LIBRARY = Path(__file__).parents[3] / "examples" / "library"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, tmp_path / "library"))


def test_the_library_loads_and_is_well() -> None:
    found = load_folder(LIBRARY)
    assert set(found.members) == {"harbour", "hilltop", "riverside", "reader-desk"}
    assert found.catalog.holders == (Holder("harbour"), Holder("hilltop"), Holder("riverside"))
    patron = RelationName("patron")
    assert found.catalog.relations[patron].key == (ColumnName("patron_id"),)
    desk, riverside = (
        found.members[MemberName("reader-desk")],
        found.members[MemberName("riverside")],
    )
    assert desk.node is None
    assert riverside.node is not None
    assert riverside.node.mapping[patron].startswith("SELECT member_id AS patron_id")
    assert [finding for finding in check_folder(LIBRARY) if finding.severity == "error"] == []


def test_the_same_folder_gives_the_same_catalog() -> None:
    assert load_folder(LIBRARY).catalog.digest == load_folder(LIBRARY).catalog.digest


SLIPS = [
    ("federation.yaml", "zone: America/Halifax", "zone: Atlantis", "zone"),
    ("federation.yaml", "title:", "titel:", "titel"),
    ("federation.yaml", "  desk: A desk", "  booth: A desk", "no class `desk`"),
    ("catalog.yaml", "key: [loan_id]", "key: [lone_id]", "no column `lone_id`"),
    ("catalog.yaml", "relation: patron}", "relation: reader}", "no key"),
    ("catalog.yaml", "Who borrowed it, id: true", "Who borrowed it", "differs in type or `id`"),
    ("catalog.yaml", "  loan:\n", "  loan:\n    colour: red\n", "colour"),
    ("catalog.yaml", "      isbn:", "      holder:", "`holder` is implied"),
    ("catalog.yaml", "type: date, meaning: Date of", "type: day, meaning: Date of", "type"),
    ("members/hilltop/member.yaml", "class: library", "class: shop", "no class `shop`"),
    ("members/hilltop/member.yaml", "name: hilltop", "name: hillside", "the folder's"),
    ("members/riverside/mapping.yaml", "      isbn: isbn\n", "", "`loan.isbn`"),
    ("members/riverside/mapping.yaml", "  loan:", "  lending:", "no relation `lending`"),
    ("members/harbour/policy.yaml", "agency: harbour", "agency: hilltop", "another agency's"),
    ("members/harbour/policy.yaml", "[interlibrary_loan]", "[interlibrary_lone]", "no purpose"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "said"), SLIPS)
def test_each_slip_is_found_in_its_file(
    folder: Path, file: str, right: str, wrong: str, said: str
) -> None:
    path = folder / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    with pytest.raises(BadFederation) as caught:
        load_folder(folder)
    assert said in str(caught.value)
    assert caught.value.line > 0
    (finding,) = check_folder(folder)
    assert (finding.severity, finding.line) == ("error", caught.value.line)


@pytest.mark.parametrize("file", ["federation.yaml", "catalog.yaml", "members/harbour/policy.yaml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BadFederation, match="missing") as caught:
        load_folder(folder)
    assert caught.value.file == file


def test_a_federation_without_a_node_is_refused(folder: Path) -> None:
    for name in ("harbour", "hilltop", "riverside"):
        shutil.rmtree(folder / "members" / name)
    with pytest.raises(BadFederation, match="no member has a node"):
        load_folder(folder)


def test_overlapping_agreements_are_an_error_that_names_the_policy(folder: Path) -> None:
    path = folder / "members/harbour/policy.yaml"
    head, _, agreement = path.read_text().partition("  - id: interlibrary-loan\n")
    path.write_text(f"{head}  - id: interlibrary-loan\n{agreement}  - id: second\n{agreement}")
    errors = [finding for finding in check_folder(folder) if finding.severity == "error"]
    assert [finding.file for finding in errors] == ["members/harbour/policy.yaml"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_has_a_schema_for_editors(name: str) -> None:
    found = json_schema(name)
    assert found["additionalProperties"] is False
