import json
from pathlib import Path
from typing import Any

import pytest

from narrows.core.ledger.tree import (
    EMPTY,
    Frontier,
    StoredHashes,
    append_leaf,
    frontier_of,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    stored_count,
    stored_index,
    verify_consistency,
    verify_inclusion,
)
from narrows.core.terms import Digest
from narrows.errors import MalformedRequest, ProofInvalid

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "tlog" / "merkle.json").read_text()
)
LEAVES = [bytes.fromhex(text) for text in VECTORS["leaves"]]
ROOTS = [Digest(bytes.fromhex(text)) for text in VECTORS["roots"]]
OTHER = Digest(b"\x0a" * 32)


def stored(leaves: list[bytes]) -> tuple[Frontier, StoredHashes]:
    frontier, hashes = EMPTY, list[Digest]()
    for leaf in leaves:
        frontier, fresh = append_leaf(frontier, leaf_hash(leaf))
        hashes.extend(fresh)
    return frontier, StoredHashes(hashes)


def proof_of(case: dict[str, Any]) -> tuple[Digest, ...]:
    return tuple(Digest(bytes.fromhex(text)) for text in case["proof"])


def test_the_published_roots() -> None:
    assert EMPTY.root.hex() == VECTORS["empty_root"]
    _, hashes = stored(LEAVES)
    assert root_of(0, hashes) == EMPTY.root
    for size in range(1, 9):
        assert stored(LEAVES[:size])[0].root == ROOTS[size - 1]
        assert root_of(size, hashes) == ROOTS[size - 1]
        assert frontier_of(size, hashes) == stored(LEAVES[:size])[0]


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_the_published_inclusion_proofs(case: dict[str, Any]) -> None:
    index, size, proof = case["index"], case["size"], proof_of(case)
    leaf, root = leaf_hash(LEAVES[index]), ROOTS[size - 1]
    assert prove_inclusion(index, size, stored(LEAVES)[1]) == proof
    verify_inclusion(proof, index, size, leaf, root)
    wrong = [
        (proof, index + 1, size, leaf, root),
        (proof, index ^ 2, size, leaf, root),
        (proof, -1, size, leaf, root),
        (proof, index, size * 2, leaf, root),
        (proof, index, size // 2, leaf, root),
        (proof, index, size, OTHER, root),
        (proof, index, size, leaf, OTHER),
        ((*proof, root), index, size, leaf, root),
        ((root, *proof), index, size, leaf, root),
        ((*proof, b""), index, size, leaf, root),
        *((proof[:n], index, size, leaf, root) for n in range(len(proof))),
        *(
            ((*proof[:n], OTHER, *proof[n + 1 :]), index, size, leaf, root)
            for n in range(len(proof))
        ),
    ]
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*arguments)


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_the_published_consistency_proofs(case: dict[str, Any]) -> None:
    old, new, proof = case["old"], case["new"], proof_of(case)
    old_root, new_root = ROOTS[old - 1], ROOTS[new - 1]
    assert prove_consistency(old, new, stored(LEAVES)[1]) == proof
    verify_consistency(proof, old, new, old_root, new_root)
    wrong = [
        (proof, new + 1, new, old_root, new_root),
        (proof, old, new, OTHER, new_root),
        (proof, old, new, old_root, OTHER),
        ((*proof, new_root), old, new, old_root, new_root),
        ((old_root, *proof), old, new, old_root, new_root),
        ((*proof, b""), old, new, old_root, new_root),
        *((proof[:n], old, new, old_root, new_root) for n in range(len(proof))),
        *(
            ((*proof[:n], OTHER, *proof[n + 1 :]), old, new, old_root, new_root)
            for n in range(len(proof))
        ),
    ]
    if old != new:
        wrong += [
            (proof, old, new, new_root, old_root),
            (proof, old, new * 2, old_root, new_root),
        ]
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*arguments)


def test_an_empty_tree_begins_every_tree_and_nothing_else_does_without_proof() -> None:
    verify_consistency((), 0, 0, EMPTY.root, EMPTY.root)
    verify_consistency((), 0, 3, EMPTY.root, ROOTS[2])
    assert prove_consistency(0, 3, stored(LEAVES)[1]) == ()
    for old, new, old_root, new_root in (
        (0, 3, ROOTS[0], ROOTS[2]),
        (0, 0, EMPTY.root, ROOTS[0]),
        (3, 3, ROOTS[1], ROOTS[2]),
        (6, 8, ROOTS[5], ROOTS[7]),
        (2, 1, ROOTS[1], ROOTS[0]),
    ):
        with pytest.raises(ProofInvalid):
            verify_consistency((), old, new, old_root, new_root)
    with pytest.raises(ProofInvalid):
        verify_consistency((OTHER,), 0, 3, EMPTY.root, ROOTS[2])


def test_proofs_out_of_range_are_the_askers_fault() -> None:
    _, hashes = stored(LEAVES)
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(MalformedRequest):
            prove_inclusion(index, size, hashes)
    for old, new in ((-1, 3), (4, 3)):
        with pytest.raises(MalformedRequest):
            prove_consistency(old, new, hashes)


def test_the_places_of_stored_hashes_are_those_of_golang_tlog() -> None:
    assert [stored_index(0, n) for n in range(6)] == [0, 1, 3, 4, 7, 8]
    assert [stored_index(1, n) for n in range(3)] == [2, 5, 9]
    assert stored_index(2, 0) == 6
    assert [stored_count(n) for n in range(6)] == [0, 1, 3, 4, 7, 8]
    assert len(stored(LEAVES)[1].hashes) == stored_count(8)
