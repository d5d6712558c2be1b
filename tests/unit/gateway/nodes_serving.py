"""Nodes over real sockets, of which a test decides what they say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc.aio

from narrows.core.directory import Peer
from narrows.core.exchange import NodeDescription
from narrows.core.publishing import PublishedPolicy
from narrows.core.terms import Holder, MemberName
from narrows.serving.start import now
from narrows.store.certificates import Authority, Validity, new_authority, save_identity
from narrows.wire.node import to_node_description
from narrows.wire.tls import server_credentials, server_options
from narrows.wire.v1 import node_pb2 as pb
from narrows.wire.v1.node_pb2_grpc import NodeServiceServicer, add_NodeServiceServicer_to_server
from tests.unit.serving.world import CATALOG, GATEWAY


def valid() -> Validity:
    return Validity(now() - timedelta(minutes=1), now() + timedelta(days=1))


@dataclass(slots=True)
class Describing(NodeServiceServicer):
    """A node that says whatever `policy` is, once `may_answer`; it counts how often it is asked."""

    policy: PublishedPolicy
    others: tuple[PublishedPolicy, ...] = ()
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def Answer(
        self,
        request: pb.AnswerRequest,
        context: grpc.aio.ServicerContext[pb.AnswerRequest, pb.AnswerResponse],
    ) -> AsyncIterator[pb.AnswerResponse]:
        raise NotImplementedError

    async def Acknowledge(
        self,
        request: pb.NodeServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceAcknowledgeRequest, pb.NodeServiceAcknowledgeResponse
        ],
    ) -> pb.NodeServiceAcknowledgeResponse:
        raise NotImplementedError

    async def Describe(
        self,
        request: pb.NodeServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.NodeServiceDescribeRequest, pb.NodeServiceDescribeResponse
        ],
    ) -> pb.NodeServiceDescribeResponse:
        self.asked.release()
        await self.may_answer.wait()
        return to_node_description(NodeDescription(CATALOG.encoded, self.policy, b"", self.others))


@dataclass(frozen=True, slots=True)
class Street:
    """Where nodes serve: one authority, and the gateway's identity in `gateway`."""

    folder: Path
    authority: Authority

    @classmethod
    def at(cls, folder: Path) -> "Street":
        found = cls(folder, new_authority("canada", valid()))
        found.identity("gateway", GATEWAY)
        return found

    @property
    def gateway(self) -> Path:
        return self.folder / f"gateway-{GATEWAY}"

    def identity(self, role: str, name: str) -> Path:
        """The folder of one identity."""
        home = self.folder / f"{role}-{name}"
        home.mkdir(exist_ok=True)
        identity = self.authority.issue(Peer("canada", role, MemberName(name)), valid())
        save_identity(home, identity, self.authority.identity.certificate)
        return home

    @asynccontextmanager
    async def serving(self, holder: Holder, node: NodeServiceServicer) -> AsyncIterator[str]:
        """The address of that node while it serves."""
        server = grpc.aio.server(options=server_options())
        add_NodeServiceServicer_to_server(node, server)
        home = self.identity("member", holder)
        port = server.add_secure_port("127.0.0.1:0", server_credentials(home))
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)
