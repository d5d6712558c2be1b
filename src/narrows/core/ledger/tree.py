"""The Merkle tree over a ledger's entries: hashes, inclusion and consistency proofs.

Hashes follow RFC 9162, section 2.1: a leaf is SHA-256(0x00 ‖ entry), an inner node is
SHA-256(0x01 ‖ left ‖ right), and the root of nothing is SHA-256 of nothing.

Stored hashes are laid out as in golang.org/x/mod/sumdb/tlog: appending an entry stores its leaf
hash, then every inner node that this entry completes. A complete subtree of 2**level entries that
begins at entry `offset << level` is named (level, offset), and its place never changes:

    entry              0     1        2     3              4
    stored index       0   1,2(1,0)   3   4,5(1,1),6(2,0)  7

>>> entries = [b"a", b"b", b"c"]
>>> stored, frontier = [], EMPTY
>>> for entry in entries:
...     frontier, fresh = append_leaf(frontier, leaf_hash(entry))
...     stored.extend(fresh)
>>> hashes = StoredHashes(stored)
>>> proof = prove_inclusion(2, 3, hashes)
>>> verify_inclusion(proof, 2, 3, leaf_hash(b"c"), frontier.root)
>>> verify_consistency(prove_consistency(2, 3, hashes), 2, 3, root_of(2, hashes), frontier.root)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Protocol

from narrows.core.terms import Digest
from narrows.errors import MalformedRequest, ProofInvalid

HASH_BYTES = 32


class HashReader(Protocol):
    """Where stored hashes are read from: a file, or a list in a test."""

    def read(self, indexes: Sequence[int]) -> Sequence[Digest]:
        """The hashes stored at these indexes, in the same order. Needs: ascending indexes."""
        ...


@dataclass(frozen=True, slots=True)
class StoredHashes:
    """A `HashReader` over a sequence in memory."""

    hashes: Sequence[Digest]

    def read(self, indexes: Sequence[int]) -> Sequence[Digest]:
        """The hashes at these indexes."""
        return [self.hashes[index] for index in indexes]


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: what is needed to append, and to say the root.

    `peaks` are the roots of the complete subtrees, largest first: one for each bit of `size`.
    """

    size: int
    peaks: tuple[Digest, ...]

    @property
    def root(self) -> Digest:
        """The root of the tree."""
        return _fold(self.peaks)


EMPTY = Frontier(0, ())


def prove_inclusion(index: int, size: int, hashes: HashReader) -> tuple[Digest, ...]:
    """The sibling hashes that tie entry `index` to the root of the first `size` entries.

    Shape: at most ceil(log2 size) digests of 32 bytes, leaf to root.
    Needs: 0 <= index < size; one read of `hashes`, indexes ascending.
    Raises: MalformedRequest for an index out of range.
    Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise MalformedRequest(f"there is no entry `{index}` among the first `{size}`")
    low, high = 0, size
    siblings: list[tuple[int, int]] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            siblings.append((middle, high))
            high = middle
        else:
            siblings.append((low, middle))
            low = middle
    return _range_roots(siblings[::-1], hashes)


def prove_consistency(old_size: int, new_size: int, hashes: HashReader) -> tuple[Digest, ...]:
    """The hashes which show that the first `old_size` entries begin the first `new_size`.

    Shape: at most ceil(log2 new_size) + 1 digests; none where a size is 0 or both are equal.
    Needs: 0 <= old_size <= new_size; one read of `hashes`, indexes ascending.
    Raises: MalformedRequest for sizes out of order.
    Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 <= old_size <= new_size:
        raise MalformedRequest(f"`{old_size}` entries are not the beginning of `{new_size}`")
    if old_size == 0:
        return ()
    low, high = 0, new_size
    ranges: list[tuple[int, int]] = []
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    # The verifier has the old root: where the old tree is one whole subtree, it needs no hash.
    if low > 0:
        ranges.append((low, high))
    return _range_roots(ranges[::-1], hashes)


