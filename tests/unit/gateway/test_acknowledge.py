"""Acknowledgements at the gateway: its own is entered, each node's is passed on to it alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.answer import SignedAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import Receipt, verify_receipt
from narrows.core.plan.plan import PlanCache
from narrows.core.request import SignedRequest
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.engines.merge_pool import MergePool
from narrows.errors import CheckFailed, LedgerUnavailable, NodeUnavailable, UnknownCaller
from narrows.gateway.acknowledge import acknowledge
from narrows.gateway.answer import GatewayParts
from narrows.gateway.exchange import Exchange
from narrows.store.keys import verify_signature
from narrows.wire.calls import NodeCalls
from tests.unit.client.true_answer import intend, tell, true_telling
from tests.unit.gateway.node_answers import telemetry
from tests.unit.serving.world import (
    DOOR,
    GATEWAY,
    NOW,
    NSOR,
    OPC,
    OSOR,
    VERIFIERS,
    VPD,
    World,
    directory,
    opened_world,
    requesting,
    sign,
)


class Taking(NodeCalls):
    """A node that keeps what it is sent, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.taken: list[SignedAcknowledgement] = []

    async def acknowledge(
        self, request: RequestId, found: SignedAcknowledgement, deadline_s: float
    ) -> Receipt:
        assert deadline_s > 0
        assert len(request) == 32
        if self.is_away:
            raise NodeUnavailable("the node cannot be reached")
        self.taken.append(found)
        return Receipt(b"{}", 0, (), b"note")


@dataclass(frozen=True, slots=True)
class Case:
    """A request with a whole answer, of which all is acknowledged."""

    world: World
    gateway: GatewayParts
    nodes: dict[Holder, Taking]
    request: SignedRequest
    received: tuple[ReceivedRows, ...]

    def say(self, agency: str = VPD) -> list[SignedAcknowledgement]:
        return list(sign_acknowledgements(self.request.id, self.received, requesting(agency)))

    async def enter(self, said: Sequence[SignedAcknowledgement]) -> tuple[Receipt, tuple[str, ...]]:
        return await acknowledge(self.request.id, said, self.gateway, dict(self.nodes))

    @property
    def size(self) -> int:
        return self.world.ledgers[GATEWAY].size


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    tracer = telemetry(tmp_path)
    async with opened_world(tmp_path) as world:
        request = sign()
        await intend(world, request)
        found = await tell(world, request, await true_telling(world, request))
        received = [ReceivedRows(GATEWAY, found.row_count, found.receipt)]
        for one in found.holders:
            assert one.receipt is not None
            received.append(ReceivedRows(MemberName(one.holder), one.row_count, one.receipt))
        gateway = GatewayParts(
            name=GATEWAY,
            door=DOOR,
            directory=directory,
            policies=dict,
            plans=PlanCache(),
            exchange=Exchange({}, {}, tracer),
            merges=MergePool(1),
            ledger=world.ledgers[GATEWAY],
            telemetry=tracer,
            verify=verify_signature,
            clock=lambda: NOW,
        )
        nodes = {NSOR: Taking(), OSOR: Taking()}
        yield Case(world, gateway, nodes, request, tuple(received))
    tracer.close()


async def test_each_gets_its_own(case: Case) -> None:
    said = case.say()
    receipt, holders = await case.enter(said)
    entry = verify_receipt(receipt, VERIFIERS[GATEWAY])
    assert (entry.kind, entry.open["row_count"]) == (Kind.ACKNOWLEDGEMENT, 3)
    assert holders == (NSOR, OSOR)
    assert case.nodes[NSOR].taken == [said[1]]
    assert case.nodes[OSOR].taken == [said[2]]


async def test_a_node_that_is_away_is_not_said_to_have_entered(case: Case) -> None:
    case.nodes[NSOR].is_away = True
    _, holders = await case.enter(case.say())
    assert holders == (OSOR,)


async def test_the_gateways_alone_will_do(case: Case) -> None:
    """A holder that refused gave nothing that could be acknowledged."""
    _, holders = await case.enter(case.say()[:1])
    assert holders == ()
    assert case.nodes[NSOR].taken == []


async def test_each_recipient_is_named_once_and_is_known(case: Case) -> None:
    said = case.say()
    stranger = replace(said[1], recipient=MemberName("stranger"))
    wrong: list[list[SignedAcknowledgement]] = [
        [],
        said[1:],
        [said[0], *said],
        [*said, said[1]],
        [said[0], stranger],
    ]
    for one in wrong:
        with pytest.raises(CheckFailed, match="acknowledged once"):
            await case.enter(one)
    assert case.size == 2
    assert case.nodes[NSOR].taken == []


async def test_what_is_not_entered_here_is_not_passed_on(case: Case) -> None:
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await case.enter(case.say(OPC))
    unsigned = [replace(one, signatures=()) for one in case.say()]
    with pytest.raises(UnknownCaller):
        await case.enter(unsigned)
    await case.world.ledgers[GATEWAY].close()
    with pytest.raises(LedgerUnavailable):
        await case.enter(case.say())
    assert not any(node.taken for node in case.nodes.values())
