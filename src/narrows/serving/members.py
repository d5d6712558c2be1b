"""The member directory of one process: read from its file, verified, followed when it changes.

An epoch that was seen is remembered on the disk, so that an older file, with a key that was
revoked since, is refused even after a restart. A file that does not verify changes nothing: the
last good one stays in force until it expires, and then the process answers nobody. It is looked at
again all the same: it may come into force later, or its disk may be mended.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from narrows.core.directory import Directory, DirectoryKey, decode_directory
from narrows.errors import BadFederation, LedgerUnavailable
from narrows.store.keys import verify_signature
from narrows.store.seen import read_seen, write_seen

LOOK_AGAIN = timedelta(seconds=2)
"""How soon a file is read again that was not taken, or whose epoch could not be remembered."""
_Stamp = tuple[int, int, int]


class Members:
    """The directory in force. `epochs` is the file that remembers the highest epoch."""

    def __init__(
        self, path: Path, root: DirectoryKey, epochs: Path, clock: Callable[[], datetime]
    ) -> None:
        """Raises: BadFederation where there is no directory in force; LedgerUnavailable."""
        self._path = path
        self._root = root
        self._epochs = epochs
        self._clock = clock
        self._stamp = self._look()
        self._again: datetime | None = None
        self._remembered = self._seen = read_seen(epochs)
        self._document = b""
        self._current = self._read()
        self._remember()

    def current(self) -> Directory:
        """The directory in force now. Raises: BadFederation once it has expired."""
        stamp, now = self._look(), self._clock()
        if stamp != self._stamp or (self._again is not None and now >= self._again):
            self._follow(stamp, now)
        if now >= self._current.expires_at:
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

    def _follow(self, stamp: _Stamp, now: datetime) -> None:
        """Nothing; what the file says is in force, if it may be."""
        is_new, self._stamp, self._again = stamp != self._stamp, stamp, now + LOOK_AGAIN
        log = logging.getLogger("narrows")
        try:
            self._current = self._read()
        except BadFederation as error:
            if is_new:
                log.warning("the new directory is not taken: %s", error)
            return
        try:
            self._remember()
        except LedgerUnavailable:
            # In force all the same: it may be the one that revokes a key.
            log.error("the directory's epoch %d cannot be written down", self._seen)  # noqa: TRY400
            return
        self._again = None

    def _read(self) -> Directory:
        try:
            data = self._path.read_bytes()
        except OSError as cause:
            message = "the member directory cannot be read"
            raise BadFederation(message, file=str(self._path)) from cause
        found = decode_directory(
            data, self._root, verify_signature, now=self._clock(), seen_epoch=self._seen
        )
        self._seen = found.epoch
        self._document = data
        return found

    def _remember(self) -> None:
        if self._seen > self._remembered:
            write_seen(self._epochs, self._seen)
            self._remembered = self._seen
