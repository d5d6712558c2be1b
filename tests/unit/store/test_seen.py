"""The highest number ever seen: kept in one small file, or the process stops."""

from pathlib import Path

import pytest

from narrows.errors import BadFederation, LedgerUnavailable
from narrows.store.seen import read_seen, write_seen


def test_a_number_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    assert read_seen(path) == 0
    for number in (1, 12, 3):
        write_seen(path, number)
        assert read_seen(path) == number
    assert [one.name for one in tmp_path.iterdir()] == ["epoch"]


def test_one_that_was_cut_off_while_writing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    write_seen(path, 7)
    (tmp_path / "epoch.new").write_text("9")
    assert read_seen(path) == 7
    write_seen(path, 8)
    assert read_seen(path) == 8


@pytest.mark.parametrize("content", [b"", b"\n", b"-1", b"7.5", b"seven", b"7 8", b"\xff", b"0x7"])
def test_a_damaged_file_is_never_taken_for_nothing_seen(tmp_path: Path, content: bytes) -> None:
    """Else whoever empties it brings an old directory back."""
    path = tmp_path / "epoch"
    path.write_bytes(content)
    with pytest.raises(BadFederation) as caught:
        read_seen(path)
    assert caught.value.file == str(path)


def test_a_folder_in_its_place_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(BadFederation, match="cannot be read"):
        read_seen(tmp_path)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="mend the disk"):
        write_seen(tmp_path / "none" / "epoch", 1)
    (tmp_path / "taken").mkdir()
    with pytest.raises(LedgerUnavailable):
        write_seen(tmp_path / "taken", 1)
