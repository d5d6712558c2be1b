"""What a gateway checks of a node's answer before it uses any of it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.core.exchange import FragmentAnswer, NodeAnswer
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.parts import Refusal, draft
from narrows.core.policy.decision import Verdict
from narrows.engines.arrow import build_batches, schema_of
from narrows.errors import CheckFailed, NarrowsError, ProofInvalid
from narrows.gateway.evidence import check_answer
from tests.unit.gateway.node_answers import POLICIES, Entered, Put, node_answer, put
from tests.unit.serving.world import GATEWAY, NSOR, OSOR, VERIFIERS, World, opened_world, sign

BOTH = (
    "SELECT p.surname FROM person p WHERE p.document = :document "
    "AND NOT EXISTS (SELECT 1 FROM person v WHERE v.document = 'ZZ2' AND v.holder <> p.holder)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and what `osor` honestly answers."""

    world: World
    put: Put
    found: NodeAnswer

    def check(self, found: NodeAnswer, ledger: str = OSOR) -> Kind:
        plan = self.put.plan(OSOR)
        args = (found, plan, self.put.admitted, self.put.schemas)
        return check_answer(*args, VERIFIERS[ledger]).kind

    async def lie(self, entered: Entered) -> NodeAnswer:
        return await node_answer(self.world, OSOR, self.put, entered)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path) as world:
        found = put()
        yield Case(world, found, await node_answer(world, OSOR, found))


def _fragment(**changes: object) -> Callable[[NodeAnswer], NodeAnswer]:
    def change(found: NodeAnswer) -> NodeAnswer:
        return replace(found, fragments=(replace(found.fragments[0], **changes),))  # type: ignore[arg-type]

    return change


def _refusing(found: NodeAnswer) -> NodeAnswer:
    refused = replace(found.fragments[0].decision, verdict=Verdict.REFUSED)
    return _fragment(decision=refused)(found)


def _receipt(**changes: object) -> Callable[[NodeAnswer], NodeAnswer]:
    return lambda found: replace(found, receipt=replace(found.receipt, **changes))  # type: ignore[arg-type]


def _unchanged(found: NodeAnswer) -> FragmentAnswer:
    return found.fragments[0]


SPOILT: dict[str, tuple[Callable[[NodeAnswer], NodeAnswer], type[NarrowsError]]] = {
    "replayed": (lambda found: replace(found, replayed=True), CheckFailed),
    "no fragment": (lambda found: replace(found, fragments=()), CheckFailed),
    "a fragment twice": (
        lambda found: replace(found, fragments=(_unchanged(found), _unchanged(found))),
        CheckFailed,
    ),
    "another fragment": (_fragment(fragment=1), CheckFailed),
    "a refusal where its policy releases": (_refusing, CheckFailed),
    "no rows": (_fragment(batches=()), ProofInvalid),
    "rows twice": (
        lambda found: _fragment(batches=_unchanged(found).batches * 2)(found),
        ProofInvalid,
    ),
    "another count": (_fragment(row_count=1), CheckFailed),
    "no opening": (lambda found: replace(found, openings=()), CheckFailed),
    "an opening with another salt": (
        lambda found: replace(found, openings=(replace(found.openings[0], salt=bytes(32)),)),
        ProofInvalid,
    ),
    "another index": (_receipt(index=7), ProofInvalid),
    "another checkpoint": (_receipt(checkpoint=b"note"), ProofInvalid),
}


async def test_a_true_answer_passes(case: Case) -> None:
    assert case.check(case.found) is Kind.DISCLOSURE


@pytest.mark.parametrize("name", SPOILT)
async def test_what_does_not_fit_is_refused(case: Case, name: str) -> None:
    change, error = SPOILT[name]
    with pytest.raises(error):
        case.check(change(case.found))


async def test_other_rows_than_it_entered_are_refused(case: Case) -> None:
    rows = [("osor", "H2X", "Doe"), ("osor", "M4C", "Tremblay")]
    other = tuple(build_batches(rows, schema_of(case.put.schemas[0])))
    with pytest.raises(ProofInvalid, match="batches differ"):
        case.check(_fragment(batches=other)(case.found))


async def test_the_receipt_of_another_ledger_is_refused(case: Case) -> None:
    with pytest.raises(ProofInvalid, match="step 1"):
        case.check(case.found, ledger=NSOR)


async def test_the_receipt_of_another_request_is_refused(case: Case) -> None:
    other = await node_answer(case.world, OSOR, put())
    with pytest.raises(CheckFailed, match="another request"):
        case.check(other)


async def test_rows_need_a_disclosure(case: Case) -> None:
    ledger = case.world.ledgers[OSOR]
    index = await ledger.append(draft(Refusal(GATEWAY, "X", "x"), case.put.request.id))
    refused = replace(case.found, receipt=await ledger.receipt(index))
    with pytest.raises(CheckFailed):
        case.check(refused)


@pytest.mark.parametrize(
    "entered", [Entered(row_counts={0: 1}), Entered(request=sign()), Entered(narrowed=())]
)
async def test_what_a_node_entered_in_the_open_is_what_both_know(
    case: Case, entered: Entered
) -> None:
    """Else the requester, who compares, would refuse the whole answer for one node's lie."""
    with pytest.raises(CheckFailed, match="`osor`"):
        case.check(await case.lie(entered))


async def test_rows_of_another_schema_are_refused(case: Case) -> None:
    schemas = ((("holder", case.put.schemas[0][0][1]),),)
    with pytest.raises(CheckFailed, match="schema"):
        check_answer(case.found, case.put.plan(OSOR), case.put.admitted, schemas, VERIFIERS[OSOR])


async def test_a_part_that_policy_refuses_comes_without_rows(tmp_path: Path) -> None:
    """`nsor` releases persons by their document, and refuses those that are found by nothing."""
    sql = (
        "SELECT p.surname FROM person p JOIN person q ON q.surname = p.surname "
        "WHERE p.document = :document"
    )
    async with opened_world(tmp_path) as world:
        found = put(sql, POLICIES)
        plan = found.plan(NSOR)
        assert [part.bound is None for part in plan.asked].count(True) == 1
        answer = await node_answer(world, NSOR, found)
        args = (plan, found.admitted, found.schemas, VERIFIERS[NSOR])
        assert check_answer(answer, *args).kind is Kind.DISCLOSURE
        refused = next(n for n, one in enumerate(answer.fragments) if not one.decision.releases)
        released = next(one for one in answer.fragments if one.decision.releases)
        widened = list(answer.fragments)
        widened[refused] = replace(widened[refused], batches=released.batches)
        with pytest.raises(CheckFailed, match="rows that its policy refuses"):
            check_answer(replace(answer, fragments=tuple(widened)), *args)
        widened[refused] = replace(released, fragment=widened[refused].fragment)
        with pytest.raises(CheckFailed, match="decided otherwise"):
            check_answer(replace(answer, fragments=tuple(widened)), *args)
