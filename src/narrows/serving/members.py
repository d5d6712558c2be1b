"""The member directory of one process: read from its file, verified, followed when it changes.

An epoch that was seen is remembered on the disk, so that an older file, with a key that was
revoked since, is refused even after a restart. A file that does not verify changes nothing: the
last good one stays in force until it expires, and then the process answers nobody.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from narrows.core.directory import Directory, DirectoryKey, decode_directory
from narrows.errors import BadFederation
from narrows.store.keys import verify_signature
from narrows.store.seen import read_seen, write_seen

_Stamp = tuple[int, int, int]


class Members:
    """The directory in force. `epochs` is the file that remembers the highest epoch."""

    def __init__(
        self, path: Path, root: DirectoryKey, epochs: Path, clock: Callable[[], datetime]
    ) -> None:
        """Raises: BadFederation where there is no directory in force."""
        self._path = path
        self._root = root
        self._epochs = epochs
        self._clock = clock
        self._stamp = self._look()
        self._document = b""
        self._current = self._read()

    def current(self) -> Directory:
        """The directory in force now. Raises: BadFederation once it has expired."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._current = self._read()
            except BadFederation as error:
                logging.getLogger("narrows").warning("the new directory is not taken: %s", error)
        if self._clock() >= self._current.expires_at:
            raise BadFederation("the directory has expired", hint="fetch the current directory")
        return self._current

    def document(self) -> bytes:
        """The signed file of the directory in force."""
        return self._document

    def _look(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _read(self) -> Directory:
        seen = read_seen(self._epochs)
        try:
            data = self._path.read_bytes()
        except OSError as cause:
            message = "the member directory cannot be read"
            raise BadFederation(message, file=str(self._path)) from cause
        found = decode_directory(
            data, self._root, verify_signature, now=self._clock(), seen_epoch=seen
        )
        if found.epoch > seen:
            write_seen(self._epochs, found.epoch)
        self._document = data
        return found