def verify_inclusion(
    proof: Sequence[bytes], index: int, size: int, leaf: Digest, root: Digest
) -> None:
    """Nothing, when `proof` ties the leaf hash at `index` to the root of `size` entries.

    Raises: ProofInvalid.
    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofInvalid("the entry's index is not below the size of the tree")
    found = leaf
    siblings = _whole(proof)
    for sibling, is_left in zip(siblings, _sides(index, size - 1, len(siblings)), strict=True):
        found = node_hash(sibling, found) if is_left else node_hash(found, sibling)
    if found != root:
        raise ProofInvalid("the inclusion proof does not lead to the root")


def verify_consistency(
    proof: Sequence[bytes], old_size: int, new_size: int, old_root: Digest, new_root: Digest
) -> None:
    """Nothing, when `proof` shows that the tree of `new_size` entries extends the older one.

    Raises: ProofInvalid.
    Source: RFC 9162, section 2.1.4.2; an empty old tree begins every tree.
    """
    if not 0 <= old_size <= new_size:
        raise ProofInvalid("the older tree is the larger one")
    if old_size in (0, new_size):
        _require_same(proof, old_root, EMPTY.root if old_size == 0 else new_root)
        if new_size == 0:
            _require_same(proof, new_root, EMPTY.root)
        return
    path = _whole(proof)
    # A whole subtree's root is the old root itself, which the proof leaves out.
    if old_size.bit_count() == 1:
        path = [old_root, *path]
    if not path:
        raise ProofInvalid("the consistency proof is empty")
    skipped = _trailing_ones(old_size - 1)
    sides = _sides((old_size - 1) >> skipped, (new_size - 1) >> skipped, len(path) - 1)
    found_old = found_new = path[0]
    for sibling, is_left in zip(path[1:], sides, strict=True):
        if is_left:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
        else:
            found_new = node_hash(found_new, sibling)
    if (found_old, found_new) != (old_root, new_root):
        raise ProofInvalid("the consistency proof does not lead to the two roots")


def append_leaf(frontier: Frontier, leaf: Digest) -> tuple[Frontier, tuple[Digest, ...]]:
    """The grown frontier, and the hashes to store: the leaf, then each node that it completes.

    INVARIANT: the first of these hashes belongs at `stored_count(frontier.size)`.
    """
    fresh = [leaf]
    peaks = list(frontier.peaks)
    for _ in range(_trailing_ones(frontier.size)):
        fresh.append(node_hash(peaks.pop(), fresh[-1]))
    return Frontier(frontier.size + 1, (*peaks, fresh[-1])), tuple(fresh)


def root_of(size: int, hashes: HashReader) -> Digest:
    """The root of the first `size` entries. Needs: one read of `hashes`."""
    return frontier_of(size, hashes).root


def frontier_of(size: int, hashes: HashReader) -> Frontier:
    """The frontier of the first `size` entries, from their stored hashes."""
    return Frontier(size, tuple(hashes.read(_subtrees(0, size))))


def leaf_hash(entry: bytes) -> Digest:
    """The hash of one entry; its prefix keeps an inner node from passing for an entry.

    Source: RFC 9162, section 2.1.1.
    """
    return Digest(sha256(b"\x00" + entry).digest())


def node_hash(left: bytes, right: bytes) -> Digest:
    """The hash of an inner node. Source: RFC 9162, section 2.1.1."""
    return Digest(sha256(b"\x01" + left + right).digest())


def stored_index(level: int, offset: int) -> int:
    """Where the root of the complete subtree (level, offset) is stored.

    The subtree is complete with its last entry; before that entry's own hash stand twice as many
    hashes as entries, less the subtrees still open, and `level` nodes follow it up to this one.
    """
    last = ((offset + 1) << level) - 1
    return stored_count(last) + level


def stored_count(size: int) -> int:
    """How many hashes are stored for the first `size` entries."""
    return 2 * size - size.bit_count()


def _range_roots(ranges: Iterable[tuple[int, int]], hashes: HashReader) -> tuple[Digest, ...]:
    """The root of each range of entries, read at once. Needs: ranges of RFC 9162's recursion."""
    parts = [_subtrees(low, high) for low, high in ranges]
    wanted = sorted(index for part in parts for index in part)
    found = dict(zip(wanted, hashes.read(wanted), strict=True))
    return tuple(_fold(tuple(found[index] for index in part)) for part in parts)


def _subtrees(low: int, high: int) -> list[int]:
    """The stored indexes of the complete subtrees that make up these entries, largest first."""
    found = []
    while low < high:
        level = (high - low).bit_length() - 1
        found.append(stored_index(level, low >> level))
        low += 1 << level
    return found


def _fold(peaks: tuple[Digest, ...]) -> Digest:
    """The root over subtrees, which are joined from the right, smallest first."""
    if not peaks:
        return Digest(sha256().digest())
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks))


def _split(size: int) -> int:
    """The largest power of two below `size`. Needs: size > 1."""
    return 1 << ((size - 1).bit_length() - 1)


def _trailing_ones(number: int) -> int:
    """How many subtrees the entry after `number` entries completes."""
    return (~number & (number + 1)).bit_length() - 1


def _sides(place: int, last: int, count: int) -> list[bool]:
    """Whether each of `count` siblings stands on the left, from node `place` of 0 to `last` up.

    Raises: ProofInvalid where that many siblings do not end at the root.
    Source: RFC 9162, sections 2.1.3.2 and 2.1.4.2.
    """
    found = []
    for _ in range(count):
        if last == 0:
            raise ProofInvalid("the proof is too long")
        is_left = bool(place & 1) or place == last
        found.append(is_left)
        while is_left and not place & 1 and place:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is too short")
    return found


def _require_same(proof: Sequence[bytes], found: Digest, expected: Digest) -> None:
    if proof or found != expected:
        raise ProofInvalid("the two roots do not belong to one ledger")


def _whole(proof: Sequence[bytes]) -> list[Digest]:
    if any(len(sibling) != HASH_BYTES for sibling in proof):
        raise ProofInvalid("the proof holds a hash that is not 32 bytes long")
    return [Digest(sibling) for sibling in proof]
