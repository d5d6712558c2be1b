"""The calls to the nodes: what is asked of whom, and what becomes of every way to fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import pytest

from narrows.core.answer import HolderReport, Outcome
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.policy.decision import Verdict
from narrows.core.policy.gaps import SPARED
from narrows.core.terms import Holder, Purpose
from narrows.errors import (
    AnswerTooLarge,
    BudgetSpent,
    CatalogChanged,
    CheckFailed,
    DeadlinePassed,
    DisclosureDenied,
    LedgerUnavailable,
    NarrowsError,
    NodeUnavailable,
    ObligationUnenforceable,
    Overloaded,
    PolicyChanged,
    ProofInvalid,
    RequestExpired,
    RequestReplayed,
)
from narrows.gateway.asking import HolderPlan
from narrows.gateway.exchange import Exchange, Node, Replies, Round
from narrows.telemetry.setup import Telemetry
from tests.unit.gateway.node_answers import (
    POLICIES,
    ROWS,
    FakeNode,
    Put,
    node_answer,
    put,
    telemetry,
)
from tests.unit.serving.world import NSOR, OSOR, SQL, VERIFIERS, World, opened_world

HOLDERS = {holder: VERIFIERS[holder] for holder in (NSOR, OSOR)}
JOINED = (
    "SELECT p.surname, v.plate FROM person p JOIN vehicle v ON v.plate = p.surname "
    "WHERE p.document = :document AND v.plate = 'ABC 123'"
)


@dataclass(slots=True)
class Case:
    """A question to two honest nodes, one of which a test may replace."""

    world: World
    telemetry: Telemetry
    put: Put
    nodes: dict[Holder, FakeNode]
    decided_again: list[Holder]
    newer: HolderPlan | None = None
    """What a holder is asked under its newer policy; None where there is no other."""

    async def decide_again(self, plan: HolderPlan) -> HolderPlan:
        self.decided_again.append(plan.holder)
        if self.newer is None:
            raise PolicyChanged("no other")
        return self.newer

    async def ask(
        self, *, spare: bool = False, nodes: Mapping[Holder, Node] | None = None
    ) -> Replies:
        exchange = Exchange(nodes or self.nodes, HOLDERS, self.telemetry, lambda: 0.0)
        admitted, plans, schemas = self.put.admitted, self.put.plans, self.put.schemas
        round_ = Round(admitted, plans, schemas, "00-ab", self.decide_again, spare=spare)
        return await exchange.ask_all(round_)

    async def report(self, holder: Holder) -> HolderReport:
        """What is told of one holder."""
        reports = (await self.ask()).reports
        assert [one.holder for one in reports] == [NSOR, OSOR]
        return next(one for one in reports if one.holder == holder)

    async def failing(self, error: Exception) -> HolderReport:
        """What is told of `osor`, whose node raises this."""
        self.nodes[OSOR].found = error
        return await self.report(OSOR)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    tracer = telemetry(tmp_path)
    async with opened_world(tmp_path) as world:
        found = put()
        nodes = {h: FakeNode(await node_answer(world, h, found)) for h in (NSOR, OSOR)}
        yield Case(world, tracer, found, nodes, [])
    tracer.close()


async def test_every_holder_is_asked_and_answers(case: Case) -> None:
    replies = await case.ask()
    assert [one.outcome for one in replies.reports] == [Outcome.ANSWERED] * 2
    assert [one.row_count for one in replies.reports] == [len(ROWS[NSOR]), len(ROWS[OSOR])]
    sent = sum(map(len, replies.batches[0]))
    assert sum(one.byte_count for one in replies.reports) == sent > 0
    assert replies.caveats == ("nsor: once only", "osor: once only")
    assert replies.gaps == []
    assert len(replies.batches[0]) == 2
    nsor = replies.reports[0]
    assert nsor.clauses == ("investigation",)
    assert nsor.narrowed == ("person.postal_code: first 3",)
    assert nsor.receipt is not None
    assert case.decided_again == []


@dataclass(slots=True)
class Turned:
    """A node that answers once the one before it has."""

    node: FakeNode
    before: asyncio.Event
    done: asyncio.Event
    came: list[FakeNode]

    async def answer(
        self, question: NodeQuestion, traceparent: str, deadline_s: float
    ) -> NodeAnswer:
        await self.before.wait()
        self.came.append(self.node)
        self.done.set()
        return await self.node.answer(question, traceparent, deadline_s)


@pytest.mark.parametrize("order", [*permutations((NSOR, OSOR))])
async def test_rows_lie_in_the_order_of_holders_whoever_came_first(
    case: Case, order: tuple[Holder, ...]
) -> None:
    expected = (await case.ask()).batches
    before, came = asyncio.Event(), list[FakeNode]()
    before.set()
    turned: dict[Holder, Node] = {}
    for holder in order:
        done = asyncio.Event()
        turned[holder] = Turned(case.nodes[holder], before, done, came)
        before = done
    found = (await case.ask(nodes=turned)).batches
    assert came == [case.nodes[holder] for holder in order]
    assert found == expected


REFUSED = (DisclosureDenied, AnswerTooLarge, BudgetSpent, ObligationUnenforceable)
UNAVAILABLE = (
    CheckFailed, ProofInvalid, LedgerUnavailable, Overloaded, RequestReplayed, RequestExpired,
    CatalogChanged,
)  # fmt: skip


@pytest.mark.parametrize("error", REFUSED)
async def test_what_the_holder_itself_decided_is_a_refusal(
    case: Case, error: type[NarrowsError]
) -> None:
    found = await case.failing(error("over `at_most`"))
    assert (found.outcome, found.reasons) == (Outcome.REFUSED, ("over `at_most`",))


@pytest.mark.parametrize("error", UNAVAILABLE)
async def test_a_fault_that_may_pass_is_unavailable(case: Case, error: type[NarrowsError]) -> None:
    found = await case.failing(error("something failed", hint="mend it"))
    assert (found.outcome, found.reasons) == (Outcome.UNAVAILABLE, ("something failed",))


@pytest.mark.parametrize("error", [TimeoutError(), DeadlinePassed("late")])
async def test_what_is_late_is_timed_out(case: Case, error: Exception) -> None:
    found = await case.failing(error)
    assert found.outcome is Outcome.TIMED_OUT
    assert found.reasons == ("no answer within the deadline",)


async def test_a_node_that_is_away_is_unavailable(case: Case) -> None:
    found = await case.failing(NodeUnavailable("10.0.0.7 refuses"))
    assert (found.outcome, found.reasons) == (
        Outcome.UNAVAILABLE,
        ("the node cannot be reached",),
    )
    del case.nodes[OSOR]
    assert (await case.report(OSOR)).outcome is Outcome.UNAVAILABLE


async def test_a_changed_policy_is_fetched_anew_and_the_node_asked_once_more(case: Case) -> None:
    case.nodes[OSOR].first = PolicyChanged("another version")
    case.newer = case.put.plans[1]
    found = await case.report(OSOR)
    assert found.outcome is Outcome.ANSWERED
    assert case.decided_again == [OSOR]


async def test_a_policy_that_changes_again_is_not_run_after(case: Case) -> None:
    case.newer = case.put.plans[1]
    found = await case.failing(PolicyChanged("another version"))
    assert found.outcome is Outcome.UNAVAILABLE
    assert "ask again" in found.reasons[0]
    assert case.decided_again == [OSOR]
    assert len(case.nodes[OSOR].questions) == 2


async def test_without_another_policy_the_node_is_not_asked_again(case: Case) -> None:
    found = await case.failing(PolicyChanged("another version"))
    assert found.outcome is Outcome.UNAVAILABLE
    assert len(case.nodes[OSOR].questions) == 1


async def test_what_the_newer_policy_refuses_is_refused_without_a_call(case: Case) -> None:
    (part,) = case.put.plans[1].parts
    assert part.decision is not None
    decision = replace(part.decision, verdict=Verdict.REFUSED, reasons=("not any more",))
    refused = replace(part, decision=decision, bound=None)
    case.newer = HolderPlan(OSOR, (refused,))
    found = await case.failing(PolicyChanged("another version"))
    assert (found.outcome, found.reasons) == (Outcome.REFUSED, ("not any more",))
    assert len(case.nodes[OSOR].questions) == 1


async def test_a_failure_spoils_nothing_of_the_others(case: Case) -> None:
    case.nodes[OSOR].found = NodeUnavailable("away")
    replies = await case.ask()
    nsor, osor = replies.reports
    assert nsor.outcome is Outcome.ANSWERED
    assert replies.gaps == [OSOR]
    assert replies.caveats == ("nsor: once only",)
    assert len(replies.batches[0]) == 1
    # What was narrowed is told of rows that came; which clauses decided, always.
    assert (osor.narrowed, osor.row_count, osor.receipt) == ((), 0, None)
    assert osor.clauses == ("investigation",)


async def test_an_answer_that_does_not_verify_gives_no_rows(case: Case) -> None:
    case.nodes[OSOR].found = case.nodes[NSOR].found
    replies = await case.ask()
    assert replies.gaps == [OSOR]
    assert len(replies.batches[0]) == 1
    assert replies.reports[1].receipt is None


async def test_a_bug_is_no_outcome(case: Case) -> None:
    case.nodes[OSOR].found = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        await case.ask()


async def test_a_node_that_never_answers_is_given_up(case: Case) -> None:
    class Silent(FakeNode):
        async def answer(
            self, question: NodeQuestion, traceparent: str, deadline_s: float
        ) -> NodeAnswer:
            await asyncio.Event().wait()
            raise AssertionError

    header = replace(case.put.admitted.header, deadline_ms=20)
    case.put = replace(case.put, admitted=replace(case.put.admitted, header=header))
    case.nodes = {NSOR: Silent(CheckFailed("x")), OSOR: case.nodes[OSOR]}
    replies = await case.ask()
    assert [one.outcome for one in replies.reports] == [Outcome.TIMED_OUT, Outcome.ANSWERED]


def _silent(case: Case) -> None:
    """Nodes that must not be called."""
    for node in case.nodes.values():
        node.found = AssertionError("called")


async def test_who_refuses_by_its_policy_is_not_called(case: Case) -> None:
    case.put = put(purpose=Purpose("licensing"))
    _silent(case)
    found = await case.report(NSOR)
    assert found.outcome is Outcome.REFUSED
    assert "no agreement" in found.reasons[0]
    assert not any(node.questions for node in case.nodes.values())


async def test_whose_policy_is_unknown_is_not_called(case: Case) -> None:
    case.put = put(policies={OSOR: POLICIES[OSOR]})
    case.nodes = {NSOR: case.nodes[NSOR]}
    found = await case.report(NSOR)
    assert (found.outcome, found.reasons) == (
        Outcome.UNAVAILABLE,
        ("its policy was never fetched",),
    )
    assert case.nodes[NSOR].questions == []


async def test_whom_the_question_does_not_concern_is_not_called(case: Case) -> None:
    case.put = put(SQL + " AND p.holder = 'osor'")
    case.nodes[OSOR].found = await node_answer(case.world, OSOR, case.put)
    replies = await case.ask()
    assert replies.reports[0] == HolderReport(
        NSOR, Outcome.NOT_ASKED, reasons=("the question excludes it",)
    )
    assert replies.gaps == []
    assert case.nodes[NSOR].questions == []


async def test_where_all_rows_would_be_withheld_nobody_is_called(case: Case) -> None:
    _silent(case)
    found = await case.ask(spare=True)
    assert [one.outcome for one in found.reports] == [Outcome.NOT_ASKED] * 2
    assert {one.reasons for one in found.reports} == {(SPARED,)}
    assert found.batches == {}


async def test_each_node_is_opened_only_what_concerns_it(case: Case) -> None:
    """`nsor` holds no vehicles: it learns nothing of what is asked about them."""
    case.put = put(JOINED)
    for holder in (NSOR, OSOR):
        case.nodes[holder].found = NodeUnavailable("away")
    await case.ask()
    opened: Mapping[Holder, set[str]] = {
        holder: {one.field for one in node.questions[0].request.openings}
        for holder, node in case.nodes.items()
        if node.questions
    }
    common = {"officer"}
    persons = next(part.index for part in case.put.plan(NSOR).parts if part.not_asked is None)
    assert opened[NSOR] == common | {f"fragments/{persons}"}
    question = case.nodes[NSOR].questions[0]
    assert question.request.header == case.put.request.header
    assert question.request.signatures == case.put.request.signatures
    assert question.forms == case.put.plan(NSOR).forms
