"""Acknowledgements on their way: gathered, sent in few messages, and every request noted once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from narrows.client import acknowledging
from narrows.client.acknowledging import Acknowledging
from narrows.client.answer import Answer
from narrows.core.answer import (
    Acknowledgement,
    HolderReport,
    Outcome,
    SignedAcknowledgement,
    verify_acknowledgement,
)
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.receipt import Receipt, receipt_digest
from narrows.core.terms import Holder, RequestId
from narrows.errors import LedgerUnavailable, NarrowsError, NodeUnavailable
from narrows.serving.acknowledge import MAX_AT_ONCE
from narrows.store.keys import verify_signature
from narrows.wire.calls import GatewayCalls
from tests.unit.client.gateway_serving import entered
from tests.unit.serving.world import GATEWAY, NSOR, OSOR, VPD, Clock, directory, requesting


class Taking(GatewayCalls):
    """A gateway that enters what it is sent, once it may; each message is a list in `sent`."""

    def __init__(self) -> None:
        self.sent: list[list[Acknowledgement]] = []
        self.arrived = asyncio.Semaphore(0)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.failure: NarrowsError | None = None
        self.leaves_out: set[tuple[RequestId, str]] = set()

    async def acknowledge(
        self, found: Sequence[SignedAcknowledgement], deadline_s: float
    ) -> tuple[EnteredAcknowledgement, ...]:
        assert deadline_s > 0
        said = [verify_acknowledgement(one, directory(), verify_signature) for one in found]
        self.sent.append(said)
        self.arrived.release()
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        every = (entered(one) for one in found)
        return tuple(one for one in every if (one.request, one.recipient) not in self.leaves_out)

    @property
    def requests(self) -> list[list[RequestId]]:
        """Of what each message was, by what it says to the gateway."""
        return [
            [one.request for one in message if one.recipient == GATEWAY] for message in self.sent
        ]


@dataclass(slots=True)
class Case:
    """A requester's acknowledgements, the gateway that takes them, and what is noted."""

    gateway: Taking = field(default_factory=Taking)
    clock: Clock = field(default_factory=Clock)
    noted: list[tuple[RequestId, str, str]] = field(default_factory=list)

    def start(self) -> Acknowledging:
        by = requesting(clock=self.clock)
        return Acknowledging(self.gateway, by, self._note)

    def _note(self, request: RequestId, event: str, reason: str) -> None:
        self.noted.append((request, event, reason))

    @property
    def acknowledged(self) -> list[RequestId]:
        return [request for request, event, _ in self.noted if event == "acknowledged"]


@pytest.fixture
async def case() -> Case:
    return Case()


@pytest.fixture
def for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathering would outlast the test: only `settle` ends it."""
    monkeypatch.setattr(acknowledging, "GATHER_S", 3_600.0)


@pytest.fixture
def for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathering ends as soon as the loop goes round."""
    monkeypatch.setattr(acknowledging, "GATHER_S", 0.0)


def receipt_of(name: str) -> Receipt:
    return Receipt(name.encode(), 0, (), b"note")


def answers(count: int, start: int = 0) -> list[Answer]:
    """Answers of two rows: `nsor` gave both, `osor` was away."""
    reports = (
        HolderReport(NSOR, Outcome.ANSWERED, row_count=2, receipt=receipt_of(NSOR)),
        HolderReport(OSOR, Outcome.UNAVAILABLE),
    )
    table = pa.table({"surname": ["Roy", "Tremblay"]})
    return [
        Answer(RequestId(f"{n:032x}"), (), table, reports, (), receipt_of(f"{GATEWAY} {n}"), "", 2)
        for n in range(start, start + count)
    ]


def ids(found: Sequence[Answer]) -> list[RequestId]:
    return [one.request_id for one in found]


