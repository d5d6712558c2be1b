import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.ledger.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from narrows.core.ledger.entry import Entry, Kind, encode_entry
from narrows.core.ledger.note import sign_note
from narrows.core.ledger.receipt import (
    Receipt,
    decode_receipt,
    encode_receipt,
    receipt_digest,
    verify_receipt,
)
from narrows.core.ledger.tree import EMPTY, StoredHashes, append_leaf, leaf_hash, prove_inclusion
from narrows.core.terms import Digest, digest_of
from narrows.errors import ProofInvalid
from narrows.store.keys import SigningKey, new_key

ORIGIN = "example.org/log"
KEY = new_key(ORIGIN, seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def entry_bytes(origin: str, number: int) -> bytes:
    return encode_entry(Entry(origin, Kind.INTENT, NOON, None, {"number": number}, {}))


def receipt_of(entries: list[bytes], index: int, key: SigningKey = KEY) -> Receipt:
    frontier, hashes = EMPTY, list[Digest]()
    for entry in entries:
        frontier, fresh = append_leaf(frontier, leaf_hash(entry))
        hashes.extend(fresh)
    checkpoint = Checkpoint(key.verifier.name, len(entries), frontier.root)
    proof = prove_inclusion(index, len(entries), StoredHashes(hashes))
    return Receipt(entries[index], index, proof, sign_checkpoint(checkpoint, key))


ENTRIES = [entry_bytes(ORIGIN, number) for number in range(5)]
GOOD = receipt_of(ENTRIES, 3)
DOCUMENT: dict[str, Any] = json.loads(encode_receipt(GOOD))


def changed(**fields: Json) -> bytes:
    return canonical_bytes({**DOCUMENT, **fields})


def test_a_receipt_verifies_with_the_public_key_alone() -> None:
    travelled = decode_receipt(encode_receipt(GOOD) + b"\n")
    assert travelled == GOOD
    assert verify_receipt(travelled, KEY.verifier).open == {"number": 3}
    assert receipt_digest(GOOD) == digest_of(encode_receipt(GOOD))


def elsewhere() -> bytes:
    return sign_note(format_checkpoint(Checkpoint("other", 5, Digest(bytes(32)))), [KEY])


@pytest.mark.parametrize(
    ("step", "receipt"),
    [
        ("1", receipt_of(ENTRIES, 3, new_key(ORIGIN, seed=b"x" * 32))),
        ("1", replace(GOOD, checkpoint=GOOD.checkpoint.replace(b"\n5\n", b"\n6\n"))),
        ("1", replace(GOOD, checkpoint=b"")),
        ("2", replace(GOOD, checkpoint=elsewhere())),
        ("3", replace(GOOD, index=5)),
        ("3", replace(GOOD, index=-1)),
        ("4", replace(GOOD, index=2)),
        ("4", replace(GOOD, proof=GOOD.proof[:-1])),
        ("4", replace(GOOD, entry=ENTRIES[2])),
        ("5", receipt_of([b"no entry"], 0)),
        ("6", receipt_of([entry_bytes("other", 0)], 0)),
    ],
)
def test_the_step_that_failed_is_named(step: str, receipt: Receipt) -> None:
    with pytest.raises(ProofInvalid, match=f"step {step}") as refused:
        verify_receipt(receipt, KEY.verifier)
    assert refused.value.metadata == {"step": step}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        encode_receipt(GOOD).replace(b":", b": ", 1),
        changed(v="narrows/receipt/v2"),
        changed(extra=1),
        changed(entry=1),
        changed(index="3"),
        changed(index=True),
        changed(proof="00"),
        changed(proof=["00"]),
        changed(proof=[None]),
        changed(checkpoint=None),
    ],
)
def test_a_document_in_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ProofInvalid):
        decode_receipt(data)


def test_a_receipt_of_what_is_no_text_is_not_written() -> None:
    with pytest.raises(ProofInvalid):
        encode_receipt(replace(GOOD, entry=b"\xff"))


def test_the_ledger_core_needs_nothing_but_itself() -> None:
    heavy = ["sqlglot", "pyarrow", "grpc", "google", "cryptography", "pydantic", "duckdb"]
    code = (
        "import sys, narrows.core.ledger.receipt, narrows.core.ledger.parts\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
        "print(sorted(n for n in sys.modules if n.startswith('narrows.')))"
    )
    found = subprocess.run(  # a fresh interpreter: this one has imported everything already
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert found[0] == "[]"
    allowed = ("narrows.core.ledger", "narrows.core.canonical", "narrows.core.terms")
    others = {"narrows.core", "narrows.errors"}
    for name in json.loads(found[1].replace("'", '"')):
        assert name.startswith(allowed) or name in others, name
