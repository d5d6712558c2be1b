"""A client over a real socket: it believes nothing, keeps its own list, and acknowledges."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from narrows.client import Answer, Client, connect
from narrows.core.answer import Answer as Received
from narrows.core.answer import verify_acknowledgement
from narrows.core.exchange import GatewayDescription
from narrows.core.ledger.receipt import receipt_digest
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName
from narrows.errors import (
    BadFederation,
    CheckFailed,
    DisclosureDenied,
    MalformedQuery,
    NarrowsError,
    NodeUnavailable,
    PlannerDiffers,
    ProofInvalid,
)
from narrows.serving.start import now
from narrows.store.keys import verify_signature
from tests.unit.client.gateway_serving import (
    Line,
    Telling,
    current,
    description,
    honest,
    serving,
)
from tests.unit.serving.world import (
    CATALOG,
    GATEWAY,
    NSOR,
    OSOR,
    SQL,
    World,
    directory,
    key_of,
    opened_world,
    signed,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A gateway that serves, and a client's line to it."""

    world: World
    gateway: Telling
    line: Line

    @property
    def journal(self) -> Path:
        return self.world.folder / "requests.jsonl"

    @property
    def events(self) -> list[str]:
        """What the requester wrote down, in order."""
        if not self.journal.exists():
            return []
        lines = [json.loads(one) for one in self.journal.read_text().splitlines()]
        return [one["event"] + (f" {one['reason']}" if "reason" in one else "") for one in lines]

    async def ask(self, sql: str = SQL, **params: str) -> Answer:
        """The answer to one question, after everything about it is settled."""
        async with connect(
            self.line.address, credential=self.line.credential, journal=self.journal
        ) as client:
            return await self.ask_by(client, sql, **params)

    async def ask_by(self, client: Client, sql: str = SQL, **params: str) -> Answer:
        how = params or {"document": "ZZ123456"}
        return await client.ask(sql, how, purpose="investigation", officer="4471")


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path) as world:
        gateway = Telling(honest(world))
        async with serving(tmp_path, gateway) as line:
            yield Case(world, gateway, line)


async def test_an_answer_comes_back_verified_and_is_acknowledged(case: Case) -> None:
    found = await case.ask()
    assert found.table.num_rows == 3
    assert [request.id for request in case.gateway.asked] == [found.request_id]
    assert case.events == ["intent", "answered", "acknowledged"]
    said = case.gateway.acknowledged
    assert [one.recipient for one in said] == [GATEWAY, NSOR, OSOR]
    receipts = [found.receipt, *(one.receipt for one in found.agencies)]
    for one, receipt, count in zip(said, receipts, (3, 1, 2), strict=True):
        entered = verify_acknowledgement(one, directory(), verify_signature)
        assert receipt is not None
        assert entered.request == found.request_id
        assert (entered.row_count, entered.receipt) == (count, receipt_digest(receipt))


async def test_the_intent_is_written_down_before_the_request_is_sent(case: Case) -> None:
    async def look(request: SignedRequest) -> Received:
        assert case.events == ["intent"]
        assert request.id in case.journal.read_text()
        raise DisclosureDenied("not you")

    case.gateway.ask = look
    with pytest.raises(DisclosureDenied, match="not you"):
        await case.ask()
    assert case.events == ["intent", "failed DISCLOSURE_DENIED"]
    assert case.gateway.acknowledged == []


async def test_a_question_that_does_not_plan_is_never_sent(case: Case) -> None:
    with pytest.raises(MalformedQuery, match="nosuch"):
        await case.ask("SELECT nosuch FROM person p WHERE p.document = :document")
    assert case.gateway.asked == []
    assert case.events == []


async def test_an_answer_that_lies_is_not_believed_nor_acknowledged(case: Case) -> None:
    true = honest(case.world)

    async def without_caveats(request: SignedRequest) -> Received:
        return replace(await true(request), caveats=())

    async def of_another(request: SignedRequest) -> Received:
        return await true(case.gateway.asked[0])

    lies: tuple[tuple[object, type[NarrowsError]], ...] = (
        (without_caveats, ProofInvalid),
        (of_another, CheckFailed),
    )
    for lie, error in lies:
        case.gateway.ask = lie  # type: ignore[assignment]
        with pytest.raises(error):
            await case.ask()
    assert case.events == ["intent", "failed PROOF_INVALID", "intent", "failed CHECK_FAILED"]
    assert case.gateway.acknowledged == []


