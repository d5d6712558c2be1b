"""A gateway over a real socket that tells what a test wants it to tell, and keeps what it hears."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import grpc.aio

from narrows.client.credential import Credential
from narrows.core.answer import Answer, SignedAcknowledgement, decode_acknowledgement
from narrows.core.directory import Directory, Peer
from narrows.core.exchange import (
    EnteredAcknowledgement,
    Explanation,
    GatewayDescription,
    MergePlan,
    PartPlan,
)
from narrows.core.ledger.receipt import Receipt
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.request import SignedRequest
from narrows.errors import NarrowsError
from narrows.serving.service import answering
from narrows.serving.start import now
from narrows.store.certificates import new_authority, save_identity
from narrows.store.keys import save_key
from narrows.wire.explain import to_explanation
from narrows.wire.query import answer_parts, to_description
from narrows.wire.request import from_acknowledgement, from_request, to_entered
from narrows.wire.tls import server_credentials, server_options
from narrows.wire.v1 import query_pb2 as pb
from narrows.wire.v1.query_pb2_grpc import (
    GatewayServiceServicer,
    add_GatewayServiceServicer_to_server,
)
from tests.unit.client.true_answer import tell, true_telling
from tests.unit.gateway.nodes_serving import valid
from tests.unit.serving.world import (
    CATALOG,
    FEDERATION,
    GATEWAY,
    NSOR,
    REQUEST_KEYS,
    ROOT,
    VPD,
    World,
    directory,
    signed,
)

Ask = Callable[[SignedRequest], Awaitable[Answer]]


def current() -> Directory:
    """A directory that is in force at this very time."""
    found = directory()
    return replace(
        found, issued_at=now() - timedelta(hours=1), expires_at=now() + timedelta(days=1)
    )


def description(found: Directory | None = None, **lies: object) -> GatewayDescription:
    """What an honest gateway says of itself."""
    honest = GatewayDescription(
        federation=FEDERATION,
        gateway=GATEWAY,
        catalog=CATALOG.encoded,
        directory=signed(found or current()),
        policies=(),
        planner=PLANNER_VERSION,
    )
    return replace(honest, **lies)  # type: ignore[arg-type]


def entered(one: SignedAcknowledgement) -> EnteredAcknowledgement:
    """What a ledger says that entered this; its receipt proves nothing."""
    request = decode_acknowledgement(one.body).request
    return EnteredAcknowledgement(request, one.recipient, Receipt(b"{}", 0, (), b"note"))


@dataclass(slots=True)
class Telling(GatewayServiceServicer):
    """The gateway; `failure` is raised by whatever is called, except `Describe`.

    It says that it entered every acknowledgement, but for those that `leaves_out` is to get.
    """

    ask: Ask
    says: GatewayDescription = field(default_factory=description)
    failure: NarrowsError | None = None
    asked: list[SignedRequest] = field(default_factory=list)
    acknowledged: list[SignedAcknowledgement] = field(default_factory=list)
    leaves_out: str = ""

    async def Describe(
        self,
        request: pb.GatewayServiceDescribeRequest,
        context: grpc.aio.ServicerContext[
            pb.GatewayServiceDescribeRequest, pb.GatewayServiceDescribeResponse
        ],
    ) -> pb.GatewayServiceDescribeResponse:
        return to_description(self.says)

    async def Ask(
        self,
        request: pb.AskRequest,
        context: grpc.aio.ServicerContext[pb.AskRequest, pb.AskResponse],
    ) -> AsyncIterator[pb.AskResponse]:
        async with answering(context):
            self._fail()
            found = from_request(request.request)
            self.asked.append(found)
            for part in answer_parts(await self.ask(found)):
                yield part

    async def Explain(
        self,
        request: pb.ExplainRequest,
        context: grpc.aio.ServicerContext[pb.ExplainRequest, pb.ExplainResponse],
    ) -> pb.ExplainResponse:
        async with answering(context):
            self._fail()
            self.asked.append(from_request(request.request))
            plan = PartPlan(NSOR, "f1", "SELECT 1", not_asked="the question excludes it")
            return to_explanation(Explanation((plan,), MergePlan("SELECT merged", "gateway")))

    async def Acknowledge(
        self,
        request: pb.GatewayServiceAcknowledgeRequest,
        context: grpc.aio.ServicerContext[
            pb.GatewayServiceAcknowledgeRequest, pb.GatewayServiceAcknowledgeResponse
        ],
    ) -> pb.GatewayServiceAcknowledgeResponse:
        async with answering(context):
            self._fail()
            found = [from_acknowledgement(one) for one in request.acknowledgements]
            self.acknowledged += found
            kept = [one for one in found if one.recipient != self.leaves_out]
            return pb.GatewayServiceAcknowledgeResponse(
                entered=[to_entered(entered(one)) for one in kept]
            )

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def honest(world: World) -> Ask:
    """The answers of an honest gateway over two honest nodes."""

    async def ask(request: SignedRequest) -> Answer:
        return await tell(world, request, await true_telling(world, request))

    return ask


@dataclass(frozen=True, slots=True)
class Line:
    """The address of a gateway, and a member's credential for it."""

    address: str
    credential: Credential


@asynccontextmanager
async def serving(folder: Path, gateway: Telling) -> AsyncIterator[Line]:
    """The line to that gateway while it serves."""
    authority = new_authority(FEDERATION, valid())
    homes = {}
    for role, name in (("gateway", GATEWAY), ("member", VPD)):
        homes[role] = folder / f"home-{name}"
        homes[role].mkdir()
        identity = authority.issue(Peer(FEDERATION, role, name), valid())
        save_identity(homes[role], identity, authority.identity.certificate)
    save_key(homes["member"] / "request.key", REQUEST_KEYS[VPD].key)
    (homes["member"] / "root.pub").write_text(ROOT.verifier.public_key.hex())
    server = grpc.aio.server(options=server_options())
    add_GatewayServiceServicer_to_server(gateway, server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(homes["gateway"]))
    await server.start()
    try:
        yield Line(f"127.0.0.1:{port}", Credential.load(homes["member"]))
    finally:
        await server.stop(None)
