"""A ledger's files read without writing: entries with their openings, of a copy or a live folder.

Nothing is locked and nothing is proven but that each opening is that of its entry; `verify_ledger`
proves the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from narrows.core.ledger.entry import Entry, Opening, check_opening, decode_entry
from narrows.errors import BadFederation, ProofInvalid
from narrows.store.files import ReadableFiles
from narrows.store.log import ENTRIES, SEALED
from narrows.store.records import SealedRecord, entry_records, sealed_records


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry, its place, and those of its openings that are not erased."""

    index: int
    entry: Entry
    openings: tuple[Opening, ...]


def read_entries(files: ReadableFiles) -> Iterator[ReadEntry]:
    """Every whole entry, in order; what was only begun at the end is left out.

    Raises: BadFederation where there is no ledger; ProofInvalid where an entry or opening is not
    what it says.
    """
    entries, sealed = files.open_to_read(ENTRIES), files.open_to_read(SEALED)
    if entries is None or sealed is None:
        raise BadFederation("the folder holds no ledger", hint="name one with `entries` in it")
    try:
        openings = sealed_records(sealed)
        for index, record in enumerate(entry_records(entries)):
            entry = decode_entry(record.data)
            mine = tuple(_opened(entry, index, name, openings) for name in sorted(entry.sealed))
            yield ReadEntry(index, entry, tuple(one for one in mine if one is not None))
    finally:
        entries.close()
        sealed.close()


def _opened(
    entry: Entry, index: int, name: str, openings: Iterator[SealedRecord]
) -> Opening | None:
    """The opening of one field; None where it is erased."""
    found = next(openings, None)
    if found is None or (found.index, found.opening.field) != (index, name):
        raise ProofInvalid(f"the opening of `{name}` of entry `{index}` is missing")
    if found.is_erased:
        return None
    check_opening(entry, found.opening)
    return found.opening
