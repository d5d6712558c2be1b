"""The folder of a federation: the example loads, and each slip is found at its line."""

import shutil
from pathlib import Path

import pytest

from narrows.core.terms import ColumnName, Holder, MemberName, RelationName
from narrows.errors import BadFederation
from narrows.folder.check import check_folder
from narrows.folder.load import load_folder

LIBRARY = Path(__file__).parents[3] / "examples" / "library"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, tmp_path / "library"))


def test_the_library_loads_and_is_well() -> None:
    found = load_folder(LIBRARY)
    assert set(found.members) == {"auditor", "harbour", "hilltop", "riverside", "reader-desk"}
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


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="no such folder"):
        load_folder(tmp_path / "nowhere")


def test_a_member_without_its_file_is_named(folder: Path) -> None:
    (folder / "members" / "annex").mkdir()
    with pytest.raises(BadFederation, match="missing") as caught:
        load_folder(folder)
    assert caught.value.file == "members/annex/member.yaml"


def test_what_tools_keep_beside_members_is_passed_over(folder: Path) -> None:
    (folder / "members" / ".cache").mkdir()
    (folder / "members" / "notes.txt").write_text("for later")
    assert len(load_folder(folder).members) == 5


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "catalog.yaml").write_bytes(b"version: \xff\n")
    with pytest.raises(BadFederation, match="not text in UTF-8") as caught:
        load_folder(folder)
    assert caught.value.file == "catalog.yaml"


def test_a_stranger_in_an_agreement_is_warned_of(folder: Path) -> None:
    path = folder / "members/harbour/policy.yaml"
    path.write_text(path.read_text().replace("{classes: [library, desk]}", "{members: [annex]}"))
    (warning,) = [finding for finding in check_folder(folder) if finding.severity == "warning"]
    assert "`annex`, who is no member" in warning.message
    assert "reader-desk" in warning.hint
