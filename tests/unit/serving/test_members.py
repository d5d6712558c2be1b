"""The directory of a process: followed forward, never back, and never on the word of a stranger."""

import errno
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from narrows.core.directory import Directory
from narrows.errors import BadFederation
from narrows.serving.members import LOOK_AGAIN, Members
from narrows.store.keys import SigningKey
from narrows.store.seen import read_seen
from tests.unit.serving.world import NOW, OPC, ROOT, VPD, directory, key_of, public, signed


@dataclass(slots=True)
class Kept:
    """A folder with a directory's file, and a clock that stands still."""

    folder: Path
    now: datetime = NOW
    opened: list[Members] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "directory.json"

    def publish(self, found: Directory, root: SigningKey = ROOT) -> None:
        """A new file in the place of the old one, as a publisher replaces it."""
        fresh = self.folder / "fresh"
        fresh.write_bytes(signed(found, root))
        fresh.replace(self.file)

    def start(self) -> Members:
        return Members(self.file, public(ROOT), self.folder / "epoch", lambda: self.now)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    found = Kept(tmp_path)
    found.publish(directory(epoch=3))
    return found


def without(name: str, epoch: int) -> Directory:
    found = directory(epoch)
    return replace(found, members={k: v for k, v in found.members.items() if k != name})


def test_the_directory_in_force_is_the_signed_file(kept: Kept) -> None:
    members = kept.start()
    assert members.current() == directory(3)
    assert members.document() == kept.file.read_bytes()
    assert read_seen(kept.folder / "epoch") == 3


def test_a_new_epoch_is_taken_without_a_restart(kept: Kept) -> None:
    members = kept.start()
    kept.publish(without(VPD, epoch=4))
    assert members.current().member(VPD) is None
    assert members.document() == kept.file.read_bytes()
    assert read_seen(kept.folder / "epoch") == 4


@pytest.mark.parametrize("restarted", [False, True])
def test_an_older_epoch_is_refused_also_after_a_restart(kept: Kept, restarted: bool) -> None:
    """Else whoever restores the file brings back a key that was revoked."""
    members = kept.start()
    kept.publish(without(VPD, epoch=4))
    members.current()
    kept.publish(directory(epoch=3))
    if restarted:
        with pytest.raises(BadFederation, match="epoch 4 was seen"):
            kept.start()
    else:
        assert members.current().epoch == 4
        assert members.current().member(VPD) is None


def _spoil(kept: Kept, how: str) -> None:
    match how:
        case "signed by another":
            kept.publish(without(VPD, epoch=4), key_of("other"))
        case "unsigned":
            kept.file.write_bytes(b"{}")
        case "cut off":
            kept.file.write_bytes(kept.file.read_bytes()[:-9])
        case "gone":
            kept.file.unlink()
        case _:
            late = without(VPD, epoch=4)
            kept.publish(replace(late, issued_at=NOW + timedelta(hours=1)))


@pytest.mark.parametrize(
    "how", ["signed by another", "unsigned", "cut off", "gone", "not yet in force"]
)
def test_a_file_that_does_not_verify_leaves_the_last_good_one(
    kept: Kept, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    members = kept.start()
    before = members.document()
    _spoil(kept, how)
    with caplog.at_level(logging.WARNING, "narrows"):
        assert members.current() == directory(3)
        assert members.current() == directory(3)
    assert members.document() == before
    assert read_seen(kept.folder / "epoch") == 3
    assert len([one for one in caplog.records if "not taken" in one.getMessage()]) == 1
    with pytest.raises(BadFederation):
        kept.start()
    kept.publish(without(OPC, epoch=5))
    assert members.current().epoch == 5


def test_a_directory_that_comes_into_force_later_is_taken_then(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """A publisher whose clock is ahead must not keep a revoked member in for ever."""
    members = kept.start()
    later = NOW + timedelta(seconds=30)
    kept.publish(replace(without(VPD, epoch=4), issued_at=later))
    with caplog.at_level(logging.WARNING, "narrows"):
        for kept.now in (NOW, later - LOOK_AGAIN, later - LOOK_AGAIN / 2):
            assert members.current().epoch == 3
    assert len(caplog.records) == 1
    kept.now = later + LOOK_AGAIN
    assert members.current().epoch == 4


def test_a_disk_that_is_full_does_not_keep_a_revoked_member_in(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    members = kept.start()
    old = kept.file.read_bytes()
    kept.publish(without(VPD, epoch=4))
    with monkeypatch.context() as full, caplog.at_level(logging.ERROR, "narrows"):
        full.setattr("narrows.store.seen.os.fsync", _no_space)
        for _ in range(2):
            assert members.current().member(VPD) is None
        assert "cannot be written down" in caplog.text
        kept.file.write_bytes(old)
        assert members.current().member(VPD) is None
        assert read_seen(kept.folder / "epoch") == 3
    kept.publish(without(VPD, epoch=4))
    assert members.current().epoch == 4
    assert read_seen(kept.folder / "epoch") == 4


def _no_space(_file: int) -> None:
    raise OSError(errno.ENOSPC, "no space")


def test_an_expired_directory_stops_service(kept: Kept) -> None:
    members = kept.start()
    kept.now = directory().expires_at - timedelta(microseconds=1)
    assert members.current().epoch == 3
    kept.now = directory().expires_at
    for _ in range(2):
        with pytest.raises(BadFederation, match="expired"):
            members.current()
    with pytest.raises(BadFederation):
        kept.start()
    lasting = replace(directory(4), expires_at=NOW + timedelta(days=9))
    kept.publish(lasting)
    assert members.current() == lasting
