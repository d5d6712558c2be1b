"""Answers and descriptions of a gateway: messages of `query.proto` and values.

async for part in answer_parts(answer): yield part        # the gateway
answer = await read_answer(stub.Ask(request))             # the client
"""

from collections.abc import AsyncIterable, Iterator

from narrows.core.answer import Answer, HolderReport, Outcome
from narrows.core.exchange import GatewayDescription
from narrows.core.publishing import PublishedPolicy
from narrows.core.sealed import SealedRows
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.errors import AnswerTooLarge, CheckFailed
from narrows.wire.request import (
    from_column,
    from_openings,
    from_receipt,
    to_column,
    to_opening,
    to_receipt,
)
from narrows.wire.v1 import query_pb2 as pb

MAX_ANSWER_BYTES = 256_000_000
_OUTCOMES = {
    Outcome.ANSWERED: pb.OUTCOME_ANSWERED,
    Outcome.REFUSED: pb.OUTCOME_REFUSED,
    Outcome.HELD: pb.OUTCOME_HELD,
    Outcome.UNAVAILABLE: pb.OUTCOME_UNAVAILABLE,
    Outcome.TIMED_OUT: pb.OUTCOME_TIMED_OUT,
    Outcome.NOT_ASKED: pb.OUTCOME_NOT_ASKED,
}


def answer_parts(answer: Answer) -> Iterator[pb.AskResponse]:
    """Every batch or sealed part, then the trailer; `read_answer` undoes it."""
    for batch in answer.batches:
        yield pb.AskResponse(batch=batch)
    for rows in answer.sealed:
        for part in rows.parts:
            sealed = pb.SealedPart(holder=rows.holder, fragment=rows.fragment, part=part)
            yield pb.AskResponse(sealed=sealed)
    opening = answer.rows_opening
    yield pb.AskResponse(
        trailer=pb.AnswerTrailer(
            request_id=answer.request,
            columns=[to_column(column) for column in answer.columns],
            outcomes=[_to_outcome(report) for report in answer.holders],
            caveats=answer.caveats,
            receipt=to_receipt(answer.receipt),
            row_count=answer.row_count,
            batch_count=len(answer.batches),
            rows_opening=None if opening is None else to_opening(opening),
            withheld_because=answer.withheld_because,
            sealed_count=sum(len(rows.parts) for rows in answer.sealed),
            merge_us=answer.merge_us,
        )
    )


async def read_answer(
    parts: AsyncIterable[pb.AskResponse], max_bytes: int = MAX_ANSWER_BYTES
) -> Answer:
    """The whole answer, complete, with receipts that are not verified yet.

    Raises: CheckFailed for an answer without a last trailer, or whose parts do not fit it;
    AnswerTooLarge; ProofInvalid for a receipt that is none.
    """
    batches: list[bytes] = []
    sealed: dict[tuple[Holder, int], list[bytes]] = {}
    trailer: pb.AnswerTrailer | None = None
    size = 0
    async for part in parts:
        if trailer is not None:
            raise CheckFailed("the gateway went on after the end of its answer")
        match part.WhichOneof("part"):
            case "batch":
                size += len(part.batch)
                batches.append(part.batch)
            case "sealed":
                size += len(part.sealed.part)
                key = Holder(part.sealed.holder), part.sealed.fragment
                sealed.setdefault(key, []).append(part.sealed.part)
            case "trailer":
                trailer = part.trailer
            case _:
                raise CheckFailed("the gateway sent a part that holds nothing")
        if size > max_bytes:
            raise AnswerTooLarge(f"the answer is over {max_bytes} bytes")
    sealed_count = sum(map(len, sealed.values()))
    if trailer is None or (trailer.batch_count, trailer.sealed_count) != (
        len(batches),
        sealed_count,
    ):
        raise CheckFailed("the gateway's answer is not whole")
    return Answer(
        request=RequestId(trailer.request_id),
        columns=tuple(from_column(column) for column in trailer.columns),
        batches=tuple(batches),
        row_count=trailer.row_count,
        holders=tuple(_from_outcome(found) for found in trailer.outcomes),
        caveats=tuple(trailer.caveats),
        receipt=from_receipt(trailer.receipt),
        withheld_because=trailer.withheld_because,
        rows_opening=(
            from_openings([trailer.rows_opening])[0] if trailer.HasField("rows_opening") else None
        ),
        sealed=tuple(
            SealedRows(holder, fragment, tuple(found))
            for (holder, fragment), found in sealed.items()
        ),
        merge_us=trailer.merge_us,
    )


def _to_outcome(report: HolderReport) -> pb.HolderOutcome:
    return pb.HolderOutcome(
        holder=report.holder,
        outcome=_OUTCOMES[report.outcome],
        clauses=report.clauses,
        reasons=report.reasons,
        narrowed=report.narrowed,
        withheld=report.withheld,
        row_count=report.row_count,
        elapsed_ms=report.elapsed_ms,
        receipt=to_receipt(report.receipt),
        keep_days=report.keep_days,
        byte_count=report.byte_count,
    )


def _from_outcome(message: pb.HolderOutcome) -> HolderReport:
    outcome = next((one for one, code in _OUTCOMES.items() if code == message.outcome), None)
    if outcome is None:
        raise CheckFailed("the gateway reports on a holder without a known outcome")
    return HolderReport(
        holder=Holder(message.holder),
        outcome=outcome,
        clauses=tuple(message.clauses),
        reasons=tuple(message.reasons),
        narrowed=tuple(message.narrowed),
        withheld=tuple(message.withheld),
        row_count=message.row_count,
        elapsed_ms=message.elapsed_ms,
        receipt=from_receipt(message.receipt) if message.receipt else None,
        keep_days=message.keep_days if message.HasField("keep_days") else None,
        byte_count=message.byte_count,
    )


def to_description(found: GatewayDescription) -> pb.GatewayServiceDescribeResponse:
    """The message of a description; `from_description` undoes it."""
    return pb.GatewayServiceDescribeResponse(
        federation=found.federation,
        gateway=found.gateway,
        catalog=found.catalog,
        directory=found.directory,
        policies=[
            pb.SignedPolicy(
                holder=policy.holder,
                version=policy.version,
                text=policy.text,
                signature=policy.signature,
            )
            for policy in found.policies
        ],
        planner_version=found.planner,
    )


def from_description(message: pb.GatewayServiceDescribeResponse) -> GatewayDescription:
    """What the gateway says of itself; directory and policies are not verified."""
    return GatewayDescription(
        federation=message.federation,
        gateway=MemberName(message.gateway),
        catalog=message.catalog,
        directory=message.directory,
        policies=tuple(
            PublishedPolicy(Holder(one.holder), one.version, one.text, one.signature)
            for one in message.policies
        ),
        planner=message.planner_version,
    )
