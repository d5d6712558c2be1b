"""Calls to other processes, as methods on values: the only place that holds a stub.

Each class speaks to one service over a channel that its owner opened and closes. Every failure
becomes one of `narrows.errors`; no gRPC error leaves this file.

    channel = open_channel("localhost:7001", Path("STATE/gateways/gateway"), node_peer)
    answer = await NodeCalls(channel).answer(question, traceparent, deadline_s=9.5)
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from narrows.core.answer import Answer, SignedAcknowledgement
from narrows.core.directory import Peer
from narrows.core.exchange import (
    EnteredAcknowledgement,
    Explanation,
    GatewayDescription,
    HeldCase,
    Listing,
    NodeAnswer,
    NodeDescription,
    NodeQuestion,
    NoticeItem,
    ReviewCase,
    ShownEdition,
    Trace,
)
from narrows.core.ledger.receipt import Receipt
from narrows.core.request import SignedRequest
from narrows.core.ruling import SignedRuling
from narrows.core.terms import Digest, RequestId
from narrows.wire.audit import from_hashes, from_trace
from narrows.wire.cube import from_shown
from narrows.wire.explain import from_explanation
from narrows.wire.held import from_held, from_held_list, from_review_list, to_ruling
from narrows.wire.node import from_node_description, read_node_answer, to_question
from narrows.wire.notice import from_notices
from narrows.wire.query import from_description, read_answer
from narrows.wire.request import from_entered, from_receipt, to_acknowledgement, to_request
from narrows.wire.status import error_of
from narrows.wire.tls import channel_credentials, channel_options
from narrows.wire.v1 import audit_pb2, cube_pb2, held_pb2, node_pb2, notice_pb2, query_pb2
from narrows.wire.v1.audit_pb2_grpc import AuditServiceStub
from narrows.wire.v1.cube_pb2_grpc import CubeServiceStub
from narrows.wire.v1.held_pb2_grpc import HeldServiceStub
from narrows.wire.v1.node_pb2_grpc import NodeServiceStub
from narrows.wire.v1.notice_pb2_grpc import NoticeServiceStub
from narrows.wire.v1.query_pb2_grpc import GatewayServiceStub

TRACEPARENT = "traceparent"
DESCRIBE_S = 5.0
BUILD_S = 120.0
GRACE_S = 0.5
"""How much longer than the asker's own deadline a call may take, so that the answerer, who knows
more, says first what was late."""
Q = TypeVar("Q")
T = TypeVar("T")


def open_channel(address: str, identity: Path, server: Peer) -> grpc.aio.Channel:
    """A channel to that server, with the identity in that folder; it connects when first used.

    Raises: BadFederation where the folder lacks key or certificates.
    """
    return grpc.aio.secure_channel(
        address, channel_credentials(identity), options=channel_options(server)
    )


class NodeCalls:
    """One holder's node, as a gateway calls it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = NodeServiceStub(channel)

    async def answer(
        self, question: NodeQuestion, traceparent: str, deadline_s: float
    ) -> NodeAnswer:
        """The node's answer, whole and unverified. Raises: NarrowsError."""
        parts = self._stub.Answer(
            to_question(question), timeout=deadline_s, metadata=((TRACEPARENT, traceparent),)
        )
        return await read_node_answer(_parts(parts))

    async def describe(self) -> NodeDescription:
        """What the node says of itself. Raises: NarrowsError."""
        call = self._stub.Describe(node_pb2.NodeServiceDescribeRequest(), timeout=DESCRIBE_S)
        return from_node_description(await _one(call))

    async def acknowledge(
        self, found: Sequence[SignedAcknowledgement], deadline_s: float
    ) -> tuple[EnteredAcknowledgement, ...]:
        """What the node entered of it; receipts are not verified. Raises: NarrowsError."""
        message = node_pb2.NodeServiceAcknowledgeRequest(
            acknowledgements=[to_acknowledgement(one) for one in found]
        )
        reply = await _one(self._stub.Acknowledge(message, timeout=deadline_s))
        return tuple(from_entered(one) for one in reply.entered)


class NoticeCalls:
    """The notices of one holder, as a member concerned calls for them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = NoticeServiceStub(channel)

    async def fetch(self) -> tuple[NoticeItem, ...]:
        """The caller's notices that it has not taken. Raises: NarrowsError."""
        call = self._stub.FetchNotices(notice_pb2.FetchNoticesRequest(), timeout=DESCRIBE_S)
        return from_notices(await _one(call))

    async def take(self, indexes: Sequence[int]) -> int:
        """How many were taken now. Raises: NarrowsError."""
        message = notice_pb2.AcknowledgeNoticesRequest(indexes=indexes)
        reply = await _one(self._stub.AcknowledgeNotices(message, timeout=DESCRIBE_S))
        return reply.taken_count


