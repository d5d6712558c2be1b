"""What is said of the versions of a policy, beside the newest, and of what has lapsed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from narrows.folder.check import check_folder

LIBRARY = Path(__file__).resolve().parents[3] / "examples" / "library"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def library(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the example, and the folder of one of its members."""
    folder = tmp_path / "library"
    shutil.copytree(LIBRARY, folder)
    return folder, folder / "members" / "harbour"


def test_an_agreement_that_has_lapsed_is_warned_of(tmp_path: Path) -> None:
    folder, harbour = library(tmp_path)
    policy = harbour / "policy.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("{from: 2026-01-01}", "{from: 2026-01-01, to: 2026-02-01}"))
    found = [one for one in check_folder(folder, NOW) if "lapsed" in one.message]
    assert [(one.severity, one.file) for one in found] == [
        ("warning", "members/harbour/policy.yaml")
    ]
    assert [one for one in check_folder(folder) if "lapsed" in one.message] == []


def test_every_version_is_checked_and_old_ones_for_errors_alone(tmp_path: Path) -> None:
    folder, harbour = library(tmp_path)
    text = (harbour / "policy.yaml").read_text()
    head, _, agreement = text.partition("agreements:\n")
    twice = f"{head}agreements:\n{agreement}{agreement.replace('id: inter', 'id: other-inter')}"
    (harbour / "policies").mkdir()
    coming = harbour / "policies" / "version-2.yaml"
    coming.write_text(twice.replace("version: 1", "version: 2"))
    errors = [one for one in check_folder(folder, NOW) if one.severity == "error"]
    assert [one.file for one in errors] == ["members/harbour/policies/version-2.yaml"]
    assert "both apply" in errors[0].message
    # The newest is the one that lies in policy.yaml, of whatever number: what came before it is old.
    (harbour / "policy.yaml").write_text(text.replace("version: 1", "version: 3"))
    coming.write_text(
        text.replace("version: 1", "version: 2").replace(
            "{from: 2026-01-01}", "{from: 2026-01-01, to: 2026-02-01}"
        )
    )
    assert [one.file for one in check_folder(folder, NOW) if "policies/" in one.file] == []
