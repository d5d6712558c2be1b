"""A true answer, made step by step as gateway and nodes make it, so that each step can lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from narrows.client.evidence import Expected
from narrows.core.answer import Answer, AnswerColumn, HolderReport, Outcome
from narrows.core.entries import asked, decided, sealed_fields
from narrows.core.ledger.entry import rows_digest, rows_field
from narrows.core.ledger.parts import Decided, Disclosure, HolderOutcome, Intent, Released, draft
from narrows.core.ledger.parts import Outcome as OutcomePart
from narrows.core.ledger.receipt import Receipt, receipt_digest
from narrows.core.parameters import decode_parameters
from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.decide import decide
from narrows.core.request import SignedRequest
from narrows.core.terms import ColumnType, Holder, RequestId
from narrows.engines.arrow import build_batches, schema_of
from tests.unit.serving.world import (
    CATALOG,
    GATEWAY,
    NSOR,
    OSOR,
    VERIFIERS,
    World,
    admitted,
    policy_of,
)

Rows = Sequence[tuple[str, ...]]
COLUMNS = tuple(AnswerColumn(one, ColumnType.TEXT) for one in ("holder", "surname", "postal_code"))
ROWS: Mapping[Holder, Rows] = {
    NSOR: [("nsor", "Roy", "H2X")],
    OSOR: [("osor", "Roy", "H2X"), ("osor", "Tremblay", "M4C")],
}
TRACE_ID = "ab" * 16
NARROWED = ("person.postal_code: first 3",)


def batches_of(rows: Rows) -> tuple[bytes, ...]:
    return tuple(build_batches(rows, schema_of([(one.name, one.type) for one in COLUMNS])))


def decision_of(holder: Holder, request: SignedRequest) -> Decided:
    """What the holder's policy says to the request, as both sides enter it."""
    fragment = decode_fragment(request.opened("fragments/0") or b"", CATALOG)
    found = decide(policy_of(holder), CATALOG, fragment, admitted(request).circumstances)
    return decided(holder, 0, found)


async def disclose(
    world: World,
    holder: Holder,
    request: SignedRequest,
    rows: Rows,
    name: RequestId | None = None,
) -> Receipt:
    """The receipt of a node that entered that these rows may leave, perhaps under another id."""
    part = Disclosure(
        asked=asked(admitted(request)),
        recipient=admitted(request).header.agency,
        via=GATEWAY,
        catalog=CATALOG.digest,
        decisions=(decision_of(holder, request),),
        released=(Released(0, ("person.surname",), len(rows), 1),),
        as_of=world.clock(),
        received_at=world.clock(),
    )
    sealed = {rows_field(0): bytes(rows_digest(batches_of(rows)))}
    ledger = world.ledgers[holder]
    return await ledger.receipt(await ledger.append(draft(part, name or request.id, sealed)))


def report(holder: Holder, receipt: Receipt | None, row_count: int) -> HolderReport:
    """What a gateway says of a holder that answered."""
    return HolderReport(
        holder=holder,
        outcome=Outcome.ANSWERED,
        clauses=("investigation",),
        narrowed=NARROWED,
        row_count=row_count,
        elapsed_ms=3,
        receipt=receipt,
    )


@dataclass(frozen=True, slots=True)
class Telling:
    """What a gateway enters and says; `holders` are its reports, in order."""

    holders: tuple[HolderReport, ...]
    rows: Rows
    columns: tuple[AnswerColumn, ...] = COLUMNS
    caveats: tuple[str, ...] = ("nsor: once only", "osor: once only")
    withheld: str = ""
    row_count: int | None = None

    @property
    def count(self) -> int:
        """How many rows it says that there are."""
        return len(self.rows) if self.row_count is None else self.row_count


async def intend(
    world: World, request: SignedRequest, decisions: tuple[Decided, ...] | None = None
) -> None:
    """Nothing, when the gateway has entered that it is about to ask; `decisions` may be untrue."""
    if decisions is None:
        decisions = tuple(decision_of(holder, request) for holder in ROWS)
    part = Intent(asked(admitted(request)), CATALOG.digest, PLANNER_VERSION, decisions)
    sealed = sealed_fields(request, TRACE_ID)
    await world.ledgers[GATEWAY].append(draft(part, request.id, sealed))


async def tell(world: World, request: SignedRequest, telling: Telling) -> Answer:
    """The answer of a gateway that enters exactly what it tells, true or not."""
    batches = batches_of(telling.rows)
    part = OutcomePart(
        outcome="withheld" if telling.withheld else "answered",
        reason=telling.withheld,
        complete=not any(one.outcome.is_gap for one in telling.holders),
        column_count=len(telling.columns),
        row_count=telling.count,
        holders=tuple(_entered(one) for one in telling.holders),
        caveats=telling.caveats,
    )
    ledger = world.ledgers[GATEWAY]
    sealed = {rows_field(0): bytes(rows_digest(batches))}
    index = await ledger.append(draft(part, request.id, sealed))
    return Answer(
        request=request.id,
        columns=telling.columns,
        batches=batches,
        row_count=telling.count,
        holders=telling.holders,
        caveats=telling.caveats,
        receipt=await ledger.receipt(index),
        withheld_because=telling.withheld,
        rows_opening=ledger.openings(index)[0],
    )


async def true_telling(world: World, request: SignedRequest) -> Telling:
    """What an honest gateway tells of two honest nodes."""
    reports = [
        report(holder, await disclose(world, holder, request, rows), len(rows))
        for holder, rows in ROWS.items()
    ]
    return Telling(tuple(reports), [row for rows in ROWS.values() for row in rows])


def expecting(request: SignedRequest) -> Expected:
    given = decode_parameters(request.opened("parameters") or b"")
    types = {name: value.type for name, value in given.items()}
    split = plan(request.text("sql") or "", types, CATALOG)
    return Expected(request, split, GATEWAY, CATALOG.holders, VERIFIERS)


def _entered(one: HolderReport) -> HolderOutcome:
    return HolderOutcome(
        holder=one.holder,
        outcome=one.outcome.value,
        clauses=one.clauses,
        reason="; ".join(one.reasons),
        withheld=one.withheld,
        row_count=one.row_count,
        duration_ms=one.elapsed_ms,
        receipt=None if one.receipt is None else receipt_digest(one.receipt),
    )
