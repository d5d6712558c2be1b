"""The node's service: messages in, the node's half of the walk, messages out."""

from datetime import datetime

import grpc.aio
from opentelemetry.trace import Span

from narrows.core.exchange import NodeAnswer, NodeDescription, ShownEdition
from narrows.core.ledger.entry import Kind
from narrows.core.terms import MemberName
from narrows.node.answer import answer
from narrows.node.case import Arrival, NodeParts
from narrows.node.held import list_held, list_reviews, rule, show_held
from narrows.node.outbox import Outbox
from narrows.node.policies import Policies
from narrows.serving.acknowledge import Given, enter_acknowledgements
from narrows.serving.callers import Callers
from narrows.serving.refusal import entering_refusals
from narrows.serving.server import Underway
from narrows.serving.service import answering, send
from narrows.telemetry.setup import parent_from
from narrows.wire.calls import TRACEPARENT
from narrows.wire.cube import to_built, to_shown
from narrows.wire.held import from_ruling, to_held, to_held_list, to_review_list
from narrows.wire.node import from_question, node_answer_parts, to_node_description
from narrows.wire.notice import from_taking, to_notices
from narrows.wire.request import from_acknowledgement, to_entered, to_receipt
from narrows.wire.v1 import cube_pb2 as cube_pb
from narrows.wire.v1 import held_pb2 as held
from narrows.wire.v1 import node_pb2 as pb
from narrows.wire.v1 import notice_pb2 as notice_pb
from narrows.wire.v1.cube_pb2_grpc import (
    CubeServiceServicer,
    add_CubeServiceServicer_to_server,
)
from narrows.wire.v1.held_pb2_grpc import (
    HeldServiceServicer,
    add_HeldServiceServicer_to_server,
)
from narrows.wire.v1.node_pb2_grpc import (
    NodeServiceServicer,
    add_NodeServiceServicer_to_server,
)
from narrows.wire.v1.notice_pb2_grpc import (
    NoticeServiceServicer,
    add_NoticeServiceServicer_to_server,
)

SERVICE_NAME = "narrows.wire.v1.NodeService"
CUBE_SERVICE_NAME = "narrows.wire.v1.CubeService"
HELD_SERVICE_NAME = "narrows.wire.v1.HeldService"
NOTICE_SERVICE_NAME = "narrows.wire.v1.NoticeService"


class NodeServicer(NodeServiceServicer):
    """Releases one holder's rows under its own policy; every caller is a gateway."""

    name = SERVICE_NAME

    def __init__(
        self,
        node: NodeParts,
        callers: Callers,
        underway: Underway,
        policies: Policies,
    ) -> None:
        self._node = node
        self._callers = callers
        self._underway = underway
        self._policies = policies

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_NodeServiceServicer_to_server(self, server)

    async def Describe(
        self,
        request: pb.NodeServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceDescribeRequest, pb.NodeServiceDescribeResponse
        ],
    ) -> pb.NodeServiceDescribeResponse:
        """What this node holds, under which policy, and its ledger's checkpoint."""
        async with answering(context):
            self._callers.anyone(context)
            node = self._node
            policies = self._policies
            found = NodeDescription(
                node.catalog.encoded,
                policies.newest(),
                node.ledger.checkpoint(),
                policies.others(),
            )
            return to_node_description(found)

    async def Answer(  # type: ignore[override] # writes by itself, each part within a time
        self,
        request: pb.AnswerRequest,
        context: grpc.aio.ServicerContext[pb.AnswerRequest, pb.AnswerResponse],
    ) -> None:
        """Every batch, then the trailer. What fails is a status, by the table of `wire.status`."""
        async with answering(context):
            received_at = self._node.clock()
            gateway = self._callers.gateway(context)
            parent = parent_from(_metadata(context, TRACEPARENT))
            found = await self._underway.finish(self._answer(request, gateway, received_at, parent))
            await send(context, node_answer_parts(found))

    async def _answer(
        self,
        request: pb.AnswerRequest,
        gateway: MemberName,
        received_at: datetime,
        parent: Span | None,
    ) -> NodeAnswer:
        """The answer. The gateway's share is taken until the work ends, also when it hangs up."""
        with self._callers.turn(gateway):
            async with entering_refusals(self._node.ledger, gateway):
                question = from_question(request)
            return await answer(Arrival(question, gateway, received_at), self._node, parent)

    async def Acknowledge(
        self,
        request: pb.NodeServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceAcknowledgeRequest, pb.NodeServiceAcknowledgeResponse
        ],
    ) -> pb.NodeServiceAcknowledgeResponse:
        """What was entered of what requesters say that they received of this node."""
        async with answering(context):
            gateway = self._callers.gateway(context)
            with self._callers.turn(gateway):
                node = self._node
                given = Given(node.ledger, MemberName(node.holder), Kind.DISCLOSURE)
                found = [from_acknowledgement(one) for one in request.acknowledgements]
                entered = await self._underway.finish(
                    enter_acknowledgements(found, node.directory(), given)
                )
                return pb.NodeServiceAcknowledgeResponse(
                    entered=[to_entered(one) for one in entered]
                )


