"""What several services share: signed requests, openings, decisions, columns, both ways.

`to_…` makes a message, `from_…` makes a value of it. A `from_…` checks form alone: signatures,
receipts and openings are verified by those who use them.
"""

from collections.abc import Iterable

from narrows.core.answer import AnswerColumn, SignedAcknowledgement
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.entry import Opening as EntryOpening
from narrows.core.ledger.receipt import Receipt, decode_receipt, encode_receipt
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.request import Opening, Signature, SignedRequest
from narrows.core.terms import ColumnType, Digest, MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest
from narrows.wire.v1 import request_pb2 as pb

MAX_SIGNATURES = 16
MAX_OPENINGS = 200
MAX_ACKNOWLEDGEMENT_BYTES = 4_000

_VERDICTS = {
    Verdict.ALLOWED: pb.VERDICT_ALLOWED,
    Verdict.NARROWED: pb.VERDICT_NARROWED,
    Verdict.REFUSED: pb.VERDICT_REFUSED,
    Verdict.HELD: pb.VERDICT_HELD,
}
_TYPES = {
    ColumnType.TEXT: pb.COLUMN_TYPE_TEXT,
    ColumnType.BOOLEAN: pb.COLUMN_TYPE_BOOLEAN,
    ColumnType.INTEGER: pb.COLUMN_TYPE_INTEGER,
    ColumnType.BIGINT: pb.COLUMN_TYPE_BIGINT,
    ColumnType.DOUBLE: pb.COLUMN_TYPE_DOUBLE,
    ColumnType.DATE: pb.COLUMN_TYPE_DATE,
    ColumnType.TIMESTAMP: pb.COLUMN_TYPE_TIMESTAMP,
}


def to_request(request: SignedRequest) -> pb.SignedRequest:
    """The message of a signed request; `from_request` undoes it."""
    return pb.SignedRequest(
        header=request.header,
        signatures=[to_signature(found) for found in request.signatures],
        openings=[to_opening(found) for found in request.openings],
    )


def from_request(message: pb.SignedRequest) -> SignedRequest:
    """The signed request, not verified. Raises: MalformedRequest."""
    if not message.header or not message.signatures:
        raise MalformedRequest("the request has no header or no signature")
    if len(message.signatures) > MAX_SIGNATURES or len(message.openings) > MAX_OPENINGS:
        raise MalformedRequest(
            f"the request has over {MAX_SIGNATURES} signatures or {MAX_OPENINGS} openings"
        )
    return SignedRequest(
        message.header,
        tuple(from_signature(found) for found in message.signatures),
        tuple(Opening(found.field, found.salt, found.value) for found in message.openings),
    )


def to_signature(found: Signature) -> pb.Signature:
    """The message of one signature; `from_signature` undoes it."""
    return pb.Signature(
        role=found.role,
        key_id=found.key_id,
        algorithm=found.algorithm,
        signature=found.signature,
    )


def from_signature(message: pb.Signature) -> Signature:
    """The signature, not verified."""
    return Signature(message.role, message.key_id, message.algorithm, message.signature)


def to_opening(found: Opening | EntryOpening) -> pb.Opening:
    """The message of one opening, of a request or of a ledger's entry."""
    return pb.Opening(field=found.field, salt=found.salt, value=found.value)


def from_openings(messages: Iterable[pb.Opening]) -> tuple[EntryOpening, ...]:
    """The openings of a ledger's entry, not checked."""
    return tuple(EntryOpening(found.field, found.salt, found.value) for found in messages)


def to_acknowledgement(found: SignedAcknowledgement) -> pb.SignedAcknowledgement:
    """The message of an acknowledgement; `from_acknowledgement` undoes it."""
    return pb.SignedAcknowledgement(
        recipient=found.recipient,
        body=found.body,
        signatures=[to_signature(one) for one in found.signatures],
    )


def from_acknowledgement(message: pb.SignedAcknowledgement) -> SignedAcknowledgement:
    """The acknowledgement, not verified. Raises: MalformedRequest."""
    if len(message.body) > MAX_ACKNOWLEDGEMENT_BYTES or len(message.signatures) > MAX_SIGNATURES:
        raise MalformedRequest("the acknowledgement is too large")
    return SignedAcknowledgement(
        MemberName(message.recipient),
        message.body,
        tuple(from_signature(one) for one in message.signatures),
    )


def to_entered(found: EnteredAcknowledgement) -> pb.EnteredAcknowledgement:
    """The message of an entered acknowledgement; `from_entered` undoes it."""
    return pb.EnteredAcknowledgement(
        request_id=found.request, recipient=found.recipient, receipt=to_receipt(found.receipt)
    )


def from_entered(message: pb.EnteredAcknowledgement) -> EnteredAcknowledgement:
    """What a peer says that it entered; its receipt is not verified. Raises: ProofInvalid."""
    return EnteredAcknowledgement(
        RequestId(message.request_id), MemberName(message.recipient), from_receipt(message.receipt)
    )


def to_decision(decision: Decision) -> pb.Decision:
    """The message of a decision; `from_decision` undoes it."""
    return pb.Decision(
        verdict=_VERDICTS[decision.verdict],
        policy_version=decision.policy_version,
        policy_digest=decision.policy_digest,
        agreement=decision.agreement,
        clauses=decision.clauses,
        reasons=decision.reasons,
        narrowed=decision.narrowed,
        withheld=decision.withheld,
        caveats=decision.caveats,
        keep_days=decision.keep_days,
    )


def from_decision(message: pb.Decision) -> Decision:
    """The decision that a peer states. Raises: CheckFailed."""
    verdict = next((one for one, code in _VERDICTS.items() if code == message.verdict), None)
    if verdict is None:
        raise CheckFailed("the peer states a decision without a known verdict")
    return Decision(
        verdict=verdict,
        policy_version=message.policy_version,
        policy_digest=Digest(message.policy_digest),
        agreement=message.agreement if message.HasField("agreement") else None,
        clauses=tuple(message.clauses),
        reasons=tuple(message.reasons),
        narrowed=tuple(message.narrowed),
        withheld=tuple(message.withheld),
        caveats=tuple(message.caveats),
        keep_days=message.keep_days if message.HasField("keep_days") else None,
    )


def to_column(column: AnswerColumn) -> pb.Column:
    """The message of a column; `from_column` undoes it."""
    return pb.Column(name=column.name, type=_TYPES[column.type])


def from_column(message: pb.Column) -> AnswerColumn:
    """The column that a peer names. Raises: CheckFailed."""
    kind = next((one for one, code in _TYPES.items() if code == message.type), None)
    if kind is None:
        raise CheckFailed("the peer names a column without a known type")
    return AnswerColumn(message.name, kind)


def to_receipt(receipt: Receipt | None) -> bytes:
    """The receipt's document; empty for none."""
    return b"" if receipt is None else encode_receipt(receipt)


def from_receipt(data: bytes) -> Receipt:
    """The receipt, not verified. Raises: ProofInvalid, also for none."""
    return decode_receipt(data)
