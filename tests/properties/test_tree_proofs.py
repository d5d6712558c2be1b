"""Every proof verifies for its own entry, sizes and roots, and for no others."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from narrows.core.ledger.tree import (
    EMPTY,
    StoredHashes,
    append_leaf,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    stored_count,
    verify_consistency,
    verify_inclusion,
)
from narrows.core.terms import Digest
from narrows.errors import ProofInvalid

LARGEST = 130


def entry(number: int) -> bytes:
    return number.to_bytes(2, "big")


def stored() -> tuple[StoredHashes, list[Digest]]:
    frontier, hashes, roots = EMPTY, list[Digest](), [EMPTY.root]
    for number in range(LARGEST):
        assert len(hashes) == stored_count(number)
        frontier, fresh = append_leaf(frontier, leaf_hash(entry(number)))
        hashes.extend(fresh)
        roots.append(frontier.root)
    return StoredHashes(hashes), roots


HASHES, ROOTS = stored()


def root_by_definition(low: int, high: int) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if high == low:
        return sha256().digest()
    if high - low == 1:
        return sha256(b"\x00" + entry(low)).digest()
    half = 1
    while half * 2 < high - low:
        half *= 2
    left, right = root_by_definition(low, low + half), root_by_definition(low + half, high)
    return sha256(b"\x01" + left + right).digest()


def verifies_inclusion(proof: tuple[Digest, ...], index: int, size: int, leaf: Digest) -> bool:
    try:
        verify_inclusion(proof, index, size, leaf, ROOTS[size])
    except ProofInvalid:
        return False
    return True


def verifies_consistency(proof: tuple[Digest, ...], old: int, new: int) -> bool:
    try:
        verify_consistency(proof, old, new, ROOTS[old], ROOTS[new])
    except ProofInvalid:
        return False
    return True


@given(st.integers(0, LARGEST))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert root_of(size, HASHES) == ROOTS[size] == root_by_definition(0, size)


@given(st.integers(1, LARGEST).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_an_inclusion_proof_verifies_and_is_short(at: tuple[int, int]) -> None:
    index, size = at
    proof = prove_inclusion(index, size, HASHES)
    assert verifies_inclusion(proof, index, size, leaf_hash(entry(index)))
    assert len(proof) <= (size - 1).bit_length()


@given(
    st.integers(1, LARGEST).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))),
    st.integers(0, LARGEST),
)
def test_an_inclusion_proof_fits_no_other_index_or_entry(at: tuple[int, int], other: int) -> None:
    index, size = at
    proof = prove_inclusion(index, size, HASHES)
    if other != index:
        assert not verifies_inclusion(proof, other, size, leaf_hash(entry(index)))
        assert not verifies_inclusion(proof, index, size, leaf_hash(entry(other)))


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_a_consistency_proof_verifies(one: int, two: int) -> None:
    old, new = sorted((one, two))
    assert verifies_consistency(prove_consistency(old, new, HASHES), old, new)


@given(st.integers(1, LARGEST), st.integers(1, LARGEST), st.integers(1, LARGEST))
def test_a_consistency_proof_fits_no_other_size(one: int, two: int, other: int) -> None:
    old, new = sorted((one, two))
    proof = prove_consistency(old, new, HASHES)
    if other < new and other != old:
        assert not verifies_consistency(proof, other, new)


@given(st.integers(1, LARGEST), st.integers(1, LARGEST), st.data())
def test_a_changed_proof_proves_nothing(one: int, two: int, choice: st.DataObject) -> None:
    old, new = sorted((one, two))
    proof = prove_consistency(old, new, HASHES)
    if proof:
        place = choice.draw(st.integers(0, len(proof) * 32 * 8 - 1))
        changed = bytearray(b"".join(proof))
        changed[place // 8] ^= 1 << (place % 8)
        parts = tuple(Digest(bytes(changed[n : n + 32])) for n in range(0, len(changed), 32))
        assert not verifies_consistency(parts, old, new)
