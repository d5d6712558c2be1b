"""Traces and proofs of a ledger: messages of `audit.proto` and values."""

from collections.abc import Iterable

from narrows.core.exchange import Trace, TracedEntry
from narrows.core.terms import Digest
from narrows.errors import ProofInvalid
from narrows.wire.request import from_openings, from_receipt, to_opening, to_receipt
from narrows.wire.v1 import audit_pb2 as pb

_DIGEST_BYTES = 32


def to_trace(trace: Trace) -> pb.TraceResponse:
    """The message of a trace; `from_trace` undoes it."""
    return pb.TraceResponse(
        origin=trace.origin,
        entries=[
            pb.TracedEntry(
                index=entry.receipt.index,
                receipt=to_receipt(entry.receipt),
                openings=[to_opening(found) for found in entry.openings],
            )
            for entry in trace.entries
        ],
    )


def from_trace(message: pb.TraceResponse) -> Trace:
    """What the ledger shows; no receipt is verified yet. Raises: ProofInvalid."""
    entries = tuple(
        TracedEntry(from_receipt(entry.receipt), from_openings(entry.openings))
        for entry in message.entries
    )
    if [entry.index for entry in message.entries] != [one.receipt.index for one in entries]:
        raise ProofInvalid("an entry of the trace is numbered otherwise than its receipt")
    return Trace(message.origin, entries)


def from_hashes(hashes: Iterable[bytes]) -> tuple[Digest, ...]:
    """The hashes of a proof, not verified. Raises: ProofInvalid."""
    found = tuple(Digest(one) for one in hashes)
    if any(len(one) != _DIGEST_BYTES for one in found):
        raise ProofInvalid("a hash of the proof is not 32 bytes long")
    return found