class CubeServicer(CubeServiceServicer):
    """Builds and shows the holder's cubes; every caller is the holder itself."""

    name = CUBE_SERVICE_NAME

    def __init__(self, node: NodeParts, callers: Callers, underway: Underway) -> None:
        self._node = node
        self._callers = callers
        self._underway = underway

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_CubeServiceServicer_to_server(self, server)

    async def BuildCube(
        self,
        request: cube_pb.BuildCubeRequest,
        context: grpc.aio.ServicerContext[cube_pb.BuildCubeRequest, cube_pb.BuildCubeResponse],
    ) -> cube_pb.BuildCubeResponse:
        """A new edition, entered, and shown from now on."""
        async with answering(context):
            caller = self._callers.itself(context, MemberName(self._node.holder))
            with self._callers.turn(caller):
                building = self._node.cubes.build(request.cube, is_afresh=request.afresh)
                found = await self._underway.finish(building)
                return to_built(ShownEdition(found.edition.encoded, found.receipt))

    async def ShowCube(
        self,
        request: cube_pb.ShowCubeRequest,
        context: grpc.aio.ServicerContext[cube_pb.ShowCubeRequest, cube_pb.ShowCubeResponse],
    ) -> cube_pb.ShowCubeResponse:
        """The current edition."""
        async with answering(context):
            caller = self._callers.itself(context, MemberName(self._node.holder))
            with self._callers.turn(caller):
                found = await self._node.cubes.shown(request.cube)
                return to_shown(ShownEdition(found.edition.encoded, found.receipt))


class HeldServicer(HeldServiceServicer):
    """Shows the holder's own people what awaits them, and enters what they decide."""

    name = HELD_SERVICE_NAME

    def __init__(self, node: NodeParts, callers: Callers, underway: Underway) -> None:
        self._node = node
        self._callers = callers
        self._underway = underway

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_HeldServiceServicer_to_server(self, server)

    async def ListHeld(
        self,
        request: held.ListHeldRequest,
        context: grpc.aio.ServicerContext[held.ListHeldRequest, held.ListHeldResponse],
    ) -> held.ListHeldResponse:
        """The held requests."""
        async with answering(context):
            with self._callers.turn(self._callers.itself(context, MemberName(self._node.holder))):
                return to_held_list(list_held(self._node, every=request.all))

    async def ShowHeld(
        self,
        request: held.ShowHeldRequest,
        context: grpc.aio.ServicerContext[held.ShowHeldRequest, held.ShowHeldResponse],
    ) -> held.ShowHeldResponse:
        """One held request, with what a person decides on."""
        async with answering(context):
            with self._callers.turn(self._callers.itself(context, MemberName(self._node.holder))):
                found = await show_held(request.request_id, self._node)
                return held.ShowHeldResponse(case=to_held(found))

    async def ListReviews(
        self,
        request: held.ListReviewsRequest,
        context: grpc.aio.ServicerContext[held.ListReviewsRequest, held.ListReviewsResponse],
    ) -> held.ListReviewsResponse:
        """The emergency uses."""
        async with answering(context):
            with self._callers.turn(self._callers.itself(context, MemberName(self._node.holder))):
                return to_review_list(list_reviews(self._node, every=request.all))

    async def Rule(
        self,
        request: held.RuleRequest,
        context: grpc.aio.ServicerContext[held.RuleRequest, held.RuleResponse],
    ) -> held.RuleResponse:
        """What was entered of a person's decision."""
        async with answering(context):
            caller = self._callers.itself(context, MemberName(self._node.holder))
            with self._callers.turn(caller):
                # A ruling that nobody may give is somebody's attempt: it is entered, too.
                async with entering_refusals(self._node.ledger, caller):
                    entering = rule(from_ruling(request), self._node)
                    receipt = await self._underway.finish(entering)
                return held.RuleResponse(receipt=to_receipt(receipt))


class NoticeServicer(NoticeServiceServicer):
    """Tells both units of pointers; every caller is a member, and sees its own notices alone."""

    name = NOTICE_SERVICE_NAME

    def __init__(self, outbox: Outbox, callers: Callers) -> None:
        self._outbox = outbox
        self._callers = callers

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_NoticeServiceServicer_to_server(self, server)

    async def FetchNotices(
        self,
        request: notice_pb.FetchNoticesRequest,
        context: grpc.aio.ServicerContext[
            notice_pb.FetchNoticesRequest, notice_pb.FetchNoticesResponse
        ],
    ) -> notice_pb.FetchNoticesResponse:
        """The caller's notices that it has not taken."""
        async with answering(context):
            member = self._callers.member(context)
            with self._callers.turn(member):
                return to_notices(await self._outbox.fetch(member))

    async def AcknowledgeNotices(
        self,
        request: notice_pb.AcknowledgeNoticesRequest,
        context: grpc.aio.ServicerContext[
            notice_pb.AcknowledgeNoticesRequest, notice_pb.AcknowledgeNoticesResponse
        ],
    ) -> notice_pb.AcknowledgeNoticesResponse:
        """How many of the caller's notices were taken now."""
        async with answering(context):
            member = self._callers.member(context)
            with self._callers.turn(member):
                taken = await self._outbox.take(from_taking(request), member)
                return notice_pb.AcknowledgeNoticesResponse(taken_count=taken)


def _metadata(
    context: grpc.aio.ServicerContext[pb.AnswerRequest, pb.AnswerResponse], name: str
) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == name and isinstance(value, str):
            return value
    return ""
