"""Receipts: an entry, its inclusion proof and a signed checkpoint, in one canonical document.

    {"v": "narrows/receipt/v1", "entry": "<the entry's text>", "index": 7,
     "proof": ["<64 hex digits>", ...], "checkpoint": "<the signed note>"}

Whoever has the public key of the origin can verify a receipt, offline, with this package alone:

    receipt = decode_receipt(Path("RECEIPT.json").read_bytes())
    entry = verify_receipt(receipt, verifier)

>>> decode_receipt(encode_receipt(Receipt(b"{}", 0, (), b"note"))).entry
b'{}'
"""

import re
from dataclasses import dataclass

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.ledger.checkpoint import parse_checkpoint
from narrows.core.ledger.entry import Entry, decode_entry
from narrows.core.ledger.note import Verifier, verify_note
from narrows.core.ledger.tree import leaf_hash, verify_inclusion
from narrows.core.terms import Digest, digest_of
from narrows.errors import MalformedRequest, ProofInvalid

RECEIPT_FORMAT = "narrows/receipt/v1"
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_NAMES = {"v", "entry", "index", "proof", "checkpoint"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence that a ledger holds an entry; worth nothing before `verify_receipt`."""

    entry: bytes
    index: int
    proof: tuple[Digest, ...]
    checkpoint: bytes


def verify_receipt(receipt: Receipt, verifier: Verifier) -> Entry:
    """The entry that the ledger of this key provably holds.

    Raises: ProofInvalid, whose message and metadata (`step`) say which step failed.
    """
    step = "1: the key signed the checkpoint"
    try:
        text = verify_note(receipt.checkpoint, verifier)

        step = "2: the checkpoint is of the key's own origin"
        checkpoint = parse_checkpoint(text)
        _require(checkpoint.origin == verifier.name, "the checkpoint is of another origin")

        step = "3: the entry's index is below the size in the checkpoint"
        _require(0 <= receipt.index < checkpoint.size, "the index is not below the size")

        step = "4: the inclusion proof leads from the entry to the root in the checkpoint"
        leaf = leaf_hash(receipt.entry)
        verify_inclusion(receipt.proof, receipt.index, checkpoint.size, leaf, checkpoint.root)

        step = "5: the entry is of the published format"
        entry = decode_entry(receipt.entry)

        step = "6: the entry names the same origin"
        _require(entry.origin == checkpoint.origin, "the entry is of another origin")
    except ProofInvalid as cause:
        message = f"the receipt fails at step {step}: {cause.message}"
        raise ProofInvalid(message, metadata={"step": step[0]}) from cause
    return entry


def receipt_digest(receipt: Receipt) -> Digest:
    """SHA-256 of the receipt's document, by which an outcome names it."""
    return digest_of(encode_receipt(receipt))


def encode_receipt(receipt: Receipt) -> bytes:
    """The canonical document of a receipt; `decode_receipt` undoes it.

    Raises: ProofInvalid for entry or checkpoint that is not text.
    """
    try:
        entry, checkpoint = receipt.entry.decode(), receipt.checkpoint.decode()
    except UnicodeDecodeError as cause:
        raise ProofInvalid("the receipt holds something that is not text in UTF-8") from cause
    return canonical_bytes(
        {
            "v": RECEIPT_FORMAT,
            "entry": entry,
            "index": receipt.index,
            "proof": [digest.hex() for digest in receipt.proof],
            "checkpoint": checkpoint,
        }
    )


def decode_receipt(data: bytes) -> Receipt:
    """The receipt that this document spells; nothing is verified. A last newline may follow.

    Raises: ProofInvalid for anything but the published format.
    """
    try:
        document = parse_canonical(data.removesuffix(b"\n"))
    except MalformedRequest as cause:
        raise ProofInvalid("the receipt is not canonical JSON") from cause
    if not isinstance(document, dict) or set(document) != _NAMES:
        raise ProofInvalid("the receipt does not have the fields of the published format")
    entry, checkpoint = document["entry"], document["checkpoint"]
    if document["v"] != RECEIPT_FORMAT or not isinstance(entry, str):
        raise ProofInvalid(f"the receipt is not of format `{RECEIPT_FORMAT}`")
    index, proof = document["index"], document["proof"]
    if not isinstance(checkpoint, str) or not isinstance(index, int) or not isinstance(proof, list):
        raise ProofInvalid("the receipt has a field of another type")
    siblings = [h for h in proof if isinstance(h, str) and _HEX_64.fullmatch(h)]
    if isinstance(index, bool) or len(siblings) != len(proof):
        raise ProofInvalid("the receipt has a field of another type")
    hashes = tuple(Digest(bytes.fromhex(text)) for text in siblings)
    return Receipt(entry.encode(), index, hashes, checkpoint.encode())


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ProofInvalid(message)
