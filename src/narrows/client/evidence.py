"""What a requester checks before it believes an answer. The gateway is not taken at its word."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from narrows.client.answer import Answer
from narrows.core.answer import Answer as Received
from narrows.core.answer import HolderReport, Outcome
from narrows.core.canonical import Json
from narrows.core.entries import kind_of, outcome_of
from narrows.core.ledger.entry import Entry, Kind, check_rows
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.receipt import receipt_digest, verify_receipt
from narrows.core.plan.split import Split
from narrows.core.policy.decision import Verdict
from narrows.core.policy.gaps import why_withheld
from narrows.core.request import AT_REQUESTER, SignedRequest, decode_header
from narrows.core.terms import Holder
from narrows.engines.arrow import BatchLimits, read_batch, schema_of
from narrows.errors import CheckFailed, ProofInvalid

LIMITS = BatchLimits()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer must be about: the request as signed, its plan, who may answer."""

    request: SignedRequest
    split: Split
    gateway: str
    holders: tuple[Holder, ...]
    verifiers: Mapping[str, Verifier]


def verify_answer(received: Received, expected: Expected) -> Answer:
    """The answer, when everything in it agrees and every receipt verifies.

    Of what the gateway only carried there are no rows yet: `merging.merge_here` opens them.
    Raises: ProofInvalid for a receipt or rows that do not verify; CheckFailed for anything else
    that does not fit the request.
    """
    header = decode_header(expected.request.header)
    is_carried = header.merge_at == AT_REQUESTER
    # 1. It is about this request, with its columns, and reports on every holder once.
    if received.request != expected.request.id:
        raise CheckFailed("the answer is about another request")
    outputs = () if is_carried else expected.split.outputs
    if tuple(column.name for column in received.columns) != outputs:
        raise CheckFailed("the answer has other columns than the question")
    if tuple(report.holder for report in received.holders) != expected.holders:
        raise CheckFailed("the answer does not report on every holder of the catalog")
    # 2. The gateway's ledger holds the outcome of this request.
    entry = verify_receipt(received.receipt, expected.verifiers[expected.gateway])
    _require_entry(entry, Kind.OUTCOME, expected)
    # 3. The rows are those that it entered.
    if received.rows_opening is None:
        raise ProofInvalid("the answer does not open the digest of its rows")
    check_rows(entry, received.rows_opening, received.batches)
    # 4. What it tells, of the whole and of each holder, is what it entered.
    _require_told(entry, received, "carried" if is_carried else "answered")
    # 5. Each node that answered or holds entered this very request, as signed, before it said so.
    for report in received.holders:
        if report.receipt is not None:
            _require_node(report, expected)
        elif report.outcome in (Outcome.ANSWERED, Outcome.HELD) or report.row_count:
            # Else a gateway could answer in the name of a node that it never asked, or say that a
            # request is held which nobody at the holder will ever see.
            raise ProofInvalid(f"there is no receipt of `{report.holder}` for what it answered")
    # 6. No gap is passed over in silence.
    _require_no_gap(received, expected, partial=header.partial)
    # 7. The rows are well formed.
    table = _table(received)
    return Answer(
        request_id=received.request,
        columns=received.columns,
        table=table,
        agencies=received.holders,
        caveats=received.caveats,
        receipt=received.receipt,
        withheld_because=received.withheld_because,
        gateway_row_count=received.row_count,
        merge_us=received.merge_us,
    )


def _require_no_gap(received: Received, expected: Expected, *, partial: bool) -> None:
    """Nothing, when rows are withheld, or no holder is missing without which they say no falsehood."""
    if received.withheld_because:
        return
    parts = expected.split.parts
    asked = {
        holder: [index for index, part in enumerate(parts) if part.asked(holder) is None]
        for holder in expected.holders
    }
    asked = {holder: found for holder, found in asked.items() if found}
    gaps = [
        report.holder
        for report in received.holders
        if report.outcome.is_gap or (report.outcome is Outcome.NOT_ASKED and report.holder in asked)
    ]
    if why_withheld(expected.split, asked, gaps, partial=partial):
        raise CheckFailed("the gateway gives rows although a missing agency makes them untrue")


def _require_entry(entry: Entry, kind: Kind, expected: Expected) -> None:
    if entry.request != expected.request.id or entry.kind is not kind:
        raise ProofInvalid("a receipt is about something else than this request's answer")


def _require_told(entry: Entry, received: Received, given: str) -> None:
    told: dict[str, Json] = {
        "outcome": "withheld" if received.withheld_because else given,
        "reason": received.withheld_because,
        "complete": not any(report.outcome.is_gap for report in received.holders),
        "column_count": len(received.columns),
        "row_count": received.row_count,
        "holders": [_entered(report) for report in received.holders],
        "caveats": list(received.caveats),
    }
    for name, value in told.items():
        if entry.open.get(name) != value:
            raise ProofInvalid(f"the gateway tells `{name}` otherwise than it entered")


def _entered(report: HolderReport) -> dict[str, Json]:
    """A report as the gateway's entry spells it."""
    return {
        "holder": report.holder,
        "outcome": report.outcome.value,
        "clauses": list(report.clauses),
        "reason": "; ".join(report.reasons),
        "withheld": list(report.withheld),
        "row_count": report.row_count,
        "duration_ms": report.elapsed_ms,
        "receipt": None if report.receipt is None else receipt_digest(report.receipt).hex(),
    }


def _require_node(report: HolderReport, expected: Expected) -> None:
    assert report.receipt is not None
    verifier = expected.verifiers.get(report.holder)
    if verifier is None:
        raise ProofInvalid(f"the directory names no ledger of `{report.holder}`")
    entry = verify_receipt(report.receipt, verifier)
    decisions, released = entry.objects("decisions"), entry.objects("released")
    verdicts = [one for found in decisions if (one := _verdict(found.get("decision"))) is not None]
    _require_entry(entry, kind_of(verdicts), expected)
    if report.outcome is not outcome_of(verdicts):
        raise ProofInvalid(f"the gateway tells of `{report.holder}` otherwise than it entered")
    match entry.open.get("asked"):
        case {"header": str(header)} if header.encode() == expected.request.header:
            pass
        case _:
            raise ProofInvalid(f"`{report.holder}` entered another request than was signed")
    # What was narrowed stands in no entry of the gateway: the node's own word is the one to read.
    found = {
        name: list(dict.fromkeys(text for one in decisions for text in _texts(one.get(name))))
        for name in ("clauses", "narrowed", "withheld")
    }
    told = {name: list(getattr(report, name)) for name in found}
    days = [day for one in decisions if isinstance(day := one.get("keep_days"), int)]
    row_count = sum(count for one in released if isinstance(count := one.get("row_count"), int))
    is_kept = report.keep_days == min(days, default=None)
    if found != told or row_count != report.row_count or not is_kept:
        raise ProofInvalid(f"the gateway tells of `{report.holder}` otherwise than it entered")


def _verdict(value: Json) -> Verdict | None:
    return next((one for one in Verdict if one.value == value), None)


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _table(received: Received) -> pa.Table:
    schema = schema_of([(column.name, column.type) for column in received.columns])
    batches = [read_batch(batch, schema, LIMITS) for batch in received.batches]
    if sum(batch.num_rows for batch in batches) != received.row_count:
        raise CheckFailed("the answer has another number of rows than it says")
    if received.withheld_because and received.row_count:
        raise CheckFailed("the answer gives rows that it says are withheld")
    return pa.Table.from_batches(batches, schema=schema)
