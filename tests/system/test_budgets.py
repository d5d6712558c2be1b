"""Budgets at the nodes: charged before anything is read, hit or miss, and across restarts."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from narrows.core.answer import Answer
from narrows.core.ledger.entry import Entry, Kind
from narrows.core.policy.budget import decode_charge
from narrows.node.budgets import CHARGE, Budgets
from narrows.node.tokens import SUBJECTS, TOKENS
from tests.system.federation import (
    CATALOG,
    GIVEN,
    NSOR,
    POLICY,
    Federation,
    Setting,
    about,
    federation,
    question,
)

SPENT = "the budget of `sexual-crime-investigation` for this day is spent"
HIT, HIDDEN, MISS = "ZZ123456", "ZZ654321", "ZZ000000"


def limited(limits: str, per: str = "") -> str:
    return f"{POLICY}    budget: {{{{per: [{per}], a_day: {{{{{limits}}}}}}}}}\n"


def is_spent(found: Answer) -> bool:
    """Whether both holders refuse for it; else both answered."""
    said = {(one.outcome.value, one.reasons) for one in found.holders}
    assert said in ({("refused", (SPENT,))}, {("answered", ())})
    return said == {("refused", (SPENT,))}


def of_nsor(all_of: Federation) -> list[Entry]:
    ledger = all_of.nodes[NSOR].parts.ledger
    return [ledger.entry(index) for index in range(ledger.size)]


def restart(all_of: Federation) -> None:
    """Every node forgets what it had in memory, and reads its ledger again."""
    for node in all_of.nodes.values():
        budgets = Budgets()
        budgets.rebuild(node.parts.ledger, all_of.clock())
        node.parts = replace(node.parts, budgets=budgets)


@pytest.mark.parametrize("document", [HIT, HIDDEN, MISS])
async def test_what_is_spent_is_refused_in_the_same_words_for_every_subject(
    tmp_path: Path, document: str
) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("requests: 2"))) as all_of:
        assert not is_spent(await all_of.ask(about(MISS)))
        assert not is_spent(await all_of.ask(about(HIT)))
        found = await all_of.ask(about(document))
        assert is_spent(found)
        assert found.row_count == 0
        (entry,) = [one for one in of_nsor(all_of) if one.request == found.request]
        assert entry.kind is Kind.REFUSAL
        decisions = entry.open["decisions"]
        assert isinstance(decisions, list)
        assert [one["decision"] for one in decisions] == ["REFUSED"]
        assert TOKENS in entry.sealed
        assert CHARGE not in entry.sealed


async def test_misses_count_and_so_do_hidden_rows(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("literals: 3"))) as all_of:
        # The kind of paper is one literal, each number another.
        assert not is_spent(await all_of.ask(about(MISS)))
        assert not is_spent(await all_of.ask(about(HIDDEN)))
        assert not is_spent(await all_of.ask(about(MISS)))
        assert is_spent(await all_of.ask(about(HIT)))


async def test_questions_about_one_person_run_out_for_that_person_alone(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("same_person: 2"))) as all_of:
        for _ in range(2):
            assert not is_spent(await all_of.ask(about(MISS)))
        assert is_spent(await all_of.ask(about(MISS)))
        assert not is_spent(await all_of.ask(about(HIT)))


async def test_an_officer_has_a_budget_of_its_own_where_the_policy_says_so(tmp_path: Path) -> None:
    other = question(optional={**GIVEN, "officer": "another"})
    async with federation(
        tmp_path, setting=Setting(CATALOG, limited("requests: 1", "officer"))
    ) as all_of:
        assert not is_spent(await all_of.ask(question()))
        assert is_spent(await all_of.ask(question()))
        assert not is_spent(await all_of.ask(other))
        restart(all_of)
        for spelling in ("OFFICER-4471", " officer-4471 ", "officer\u200b-4471", "ｏfficer-4471"):
            again = question(optional={**GIVEN, "officer": spelling})
            found = await all_of.ask(again)
            assert is_spent(found)
            # An auditor reads the name as it was written.
            ledger = all_of.nodes[NSOR].parts.ledger
            (index,) = ledger.entries_of(found.request)
            assert ("officer", spelling.encode()) in {
                (one.field, one.value) for one in ledger.openings(index)
            }
    (tmp_path / "shared").mkdir()
    async with federation(
        tmp_path / "shared", setting=Setting(CATALOG, limited("requests: 1"))
    ) as all_of:
        assert not is_spent(await all_of.ask(question()))
        assert is_spent(await all_of.ask(other))


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    limits = limited("requests: 3, literals: 3, same_person: 2")
    async with federation(tmp_path, setting=Setting(CATALOG, limits)) as all_of:
        assert not is_spent(await all_of.ask(about(MISS)))
        restart(all_of)
        assert not is_spent(await all_of.ask(about(MISS)))
        restart(all_of)
        assert is_spent(await all_of.ask(about(MISS)))
        assert not is_spent(await all_of.ask(about(HIT)))
        restart(all_of)
        assert is_spent(await all_of.ask(about(HIT)))
    # Without a look at the ledger they would have been forgotten: the control of this test.
    (tmp_path / "control").mkdir()
    async with federation(
        tmp_path / "control", setting=Setting(CATALOG, limited("requests: 1"))
    ) as all_of:
        assert not is_spent(await all_of.ask(about(MISS)))
        for node in all_of.nodes.values():
            node.parts = replace(node.parts, budgets=Budgets())
        assert not is_spent(await all_of.ask(about(MISS)))


HELD = f"{POLICY}    held: {{{{by: registrar, urgent_hours: 2, routine_hours: 24}}}}\n"
HELD_TWICE = f"{HELD}    budget: {{{{a_day: {{{{requests: 2, literals: 2, same_person: 1}}}}}}}}\n"


async def test_what_is_held_takes_a_request_and_is_refused_when_they_are_spent(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, HELD_TWICE)) as all_of:
        ticket = ""
        for document in (HIT, HIT):
            found = await all_of.ask(about(document))
            assert {one.outcome.value for one in found.holders} == {"held"}
            ticket = found.request
            restart(all_of)
        for document in (HIT, HIDDEN, MISS):
            refused = await all_of.ask(about(document))
            assert is_spent(refused)
            (entry,) = [one for one in of_nsor(all_of) if one.request == refused.request]
            assert entry.kind is Kind.REFUSAL
            assert CHARGE not in entry.sealed
        # Who asks how it stands takes nothing.
        waiting = await all_of.ask(replace(about(HIT), ticket=ticket))
        assert {one.outcome.value for one in waiting.holders} == {"held"}
        all_of.clock.now += timedelta(days=1)
        again = await all_of.ask(about(HIT))
        assert {one.outcome.value for one in again.holders} == {"held"}


async def test_a_day_is_one_of_the_federations_zone(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("requests: 1"))) as all_of:
        # In Toronto, four hours behind: late on the first of June, and early on the second.
        all_of.clock.now = datetime(2026, 6, 2, 3, 58, tzinfo=UTC)
        assert not is_spent(await all_of.ask(question()))
        assert is_spent(await all_of.ask(question()))
        all_of.clock.now += timedelta(minutes=3)
        restart(all_of)
        assert not is_spent(await all_of.ask(question()))
        assert is_spent(await all_of.ask(question()))
        restart(all_of)
        assert is_spent(await all_of.ask(question()))


async def test_what_comes_at_once_is_counted_one_by_one(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("requests: 3"))) as all_of:
        found = await asyncio.gather(*(all_of.ask(about(HIT)) for _ in range(8)))
        for holder in all_of.nodes:
            answered = [
                report
                for one in found
                for report in one.holders
                if report.holder == holder and report.outcome.value == "answered"
            ]
            assert len(answered) == 3


async def test_what_fails_after_it_was_charged_stays_charged(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("requests: 1"))) as all_of:
        for node in all_of.nodes.values():
            node.parts = replace(
                node.parts, mapping=dict.fromkeys(node.parts.mapping, "SELECT nothing")
            )
        found = await all_of.ask(question())
        assert {one.outcome.value for one in found.holders} == {"unavailable"}
        restart(all_of)
        assert is_spent(await all_of.ask(question()))


async def test_hit_hidden_and_miss_seal_fields_of_one_length(tmp_path: Path) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, limited("requests: 9"))) as all_of:
        ledger = all_of.nodes[NSOR].parts.ledger
        lengths, subjects = set(), []
        for document in (HIT, HIDDEN, MISS):
            found = await all_of.ask(about(document))
            (index,) = ledger.entries_of(found.request)
            opened = {one.field: one.value for one in ledger.openings(index)}
            assert decode_charge(opened[CHARGE]).counter.member == "vpd"
            lengths.add(tuple(len(opened[name]) for name in (TOKENS, SUBJECTS)))
            subjects.append(opened[SUBJECTS])
        assert len(lengths) == 1
        token = all_of.nodes[NSOR].parts.token(2026)
        person = token("person.person_id", "9")
        assert [person in found for found in subjects] == [True, False, False]
