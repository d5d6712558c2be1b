"""The durable log of one origin: four files, written in an order that survives a crash anywhere.

A group of entries is written so: openings to `sealed`, synced; entries to `entries`, synced;
their hashes to `hashes`, never synced, since they can be computed again. Only then is the group
acknowledged. `checkpoint`, the latest signed note, is replaced from time to time. Hence, whatever
the moment of a crash:

- INVARIANT: an entry on the disk has its openings on the disk.
- INVARIANT: a hash on the disk has its entry on the disk; so entries that are missing though
  their hashes are there were lost after they were acknowledged, and that is no torn tail.

What this log does with a group it does in one thread; reading is safe from another meanwhile,
since `frontier` grows last.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from narrows.core.ledger.checkpoint import Checkpoint, sign_checkpoint
from narrows.core.ledger.entry import Opening
from narrows.core.ledger.note import Signer
from narrows.core.ledger.tree import (
    HASH_BYTES,
    Frontier,
    append_leaf,
    leaf_hash,
)
from narrows.core.terms import Digest
from narrows.errors import LedgerUnavailable, MalformedRequest
from narrows.store.files import AppendFile, Files
from narrows.store.records import (
    HeldBytes,
    encode_record,
    read_entry,
    sealed_records,
)

ENTRIES, HASHES, SEALED, CHECKPOINT = "entries", "hashes", "sealed", "checkpoint"


@dataclass(slots=True)
class Places:
    """Where the records are: `entries[n]` to `entries[n + 1]` is the record of entry n.

    So too `sealed`, with the records of all its openings.
    """

    entries: "array[int]"
    sealed: "array[int]"


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The three open files that grow."""

    entries: AppendFile
    hashes: AppendFile
    sealed: AppendFile

    def close(self) -> None:
        """Nothing; all are let go."""
        for file in (self.entries, self.hashes, self.sealed):
            file.close()


@dataclass(frozen=True, slots=True)
class Item:
    """What is written for one entry: its bytes, and the records of its openings."""

    entry: bytes
    sealed: bytes


class Log:
    """The log, opened by `store.recovery.open_log`; at most one in all processes for a folder."""

    def __init__(
        self, files: Files, opened: LogFiles, signer: Signer, places: Places, frontier: Frontier
    ) -> None:
        self._files = files
        self._opened = opened
        self._signer = signer
        self._places = places
        self.frontier = frontier
        self.kept_size = 0
        """The size in the stored checkpoint."""

    @property
    def origin(self) -> str:
        """The name of the key, which is the ledger's."""
        return self._signer.verifier.name

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self.frontier.size

    def write(self, group: Sequence[Item]) -> None:
        """Nothing, when the whole group is durable.

        Needs: a group that is not empty; openings that name the indexes which the entries get.
        Raises: OSError, after which this log must not be written again: a failed sync leaves
        unknown what is on the disk, and a second one may say that all is well.
        """
        frontier = self.frontier
        ends: list[tuple[int, int]] = []
        hashes: list[Digest] = []
        sealed_end, entry_end = self._places.sealed[-1], self._places.entries[-1]
        records = [encode_record(item.entry) for item in group]
        for item, record in zip(group, records, strict=True):
            sealed_end, entry_end = sealed_end + len(item.sealed), entry_end + len(record)
            ends.append((sealed_end, entry_end))
            frontier, fresh = append_leaf(frontier, leaf_hash(item.entry))
            hashes.extend(fresh)
        sealed = b"".join(item.sealed for item in group)
        if sealed:
            self._opened.sealed.append(sealed)
            self._opened.sealed.sync()
        self._opened.entries.append(b"".join(records))
        self._opened.entries.sync()
        self._opened.hashes.append(b"".join(hashes))
        self._places.sealed.extend(end for end, _ in ends)
        self._places.entries.extend(end for _, end in ends)
        self.frontier = frontier

    def sign(self) -> tuple[int, bytes]:
        """The size, and the signed checkpoint of all that is durable."""
        frontier = self.frontier
        found = Checkpoint(self.origin, frontier.size, frontier.root)
        return frontier.size, sign_checkpoint(found, self._signer)

    def keep_checkpoint(self) -> None:
        """Nothing, when the stored checkpoint covers all that is durable. Raises: OSError."""
        size, note = self.sign()
        self._files.replace(CHECKPOINT, note)
        self.kept_size = size

    def entry(self, index: int) -> bytes:
        """The bytes of an entry.

        Raises: MalformedRequest where there is none, LedgerUnavailable where it cannot be read.
        """
        self._require(index)
        begin, end = self._places.entries[index], self._places.entries[index + 1]
        try:
            return read_entry(self._opened.entries, begin, end)
        except OSError as cause:
            raise LedgerUnavailable("the ledger cannot be read") from cause

    def openings(self, index: int) -> tuple[Opening, ...]:
        """The openings of an entry that are not erased, by field in order.

        Raises: as `entry`.
        """
        self._require(index)
        begin, end = self._places.sealed[index], self._places.sealed[index + 1]
        try:
            held = HeldBytes(self._opened.sealed.read(begin, end - begin))
        except OSError as cause:
            raise LedgerUnavailable("the ledger cannot be read") from cause
        return tuple(found.opening for found in sealed_records(held) if not found.is_erased)

    def read(self, indexes: Sequence[int]) -> Sequence[Digest]:
        """The stored hashes at these indexes, as a `HashReader` must."""
        try:
            found = [self._opened.hashes.read(n * HASH_BYTES, HASH_BYTES) for n in indexes]
        except OSError as cause:
            raise LedgerUnavailable("the ledger's hashes cannot be read") from cause
        if any(len(digest) != HASH_BYTES for digest in found):
            raise LedgerUnavailable("the ledger's hashes are cut short", hint="restart the process")
        return [Digest(digest) for digest in found]

    def close(self) -> None:
        """Nothing; files and lock are let go."""
        self._opened.close()
        self._files.close()

    def _require(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise MalformedRequest(f"there is no entry `{index}` in a ledger of `{self.size}`")
