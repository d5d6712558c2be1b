"""True answers of nodes, and questions as the gateway plans them, for tests that spoil them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from narrows.core.admission import Admitted
from narrows.core.entries import asked, decided
from narrows.core.exchange import FragmentAnswer, NodeAnswer, NodeQuestion
from narrows.core.ledger.entry import rows_digest, rows_field
from narrows.core.ledger.parts import Disclosure, Released, draft
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.split import Split
from narrows.core.policy.model import Policy
from narrows.core.request import SignedRequest
from narrows.core.terms import ColumnType, Holder
from narrows.engines.arrow import build_batches, schema_of
from narrows.gateway.asking import HolderPlan, plan_holders
from narrows.telemetry.setup import Telemetry, start_telemetry
from tests.unit.serving.world import (
    CATALOG,
    GATEWAY,
    NSOR,
    OSOR,
    SQL,
    World,
    admitted,
    policy_of,
    question,
    sign,
)

Schema = tuple[tuple[str, ColumnType], ...]
ROWS: Mapping[Holder, Sequence[tuple[str, ...]]] = {
    NSOR: [("nsor", "H2X", "Roy")],
    OSOR: [("osor", "H2X", "Roy"), ("osor", "M4C", "Tremblay")],
}
"""Holder, the first three of the postal code, surname: the columns that travel, in order."""
POLICIES = {holder: policy_of(holder) for holder in (NSOR, OSOR)}


@dataclass(frozen=True, slots=True)
class Put:
    """One question as a gateway plans it."""

    request: SignedRequest
    admitted: Admitted
    split: Split
    fragments: tuple[Fragment, ...]
    plans: tuple[HolderPlan, ...]
    schemas: tuple[Schema, ...]

    def plan(self, holder: Holder) -> HolderPlan:
        return next(one for one in self.plans if one.holder == holder)


def put(sql: str = SQL, policies: Mapping[Holder, Policy] = POLICIES, **how: object) -> Put:
    """A freshly signed question, planned and decided."""
    ask = question(sql, **how)
    request = sign(ask)
    split = plan(sql, dict.fromkeys(ask.parameters, ColumnType.TEXT), CATALOG)
    fragments = split.fill(ask.parameters)
    found = admitted(request)
    plans = plan_holders(found, split, fragments, policies, CATALOG)
    schemas = tuple(columns_of_fragment(one, CATALOG) for one in fragments)
    return Put(request, found, split, fragments, plans, schemas)


@dataclass(frozen=True, slots=True)
class Entered:
    """What a node enters, where it is not the truth."""

    row_counts: Mapping[int, int] = field(default_factory=dict[int, int])
    request: SignedRequest | None = None
    narrowed: tuple[str, ...] | None = None


async def node_answer(
    world: World, holder: Holder, found: Put, entered: Entered = Entered()
) -> NodeAnswer:
    """What an honest node answers: the same rows for each fragment that is asked."""
    answers = []
    for part in found.plan(holder).asked:
        assert part.decision is not None
        if part.bound is None:
            answers.append(FragmentAnswer(part.index, part.decision))
            continue
        schema = schema_of(found.schemas[part.index])
        rows = ROWS[holder]
        batches = tuple(build_batches(rows, schema))
        answers.append(FragmentAnswer(part.index, part.decision, batches, len(rows)))
    decisions = [decided(holder, one.fragment, one.decision) for one in answers]
    if entered.narrowed is not None:
        decisions = [replace(one, narrowed=entered.narrowed) for one in decisions]
    request = entered.request or found.request
    part_ = Disclosure(
        asked=asked(admitted(request)),
        recipient=found.admitted.header.agency,
        via=GATEWAY,
        catalog=CATALOG.digest,
        decisions=tuple(decisions),
        released=tuple(
            Released(one.fragment, (), entered.row_counts.get(one.fragment, one.row_count), 1)
            for one in answers
            if one.decision.releases
        ),
        as_of=world.clock(),
        received_at=world.clock(),
    )
    digests = {
        rows_field(one.fragment): bytes(rows_digest(one.batches))
        for one in answers
        if one.decision.releases
    }
    ledger = world.ledgers[holder]
    index = await ledger.append(draft(part_, found.request.id, digests))
    receipt = await ledger.receipt(index)
    return NodeAnswer(tuple(answers), part_.as_of, receipt, ledger.openings(index))


@dataclass(slots=True)
class FakeNode:
    """A `gateway.exchange.Node`: gives its answer, or raises; `questions` is what it was asked.

    `first` is raised at the first question alone.
    """

    found: NodeAnswer | Exception
    questions: list[NodeQuestion] = field(default_factory=list)
    first: Exception | None = None

    async def answer(
        self, question: NodeQuestion, traceparent: str, deadline_s: float
    ) -> NodeAnswer:
        assert traceparent == "00-ab"
        assert deadline_s > 0
        self.questions.append(question)
        if self.first is not None and len(self.questions) == 1:
            raise self.first
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def telemetry(folder: Path) -> Telemetry:
    """A tracer that writes into the folder."""
    return start_telemetry("test", folder)
