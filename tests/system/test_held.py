"""Held requests from the first question to the last collection, with real engines and ledgers."""

import asyncio
import os
import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest

from narrows.client.question import Ask, typed
from narrows.core.answer import Answer, Outcome
from narrows.core.exchange import NodeAnswer
from narrows.core.ledger.entry import Kind
from narrows.core.ruling import Says
from narrows.core.terms import RequestId
from narrows.engines.protocol import Engine
from narrows.errors import (
    CheckFailed,
    MalformedRequest,
    NarrowsError,
    RequestExpired,
    UnknownCaller,
)
from narrows.node.held import list_held, rule, show_held
from narrows.node.standing import ANOTHER, DENIED, LAPSED, NOT_YET, UNKNOWN
from narrows.wire.node import node_answer_parts
from tests.system.federation import DESK, GIVEN, NSOR, OSOR, QUESTION, ROWS
from tests.system.held import (
    EMERGENCY,
    ONE,
    TWO,
    Holding,
    asking,
    holding,
    of_nsor,
    signed,
)

APPROVE, DENY = Says.APPROVE, Says.DENY
GIVEN_OUT = [("nsor", "Tremblay", "M4C", "ACTIVE")]


def rows(found: Answer) -> int:
    return found.row_count


async def refused(found: Holding, ask: Ask) -> tuple[str, ...]:
    """Why the node refuses this, in its words."""
    report = of_nsor(await found.put(ask))
    assert report.outcome is Outcome.REFUSED
    assert report.row_count == 0
    return report.reasons


async def test_a_held_request_is_decided_by_two_persons_collected_and_lapses(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, TWO) as found:
        first = await found.put()
        ticket, report = first.request, of_nsor(first)
        assert report.outcome is Outcome.HELD
        assert report.reasons[0].startswith("held for the duty registrar of this holder")
        assert report.reasons[1] == f"the ticket is {ticket}"
        assert first.withheld_because == "`nsor` must decide first"
        assert rows(first) == 0
        collecting = asking(ticket=ticket)
        # Nobody has decided yet: the same again is held, and makes no second ticket.
        early = of_nsor(await found.put(collecting))
        assert (early.outcome, early.reasons) == (
            Outcome.HELD, (NOT_YET, f"the ticket is {ticket}"),
        )  # fmt: skip
        assert [one.request for one in list_held(found.node).cases] == [ticket]
        await found.rule(ticket, APPROVE, "Tran")
        await found.rule(ticket, APPROVE, "Tran")
        assert len(found.entries(Kind.RULING)) == 1
        assert of_nsor(await found.put(collecting)).outcome is Outcome.HELD
        await found.restart()
        second = await found.rule(ticket, APPROVE, "Okafor")
        assert (second.open["approvals"], second.open["needed"]) == (2, 2)
        await found.restart()
        for _ in range(2):
            given = await found.put(collecting)
            assert of_nsor(given).outcome is Outcome.ANSWERED
            assert of_nsor(given).narrowed == ("person.residence_postal: first 3",)
            assert rows(given) == 1
        (case,) = list_held(found.node).cases
        assert (case.status, case.collections) == ("approved", 2)
        assert await refused(
            found, replace(collecting, optional={**GIVEN, "case_number": "X"})
        ) == (ANOTHER,)
        found.all_of.clock.now += timedelta(hours=8, minutes=1)
        assert await refused(found, collecting) == (LAPSED,)
        assert list_held(found.node).cases == ()
        assert list_held(found.node, every=True).cases[0].status == "lapsed"
        with pytest.raises(RequestExpired):
            await found.rule(ticket, DENY, "Tran")


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": typed({"document": "ZZ654321"})},
        {"optional": {**GIVEN, "officer": "officer-1"}},
        {"optional": {**GIVEN, "grounds": "other grounds"}},
        {"unit": "traffic"},
        {"authority": "Act s.1"},
        {"sql": asking().sql.replace("p.surname, ", "")},
    ],
)
async def test_a_ticket_is_of_one_question(tmp_path: Path, change: dict[str, object]) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        assert await refused(found, asking(ticket=ticket, **change)) == (ANOTHER,)
        assert rows(await found.put(asking(ticket=ticket))) == 1


