"""Acknowledgements at the gateway: its own are entered, each node's passed on to it alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.answer import SignedAcknowledgement, decode_acknowledgement
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import Receipt, verify_receipt
from narrows.core.plan.plan import PlanCache
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.engines.merge_pool import MergePool
from narrows.errors import (
    CheckFailed,
    LedgerUnavailable,
    MalformedRequest,
    NodeUnavailable,
    UnknownCaller,
)
from narrows.gateway.acknowledge import acknowledge
from narrows.gateway.answer import GatewayParts
from narrows.gateway.exchange import Exchange
from narrows.serving.acknowledge import MAX_AT_ONCE
from narrows.store.keys import verify_signature
from narrows.wire.calls import NodeCalls
from tests.system.federation import renewed_by_nobody
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
    """A node that keeps what it is sent and says what it entered, or is away."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.is_away = False
        self.leaves_out = 0
        self.says_more: tuple[EnteredAcknowledgement, ...] = ()
        self.taken: list[list[SignedAcknowledgement]] = []

    async def acknowledge(
        self, found: Sequence[SignedAcknowledgement], deadline_s: float
    ) -> tuple[EnteredAcknowledgement, ...]:
        assert deadline_s > 0
        if self.is_away:
            raise NodeUnavailable("the node cannot be reached")
        self.taken.append(list(found))
        requests = [decode_acknowledgement(one.body).request for one in found]
        entered = [_entered(one, self.holder) for one in requests[self.leaves_out :]]
        return (*entered, *self.says_more)


def _entered(request: RequestId, name: str) -> EnteredAcknowledgement:
    return EnteredAcknowledgement(request, MemberName(name), Receipt(b"{}", 0, (), b"note"))


@dataclass(frozen=True, slots=True)
class Told:
    """A request with a whole answer, and what was received of each."""

    request: RequestId
    received: tuple[ReceivedRows, ...]

    def say(self, agency: str = VPD) -> list[SignedAcknowledgement]:
        """All of it acknowledged: the gateway's, that of `nsor`, that of `osor`."""
        return list(sign_acknowledgements(self.request, self.received, requesting(agency), NOW))


async def _told(world: World) -> Told:
    request = sign()
    await intend(world, request)
    found = await tell(world, request, await true_telling(world, request))
    received = [ReceivedRows(GATEWAY, found.row_count, found.receipt)]
    for one in found.holders:
        assert one.receipt is not None
        received.append(ReceivedRows(MemberName(one.holder), one.row_count, one.receipt))
    return Told(request.id, tuple(received))


@dataclass(frozen=True, slots=True)
class Case:
    """Two requests that a gateway has answered, and the nodes behind it."""

    world: World
    gateway: GatewayParts
    nodes: dict[Holder, Taking]
    first: Told
    second: Told

    async def enter(self, *said: SignedAcknowledgement) -> list[EnteredAcknowledgement]:
        return list(await acknowledge(said, self.gateway, dict(self.nodes)))

    async def places(self, *said: SignedAcknowledgement) -> set[tuple[RequestId, str]]:
        """What was entered, and where."""
        entered = await self.enter(*said)
        found = {(one.request, str(one.recipient)) for one in entered}
        assert len(found) == len(entered)
        return found

    @property
    def size(self) -> int:
        return self.world.ledgers[GATEWAY].size


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    tracer = telemetry(tmp_path)
    async with opened_world(tmp_path) as world:
        told = [await _told(world) for _ in range(2)]
        gateway = GatewayParts(
            name=GATEWAY,
            door=DOOR,
            directory=directory,
            policies=lambda _: {},
            renew=renewed_by_nobody,
            plans=PlanCache(),
            exchange=Exchange({}, {}, tracer),
            merges=MergePool(1),
            ledger=world.ledgers[GATEWAY],
            telemetry=tracer,
            verify=verify_signature,
            clock=lambda: NOW,
        )
        nodes = {one: Taking(one) for one in (NSOR, OSOR)}
        yield Case(world, gateway, nodes, *told)
    tracer.close()


async def test_each_gets_its_own(case: Case) -> None:
    said = case.first.say()
    entered = {str(one.recipient): one for one in await case.enter(*said)}
    assert set(entered) == {GATEWAY, NSOR, OSOR}
    assert {one.request for one in entered.values()} == {case.first.request}
    entry = verify_receipt(entered[GATEWAY].receipt, VERIFIERS[GATEWAY])
    assert (entry.kind, entry.open["row_count"]) == (Kind.ACKNOWLEDGEMENT, 3)
    assert entry.request == case.first.request
    assert case.nodes[NSOR].taken == [[said[1]]]
    assert case.nodes[OSOR].taken == [[said[2]]]


