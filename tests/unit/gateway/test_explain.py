"""What a question would do: the same door and the same decisions, and no trace of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.core.directory import Directory
from narrows.core.exchange import Explanation
from narrows.core.plan.plan import PlanCache
from narrows.core.policy.decision import Verdict
from narrows.core.terms import MemberName, Purpose
from narrows.engines.merge_pool import MergePool
from narrows.errors import CheckFailed, PlannerDiffers, UnknownCaller
from narrows.gateway.answer import GatewayParts
from narrows.gateway.exchange import Exchange
from narrows.gateway.explain import explain
from narrows.store.keys import verify_signature
from tests.system.federation import renewed_by_nobody
from tests.unit.gateway.node_answers import POLICIES, FakeNode, telemetry
from tests.unit.serving.world import (
    DOOR,
    GATEWAY,
    NOW,
    NSOR,
    OPC,
    OSOR,
    SQL,
    VPD,
    World,
    directory,
    opened_world,
    question,
    sign,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A gateway whose nodes must not be called, and whose merge workers were never started."""

    world: World
    gateway: GatewayParts

    async def explain(self, sql: str = SQL, **how: object) -> Explanation:
        return await explain(sign(question(sql, **how)), VPD, self.gateway)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    tracer = telemetry(tmp_path)
    nodes = {holder: FakeNode(AssertionError("called")) for holder in (NSOR, OSOR)}
    async with opened_world(tmp_path) as world:
        gateway = GatewayParts(
            name=GATEWAY,
            door=DOOR,
            directory=directory,
            policies=lambda _: POLICIES,
            renew=renewed_by_nobody,
            plans=PlanCache(),
            exchange=Exchange(nodes, {}, tracer),
            merges=MergePool(1),
            ledger=world.ledgers[GATEWAY],
            telemetry=tracer,
            verify=verify_signature,
            clock=lambda: NOW,
        )
        yield Case(world, gateway)
    tracer.close()
    assert not any(node.questions for node in nodes.values())


async def test_it_says_what_each_holder_would_do(case: Case) -> None:
    found = await case.explain()
    assert [plan.holder for plan in found.plans] == [NSOR, OSOR]
    for plan in found.plans:
        assert plan.decision is not None
        assert plan.decision.verdict is Verdict.NARROWED
        assert plan.decision.narrowed == ("person.postal_code: first 3",)
        # The rewriting, not the fragment: what travels is three characters.
        assert "postal_code" in plan.sql
        assert "3" in plan.sql
        assert plan.not_asked == ""
        assert [step.name for step in plan.steps] == ["scan", "match", "guard", "narrow"]
        assert plan.steps[1].lines == ("t1.document = 'ZZ123456'",)
        assert {column.name for column in plan.columns} == {
            "holder",
            "t1_postal_code",
            "t1_surname",
        }
    assert "surname" in found.merge.sql
    assert (found.merge.place, found.above, found.withheld_because) == ("gateway", (), "")
    assert [step.name for step in found.merge.steps] == ["read", "give"]


async def test_it_says_why_a_holder_refuses_or_is_not_asked(case: Case) -> None:
    refused = (await case.explain(purpose=Purpose("licensing"))).plans[0].decision
    assert refused is not None
    assert refused.verdict is Verdict.REFUSED
    found = await case.explain(purpose=Purpose("licensing"))
    assert found.withheld_because == "no holder answered"
    # What it would be asked is told, and nothing of it travels.
    assert [step.name for step in found.plans[0].steps] == ["scan", "filter"]
    assert found.plans[0].columns == ()
    assert "no agreement" in refused.reasons[0]
    excluded = (await case.explain(SQL + " AND p.holder = 'osor'")).plans[0]
    assert (excluded.not_asked, excluded.decision) == ("the question excludes it", None)


async def test_it_says_what_stays_above_and_why(case: Case) -> None:
    (above,) = (await case.explain(SQL + " AND upper(p.surname) = 'ROY'")).above
    assert above.what == "upper(f1.t1_surname) = 'ROY'"
    assert "its own idea of case" in above.why


async def test_it_says_nothing_of_a_policy_that_is_unknown(case: Case) -> None:
    unknown = replace(case.gateway, policies=lambda _: {OSOR: POLICIES[OSOR]})
    found = (await explain(sign(), VPD, unknown)).plans[0]
    assert (found.not_asked, found.decision) == ("", None)


async def test_no_ledger_is_touched(case: Case) -> None:
    await case.explain()
    with pytest.raises(UnknownCaller):
        await explain(sign(), OPC, case.gateway)
    assert {name: ledger.size for name, ledger in case.world.ledgers.items()} == {
        GATEWAY: 0,
        NSOR: 0,
        OSOR: 0,
    }


async def test_it_has_the_door_of_an_answer(case: Case) -> None:
    with pytest.raises(UnknownCaller, match="another member"):
        await explain(sign(agency="opc"), VPD, case.gateway)
    request = sign()
    unopened = replace(request, openings=request.openings[:-2])
    with pytest.raises(CheckFailed, match="does not open"):
        await explain(unopened, VPD, case.gateway)
    forged = replace(request, signatures=())
    with pytest.raises(UnknownCaller, match="no signature"):
        await explain(forged, VPD, case.gateway)
    door = replace(DOOR, planner="0")
    with pytest.raises(PlannerDiffers):
        await explain(request, VPD, replace(case.gateway, door=door))
    stranger = replace(case.gateway, directory=lambda: _without(VPD))
    with pytest.raises(UnknownCaller, match="not a member"):
        await explain(request, VPD, stranger)


def _without(name: MemberName) -> Directory:
    found = directory()
    return replace(found, members={k: v for k, v in found.members.items() if k != name})
