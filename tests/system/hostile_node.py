"""A node that lies or breaks, at a real socket, under a real node's own certificate and name."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio

from narrows.wire.tls import server_credentials, server_options
from narrows.wire.v1 import node_pb2 as pb
from narrows.wire.v1.node_pb2_grpc import NodeServiceServicer, add_NodeServiceServicer_to_server

Reply = Callable[[pb.AnswerRequest], AsyncIterator[pb.AnswerResponse]]


class HostileNode(NodeServiceServicer):
    """Answers by `reply`."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.calls = 0

    async def Describe(
        self,
        request: pb.NodeServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceDescribeRequest, pb.NodeServiceDescribeResponse
        ],
    ) -> pb.NodeServiceDescribeResponse:
        return pb.NodeServiceDescribeResponse()

    async def Answer(
        self,
        request: pb.AnswerRequest,
        context: grpc.aio.ServicerContext[pb.AnswerRequest, pb.AnswerResponse],
    ) -> AsyncIterator[pb.AnswerResponse]:
        self.calls += 1
        async for part in self._reply(request):
            yield part

    async def Acknowledge(
        self,
        request: pb.NodeServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceAcknowledgeRequest, pb.NodeServiceAcknowledgeResponse
        ],
    ) -> pb.NodeServiceAcknowledgeResponse:
        return pb.NodeServiceAcknowledgeResponse()


@asynccontextmanager
async def in_the_place_of(address: str, identity: Path, reply: Reply) -> AsyncIterator[HostileNode]:
    """A hostile node at the address of a real one, which must have stopped."""
    server = grpc.aio.server(options=server_options())
    found = HostileNode(reply)
    add_NodeServiceServicer_to_server(found, server)
    assert server.add_secure_port(address, server_credentials(identity))
    await server.start()
    try:
        yield found
    finally:
        await server.stop(None)
