"""What `store.files.Files` promises, of the real folder and of the one in memory."""

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from narrows.errors import LedgerUnavailable
from narrows.store.files import DiskFiles, Files

if TYPE_CHECKING:
    from tests.unit.store.conftest import MemoryFiles


@pytest.fixture(params=["disk", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path, memory_files: "MemoryFiles") -> Files:
    return DiskFiles(tmp_path / "ledger") if request.param == "disk" else memory_files


def test_what_is_appended_can_be_read(files: Files) -> None:
    files.lock()
    file = files.open("entries")
    file.append(b"hello ")
    file.append(b"world")
    file.sync()
    assert (file.size(), file.read(6, 5), file.read(6, 99)) == (11, b"world", b"world")
    file.truncate(5)
    file.append(b"!")
    file.close()
    again = files.open_to_read("entries")
    assert again is not None
    assert again.read(0, again.size()) == b"hello!"
    again.close()


def test_a_small_file_is_replaced_whole(files: Files) -> None:
    files.lock()
    assert files.load("checkpoint") is None
    assert files.open_to_read("entries") is None
    files.replace("checkpoint", b"one")
    files.replace("checkpoint", b"two")
    assert files.load("checkpoint") == b"two"


def test_the_folder_has_one_owner_at_a_time(files: Files, tmp_path: Path) -> None:
    files.lock()
    second = DiskFiles(tmp_path / "ledger") if isinstance(files, DiskFiles) else files
    with pytest.raises(LedgerUnavailable, match="another process"):
        second.lock()
    files.close()
    files.close()
    second.lock()
    second.close()


def test_what_lies_on_the_disk_is_for_its_owner_alone(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path / "ledger")
    files.lock()
    files.open("sealed").close()
    files.replace("checkpoint", b"note")
    assert stat.S_IMODE((tmp_path / "ledger").stat().st_mode) == 0o700
    for path in (tmp_path / "ledger").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    files.close()


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LedgerUnavailable):
        DiskFiles(tmp_path / "file" / "ledger").lock()
