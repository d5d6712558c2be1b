"""The bytes of a ledger's files: how entries and openings follow one another.

`entries` holds each entry after its length in 2 bytes, big-endian: C2SP tlog-tiles entry bundles,
one after another. `hashes` holds the stored hashes of `core.ledger.tree`, 32 bytes each. `sealed`
holds the openings, for each entry in order and for each sealed field of it in the order of names:

    state    1 byte    1: open; 0: erased, salt and value overwritten with zeros
    index    8 bytes   of the entry, big-endian
    field    1 byte    length of the name in bytes
    value    4 bytes   length of the value in bytes, big-endian
    then the name, the salt (32 bytes) and the value

A value is erased in place: first the state, then salt and value; no entry and no other record
moves.

>>> data = encode_opening(7, Opening("officer", bytes(32), b"4471"))
>>> next(sealed_records(HeldBytes(data))).opening.value
b'4471'
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from narrows.core.canonical import SALT_BYTES
from narrows.core.ledger.entry import Opening
from narrows.errors import CheckFailed
from narrows.store.files import ReadableFile

MAX_VALUE_BYTES = 16 * 2**20
_LENGTH_BYTES = 2
_HEAD = struct.Struct(">BQBI")
_OPEN, _ERASED = 1, 0
_WINDOW_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One entry's bytes, and where its record begins."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + _LENGTH_BYTES + len(self.data)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One opening, and where its record begins and ends; erased ones hold zeros."""

    offset: int
    end: int
    index: int
    is_erased: bool
    opening: Opening


def encode_record(entry: bytes) -> bytes:
    """The record of an entry. Needs: at most 65,535 bytes."""
    return len(entry).to_bytes(_LENGTH_BYTES, "big") + entry


def entry_records(file: ReadableFile) -> Iterator[EntryRecord]:
    """Each whole record, from the beginning; ends before a record that is empty or cut short."""
    window = _Window(file)
    offset = 0
    while True:
        length = int.from_bytes(window.get(offset, _LENGTH_BYTES), "big")
        data = window.get(offset + _LENGTH_BYTES, length)
        if not length or len(data) < length:
            return
        found = EntryRecord(offset, data)
        yield found
        offset = found.end


def read_entry(file: ReadableFile, offset: int, end: int) -> bytes:
    """The entry of the record between these two places."""
    return file.read(offset, end - offset)[_LENGTH_BYTES:]


def encode_opening(index: int, opening: Opening) -> bytes:
    """The record of an opening of entry `index`.

    Raises: CheckFailed for a value or a name that is too long.
    """
    name = opening.field.encode()
    if len(opening.value) > MAX_VALUE_BYTES or not 0 < len(name) < 2**8:
        raise CheckFailed(f"the sealed field `{opening.field[:40]}` is too long for a ledger")
    head = _HEAD.pack(_OPEN, index, len(name), len(opening.value))
    return b"".join((head, name, opening.salt, opening.value))


def sealed_records(file: ReadableFile, offset: int = 0) -> Iterator[SealedRecord]:
    """Each whole record from `offset` on; ends before what is cut short or is no record."""
    window = _Window(file)
    while True:
        head = window.get(offset, _HEAD.size)
        if len(head) < _HEAD.size:
            return
        state, index, name_bytes, value_bytes = _HEAD.unpack(head)
        if state not in (_OPEN, _ERASED) or not name_bytes or value_bytes > MAX_VALUE_BYTES:
            return
        body_bytes = name_bytes + SALT_BYTES + value_bytes
        body = window.get(offset + _HEAD.size, body_bytes)
        name = body[:name_bytes].decode(errors="replace")
        opening = Opening(
            name, body[name_bytes : name_bytes + SALT_BYTES], body[name_bytes + SALT_BYTES :]
        )
        end = offset + _HEAD.size + body_bytes
        if len(body) < body_bytes:
            return
        yield SealedRecord(offset, end, index, state == _ERASED, opening)
        offset = end


class HeldBytes:
    """A `ReadableFile` over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        """The length in bytes."""
        return len(self._data)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there; fewer only at the end."""
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Nothing."""


class _Window:
    """Reads a file piece by piece through one window, so that a scan makes few system calls."""

    def __init__(self, file: ReadableFile) -> None:
        self._file = file
        self._begin = 0
        self._held = b""

    def get(self, offset: int, size: int) -> bytes:
        """The bytes there; fewer only where the file ends. Needs: offsets that do not go back."""
        place = offset - self._begin
        if place + size > len(self._held):
            self._held = self._file.read(offset, max(size, _WINDOW_BYTES))
            self._begin, place = offset, 0
        return self._held[place : place + size]
