"""Calls to other processes over real sockets: values in, values out, and no gRPC error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined] # not in its stubs

from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.answer import SignedAcknowledgement
from narrows.core.directory import Peer
from narrows.core.exchange import (
    EnteredAcknowledgement,
    NodeAnswer,
    NodeDescription,
    NodeQuestion,
)
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import MemberName, RequestId
from narrows.errors import (
    BadFederation,
    CheckFailed,
    DeadlinePassed,
    NarrowsError,
    NodeUnavailable,
    Overloaded,
    ProofInvalid,
)
from narrows.serving.service import answering
from narrows.wire.calls import TRACEPARENT, NodeCalls, _parts, is_serving, open_channel
from narrows.wire.node import (
    from_question,
    node_answer_parts,
    read_node_answer,
    to_node_description,
    to_question,
)
from narrows.wire.request import from_acknowledgement, to_entered
from narrows.wire.tls import server_credentials, server_options
from narrows.wire.v1 import node_pb2 as pb
from narrows.wire.v1 import request_pb2 as pb_request
from narrows.wire.v1.node_pb2_grpc import (
    NodeServiceServicer,
    NodeServiceStub,
    add_NodeServiceServicer_to_server,
)
from tests.unit.gateway.node_answers import node_answer, put
from tests.unit.gateway.nodes_serving import Street
from tests.unit.serving.world import CATALOG, NOW, NSOR, opened_world, published, requesting

NODE = Peer("canada", "member", MemberName(NSOR))
TRACED = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
Parts = Callable[[], AsyncIterator[pb.AnswerResponse]]


@dataclass(slots=True)
class Talking(NodeServiceServicer):
    """A node whose answer is whatever `parts` gives; it keeps what it was asked."""

    parts: Parts
    questions: list[NodeQuestion] = field(default_factory=list)
    traces: list[object] = field(default_factory=list)
    acknowledged: list[SignedAcknowledgement] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    entered: list[pb_request.EnteredAcknowledgement] = field(default_factory=list)

    async def Answer(
        self,
        request: pb.AnswerRequest,
        context: grpc.aio.ServicerContext[pb.AnswerRequest, pb.AnswerResponse],
    ) -> AsyncIterator[pb.AnswerResponse]:
        self.questions.append(from_question(request))
        self.traces += [v for k, v in context.invocation_metadata() or () if k == TRACEPARENT]
        try:
            async with answering(context):
                async for part in self.parts():
                    yield part
        finally:
            self.ended.set()

    async def Describe(
        self,
        request: pb.NodeServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceDescribeRequest, pb.NodeServiceDescribeResponse
        ],
    ) -> pb.NodeServiceDescribeResponse:
        found = NodeDescription(CATALOG.encoded, published(NSOR), b"note")
        return to_node_description(found)

    async def Acknowledge(
        self,
        request: pb.NodeServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceAcknowledgeRequest, pb.NodeServiceAcknowledgeResponse
        ],
    ) -> pb.NodeServiceAcknowledgeResponse:
        self.acknowledged += [from_acknowledgement(one) for one in request.acknowledgements]
        return pb.NodeServiceAcknowledgeResponse(entered=self.entered)


@dataclass(frozen=True, slots=True)
class Case:
    """A true answer to a question, and where nodes may serve it."""

    street: Street
    question: NodeQuestion
    answer: NodeAnswer

    async def parts(self) -> AsyncIterator[pb.AnswerResponse]:
        for part in node_answer_parts(self.answer):
            yield part

    @asynccontextmanager
    async def calling(self, node: Talking) -> AsyncIterator[NodeCalls]:
        """Calls to that node while it serves."""
        async with (
            self.street.serving(NSOR, node) as address,
            open_channel(address, self.street.gateway, NODE) as channel,
        ):
            yield NodeCalls(channel)

    async def ask(self, parts: Parts, deadline_s: float = 30) -> NodeAnswer:
        """What the gateway gets of a node that sends this."""
        async with self.calling(Talking(parts)) as calls:
            return await calls.answer(self.question, TRACED, deadline_s)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path / "world") as world:
        found = put()
        question = NodeQuestion(found.request, found.plan(NSOR).forms)
        street = tmp_path / "street"
        street.mkdir()
        yield Case(Street.at(street), question, await node_answer(world, NSOR, found))


async def test_a_question_goes_over_and_the_answer_comes_back(case: Case) -> None:
    node = Talking(case.parts)
    async with case.calling(node) as calls:
        assert await calls.answer(case.question, TRACED, 30) == case.answer
    assert node.questions == [case.question]
    assert node.traces == [TRACED]


async def test_a_node_describes_itself(case: Case) -> None:
    async with case.calling(Talking(case.parts)) as calls:
        found = await calls.describe()
    assert found == NodeDescription(CATALOG.encoded, published(NSOR), b"note")


async def test_acknowledgements_go_over_and_what_was_entered_comes_back(case: Case) -> None:
    received = [ReceivedRows(MemberName(NSOR), 1, case.answer.receipt)]
    requests = [RequestId(one * 16) for one in ("ab", "cd", "ef")]
    by = requesting()
    said = [sign_acknowledgements(one, received, by, NOW)[0] for one in requests]
    receipt = Receipt(b"{}", 0, (), b"note")
    entered = tuple(EnteredAcknowledgement(one, MemberName(NSOR), receipt) for one in requests[:2])
    node = Talking(case.parts, entered=[to_entered(one) for one in entered])
    async with case.calling(node) as calls:
        assert await calls.acknowledge(said, 30) == entered
        assert node.acknowledged == said
        node.entered[1].receipt = b"nonsense"
        with pytest.raises(ProofInvalid):
            await calls.acknowledge(said, 30)


@pytest.mark.parametrize(
    "error", [Overloaded("no room", hint="later"), CheckFailed("nothing was sent")]
)
async def test_an_error_comes_back_as_what_it_is(case: Case, error: NarrowsError) -> None:
    async def late() -> AsyncIterator[pb.AnswerResponse]:
        async for part in case.parts():
            yield part
            raise error

    async def at_once() -> AsyncIterator[pb.AnswerResponse]:
        raise error
        yield pb.AnswerResponse()  # type: ignore[unreachable] # makes it a generator

    for parts in (at_once, late):
        with pytest.raises(type(error)) as caught:
            await case.ask(parts)
        assert (caught.value.message, caught.value.hint) == (error.message, error.hint)


async def test_the_text_of_a_bug_stays_where_it_happened(case: Case) -> None:
    async def failing() -> AsyncIterator[pb.AnswerResponse]:
        raise ValueError("Tremblay")
        yield pb.AnswerResponse()  # type: ignore[unreachable] # makes it a generator

    with pytest.raises(CheckFailed) as caught:
        await case.ask(failing)
    assert "Tremblay" not in str(caught.value)


async def test_an_answer_that_is_cut_off_is_none(case: Case) -> None:
    async def cut_off() -> AsyncIterator[pb.AnswerResponse]:
        async for part in case.parts():
            if part.WhichOneof("part") == "batch":
                yield part

    with pytest.raises(CheckFailed, match="not whole"):
        await case.ask(cut_off)


async def test_a_deadline_ends_the_call(case: Case) -> None:
    async def never() -> AsyncIterator[pb.AnswerResponse]:
        await asyncio.Event().wait()
        yield pb.AnswerResponse()

    with pytest.raises(DeadlinePassed):
        await case.ask(never, deadline_s=0.05)


async def test_a_reader_that_stops_early_stops_the_peer(case: Case) -> None:
    """Else a node that sends without end would be listened to for nothing."""

    async def without_end() -> AsyncIterator[pb.AnswerResponse]:
        (batch,) = case.answer.fragments[0].batches
        while True:
            yield pb.AnswerResponse(batch=pb.FragmentBatch(fragment=0, batch=batch))
            await asyncio.sleep(0)

    node = Talking(without_end)
    async with (
        case.street.serving(NSOR, node) as address,
        open_channel(address, case.street.gateway, NODE) as channel,
    ):
        call = NodeServiceStub(channel).Answer(to_question(case.question))
        with pytest.raises(CheckFailed):
            await read_node_answer(_parts(call), max_bytes=10_000)
        await node.ended.wait()


async def test_where_nobody_serves_the_node_is_unavailable(case: Case) -> None:
    async with case.street.serving(NSOR, Talking(case.parts)) as address:
        pass
    async with open_channel(address, case.street.gateway, NODE) as channel:
        with pytest.raises(NodeUnavailable):
            await NodeCalls(channel).answer(case.question, TRACED, 30)
        with pytest.raises(NodeUnavailable):
            await NodeCalls(channel).describe()
        assert not await is_serving(channel, 1)


async def test_a_server_of_another_name_is_not_talked_to(case: Case) -> None:
    node = Talking(case.parts)
    async with case.street.serving(NSOR, node) as address:
        other = Peer("canada", "member", MemberName("osor"))
        async with open_channel(address, case.street.gateway, other) as channel:
            with pytest.raises(NodeUnavailable):
                await NodeCalls(channel).answer(case.question, TRACED, 30)
    assert node.questions == []


def test_a_channel_needs_an_identity(tmp_path: Path) -> None:
    with pytest.raises(BadFederation):
        open_channel("127.0.0.1:1", tmp_path, NODE)


@pytest.mark.parametrize(
    ("status", "is_well"),
    [
        (health_pb2.HealthCheckResponse.SERVING, True),
        (health_pb2.HealthCheckResponse.NOT_SERVING, False),
    ],
)
async def test_a_process_is_well_when_it_says_so(
    case: Case, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType, is_well: bool
) -> None:
    server = grpc.aio.server(options=server_options())
    checks = health.HealthServicer()
    await checks.set("", status)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    add_NodeServiceServicer_to_server(Talking(case.parts), server)
    home = case.street.identity("member", NSOR)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(home))
    await server.start()
    try:
        address = f"127.0.0.1:{port}"
        async with open_channel(address, case.street.gateway, NODE) as channel:
            assert await is_serving(channel, 5) == is_well
    finally:
        await server.stop(None)
