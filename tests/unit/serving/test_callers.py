"""Who is let in as what, and how much at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from narrows.core.directory import Directory
from narrows.core.ledger.entry import Kind
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, DisclosureDenied, Overloaded, UnknownCaller
from narrows.serving.callers import Callers, Tally
from narrows.wire.status import RETRY_AFTER_MS
from tests.unit.serving.world import (
    GATEWAY,
    NSOR,
    OPC,
    VPD,
    Clock,
    Context,
    World,
    calling,
    directory,
    opened_world,
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(tmp_path) as found:
        yield found


def callers(per_caller: int = 2, at_once: int = 3, found: Directory | None = None) -> Callers:
    given = found or directory()
    return Callers("canada", lambda: given, Tally(Clock()), per_caller, at_once)


async def counts(found: Callers, world: World) -> dict[str, object]:
    """What the tally enters, or nothing."""
    ledger = world.ledgers[GATEWAY]
    before = ledger.size
    await found.tally.enter(ledger)
    if ledger.size == before:
        return {}
    entry = ledger.entry(before)
    assert entry.kind is Kind.COUNTED
    assert isinstance(entry.open["counts"], dict)
    return dict(entry.open["counts"])


def test_callers_are_known_in_their_role() -> None:
    found = callers()
    assert found.member(calling(VPD)) == VPD
    assert found.gateway(calling(GATEWAY, "gateway")) == GATEWAY
    assert found.auditor(calling(OPC)) == OPC
    assert found.anyone(calling(NSOR)).uri == calling(NSOR).uri
    assert found.anyone(calling(GATEWAY, "gateway")).role == "gateway"


def test_only_the_holder_itself_may_do_some_things_at_its_node() -> None:
    found = callers()
    assert found.itself(calling(NSOR), MemberName(NSOR)) == MemberName(NSOR)
    with pytest.raises(DisclosureDenied, match="only `nsor` itself"):
        found.itself(calling(VPD), MemberName(NSOR))
    with pytest.raises(UnknownCaller):
        found.itself(calling(GATEWAY, "gateway"), MemberName(NSOR))


@pytest.mark.parametrize(
    "context",
    [
        calling("stranger"),
        calling(GATEWAY),
        calling(VPD, "gateway"),
        calling(VPD, federation="elsewhere"),
        calling(GATEWAY, "gateway", "elsewhere"),
        Context("https://example.org/vpd"),
        Context(calling(VPD).uri, "TLSv1.2"),
    ],
)
async def test_strangers_are_counted_and_told_nothing(context: Context, world: World) -> None:
    found = callers()
    for look in (found.member, found.gateway, found.auditor, found.anyone):
        with pytest.raises(UnknownCaller):
            look(context)
    assert await counts(found, world) == {"CALLER_UNKNOWN": 4}


async def test_a_role_cannot_be_taken_for_another(world: World) -> None:
    found = callers()
    with pytest.raises(UnknownCaller, match="no gateway"):
        found.gateway(calling(VPD))
    with pytest.raises(UnknownCaller, match="no member"):
        found.member(calling(GATEWAY, "gateway"))
    with pytest.raises(UnknownCaller, match="no member"):
        found.auditor(calling(GATEWAY, "gateway"))
    assert await counts(found, world) == {"CALLER_UNKNOWN": 3}


async def test_a_member_of_another_class_is_no_auditor(world: World) -> None:
    found = callers()
    with pytest.raises(DisclosureDenied, match="`vpd`"):
        found.auditor(calling(VPD))
    assert await counts(found, world) == {}


def test_who_left_the_directory_is_a_stranger() -> None:
    left = replace(directory(), members={OPC: directory().members[OPC]})
    with pytest.raises(UnknownCaller):
        callers(found=left).member(calling(VPD))


def test_nobody_is_known_under_an_expired_directory() -> None:
    def expired() -> Directory:
        raise BadFederation("the directory has expired")

    found = Callers("canada", expired, Tally(Clock()), 1, 1)
    with pytest.raises(BadFederation, match="expired"):
        found.member(calling(VPD))


def test_each_caller_has_a_share() -> None:
    found = callers(per_caller=2, at_once=3)
    with found.turn(VPD), found.turn(VPD):
        with pytest.raises(Overloaded, match="`vpd` has 2 calls") as caught, found.turn(VPD):
            pass
        assert int(caught.value.metadata[RETRY_AFTER_MS]) > 0
        with found.turn(OPC):
            pass


def test_all_callers_have_a_share_together() -> None:
    found = callers(per_caller=2, at_once=3)
    with found.turn(VPD), found.turn(VPD), found.turn(OPC):
        for name in (OPC, MemberName("nsor")):
            with pytest.raises(Overloaded, match="3 calls are under way"), found.turn(name):
                pass


def test_a_share_is_given_back_whatever_happened() -> None:
    found = callers(per_caller=1, at_once=1)
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error), found.turn(VPD):
            raise error
    with found.turn(VPD), pytest.raises(Overloaded), found.turn(VPD):
        pass
    with found.turn(OPC):
        pass


async def test_counts_begin_anew_once_they_are_entered(world: World) -> None:
    clock = Clock()
    tally = Tally(clock)
    ledger = world.ledgers[GATEWAY]
    await tally.enter(ledger)
    assert ledger.size == 0
    for reason in ("EXPLAINED", "CALLER_UNKNOWN", "EXPLAINED"):
        tally.add(reason)
    await tally.enter(ledger)
    tally.add("EXPLAINED")
    await tally.enter(ledger)
    first, second = ledger.entry(0).open, ledger.entry(1).open
    assert first["counts"] == {"CALLER_UNKNOWN": 1, "EXPLAINED": 2}
    assert second["counts"] == {"EXPLAINED": 1}
    assert first["since"] != first["until"] == second["since"]
    await tally.enter(ledger)
    assert ledger.size == 2
