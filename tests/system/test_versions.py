"""A policy that changes under way: every question is decided under one version, and answered."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from narrows.core.answer import Answer
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.ledger.entry import Kind
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.versions import in_force_or_first
from narrows.core.terms import Holder
from narrows.errors import PolicyChanged
from narrows.gateway.answer import GatewayParts, answer
from narrows.node.answer import answer as node_answer
from narrows.node.case import Arrival
from tests.system.federation import (
    CATALOG,
    GATEWAY,
    NSOR,
    OSOR,
    POLICY,
    VPD,
    Federation,
    federation,
    question,
)
from tests.system.test_walk import outcomes, rows

OLD = [("nsor", "Tremblay", "M4C", "ACTIVE"), ("osor", "Tremblay", "M4C", "ACTIVE")]
NEW = [("nsor", "Tremblay", "M", "ACTIVE"), ("osor", "Tremblay", "M4C", "ACTIVE")]


def version(number: int, change: tuple[str, str] = ("first 3", "first 1"), **heads: str) -> Policy:
    text = POLICY.format(holder="nsor").replace("version: 1", f"version: {number}")
    for name, value in heads.items():
        text = text.replace(f"{name}: 2026-03-26\n", f"{name}: {value}\n", 1)
    old, new = change
    assert old in text
    return parse_policy(text.replace(old, new), CATALOG, "nsor.yaml")


def first() -> Policy:
    return version(1, ("first 3", "first 3"))


def node_has(all_of: Federation, *policies: Policy) -> None:
    """The node of `nsor` serves these versions."""
    node = all_of.nodes[NSOR]

    def on(day: date) -> Policy:
        return in_force_or_first(policies, day)

    node.parts = replace(node.parts, policy=on)


def gateway_of(all_of: Federation, *renewed: Policy) -> tuple[GatewayParts, list[Holder]]:
    """The gateway, which gets these versions of `nsor` when it fetches its policy anew."""
    known: dict[Holder, list[Policy]] = {
        holder: [policy] for holder, policy in all_of.gateway.policies(date(2026, 6, 1)).items()
    }
    asked: list[Holder] = []

    async def renew(holder: Holder) -> None:
        asked.append(holder)
        known[holder] += renewed

    def on(day: date) -> dict[Holder, Policy]:
        return {holder: in_force_or_first(found, day) for holder, found in known.items()}

    return replace(all_of.gateway, policies=on, renew=renew), asked


async def ask(all_of: Federation, gateway: GatewayParts) -> Answer:
    return await answer(all_of.sign(question()), VPD, gateway)


def kinds(all_of: Federation, found: Answer) -> list[Kind]:
    ledger = all_of.gateway.ledger
    return [ledger.entry(index).kind for index in ledger.entries_of(found.request)]


async def test_the_gateway_fetches_the_newer_version_and_asks_once_more(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        newer = version(2)
        node_has(all_of, first(), newer)
        gateway, asked = gateway_of(all_of, newer)
        found = await ask(all_of, gateway)
        assert rows(found) == NEW
        assert asked == [NSOR]
        # What it was about to ask of whom is entered before each call.
        assert kinds(all_of, found) == [Kind.INTENT, Kind.INTENT, Kind.OUTCOME]
        second = all_of.gateway.ledger.entry(all_of.gateway.ledger.entries_of(found.request)[1])
        decisions = second.open["decisions"]
        assert isinstance(decisions, list)
        assert [(one["holder"], one["policy_version"]) for one in decisions] == [("nsor", 2)]
        # The node entered that it was asked under another version, and then what may leave.
        ledger = all_of.nodes[NSOR].parts.ledger
        mine = [ledger.entry(index) for index in ledger.entries_of(found.request)]
        assert [one.kind for one in mine] == [Kind.REFUSAL, Kind.DISCLOSURE]
        assert mine[0].open["reason"] == "POLICY_CHANGED"
        assert rows(await ask(all_of, gateway)) == NEW
        assert asked == [NSOR]


async def test_a_gateway_that_cannot_get_it_says_so(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        node_has(all_of, first(), version(2))
        gateway, asked = gateway_of(all_of)
        found = await ask(all_of, gateway)
        assert outcomes(found) == {"nsor": "unavailable", "osor": "answered"}
        assert "ask again" in found.holders[0].reasons[0]
        assert kinds(all_of, found) == [Kind.INTENT, Kind.OUTCOME]
        assert asked == [NSOR]


async def test_a_request_that_is_brought_again_and_again_is_entered_twice(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        node_has(all_of, first(), version(2))
        node = all_of.nodes[NSOR]
        brought: list[NodeQuestion] = []

        def keep(asked: NodeQuestion) -> NodeQuestion:
            brought.append(asked)
            return asked

        node.before = keep
        gateway, _ = gateway_of(all_of)
        found = await ask(all_of, gateway)
        arrival = Arrival(brought[0], GATEWAY, all_of.clock())
        for _ in range(4):
            with pytest.raises(PolicyChanged):
                await node_answer(arrival, node.parts, None)
        ledger = node.parts.ledger
        reasons = [ledger.entry(index).open["reason"] for index in ledger.entries_of(found.request)]
        assert reasons == ["POLICY_CHANGED"] * 2
        # It is answered all the same, once it comes under the right version.
        node_has(all_of, first())
        told = await node_answer(arrival, node.parts, None)
        assert [one.row_count for one in told.fragments] == [1]


async def test_what_the_newer_version_refuses_is_refused(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        stricter = version(2, ("rows: 5, literals: 2", "rows: 5, literals: 1"))
        node_has(all_of, first(), stricter)
        gateway, _ = gateway_of(all_of, stricter)
        found = await ask(all_of, gateway)
        assert outcomes(found) == {"nsor": "refused", "osor": "answered"}
        assert "at most 1 literals" in found.holders[0].reasons[0]
        ledger = all_of.nodes[NSOR].parts.ledger
        assert [ledger.entry(one).kind for one in ledger.entries_of(found.request)] == [
            Kind.REFUSAL
        ]


async def test_a_version_to_come_decides_nothing_before_its_day(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        node_has(all_of, first(), version(2, effective="2026-06-02"))
        gateway, asked = gateway_of(all_of)
        assert rows(await ask(all_of, gateway)) == OLD
        assert asked == []
        all_of.clock.now = all_of.clock.now.replace(day=2)
        # Both have it, each decides by the day of the request, and nobody needs to be told.
        gateway, asked = gateway_of(all_of)
        newer = version(2, effective="2026-06-02")
        before = gateway.policies
        gateway = replace(gateway, policies=lambda day: {**before(day), NSOR: newer})
        assert rows(await ask(all_of, gateway)) == NEW
        assert asked == []


async def test_a_request_in_flight_ends_under_the_version_that_decided_it(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        node = all_of.nodes[OSOR]

        def change(found: NodeAnswer) -> NodeAnswer:
            # While `osor` answers, the policy of `nsor` changes under whatever is under way there.
            node_has(all_of, first(), version(2))
            return found

        node.after = change
        gateway, asked = gateway_of(all_of, version(2))
        found = await ask(all_of, gateway)
        versions = {
            entry.open["decisions"][0]["policy_version"]  # type: ignore[index, call-overload]
            for entry in map(
                all_of.nodes[NSOR].parts.ledger.entry,
                all_of.nodes[NSOR].parts.ledger.entries_of(found.request),
            )
            if entry.kind is Kind.DISCLOSURE
        }
        postal = {row[2] for row in rows(found) if row[0] == "nsor"}
        assert (versions, postal) in (({1}, {"M4C"}), ({2}, {"M"}))
        assert len(asked) == (versions == {2})


@pytest.mark.parametrize("number", [1, 2])
async def test_the_entry_names_the_version_that_decided(tmp_path: Path, number: int) -> None:
    async with federation(tmp_path) as all_of:
        one = version(number)
        node_has(all_of, one)
        gateway, _ = gateway_of(all_of)
        gateway = replace(
            gateway, policies=lambda _: {**all_of.gateway.policies(date(2026, 6, 1)), NSOR: one}
        )
        found = await ask(all_of, gateway)
        (index,) = all_of.nodes[NSOR].parts.ledger.entries_of(found.request)
        decisions = all_of.nodes[NSOR].parts.ledger.entry(index).open["decisions"]
        assert isinstance(decisions, list)
        assert decisions[0]["policy_version"] == number
        assert decisions[0]["policy"] == one.digest.hex()