async def _go_round() -> None:
    """Whatever is ready has run."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("for_long")
async def test_each_recipient_is_told_what_was_received_of_it(case: Case) -> None:
    found = case.start()
    (answer,) = answers(1)
    found.add(answer)
    await found.settle()
    ((mine, of_nsor),) = case.gateway.sent
    assert {mine.request, of_nsor.request} == {answer.request_id}
    assert {mine.agency, of_nsor.agency} == {VPD}
    assert (mine.recipient, mine.row_count) == (GATEWAY, 2)
    assert (str(of_nsor.recipient), of_nsor.row_count) == (NSOR, 2)
    assert mine.receipt == receipt_digest(answer.receipt)
    assert of_nsor.receipt == receipt_digest(receipt_of(NSOR))
    assert case.noted == [(answer.request_id, "acknowledged", "")]


@pytest.mark.usefixtures("for_no_time")
async def test_what_is_received_close_together_goes_in_one_message(case: Case) -> None:
    found, received = case.start(), answers(5)
    for one in received:
        found.add(one)
    await case.gateway.arrived.acquire()
    await found.settle()
    assert case.gateway.requests == [ids(received)]
    assert case.acknowledged == ids(received)


@pytest.mark.usefixtures("for_long")
async def test_nothing_is_sent_before_the_moment_is_over(case: Case) -> None:
    found, received = case.start(), answers(3)
    for one in received:
        found.add(one)
        await _go_round()
    assert case.gateway.sent == []
    await found.settle()
    assert case.gateway.requests == [ids(received)]


@pytest.mark.usefixtures("for_long")
async def test_after_settling_it_gathers_again(case: Case) -> None:
    found, (early, *late) = case.start(), answers(3)
    found.add(early)
    await found.settle()
    await found.settle()
    for one in late:
        found.add(one)
        await _go_round()
    assert case.gateway.requests == [ids([early])]
    await found.settle()
    assert case.gateway.requests == [ids([early]), ids(late)]


async def test_where_nothing_was_received_there_is_nothing_to_settle(case: Case) -> None:
    await case.start().settle()
    assert case.gateway.sent == []


@pytest.mark.usefixtures("for_long")
async def test_the_time_is_that_at_which_it_was_received(case: Case) -> None:
    found, times = case.start(), list[object]()
    for one in answers(2):
        found.add(one)
        times.append(case.clock.now)
        case.clock()
    await found.settle()
    (message,) = case.gateway.sent
    assert [one.received_at for one in message if one.recipient == GATEWAY] == times


@pytest.mark.usefixtures("for_no_time")
async def test_nothing_is_lost_that_is_added_while_a_group_is_sent(case: Case) -> None:
    found, (first, *more) = case.start(), answers(4)
    case.gateway.may_answer.clear()
    found.add(first)
    await case.gateway.arrived.acquire()
    for one in more:
        found.add(one)
        await _go_round()
    assert case.gateway.requests == [ids([first])]
    settling = asyncio.create_task(found.settle())
    await _go_round()
    assert not settling.done()
    assert case.noted == []
    case.gateway.may_answer.set()
    await settling
    assert case.gateway.requests == [ids([first]), ids(more)]
    assert case.acknowledged == ids([first, *more])


@pytest.mark.usefixtures("for_no_time")
async def test_what_is_added_after_a_group_is_sent_goes_too(case: Case) -> None:
    found, received = case.start(), answers(3)
    for one in received:
        found.add(one)
        await case.gateway.arrived.acquire()
    await found.settle()
    assert case.gateway.requests == [ids([one]) for one in received]
    assert case.acknowledged == ids(received)


@pytest.mark.usefixtures("for_long")
async def test_no_message_is_more_than_a_gateway_takes(case: Case) -> None:
    found, received = case.start(), answers(1_200)
    for one in received:
        found.add(one)
    await found.settle()
    assert max(len(message) for message in case.gateway.sent) <= MAX_AT_ONCE
    assert [one for message in case.gateway.requests for one in message] == ids(received)
    assert case.acknowledged == ids(received)


@pytest.mark.usefixtures("for_long")
async def test_an_answer_is_never_sent_in_two_halves(case: Case) -> None:
    """Else a request could be noted before all about it is sent, or twice."""
    reports = tuple(
        HolderReport(Holder(f"h{n}"), Outcome.ANSWERED, receipt=receipt_of(f"h{n}"))
        for n in range(299)
    )
    table = pa.table({"surname": ["Roy"]})
    found, requests = case.start(), ids(answers(5))
    for one in requests:
        found.add(Answer(one, (), table, reports, (), receipt_of(GATEWAY)))
    await found.settle()
    assert max(len(message) for message in case.gateway.sent) <= MAX_AT_ONCE
    for message in case.gateway.sent:
        for one in {said.request for said in message}:
            assert sum(said.request == one for said in message) == 300
    assert case.acknowledged == requests


@pytest.mark.usefixtures("for_long")
async def test_what_the_gateway_did_not_enter_is_noted(case: Case) -> None:
    found, received = case.start(), answers(3)
    case.gateway.leaves_out = {
        (received[0].request_id, NSOR),
        (received[1].request_id, GATEWAY),
    }
    for one in received:
        found.add(one)
    await found.settle()
    first, second, third = ids(received)
    assert case.noted == [
        (first, "acknowledged", ""),
        (second, "not acknowledged", ""),
        (third, "acknowledged", ""),
    ]


@pytest.mark.usefixtures("for_no_time")
async def test_a_message_that_fails_is_noted_and_the_next_is_sent(case: Case) -> None:
    found, received = case.start(), answers(4)
    case.gateway.may_answer.clear()
    case.gateway.failure = NodeUnavailable("no more")
    for one in received[:2]:
        found.add(one)
    await case.gateway.arrived.acquire()
    case.gateway.may_answer.set()
    await found.settle()
    case.gateway.failure = None
    for one in received[2:]:
        found.add(one)
    await found.settle()
    assert case.noted == [
        *((one, "not acknowledged", "NODE_UNAVAILABLE") for one in ids(received[:2])),
        *((one, "acknowledged", "") for one in ids(received[2:])),
    ]


@pytest.mark.usefixtures("for_no_time")
async def test_what_waits_behind_a_message_that_fails_is_sent(case: Case) -> None:
    found, (first, second) = case.start(), answers(2)
    case.gateway.may_answer.clear()
    case.gateway.failure = NodeUnavailable("no more")
    found.add(first)
    await case.gateway.arrived.acquire()
    found.add(second)
    case.gateway.may_answer.set()
    await found.settle()
    assert case.gateway.requests == [ids([first]), ids([second])]
    assert [event for _, event, _ in case.noted] == ["not acknowledged"] * 2


@pytest.mark.usefixtures("for_no_time")
async def test_a_journal_that_fails_keeps_nothing_from_being_sent(case: Case) -> None:
    """Its failure shows at the next intent; what others are told does not hang on it."""

    def note(request: RequestId, event: str, reason: str) -> None:
        case.noted.append((request, event, reason))
        raise LedgerUnavailable("the disk is full")

    found, received = Acknowledging(case.gateway, requesting(), note), answers(3)
    case.gateway.may_answer.clear()
    found.add(received[0])
    await case.gateway.arrived.acquire()
    for one in received[1:]:
        found.add(one)
    case.gateway.may_answer.set()
    await found.settle()
    assert case.gateway.requests == [ids(received[:1]), ids(received[1:])]
    assert case.acknowledged == ids(received)


@pytest.mark.usefixtures("for_no_time")
async def test_whoever_stops_waiting_does_not_stop_the_sending(case: Case) -> None:
    found, (first, second) = case.start(), answers(2)
    case.gateway.may_answer.clear()
    found.add(first)
    await case.gateway.arrived.acquire()
    found.add(second)
    settling = asyncio.create_task(found.settle())
    await _go_round()
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    case.gateway.may_answer.set()
    await found.settle()
    assert case.gateway.requests == [ids([first]), ids([second])]
    assert case.acknowledged == ids([first, second])
