"""The file operations that a ledger needs, as protocols, and the real ones.

A ledger never opens a path itself, so that a test can fail any one operation, or stop the world
between two of them.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from narrows.errors import LedgerUnavailable

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_LOCK = "lock"


class ReadableFile(Protocol):
    """A file that can be read at any place."""

    def size(self) -> int:
        """The length in bytes."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there; fewer only where the file ends."""
        ...

    def close(self) -> None:
        """Nothing; the file is let go."""
        ...


class AppendFile(ReadableFile, Protocol):
    """A file that grows at its end."""

    def append(self, data: bytes) -> None:
        """Nothing, when all of it was handed to the system. Raises: OSError."""
        ...

    def sync(self) -> None:
        """Nothing, when all that was appended is on the disk. Raises: OSError."""
        ...

    def truncate(self, size: int) -> None:
        """Nothing, when the file durably ends there. Raises: OSError."""
        ...


class ReadableFiles(Protocol):
    """A folder of which a ledger can be read."""

    def open_to_read(self, name: str) -> ReadableFile | None:
        """The file, or None where there is none."""
        ...

    def load(self, name: str) -> bytes | None:
        """The whole of a small file, or None where there is none."""
        ...


class Files(ReadableFiles, Protocol):
    """A folder in which a ledger can live."""

    def lock(self) -> None:
        """Nothing, when no other process has the folder, from now on until `close`.

        Raises: LedgerUnavailable.
        """
        ...

    def open(self, name: str) -> AppendFile:
        """The file, made if need be. Raises: OSError."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Nothing, when the file durably holds this and nothing else, or raises unchanged."""
        ...

    def close(self) -> None:
        """Nothing; the lock is given up."""
        ...


class DiskFile:
    """An `AppendFile` on a disk."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        flags = os.O_RDONLY if read_only else os.O_RDWR | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, FILE_MODE)

    def size(self) -> int:
        """The length in bytes."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there; fewer only where the file ends."""
        found = os.pread(self._descriptor, size, offset)
        while len(found) < size:
            more = os.pread(self._descriptor, size - len(found), offset + len(found))
            if not more:
                break
            found += more
        return found

    def append(self, data: bytes) -> None:
        """Nothing, when all of it was handed to the system."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def sync(self) -> None:
        """Nothing, when all that was appended is on the disk."""
        os.fdatasync(self._descriptor)

    def truncate(self, size: int) -> None:
        """Nothing, when the file durably ends there."""
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Nothing; the file is let go."""
        os.close(self._descriptor)


class DiskFiles:
    """`Files` in one folder on a disk; the folder is made, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None

    def lock(self) -> None:
        """Nothing, when no other process has the folder (flock, given up when a process dies)."""
        try:
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            held = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as cause:
            raise LedgerUnavailable("the ledger's folder cannot be written") from cause
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            os.close(held)
            raise LedgerUnavailable(
                "another process has this ledger open", hint="stop it; one process writes a ledger"
            ) from cause
        self._lock = held

    def open(self, name: str) -> DiskFile:
        """The file, made if need be; its name is durable too."""
        is_new = not (self._folder / name).exists()
        found = DiskFile(self._folder / name)
        if is_new:
            self._sync_folder()
        return found

    def open_to_read(self, name: str) -> DiskFile | None:
        """The file, or None where there is none."""
        with suppress(FileNotFoundError):
            return DiskFile(self._folder / name, read_only=True)
        return None

    def load(self, name: str) -> bytes | None:
        """The whole of a small file, or None where there is none."""
        with suppress(FileNotFoundError):
            return (self._folder / name).read_bytes()
        return None

    def replace(self, name: str, data: bytes) -> None:
        """Nothing, when the file durably holds this and nothing else."""
        fresh = self._folder / f"{name}.new"
        with suppress(FileNotFoundError):
            fresh.unlink()
        file = DiskFile(fresh)
        try:
            file.append(data)
            file.sync()
        finally:
            file.close()
        fresh.replace(self._folder / name)
        self._sync_folder()

    def close(self) -> None:
        """Nothing; the lock is given up."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
