"""A folder in memory that can fail any operation, or stop the world in the middle of one."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from narrows.errors import LedgerUnavailable


class Stopped(Exception):
    """The process was killed here."""


@dataclass
class Fault:
    """At operation `at`, counted from 0: part of it is done, then `error` is raised."""

    at: int = -1
    fraction: float = 0.0
    error: Callable[[], Exception] = Stopped


@dataclass
class MemoryFile:
    """A `store.files.AppendFile`: bytes handed to the system, of which some are on the disk."""

    folder: "MemoryFiles"
    written: bytearray = field(default_factory=bytearray)
    synced_bytes: int = 0

    def size(self) -> int:
        return len(self.written)

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.written[offset : offset + size])

    def append(self, data: bytes) -> None:
        done, error = self.folder.operation("append")
        self.written += data[: int(len(data) * done)]
        if error:
            raise error

    def sync(self) -> None:
        done, error = self.folder.operation("sync")
        if done == 1:
            self.synced_bytes = len(self.written)
        if error:
            raise error

    def truncate(self, size: int) -> None:
        done, error = self.folder.operation("truncate")
        if done == 1:
            del self.written[size:]
            self.synced_bytes = len(self.written)
        if error:
            raise error

    def close(self) -> None:
        return


@dataclass
class MemoryFiles:
    """A `store.files.Files` in memory."""

    files: dict[str, MemoryFile] = field(default_factory=dict)
    whole: dict[str, bytes] = field(default_factory=dict)
    fault: Fault = field(default_factory=Fault)
    operations: list[str] = field(default_factory=list)
    is_locked: bool = False

    def operation(self, name: str) -> tuple[float, Exception | None]:
        """How much of this operation is done, and what it then raises."""
        self.operations.append(name)
        if len(self.operations) - 1 == self.fault.at:
            return self.fault.fraction, self.fault.error()
        return 1, None

    def lock(self) -> None:
        if self.is_locked:
            raise LedgerUnavailable("another process has this ledger open")
        self.is_locked = True

    def open(self, name: str) -> MemoryFile:
        return self.files.setdefault(name, MemoryFile(self))

    def open_to_read(self, name: str) -> MemoryFile | None:
        return self.files.get(name)

    def load(self, name: str) -> bytes | None:
        return self.whole.get(name)

    def replace(self, name: str, data: bytes) -> None:
        done, error = self.operation("replace")
        if done == 1:
            self.whole[name] = data
        if error:
            raise error

    def close(self) -> None:
        self.is_locked = False

    def after(self, survive: Callable[[MemoryFile], bytes]) -> "MemoryFiles":
        """The folder as the next process finds it; `survive` says what is left of a file."""
        found = MemoryFiles(whole=dict(self.whole))
        for name, file in self.files.items():
            left = bytearray(survive(file))
            found.files[name] = MemoryFile(found, left, len(left))
        return found


@pytest.fixture
def memory_files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def fault_type() -> type[Fault]:
    return Fault


@pytest.fixture
def folder_type() -> type[MemoryFiles]:
    return MemoryFiles
