"""The auditor's service over one ledger, the same at a gateway and at every node."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc.aio

from narrows.core.exchange import Trace, TracedEntry
from narrows.core.ledger.parts import Access, draft
from narrows.core.terms import REQUEST_ID, MemberName, RequestId
from narrows.errors import DeadlinePassed, MalformedRequest
from narrows.serving.callers import Callers
from narrows.store.ledger import Ledger
from narrows.wire.audit import to_trace
from narrows.wire.status import Aborting, abort
from narrows.wire.v1 import audit_pb2 as pb
from narrows.wire.v1.audit_pb2_grpc import AuditServiceServicer, add_AuditServiceServicer_to_server

SERVICE_NAME = "narrows.wire.v1.AuditService"
_MAX_MANDATE = 200
SEND_S = 15.0
"""How long one part of an answer may wait for its reader."""
Part_contra = TypeVar("Part_contra", contravariant=True)


@asynccontextmanager
async def answering(context: Aborting) -> AsyncIterator[None]:
    """Around a method's body: whatever it raises ends the call with that error's status."""
    try:
        yield
    except grpc.aio.AbortError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place that can keep its text from the caller
        await abort(context, error)


class Writing(Protocol[Part_contra]):
    """What of a server's call context is needed to send parts of a stream."""

    async def write(self, message: Part_contra) -> None:
        """Nothing, when the part is on its way."""
        ...


async def send(context: Writing[Part_contra], parts: Iterable[Part_contra]) -> None:
    """Nothing, when every part is on its way.

    Raises: DeadlinePassed for a reader that takes none for too long: forty of them that stalled
    held 750 MB.
    """
    for part in parts:
        try:
            async with asyncio.timeout(SEND_S):
                await context.write(part)
        except TimeoutError:
            message = "the caller does not read its answer"
            raise DeadlinePassed(message, hint="read it, or ask for less") from None


@dataclass(frozen=True, slots=True)
class Auditing:
    """A ledger that auditors may read, and who may."""

    ledger: Ledger
    callers: Callers


class AuditServicer(AuditServiceServicer):
    """Shows and proves what a ledger holds."""

    name = SERVICE_NAME

    def __init__(self, auditing: Auditing) -> None:
        self._ledger = auditing.ledger
        self._callers = auditing.callers

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        add_AuditServiceServicer_to_server(self, server)

    async def Trace(
        self,
        request: pb.TraceRequest,
        context: grpc.aio.ServicerContext[pb.TraceRequest, pb.TraceResponse],
    ) -> pb.TraceResponse:
        """Every entry about one request. Raises by status: as `trace`."""
        async with answering(context):
            reader = self._callers.auditor(context)
            with self._callers.turn(reader):
                found = await trace(request.request_id, request.mandate, reader, self._ledger)
                return to_trace(found)

    async def GetCheckpoint(
        self,
        request: pb.GetCheckpointRequest,
        context: grpc.aio.ServicerContext[pb.GetCheckpointRequest, pb.GetCheckpointResponse],
    ) -> pb.GetCheckpointResponse:
        """The signed checkpoint of all that is durable."""
        async with answering(context):
            self._callers.anyone(context)
            return pb.GetCheckpointResponse(checkpoint=self._ledger.checkpoint())

    async def ProveInclusion(
        self,
        request: pb.ProveInclusionRequest,
        context: grpc.aio.ServicerContext[pb.ProveInclusionRequest, pb.ProveInclusionResponse],
    ) -> pb.ProveInclusionResponse:
        """The proof for an entry among the first `size`."""
        async with answering(context):
            self._callers.anyone(context)
            if not 0 <= request.index < request.size:
                raise MalformedRequest("the index is not below the size")
            hashes = self._ledger.prove_inclusion(request.index, request.size)
            return pb.ProveInclusionResponse(hashes=hashes)

    async def ProveConsistency(
        self,
        request: pb.ProveConsistencyRequest,
        context: grpc.aio.ServicerContext[pb.ProveConsistencyRequest, pb.ProveConsistencyResponse],
    ) -> pb.ProveConsistencyResponse:
        """The proof that the log only grew."""
        async with answering(context):
            self._callers.anyone(context)
            if not 0 < request.old_size <= request.new_size:
                raise MalformedRequest("the older size is not within 1 and the newer size")
            hashes = self._ledger.prove_consistency(request.old_size, request.new_size)
            return pb.ProveConsistencyResponse(hashes=hashes)


async def trace(request_id: str, mandate: str, reader: MemberName, ledger: Ledger) -> Trace:
    """What the ledger holds about the request and those that share its ticket.

    That it was read is durable before it is shown.

    Raises: MalformedRequest, LedgerUnavailable.
    """
    if not REQUEST_ID.fullmatch(request_id):
        raise MalformedRequest("the request id is not 32 hexadecimal digits")
    if not 0 < len(mandate.strip()) <= _MAX_MANDATE:
        raise MalformedRequest(
            f"the mandate is missing, or longer than {_MAX_MANDATE} characters",
            hint="name the mandate under which the ledger is read",
        )
    request = RequestId(request_id)
    indexes = ledger.chain_of(request)
    await ledger.append(draft(Access(reader, mandate, "Trace", len(indexes)), request))
    return Trace(
        ledger.origin,
        tuple(
            [TracedEntry(await ledger.receipt(index), ledger.openings(index)) for index in indexes]
        ),
    )
