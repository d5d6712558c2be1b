"""The gateway's service: messages in, the walk of a query, messages out."""

import grpc.aio

from narrows.core.answer import Answer
from narrows.core.exchange import GatewayDescription
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.terms import MemberName
from narrows.gateway.acknowledge import acknowledge
from narrows.gateway.answer import GatewayParts, answer
from narrows.gateway.explain import explain
from narrows.gateway.nodes import Nodes
from narrows.serving.callers import EXPLAINED, Lanes
from narrows.serving.refusal import entering_refusals
from narrows.serving.service import answering, send
from narrows.serving.start import Base
from narrows.wire.explain import to_explanation
from narrows.wire.query import answer_parts, to_description
from narrows.wire.request import from_acknowledgement, from_request, to_entered
from narrows.wire.v1 import query_pb2 as pb
from narrows.wire.v1.query_pb2_grpc import (
    GatewayServiceServicer,
    add_GatewayServiceServicer_to_server,
)

SERVICE_NAME = "narrows.wire.v1.GatewayService"


class GatewayServicer(GatewayServiceServicer):
    """Answers signed questions across the federation; every caller is a member."""

    name = SERVICE_NAME

    def __init__(
        self,
        gateway: GatewayParts,
        nodes: Nodes,
        base: Base,
        lanes: Lanes,
    ) -> None:
        self._gateway = gateway
        self._nodes = nodes
        self._members = base.members
        self._callers = base.callers
        self._underway = base.underway
        self._lanes = lanes
        self._sending = Lanes(lanes.width)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_GatewayServiceServicer_to_server(self, server)

    async def Ask(  # type: ignore[override] # writes by itself, each part within a time
        self,
        request: pb.AskRequest,
        context: grpc.aio.ServicerContext[pb.AskRequest, pb.AskResponse],
    ) -> None:
        """Every batch, then the trailer. What fails is a status, by the table of `wire.status`."""
        async with answering(context):
            caller = self._callers.member(context)
            found = await self._underway.finish(self._answer(request, caller))
            async with self._sending.lane(caller):
                await send(context, answer_parts(found))

    async def _answer(self, request: pb.AskRequest, caller: MemberName) -> Answer:
        """The answer. The caller's share is taken until the work ends, also when it hangs up."""
        with self._callers.turn(caller):
            async with entering_refusals(self._gateway.ledger, caller):
                signed = from_request(request.request)
            async with self._lanes.lane(caller):
                return await answer(signed, caller, self._gateway)

    async def Explain(
        self,
        request: pb.ExplainRequest,
        context: grpc.aio.ServicerContext[pb.ExplainRequest, pb.ExplainResponse],
    ) -> pb.ExplainResponse:
        """What `Ask` would ask of whom; counted, and not entered."""
        async with answering(context):
            caller = self._callers.member(context)
            self._callers.tally.add(EXPLAINED)
            with self._callers.turn(caller):
                found = await explain(from_request(request.request), caller, self._gateway)
                return to_explanation(found)

    async def Describe(
        self,
        request: pb.GatewayServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.GatewayServiceDescribeRequest, pb.GatewayServiceDescribeResponse
        ],
    ) -> pb.GatewayServiceDescribeResponse:
        """What a requester needs in order to ask."""
        async with answering(context):
            self._callers.anyone(context)
            catalog = self._gateway.door.catalog
            return to_description(
                GatewayDescription(
                    federation=catalog.federation,
                    gateway=self._gateway.name,
                    catalog=catalog.encoded,
                    directory=self._members.document(),
                    policies=self._nodes.published(),
                    planner=PLANNER_VERSION,
                )
            )

    async def Acknowledge(
        self,
        request: pb.GatewayServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.GatewayServiceAcknowledgeRequest, pb.GatewayServiceAcknowledgeResponse
        ],
    ) -> pb.GatewayServiceAcknowledgeResponse:
        """What was entered, here and at the nodes, of what the requester received."""
        async with answering(context):
            caller = self._callers.member(context)
            with self._callers.turn(caller):
                found = [from_acknowledgement(one) for one in request.acknowledgements]
                entered = await self._underway.finish(
                    acknowledge(found, self._gateway, self._nodes.calls)
                )
                return pb.GatewayServiceAcknowledgeResponse(
                    entered=[to_entered(one) for one in entered]
                )