async def test_an_acknowledgement_that_fails_is_noted_and_spoils_nothing(case: Case) -> None:
    async with connect(
        case.line.address, credential=case.line.credential, journal=case.journal
    ) as client:
        answered = honest(case.world)

        async def then_fail(request: SignedRequest) -> Received:
            found = await answered(request)
            case.gateway.failure = NodeUnavailable("no more")
            return found

        case.gateway.ask = then_fail
        assert (await case.ask_by(client)).table.num_rows == 3
    assert case.events == ["intent", "answered", "not acknowledged NODE_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("leaves_out", "event"), [(NSOR, "acknowledged"), (GATEWAY, "not acknowledged")]
)
async def test_acknowledged_is_what_the_gateway_entered(
    case: Case, leaves_out: str, event: str
) -> None:
    """A node that is away is for reconciliation to find."""
    case.gateway.leaves_out = leaves_out
    await case.ask()
    assert case.events == ["intent", "answered", event]


async def test_every_answer_is_acknowledged_before_the_line_is_closed(case: Case) -> None:
    async with connect(
        case.line.address, credential=case.line.credential, journal=case.journal
    ) as client:
        found = [await case.ask_by(client) for _ in range(3)]
        await client.settle()
        assert case.events.count("acknowledged") == 3
        found.append(await case.ask_by(client))
    assert case.events.count("acknowledged") == 4
    said = [
        verify_acknowledgement(one, directory(), verify_signature)
        for one in case.gateway.acknowledged
    ]
    assert [(one.request, one.recipient) for one in said] == [
        (one.request_id, name) for one in found for name in (GATEWAY, NSOR, OSOR)
    ]


async def test_without_a_journal_nothing_is_written(case: Case) -> None:
    async with connect(case.line.address, credential=case.line.credential) as client:
        await case.ask_by(client)
    assert not case.journal.exists()
    assert len(case.gateway.acknowledged) == 3


async def test_an_explanation_is_asked_under_signature(case: Case) -> None:
    async with connect(
        case.line.address, credential=case.line.credential, journal=case.journal
    ) as client:
        found = await client.explain(SQL, {"document": "ZZ1"}, purpose="investigation")
    assert found.plans[0].not_asked == "the question excludes it"
    assert found.merge.sql == "SELECT merged"
    assert len(case.gateway.asked) == 1
    assert case.events == []
    assert case.gateway.acknowledged == []


def _lies() -> dict[str, tuple[GatewayDescription, type[NarrowsError]]]:
    elsewhere = replace(current(), federation="elsewhere")
    nobody = replace(current(), gateways={MemberName("east"): current().gateways[GATEWAY]})
    other = replace(CATALOG, version=2)
    late = replace(current(), expires_at=now() - timedelta(seconds=1))
    return {
        "another root": (
            description(directory=signed(current(), key_of("other"))),
            BadFederation,
        ),
        "an expired directory": (description(late), BadFederation),
        "no directory": (description(directory=b"{}"), BadFederation),
        "another federation": (description(elsewhere), BadFederation),
        "another name": (description(gateway=MemberName("east")), BadFederation),
        "no gateway of that name": (description(nobody), BadFederation),
        "another catalog": (description(catalog=other.encoded), BadFederation),
        "no catalog": (description(catalog=b"{}"), NarrowsError),
        "another planner": (description(planner="0"), PlannerDiffers),
    }


@pytest.mark.parametrize("name", _lies())
async def test_a_gateway_that_says_something_else_is_not_asked(case: Case, name: str) -> None:
    case.gateway.says, error = _lies()[name]
    with pytest.raises(error):
        await case.ask()
    assert case.gateway.asked == []
    assert case.events == []


async def test_another_gateway_than_was_meant_is_not_reached(case: Case) -> None:
    with pytest.raises(NodeUnavailable):
        async with connect(case.line.address, credential=case.line.credential, gateway="east"):
            raise AssertionError