async def test_many_are_passed_on_to_a_node_in_one_call(case: Case) -> None:
    first, second = case.first.say(), case.second.say()
    assert await case.places(*first, *second) == {
        (told.request, name) for told in (case.first, case.second) for name in (GATEWAY, NSOR, OSOR)
    }
    assert case.nodes[NSOR].taken == [[first[1], second[1]]]
    assert case.nodes[OSOR].taken == [[first[2], second[2]]]
    assert case.size == 6


async def test_said_again_the_gateways_receipt_is_the_first(case: Case) -> None:
    said = case.first.say()[:1]
    (first,) = await case.enter(*said)
    (again,) = await case.enter(*said, *said)
    assert (again.receipt.entry, again.receipt.index) == (first.receipt.entry, first.receipt.index)
    assert case.size == 5


async def test_a_node_that_is_away_is_not_said_to_have_entered(case: Case) -> None:
    case.nodes[NSOR].is_away = True
    assert await case.places(*case.first.say(), *case.second.say()) == {
        (told.request, name) for told in (case.first, case.second) for name in (GATEWAY, OSOR)
    }


async def test_what_a_node_left_out_is_not_said_to_be_entered(case: Case) -> None:
    case.nodes[NSOR].leaves_out = 1
    found = await case.places(*case.first.say(), *case.second.say())
    assert (case.first.request, NSOR) not in found
    assert (case.second.request, NSOR) in found
    assert len(found) == 5


async def test_a_node_speaks_for_itself_alone(case: Case) -> None:
    """Else one node could say that the gateway, or another node, entered what it did not."""
    request = case.first.request
    case.nodes[NSOR].says_more = (_entered(request, GATEWAY), _entered(request, OSOR))
    assert await case.places(case.first.say()[1]) == {(request, NSOR)}


async def test_the_gateways_alone_will_do(case: Case) -> None:
    """A holder that refused gave nothing that could be acknowledged."""
    assert await case.places(case.first.say()[0]) == {(case.first.request, GATEWAY)}
    assert not any(node.taken for node in case.nodes.values())


async def test_a_nodes_alone_will_do(case: Case) -> None:
    assert await case.places(case.first.say()[1]) == {(case.first.request, NSOR)}
    assert case.nodes[OSOR].taken == []
    assert case.size == 4


async def test_what_is_meant_for_nobody_here_is_left_out(case: Case) -> None:
    said = case.first.say()
    stranger = replace(said[1], recipient=MemberName("stranger"))
    assert await case.enter() == []
    assert await case.enter(stranger) == []
    assert await case.places(stranger, said[0]) == {(case.first.request, GATEWAY)}
    assert not any(node.taken for node in case.nodes.values())


async def test_a_bad_one_keeps_out_nothing_but_itself(case: Case) -> None:
    good, bad = case.second.say(), replace(case.first.say()[0], signatures=())
    assert await case.places(bad, *good, case.first.say(OPC)[0]) == {
        (case.second.request, name) for name in (GATEWAY, NSOR, OSOR)
    }
    assert case.size == 5
    assert case.nodes[NSOR].taken == [[good[1]]]


async def test_where_none_is_entered_here_none_is_passed_on(case: Case) -> None:
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await case.enter(*case.first.say(OPC))
    unsigned = [replace(one, signatures=()) for one in case.first.say()]
    with pytest.raises(UnknownCaller):
        await case.enter(*unsigned, *case.second.say(OPC))
    await case.world.ledgers[GATEWAY].close()
    with pytest.raises(LedgerUnavailable):
        await case.enter(*case.first.say())
    assert not any(node.taken for node in case.nodes.values())


async def test_no_more_are_looked_at_than_the_most(case: Case) -> None:
    """Neither here nor at the nodes: a member must not have the gateway send without end."""
    mine, of_nsor, of_osor = case.first.say()
    bad = replace(mine, body=b"{}")
    found = await case.places(mine, *[bad] * (MAX_AT_ONCE - 2), of_nsor, of_osor)
    assert found == {(case.first.request, GATEWAY), (case.first.request, NSOR)}
    assert case.nodes[OSOR].taken == []
    with pytest.raises(MalformedRequest):
        await case.enter(*[bad] * MAX_AT_ONCE, *case.second.say())
