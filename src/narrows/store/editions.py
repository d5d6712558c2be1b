"""The editions of a holder's cubes on its disk: what is shown of each, and what is kept beside it.

    editions/
      key                  32 random bytes: the key of the units' tokens
      <cube>.<n>.public    the canonical bytes of an edition (`core/policy/edition.py`)
      <cube>.<n>.private   the tokens behind its figures; nobody but the node reads them

Only the ledger says which edition is current; a file without its entry is one that a crash left
behind, and the next build writes over it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from narrows.errors import BadFederation, LedgerUnavailable
from narrows.store.files import FOLDER_MODE, DiskFiles

KEY_BYTES = 32
_KEY = "key"


class Editions:
    """The folder of editions in a node's home; it is made when something is first written."""

    def __init__(self, folder: Path, random: Callable[[int], bytes] = os.urandom) -> None:
        self._folder = folder
        self._files = DiskFiles(folder)
        self._random = random

    def save(self, cube: str, number: int, public: bytes, private: bytes) -> None:
        """Nothing, when both parts are durable, for their owner alone. Raises: LedgerUnavailable."""
        self._replace(f"{cube}.{number}.private", private)
        self._replace(f"{cube}.{number}.public", public)

    def public(self, cube: str, number: int) -> bytes:
        """What is shown of an edition. Raises: BadFederation where the file is gone."""
        return self._load(f"{cube}.{number}.public")

    def private(self, cube: str, number: int) -> bytes:
        """What is kept beside it. Raises: BadFederation where the file is gone."""
        return self._load(f"{cube}.{number}.private")

    def forget(self, cube: str, number: int) -> None:
        """Nothing; the tokens of an edition that another has followed are gone."""
        with suppress(FileNotFoundError):
            (self._folder / f"{cube}.{number}.private").unlink()

    def key(self) -> bytes:
        """The key of the units' tokens, made when it is first asked for.

        Raises: LedgerUnavailable; BadFederation for a file that holds no such key.
        """
        found = self._read(_KEY)
        if found is None:
            found = self._random(KEY_BYTES)
            self._replace(_KEY, found)
        if len(found) != KEY_BYTES:
            raise self._damaged(_KEY)
        return found

    def _replace(self, name: str, data: bytes) -> None:
        try:
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._files.replace(name, data)
        except OSError as cause:
            raise LedgerUnavailable(
                "an edition cannot be written down", hint="mend the disk and build it again"
            ) from cause

    def _load(self, name: str) -> bytes:
        found = self._read(name)
        if found is None:
            raise self._damaged(name)
        return found

    def _read(self, name: str) -> bytes | None:
        try:
            return self._files.load(name)
        except OSError as cause:
            raise LedgerUnavailable(
                "the editions cannot be read", hint="mend the disk, and see who owns the folder"
            ) from cause

    def _damaged(self, name: str) -> BadFederation:
        return BadFederation(
            "a file of the cubes is missing or damaged",
            hint="restore the folder of editions from a backup",
            file=str(self._folder / name),
        )
