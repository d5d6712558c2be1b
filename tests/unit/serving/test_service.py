"""The auditor's service: who may read, under which mandate, and that reading is entered."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest

from narrows.core.directory import Peer
from narrows.core.ledger.checkpoint import open_checkpoint
from narrows.core.ledger.entry import Kind, check_opening
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.ledger.tree import verify_consistency
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName, RequestId
from narrows.errors import (
    CheckFailed,
    DisclosureDenied,
    LedgerUnavailable,
    MalformedRequest,
    NarrowsError,
    Overloaded,
)
from narrows.serving.callers import Callers, Tally
from narrows.serving.service import Auditing, AuditServicer, answering, trace
from narrows.store.certificates import Authority, Validity, new_authority, save_identity
from narrows.wire.calls import AuditCalls, open_channel
from narrows.wire.tls import server_credentials, server_options
from tests.unit.client.true_answer import ROWS, disclose
from tests.unit.serving.world import (
    GATEWAY,
    NSOR,
    OPC,
    VERIFIERS,
    VPD,
    Clock,
    World,
    directory,
    opened_world,
    sign,
)

MANDATE = "file 2026-17"


@dataclass(frozen=True, slots=True)
class Case:
    """A request that `nsor` answered."""

    world: World
    request: SignedRequest

    async def trace(self, request: str | None = None, mandate: str = MANDATE) -> list[Kind]:
        found = await trace(request or self.request.id, mandate, OPC, self.world.ledgers[NSOR])
        return [verify_receipt(one.receipt, VERIFIERS[NSOR]).kind for one in found.entries]


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path) as world:
        request = sign()
        await disclose(world, NSOR, request, ROWS[NSOR])
        yield Case(world, request)


async def test_every_entry_is_shown_with_proof_and_openings(case: Case) -> None:
    ledger = case.world.ledgers[NSOR]
    found = await trace(case.request.id, MANDATE, OPC, ledger)
    assert found.origin == "nsor.canada/ledger"
    (one,) = found.entries
    entry = verify_receipt(one.receipt, VERIFIERS[NSOR])
    assert entry.kind is Kind.DISCLOSURE
    assert {opening.field for opening in one.openings} == {"rows/0"}
    for opening in one.openings:
        check_opening(entry, opening)


async def test_that_it_was_read_is_durable_and_is_seen_by_the_next(case: Case) -> None:
    ledger = case.world.ledgers[NSOR]
    assert await case.trace() == [Kind.DISCLOSURE]
    entry = ledger.entry(1)
    assert (entry.kind, entry.request) == (Kind.ACCESS, case.request.id)
    assert entry.open == {"reader": OPC, "mandate": MANDATE, "method": "Trace", "entries": 1}
    assert await case.trace() == [Kind.DISCLOSURE, Kind.ACCESS]


async def test_what_cannot_be_entered_is_not_shown(case: Case) -> None:
    await case.world.ledgers[NSOR].close()
    with pytest.raises(LedgerUnavailable):
        await case.trace()


async def test_looking_for_nothing_is_entered_too(case: Case) -> None:
    assert await case.trace("ab" * 16) == []
    assert case.world.ledgers[NSOR].entry(1).open["entries"] == 0


@pytest.mark.parametrize("request_id", ["", "ab" * 15, "AB" * 16, "ab" * 16 + "\n", "../secret"])
async def test_a_malformed_id_is_refused_and_not_entered(case: Case, request_id: str) -> None:
    with pytest.raises(MalformedRequest, match="32 hexadecimal"):
        await trace(request_id, MANDATE, OPC, case.world.ledgers[NSOR])
    assert case.world.ledgers[NSOR].size == 1


@pytest.mark.parametrize("mandate", ["", "  ", "x" * 201])
async def test_nobody_reads_without_a_mandate(case: Case, mandate: str) -> None:
    with pytest.raises(MalformedRequest, match="mandate"):
        await case.trace(mandate=mandate)
    assert case.world.ledgers[NSOR].size == 1
    assert await case.trace(mandate="x" * 200)


# --- over a socket ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Served:
    """The service of `nsor` over a real socket."""

    address: str
    folder: Path
    authority: Authority
    ledger_size: Callable[[], int]

    async def call(
        self, name: str, method: "Callable[[AuditCalls], Awaitable[object]]", role: str = "member"
    ) -> object:
        """What a caller of that name gets."""
        identity = _identity(self.folder, self.authority, Peer("canada", role, MemberName(name)))
        async with open_channel(self.address, identity, NODE) as channel:
            return await method(AuditCalls(channel))


NODE = Peer("canada", "member", MemberName(NSOR))


def _identity(folder: Path, authority: Authority, peer: Peer) -> Path:
    home = folder / f"{peer.role}-{peer.name}"
    home.mkdir(exist_ok=True)
    identity = authority.issue(peer, _valid())
    save_identity(home, identity, authority.identity.certificate)
    return home


def _valid() -> Validity:
    from narrows.serving.start import now

    return Validity(now() - timedelta(minutes=1), now() + timedelta(days=1))


def _callers(at_once: int = 8) -> Callers:
    return Callers("canada", directory, Tally(Clock()), at_once, at_once)


@pytest.fixture
async def served(case: Case) -> AsyncIterator[Served]:
    authority = new_authority("canada", _valid())
    home = _identity(case.world.folder, authority, NODE)
    server = grpc.aio.server(options=server_options())
    ledger = case.world.ledgers[NSOR]
    AuditServicer(Auditing(ledger, _callers())).add_to(server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(home))
    await server.start()
    try:
        yield Served(f"127.0.0.1:{port}", case.world.folder, authority, lambda: ledger.size)
    finally:
        await server.stop(None)


async def test_an_auditor_reads_and_another_member_does_not(case: Case, served: Served) -> None:
    async def read(calls: AuditCalls) -> int:
        return len((await calls.trace(case.request.id, MANDATE)).entries)

    assert await served.call(OPC, read) == 1
    assert served.ledger_size() == 2
    with pytest.raises(DisclosureDenied, match="`vpd`"):
        await served.call(VPD, read)
    with pytest.raises(NarrowsError, match="no member"):
        await served.call(GATEWAY, read, "gateway")
    assert served.ledger_size() == 2


async def test_any_member_may_check_that_the_log_only_grew(case: Case, served: Served) -> None:
    async def checkpoint(calls: AuditCalls) -> bytes:
        return await calls.checkpoint()

    old = await served.call(VPD, checkpoint)
    await case.trace()
    new = await served.call(VPD, checkpoint)
    assert isinstance(old, bytes)
    assert isinstance(new, bytes)
    first, second = (open_checkpoint(note, VERIFIERS[NSOR]) for note in (old, new))
    assert (first.size, second.size) == (1, 2)

    async def prove(calls: AuditCalls) -> None:
        proof = await calls.prove_consistency(1, 2)
        verify_consistency(proof, 1, 2, first.root, second.root)
        assert await calls.prove_inclusion(0, 2) == case.world.ledgers[NSOR].prove_inclusion(0, 2)
        for index, size in ((2, 2), (-1, 2), (0, 3)):
            with pytest.raises(MalformedRequest):
                await calls.prove_inclusion(index, size)
        for before, after in ((0, 2), (2, 1), (1, 3)):
            with pytest.raises(MalformedRequest):
                await calls.prove_consistency(before, after)

    await served.call(VPD, prove)


async def test_a_malformed_id_comes_back_as_what_it_is(served: Served) -> None:
    async def read(calls: AuditCalls) -> None:
        await calls.trace(RequestId("nosuch"), MANDATE)

    with pytest.raises(MalformedRequest, match="32 hexadecimal"):
        await served.call(OPC, read)


# --- the last place that keeps the text of an error --------------------------------------------


@dataclass(slots=True)
class Ended:
    """A call's context, of which only the end is seen."""

    code: grpc.StatusCode | None = None
    details: str = ""

    async def abort(
        self,
        code: grpc.StatusCode,
        details: str = "",
        trailing_metadata: grpc.aio.Metadata | tuple[tuple[str, str | bytes], ...] = (),
    ) -> None:
        assert trailing_metadata
        self.code, self.details = code, details
        raise grpc.aio.AbortError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Overloaded("no room"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (CheckFailed("nothing was sent"), grpc.StatusCode.INTERNAL),
        (ValueError("Tremblay, M4C1B5"), grpc.StatusCode.INTERNAL),
    ],
)
async def test_whatever_is_raised_ends_the_call_with_its_status(
    error: Exception, code: grpc.StatusCode, caplog: pytest.LogCaptureFixture
) -> None:
    ended = Ended()
    with caplog.at_level(logging.ERROR), pytest.raises(grpc.aio.AbortError):
        async with answering(ended):  # type: ignore[arg-type] # ends by raising, as grpc does
            raise error
    assert ended.code is code
    assert "Tremblay" not in ended.details + caplog.text