async def test_a_ticket_of_another_agency_is_as_unknown_as_one_that_was_never_held(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        told = [of_nsor(await found.put(asking(ticket=one), DESK)) for one in (ticket, "0" * 32)]
        assert [one.reasons for one in told] == [(UNKNOWN,), (UNKNOWN,)]
        assert {one.outcome for one in told} == {Outcome.REFUSED}


async def test_a_denial_is_final_also_after_an_approval(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        with pytest.raises(MalformedRequest, match="approved already"):
            await found.rule(ticket, APPROVE, "Okafor")
        await found.rule(ticket, DENY, "Okafor")
        assert await refused(found, asking(ticket=ticket)) == (DENIED,)
        with pytest.raises(MalformedRequest, match="final"):
            await found.rule(ticket, DENY, "Tran")
        await found.restart()
        assert await refused(found, asking(ticket=ticket)) == (DENIED,)


async def test_rulings_that_are_said_at_once_know_of_each_other(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        said = [(APPROVE, "Tran"), (APPROVE, "Tran"), (DENY, "Okafor"), (APPROVE, "Okafor")]
        told = await asyncio.gather(
            *(found.rule(ticket, *one) for one in said), return_exceptions=True
        )
        assert told[0] == told[1]
        assert isinstance(told[3], MalformedRequest)
        assert [one.open["says"] for one in found.entries(Kind.RULING)] == ["approve", "deny"]


@pytest.mark.parametrize(("emergency", "hours"), [(False, 24), (True, 2)])
async def test_what_nobody_decides_lapses(tmp_path: Path, emergency: bool, hours: int) -> None:
    async with holding(tmp_path, ONE, EMERGENCY) as found:
        ticket = (await found.put(asking(emergency=emergency))).request
        collecting = asking(ticket=ticket, emergency=emergency)
        found.all_of.clock.now += timedelta(hours=hours, minutes=-1)
        assert of_nsor(await found.put(collecting)).outcome is Outcome.HELD
        found.all_of.clock.now += timedelta(minutes=2)
        assert await refused(found, collecting) == (LAPSED,)
        with pytest.raises(RequestExpired):
            await found.rule(ticket, APPROVE, "Tran")


@pytest.mark.parametrize(
    ("person", "holder", "error"),
    [
        ("Lang", NSOR, UnknownCaller),  # a person of another holder
        ("Roy", NSOR, UnknownCaller),  # the requester's own approver
        ("Tran", OSOR, CheckFailed),  # meant for another holder
    ],
)
async def test_only_the_holders_own_persons_decide(
    tmp_path: Path, person: str, holder: str, error: type[NarrowsError]
) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        with pytest.raises(error):
            await found.rule(ticket, APPROVE, person, holder)  # type: ignore[arg-type]
        assert found.entries(Kind.RULING) == []
        assert of_nsor(await found.put(asking(ticket=ticket))).outcome is Outcome.HELD


async def test_a_forged_ruling_and_one_of_another_request_count_for_nothing(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        good = signed(ticket, APPROVE, "Tran")
        for forged in (
            replace(good, signature=bytes(64)),
            replace(good, signature=signed(ticket, APPROVE, "Okafor").signature),
            replace(good, body=signed(ticket, DENY, "Tran").body),
        ):
            with pytest.raises(UnknownCaller):
                await rule(forged, found.node)
        with pytest.raises(MalformedRequest, match="no request of that id is held"):
            await found.rule("0" * 32, APPROVE, "Tran")
        with pytest.raises(MalformedRequest, match="awaits a review"):
            await found.rule(ticket, Says.JUSTIFIED, "Tran")
        assert list_held(found.node).cases[0].status == "open"


async def test_who_decides_sees_the_whole_request_and_the_showing_is_entered(
    tmp_path: Path,
) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        (listed,) = list_held(found.node).cases
        assert (listed.sealed, listed.sql) == ((), ())
        shown = await show_held(ticket, found.node)
        assert dict(shown.sealed) == GIVEN
        assert any("ZZ123456" in sql for sql in shown.sql)
        assert shown.decide_by - shown.held_at == timedelta(hours=24)
        (read,) = found.entries(Kind.ACCESS)
        assert (read.request, read.open["reader"]) == (ticket, "nsor")
        with pytest.raises(MalformedRequest):
            await show_held("0" * 32, found.node)


async def test_a_list_is_of_what_waits_the_newest_first_and_not_endless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("narrows.node.held.MOST_LISTED", 2)
    async with holding(tmp_path, ONE) as found:
        tickets = [(await found.put()).request for _ in range(4)]
        await found.rule(tickets[2], DENY, "Tran")
        listed = list_held(found.node)
        assert [one.request for one in listed.cases] == [tickets[3], tickets[1]]
        assert (listed.more, listed.unreadable) == (1, ())
        listed = list_held(found.node, every=True)
        assert [one.status for one in listed.cases] == ["open", "denied"]
        assert listed.more == 2


async def test_a_damaged_entry_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with holding(tmp_path, ONE) as found:
        first, second = [(await found.put()).request for _ in range(2)]
        ledger = found.node.ledger
        (damaged,) = ledger.entries_of(first)
        whole = ledger._log.entry

        def spoilt(index: int) -> bytes:
            return b"{" if index == damaged else whole(index)

        monkeypatch.setattr(ledger._log, "entry", spoilt)
        listed = list_held(found.node)
        assert [one.request for one in listed.cases] == [second]
        assert listed.unreadable == (first,)


class Unread:
    """An engine that must not be asked."""

    async def run(self, *_: object) -> None:
        raise AssertionError("the database was read")


async def test_nothing_is_matched_before_it_is_approved(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        local = found.all_of.nodes[NSOR]
        engine: Engine = local.parts.engine
        local.parts = replace(local.parts, engine=Unread())  # type: ignore[arg-type]
        ticket = (await found.put()).request
        assert of_nsor(await found.put(asking(ticket=ticket))).outcome is Outcome.HELD
        assert await refused(found, asking(ticket="0" * 32)) == (UNKNOWN,)
        local.parts = replace(local.parts, engine=engine)
        await found.rule(ticket, APPROVE, "Tran")
        assert rows(await found.put(asking(ticket=ticket))) == 1


HIDDEN = {**ROWS, "person": (("9", "Tremblay", "M4C1B5", "SEALED"), ROWS["person"][1])}
ABSENT = {**ROWS, "identifier": (("1", "9", "PASSPORT", "ZZ000000"), ROWS["identifier"][1])}


@pytest.fixture
def repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Randomness begins anew at `random.seed`."""
    numbers = count()
    real = random.seed

    def seed(value: int) -> None:
        nonlocal numbers
        numbers = count()
        real(value)

    monkeypatch.setattr(random, "seed", seed)
    monkeypatch.setattr(
        os, "urandom", lambda size: (next(numbers).to_bytes(8, "big") * size)[:size]
    )


@pytest.mark.usefixtures("repeatable")
async def test_what_is_held_is_the_same_bytes_for_present_hidden_and_absent(
    tmp_path: Path,
) -> None:
    sent: list[list[bytes]] = []
    for number, held in enumerate((ROWS, HIDDEN, ABSENT)):
        random.seed(7)
        folder = tmp_path / str(number)
        folder.mkdir()
        async with holding(folder, ONE, rows=held) as found:
            sent.append([])
            random.seed(7)

            def keep(one: NodeAnswer) -> NodeAnswer:
                sent[-1].append(b"".join(p.SerializeToString() for p in node_answer_parts(one)))
                return one

            found.all_of.nodes[NSOR].after = keep
            ticket = (await found.put()).request
            await found.put(asking(ticket=ticket))
            await found.put(asking(ticket="0" * 32))
            await found.rule(ticket, APPROVE, "Tran")
            sent.append([])
            # The negative control: once it is approved, what is there comes out.
            assert rows(await found.put(asking(ticket=ticket))) == (held is ROWS)
    present, _, hidden, _, absent, _ = sent
    assert len(present) == 3
    assert present == hidden == absent
    assert sent[1] != sent[3]


async def test_the_stricter_of_two_rules_counts(tmp_path: Path) -> None:
    """What was held under one person's rule needs two, where the policy in force says so."""
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        mine = found.node.policy(date(2026, 6, 1))
        (agreement,) = mine.agreements
        assert agreement.hold is not None
        strict = replace(agreement, hold=replace(agreement.hold, second=True))
        local = found.all_of.nodes[NSOR]
        changed = replace(mine, agreements=(strict,))
        local.parts = replace(local.parts, policy=lambda _: changed)
        assert of_nsor(await found.put(asking(ticket=ticket))).outcome is Outcome.HELD
        await found.rule(ticket, APPROVE, "Okafor")
        assert rows(await found.put(asking(ticket=ticket))) == 1


async def test_the_whole_chain_is_found_from_each_of_its_requests(tmp_path: Path) -> None:
    async with holding(tmp_path, ONE) as found:
        ticket = (await found.put()).request
        await found.rule(ticket, APPROVE, "Tran")
        given = (await found.put(asking(ticket=ticket))).request
        other = (await found.put()).request
        await found.restart()
        ledger = found.node.ledger
        for request in (ticket, given):
            kinds = [ledger.entry(index).kind for index in ledger.chain_of(request)]
            assert kinds == [Kind.HELD, Kind.RULING, Kind.DISCLOSURE]
        assert len(ledger.chain_of(other)) == 1
        gateway = found.all_of.gateway.ledger
        assert len(gateway.chain_of(ticket)) == 4
        assert gateway.chain_of(RequestId("0" * 32)) == ()


def test_the_question_of_these_tests_is_of_one_holder() -> None:
    assert QUESTION in asking().sql