class GatewayCalls:
    """A gateway, as a requester calls it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = GatewayServiceStub(channel)

    async def ask(self, request: SignedRequest, deadline_s: float) -> Answer:
        """The answer, whole and unverified. Raises: NarrowsError."""
        message = query_pb2.AskRequest(request=to_request(request))
        return await read_answer(_parts(self._stub.Ask(message, timeout=deadline_s + GRACE_S)))

    async def explain(self, request: SignedRequest, deadline_s: float) -> Explanation:
        """What the question would do. Raises: NarrowsError."""
        message = query_pb2.ExplainRequest(request=to_request(request))
        return from_explanation(await _one(self._stub.Explain(message, timeout=deadline_s)))

    async def describe(self) -> GatewayDescription:
        """What the gateway says of itself; nothing in it is verified. Raises: NarrowsError."""
        call = self._stub.Describe(query_pb2.GatewayServiceDescribeRequest(), timeout=DESCRIBE_S)
        return from_description(await _one(call))

    async def acknowledge(
        self, found: Sequence[SignedAcknowledgement], deadline_s: float
    ) -> tuple[EnteredAcknowledgement, ...]:
        """What gateway and nodes entered of it; receipts are not verified. Raises: NarrowsError."""
        message = query_pb2.GatewayServiceAcknowledgeRequest(
            acknowledgements=[to_acknowledgement(one) for one in found]
        )
        reply = await _one(self._stub.Acknowledge(message, timeout=deadline_s))
        return tuple(from_entered(one) for one in reply.entered)


class CubeCalls:
    """The cubes of a node, as its own holder calls it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = CubeServiceStub(channel)

    async def build(self, cube: str, *, is_afresh: bool = False) -> ShownEdition:
        """The edition that is shown from now on, not verified. Raises: NarrowsError."""
        message = cube_pb2.BuildCubeRequest(cube=cube, afresh=is_afresh)
        return from_shown(await _one(self._stub.BuildCube(message, timeout=BUILD_S)))

    async def show(self, cube: str) -> ShownEdition:
        """The current edition, not verified. Raises: NarrowsError."""
        message = cube_pb2.ShowCubeRequest(cube=cube)
        return from_shown(await _one(self._stub.ShowCube(message, timeout=DESCRIBE_S)))


class AuditCalls:
    """The ledger of a gateway or node, as an auditor calls it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = AuditServiceStub(channel)

    async def trace(self, request: RequestId, mandate: str) -> Trace:
        """What the ledger holds about a request; receipts are not verified. Raises: NarrowsError."""
        message = audit_pb2.TraceRequest(request_id=request, mandate=mandate)
        return from_trace(await _one(self._stub.Trace(message, timeout=DESCRIBE_S)))

    async def checkpoint(self) -> bytes:
        """The signed checkpoint of all that is durable. Raises: NarrowsError."""
        call = self._stub.GetCheckpoint(audit_pb2.GetCheckpointRequest(), timeout=DESCRIBE_S)
        return (await _one(call)).checkpoint

    async def prove_inclusion(self, index: int, size: int) -> tuple[Digest, ...]:
        """The proof for an entry among the first `size`, not verified. Raises: NarrowsError."""
        message = audit_pb2.ProveInclusionRequest(index=index, size=size)
        call = self._stub.ProveInclusion(message, timeout=DESCRIBE_S)
        return from_hashes((await _one(call)).hashes)

    async def prove_consistency(self, old_size: int, new_size: int) -> tuple[Digest, ...]:
        """The proof that the log only grew, not verified. Raises: NarrowsError."""
        message = audit_pb2.ProveConsistencyRequest(old_size=old_size, new_size=new_size)
        call = self._stub.ProveConsistency(message, timeout=DESCRIBE_S)
        return from_hashes((await _one(call)).hashes)


class HeldCalls:
    """A node, as its own holder's people call it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = HeldServiceStub(channel)

    async def held(self, *, every: bool = False) -> Listing[HeldCase]:
        """The held requests, also those that are over if `every`. Raises: NarrowsError."""
        message = held_pb2.ListHeldRequest(all=every)
        return from_held_list(await _one(self._stub.ListHeld(message, timeout=DESCRIBE_S)))

    async def show(self, request: RequestId) -> HeldCase:
        """One held request, with what is sealed. Raises: NarrowsError."""
        message = held_pb2.ShowHeldRequest(request_id=request)
        return from_held((await _one(self._stub.ShowHeld(message, timeout=DESCRIBE_S))).case)

    async def reviews(self, *, every: bool = False) -> Listing[ReviewCase]:
        """The emergency uses, also those that are reviewed if `every`. Raises: NarrowsError."""
        message = held_pb2.ListReviewsRequest(all=every)
        return from_review_list(await _one(self._stub.ListReviews(message, timeout=DESCRIBE_S)))

    async def rule(self, signed: SignedRuling) -> Receipt:
        """The receipt of what was entered, not verified. Raises: NarrowsError."""
        reply = await _one(self._stub.Rule(to_ruling(signed), timeout=DESCRIBE_S))
        return from_receipt(reply.receipt)


async def is_serving(channel: grpc.aio.Channel, timeout_s: float) -> bool:
    """Whether the process answers and says that it is well (gRPC health checking protocol)."""
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        found = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
    except grpc.aio.AioRpcError:
        return False
    return bool(found.status == health_pb2.HealthCheckResponse.SERVING)


async def _one(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as failure:
        raise error_of(failure) from None


async def _parts(call: grpc.aio.UnaryStreamCall[Q, T]) -> AsyncIterator[T]:
    try:
        async for part in call:
            yield part
    except grpc.aio.AioRpcError as failure:
        raise error_of(failure) from None
    finally:
        # A reader that stops early must not leave the peer sending.
        call.cancel()
