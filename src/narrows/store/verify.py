"""The check of a whole ledger, offline, with nothing but its public key; nothing is changed.

Every record of every file is read: each entry is canonical and of this origin, times never go
back, the root of the entries is the one that was signed, stored hashes are those of the entries,
and each opening fits its commitment. A byte that was changed anywhere is found, and the finding
names the file and, where there is one, the entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from narrows.core.ledger.checkpoint import Checkpoint, open_checkpoint
from narrows.core.ledger.entry import Entry, Kind, check_opening, decode_entry
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.tree import EMPTY, HASH_BYTES, append_leaf, leaf_hash, stored_index
from narrows.core.terms import Digest, RequestId
from narrows.errors import ProofInvalid
from narrows.store.files import ReadableFile, ReadableFiles
from narrows.store.log import CHECKPOINT, ENTRIES, HASHES, SEALED
from narrows.store.records import (
    EntryRecord,
    HeldBytes,
    SealedRecord,
    entry_records,
    sealed_records,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: in which file, from which byte on, and at which entry if that can be said."""

    file: str
    offset: int
    entry: int | None
    what: str

    def __str__(self) -> str:
        at = "" if self.entry is None else f", entry {self.entry}"
        return f"{self.file}, byte {self.offset}{at}: {self.what}"


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The outcome of a check: `entries` were read, `covered` of them are under the checkpoint.

    A ledger in use may hold entries that its stored checkpoint does not cover yet. `unfinished`
    are requests with an intent and no outcome: under way, or cut off.
    """

    origin: str
    entries: int
    covered: int
    openings: int
    erased: int
    unfinished: tuple[RequestId, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify_ledger(files: ReadableFiles, verifier: Verifier) -> LedgerReport:
    """What a reading of the whole ledger found: at most the first damage of each file.

    A file that is missing reads as an empty one. Raises: OSError where one cannot be read.
    """
    opened = [files.open_to_read(name) for name in (ENTRIES, HASHES, SEALED)]
    entries, hashes, sealed = (file or HeldBytes(b"") for file in opened)
    try:
        checkpoint, findings = _checkpoint(files, verifier)
        reading = _Reading(entries, hashes, sealed, verifier.name)
        reading.run(checkpoint)
    finally:
        for file in (entries, hashes, sealed):
            file.close()
    return LedgerReport(
        origin=verifier.name,
        entries=reading.frontier.size,
        covered=0 if checkpoint is None else min(checkpoint.size, reading.frontier.size),
        openings=reading.opening_count,
        erased=reading.erased_count,
        unfinished=tuple(reading.unfinished),
        findings=(*findings, *reading.findings.values()),
    )


def _checkpoint(
    files: ReadableFiles, verifier: Verifier
) -> tuple[Checkpoint | None, tuple[Finding, ...]]:
    note = files.load(CHECKPOINT)
    if note is None:
        return None, (Finding(CHECKPOINT, 0, None, "there is no checkpoint"),)
    try:
        return open_checkpoint(note, verifier), ()
    except ProofInvalid as invalid:
        return None, (Finding(CHECKPOINT, 0, None, invalid.message),)


class _Reading:
    """One pass over `entries` and `sealed` side by side, then over `hashes`."""

    def __init__(
        self, entries: ReadableFile, hashes: ReadableFile, sealed: ReadableFile, origin: str
    ) -> None:
        self._entries = entries
        self._hashes = hashes
        self._sealed = sealed
        self._origin = origin
        self._time = datetime(1, 1, 1, tzinfo=UTC)
        self._offsets: list[int] = []
        self._computed: list[Digest] = []
        self.frontier = EMPTY
        self.opening_count = 0
        self.erased_count = 0
        self.unfinished: dict[RequestId, None] = {}
        self.findings: dict[str, Finding] = {}

    def run(self, checkpoint: Checkpoint | None) -> None:
        """Nothing; `findings` holds the first damage of each file."""
        covered = 0 if checkpoint is None else checkpoint.size
        root_at_covered = EMPTY.root if covered == 0 else None
        end = 0
        openings: Iterator[SealedRecord] | None = sealed_records(self._sealed)
        for record in entry_records(self._entries):
            entry = self._read(record)
            if openings is not None:
                openings = None if entry is None else self._match(entry, openings)
            end = record.end
            self._offsets.append(record.offset)
            self.frontier, fresh = append_leaf(self.frontier, leaf_hash(record.data))
            self._computed.extend(fresh)
            if self.frontier.size == covered:
                root_at_covered = self.frontier.root
        is_torn = end != self._entries.size()
        is_root_right = checkpoint is None or root_at_covered == checkpoint.root
        if self.frontier.size < covered or (checkpoint is None and is_torn):
            self._find(ENTRIES, end, self.frontier.size, "the entry is missing or cut short")
        self._compare_hashes(covered if is_root_right else 0)
        if not is_root_right and ENTRIES not in self.findings:
            self._find(ENTRIES, 0, None, "the entries do not have the root that was signed")

    def _read(self, record: EntryRecord) -> Entry | None:
        index = self.frontier.size
        try:
            entry = decode_entry(record.data)
        except ProofInvalid as invalid:
            self._find(ENTRIES, record.offset, index, invalid.message)
            return None
        if entry.origin != self._origin:
            self._find(ENTRIES, record.offset, index, "the entry is of another origin")
        if entry.time < self._time:
            self._find(ENTRIES, record.offset, index, "the entry is older than the one before it")
        self._time = entry.time
        if entry.request is not None and entry.kind is Kind.INTENT:
            self.unfinished[entry.request] = None
        elif entry.request is not None and entry.kind is Kind.OUTCOME:
            self.unfinished.pop(entry.request, None)
        return entry

    def _match(
        self, entry: Entry, openings: Iterator[SealedRecord]
    ) -> Iterator[SealedRecord] | None:
        """The rest of the openings; None once they do not fit, and then nothing more is said."""
        index = self.frontier.size
        for name in sorted(entry.sealed):
            found = next(openings, None)
            if found is None or (found.index, found.opening.field) != (index, name):
                what = f"the opening of `{name}` is missing or damaged"
                self._find(SEALED, found.offset if found else self._sealed.size(), index, what)
                return None
            self.opening_count += 1
            try:
                self._check(entry, found)
            except ProofInvalid as invalid:
                self._find(SEALED, found.offset, index, invalid.message)
        return openings

    def _check(self, entry: Entry, found: SealedRecord) -> None:
        if not found.is_erased:
            check_opening(entry, found.opening)
            return
        self.erased_count += 1
        if any(found.opening.salt) or any(found.opening.value):
            raise ProofInvalid(f"the opening of `{found.opening.field}` is not wholly erased")

    def _compare_hashes(self, proven: int) -> None:
        """Tell a damaged hash from a damaged entry: the first `proven` have the signed root."""
        stored = self._hashes.read(0, self._hashes.size())
        for place, digest in enumerate(self._computed):
            offset = place * HASH_BYTES
            if stored[offset : offset + HASH_BYTES] == digest:
                continue
            index = self._entry_of(place)
            if index < proven or len(stored) <= offset:
                self._find(HASHES, offset, index, "the stored hash is not that of the entries")
            else:
                what = "the entry was changed, or its stored hash"
                self._find(ENTRIES, self._offsets[index], index, what)
            return
        if len(stored) > len(self._computed) * HASH_BYTES:
            offset = len(self._computed) * HASH_BYTES
            self._find(HASHES, offset, None, "there are more hashes than entries")

    def _entry_of(self, place: int) -> int:
        """The first entry whose hashes are stored from `place` on or before it."""
        low, high = 0, len(self._offsets) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if stored_index(0, middle) <= place else (low, middle - 1)
        return low

    def _find(self, file: str, offset: int, entry: int | None, what: str) -> None:
        known = self.findings.get(file)
        if known is None or offset < known.offset:
            self.findings[file] = Finding(file, offset, entry, what)
