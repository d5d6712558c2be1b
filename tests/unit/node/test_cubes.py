"""A node's cubes: built from its database, entered before they are shown, paid from one budget."""

import asyncio
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.definition import shape_of
from narrows.core.terms import digest_of
from narrows.errors import (
    AnswerTooLarge,
    BadFederation,
    BudgetSpent,
    CheckFailed,
    DisclosureDenied,
    LedgerUnavailable,
    MalformedRequest,
    ObligationUnenforceable,
    ProofInvalid,
)
from narrows.node import cubes as module
from narrows.node.cubes import is_of_cubes
from narrows.node.noise import OpenDpNoise
from narrows.node.release import released_rows
from tests.unit.core.policy.counting import counting
from tests.unit.core.policy.world import CATALOG, FILE, PERSON, form, fragment_of, granting, policy
from tests.unit.node.cube_home import KEY, Home, files

NOISY = "noise: {epsilon: 0.5, a_year: 1.5}"
BOUNDS = "{between: [0, 100]}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.people(("CAN", range(5)), ("USA", range(5, 7)))
    return found


async def test_an_edition_is_entered_without_a_value_and_then_shown(home: Home) -> None:
    async with home.open() as cubes:
        built = await cubes.build("people")
        entry = verify_receipt(built.receipt, KEY.verifier)
        assert entry.kind is Kind.EDITION
        assert entry.open == {
            "cube": "people",
            "number": 1,
            "edition": digest_of(built.edition.encoded).hex(),
            "cells": 1,
            "epsilon": "",
            "relations": ["person"],
            "shape": shape_of(home.given.cubes[0]).hex(),
            "afresh": False,
            "policy_version": 1,
            "policy": home.given.digest.hex(),
            "catalog": CATALOG.digest.hex(),
            "as_of": built.edition.as_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        assert (await cubes.shown("people")).edition == built.edition
        reading = await cubes.read([home.bound(), home.bound("SELECT p.country FROM person p")])
        assert reading.as_of == built.edition.as_of
        assert reading.rows[0] == [("CAN", f"nsor:#{n}") for n in range(1, 6)]
        assert reading.rows[1] == [("CAN",)] * 5
        assert released_rows(home.bound(), reading.rows[0], lambda *_: "") == reading.rows[0]


async def test_files_are_the_owners_alone_and_old_tokens_go(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
        assert files(home) == ["key", "people.1.private", "people.1.public"]
        await cubes.build("people")
    assert files(home) == ["key", "people.1.public", "people.2.private", "people.2.public"]
    for one in (home.folder / "editions").iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert stat.S_IMODE((home.folder / "editions").stat().st_mode) == 0o700
    assert b"nsor:1" not in (home.folder / "editions" / "people.2.private").read_bytes()


async def test_freezing_goes_on_after_a_restart(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
    home.people(("CAN", range(7)))
    async with home.open() as cubes:
        (cell,) = (await cubes.build("people")).edition.cells
        assert cell.count == 5
    home.people(("CAN", range(8)))
    async with home.open() as cubes:
        built = await cubes.build("people")
        assert (built.edition.number, built.edition.cells[0].count) == (3, 8)


async def test_without_an_edition_nobody_gets_anything(home: Home) -> None:
    async with home.open() as cubes:
        for asking in (cubes.shown("people"), cubes.read([home.bound()])):
            with pytest.raises(DisclosureDenied, match="no edition of the cube `people` was built"):
                await asking
        with pytest.raises(MalformedRequest, match="no such cube: people"):
            await cubes.build("nosuch")
        home.given = granting("list: {rows: {person: {age: {null: true}}}, at_most: {rows: 1}}")
        with pytest.raises(MalformedRequest, match="declares none"):
            cubes.current("people")


async def test_an_edition_of_another_cube_is_none(home: Home) -> None:
    text = (
        "cubes:\n  - {id: people, of: [person], unit: person.pid, units: persons, at_least: 3,"
        " group: {person: {country: as is}}}\n"
        "  - {id: others, of: [person], unit: person.pid, units: persons, at_least: 3,"
        " group: {person: {age: as is}}}\n"
    )
    home.given = policy(text)
    async with home.open() as cubes:
        await cubes.build("people")
        with pytest.raises(DisclosureDenied, match="`others`"):
            cubes.current("others")
        await cubes.build("others", is_afresh=True)
        assert cubes.current("people").cube == "people"


async def test_a_cube_that_the_policy_says_otherwise_of_is_not_shown(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
        same = home.given
        home.given = replace(same, version=2)
        assert cubes.current("people").policy_version == 1
        never = "never:\n  - rows: {person: {status: {in: [SEALED]}}}\n    because: the Act"
        home.given = counting(never=never)
        with pytest.raises(DisclosureDenied, match="has changed the cube `people`"):
            await cubes.read([home.bound()])
        # What was hidden by `never` from now on was one of few: it stays frozen.
        home.people(("CAN", range(7)))
        assert (await cubes.build("people")).edition.cells[0].count == 5
        # Another `k` changes nothing of that.
        home.given = counting(4)
        assert (await cubes.build("people")).edition.cells[0].count == 5


async def test_a_cube_that_is_not_sound_is_not_built(home: Home) -> None:
    home.given = counting(more="rows: {person: {country: {equal_to: requester}}}")
    async with home.open() as cubes:
        with pytest.raises(BadFederation, match="depend on who asks"):
            await cubes.build("people")
        assert cubes.ledger.size == 0


async def test_a_file_that_is_gone_or_another_stops_all(home: Home) -> None:
    folder = home.folder / "editions"
    async with home.open() as cubes:
        await cubes.build("people")
    private = (folder / "people.1.private").read_bytes()
    (folder / "people.1.private").unlink()
    async with home.open() as cubes:
        assert cubes.current("people").number == 1
        with pytest.raises(BadFederation, match="missing or damaged"):
            await cubes.build("people")
        (folder / "people.1.private").write_bytes(private.replace(b"true", b"null"))
        await cubes.build("people")
    (folder / "people.2.private").write_bytes(private)
    async with home.open() as cubes:
        with pytest.raises(ProofInvalid, match="of another edition"):
            await cubes.build("people")
    (folder / "people.2.public").write_bytes(b"{}")
    async with home.open() as cubes:
        with pytest.raises(BadFederation, match="not the one that was entered"):
            cubes.current("people")
    (folder / "people.2.public").unlink()
    (folder / "key").write_bytes(b"short")
    async with home.open() as cubes:
        with pytest.raises(BadFederation, match="missing or damaged"):
            cubes.current("people")
        with pytest.raises(CheckFailed) as caught:
            await cubes.read([home.bound()])
        assert str(home.folder) not in str(caught.value)
        with pytest.raises(BadFederation, match="missing or damaged"):
            cubes.editions.key()


async def test_what_a_crash_left_before_its_entry_is_never_shown(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.ledger.close()
        with pytest.raises(LedgerUnavailable):
            await cubes.build("people")
    assert "people.1.public" in files(home)
    home.people(("USA", range(9)))
    async with home.open() as cubes:
        with pytest.raises(DisclosureDenied):
            cubes.current("people")
        (cell,) = (await cubes.build("people")).edition.cells
        assert (cell.place[1], cell.count) == ("USA", 9)


async def test_an_edition_that_cannot_be_written_is_not_entered(home: Home) -> None:
    (home.folder / "editions").write_text("a file where the folder should be")
    async with home.open() as cubes:
        with pytest.raises(LedgerUnavailable, match="cannot be read"):
            await cubes.build("people")
        assert cubes.ledger.size == 0
    (home.folder / "editions").unlink()
    (home.folder / "editions" / "key.new").mkdir(parents=True)
    async with home.open() as cubes:
        with pytest.raises(LedgerUnavailable, match="cannot be written"):
            await cubes.build("people")
        assert cubes.ledger.size == 0


async def test_two_builds_at_once_are_two_editions(home: Home) -> None:
    async with home.open() as cubes:
        found = await asyncio.gather(cubes.build("people"), cubes.build("people"))
        assert [one.edition.number for one in found] == [1, 2]


async def test_more_rows_or_cells_than_a_cube_is_made_of_are_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with home.open() as cubes:
        monkeypatch.setattr(module, "MAX_EDITION_BYTES", 10)
        with pytest.raises(AnswerTooLarge, match="1 cells, more than can be shown"):
            await cubes.build("people")
        monkeypatch.setattr("narrows.core.policy.bind.MOST_CUBE_ROWS", 6)
        with pytest.raises(AnswerTooLarge, match="more than the 6 rows"):
            await cubes.build("people")


async def test_only_fragments_of_cubes_are_read_from_editions(home: Home) -> None:
    listed = granting(
        "list: {rows: {person: {age: {null: true}}}, at_most: {rows: 9},"
        " show: {person: {country: as is}}}"
    )
    sql = "SELECT p.country FROM person p"
    _, rows = decide_and_bind(listed, CATALOG, fragment_of(sql), form("list"))
    assert rows is not None
    assert is_of_cubes([home.bound()])
    assert not is_of_cubes([rows])
    async with home.open() as cubes:
        with pytest.raises(CheckFailed, match="of no cube"):
            await cubes.read([rows])


# --- noise -------------------------------------------------------------------------------------


async def test_noise_is_paid_from_a_budget_that_survives_restarts(home: Home) -> None:
    home.given = counting(more=NOISY, bounds=BOUNDS)
    for number in (1, 2, 3):
        async with home.open() as cubes:
            built = await cubes.build("people")
            assert (built.edition.number, built.edition.epsilon) == (number, "0.5")
            entry = verify_receipt(built.receipt, KEY.verifier)
            assert entry.open["epsilon"] == "0.5"
    async with home.open() as cubes:
        with pytest.raises(BudgetSpent, match=r"spent 1.5 of the 1.5 .* and another spends 0.5"):
            await cubes.build("people")
        assert cubes.current("people").number == 3
        # The year is that of the federation's zone.
        home.clock.now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
        with pytest.raises(BudgetSpent):
            await cubes.build("people")
        home.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
        assert (await cubes.build("people")).edition.number == 4


async def test_cubes_of_one_relation_spend_together(home: Home) -> None:
    async with home.open() as cubes:
        for _ in range(5):
            await cubes.build("people")
        home.given = counting(more="noise: {epsilon: 0.5, a_year: 0.5}", bounds=BOUNDS)
        await cubes.build("people", is_afresh=True)
        (cube,) = home.given.cubes
        for renamed in (cube, replace(cube, id="folk"), replace(cube, relations=(PERSON, FILE))):
            home.given = replace(home.given, cubes=(renamed,))
            with pytest.raises(BudgetSpent, match="other cubes of its relations"):
                await cubes.build(renamed.id, is_afresh=True)


async def test_under_noise_a_person_counts_in_one_cell_only(home: Home) -> None:
    home.people(("CAN", range(5)), ("USA", range(5)), ("ZAF", range(9)))
    home.given = counting(more=NOISY, bounds=BOUNDS)
    async with home.open() as cubes:
        cells = (await cubes.build("people")).edition.cells
    # Five count in Canada and nowhere else, so that only four are left for South Africa.
    assert [(cell.place[1], cell.count) for cell in cells] == [("CAN", 5), ("ZAF", 4)]


def test_noise_is_opendps_and_of_its_scale() -> None:
    noise = OpenDpNoise()
    drawn = [noise.integer(100, 2.0) for _ in range(2000)]
    mean = sum(drawn) / len(drawn)
    spread = sum(abs(one - 100) for one in drawn) / len(drawn)
    # Of discrete Laplace noise with scale 2, the mean is 0 and the mean distance about 1.92.
    assert abs(mean - 100) < 0.5
    assert 1.5 < spread < 2.4


def test_without_opendp_a_noisy_cube_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(ObligationUnenforceable, match=r"install narrows\[statistics\]"):
        OpenDpNoise().integer(1, 1.0)
