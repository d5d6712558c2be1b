"""Lists: every row stands in an entry of its own part before the disclosure, and before it leaves."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from threading import get_ident

import pyarrow as pa
import pytest

from narrows.core.answer import Answer
from narrows.core.exchange import NodeAnswer
from narrows.core.ledger.entry import Entry, Kind, rows_digest
from narrows.core.policy.tokens import Token, unpack_tokens
from narrows.engines.arrow import build_batches
from narrows.node.tokens import SUBJECTS, TOKENS
from narrows.store.ledger import Ledger
from tests.system.federation import CATALOG, NSOR, ROWS, Federation, Setting, federation, question
from tests.system.test_walk import rows

LISTING = """
agency: {holder}
version: 1
effective: 2026-03-26
never:
  - rows: {{person: {{record_status: {{in: [SUSPENDED, SEALED]}}}}}}
    because: Criminal Records Act s.6
agreements:
  - id: watch-list
    authority: SOIRA 16(2)(a)
    with: {{classes: [municipal]}}
    purposes: [sexual_crime_investigation]
    valid: {{from: 2026-03-26}}
    list:
      rows: {{offender_registration: {{reg_status: {{in: [ACTIVE]}}}}}}
      at_most: {{rows: 6}}
      link: [person, offender_registration]
      show:
        person: {{surname: as is}}
        offender_registration: {{reg_status: as is}}
"""
EACH = LISTING.rstrip() + "\n      one_entry_for: person.person_id\n"
SQL = """
SELECT p.holder, p.surname FROM person p
JOIN offender_registration r USING (holder, person_id) WHERE p.holder = 'nsor'
"""
PEOPLE = {
    **ROWS,
    "person": (
        ("9", "Tremblay", "M4C1B5", "ACTIVE"),
        ("10", "Roy", "H2X0A9", "SUSPENDED"),
        ("11", "Abbott", "H2X0A9", "ACTIVE"),
    ),
    "offender_registration": (
        ("1", "9", "ACTIVE"), ("2", "10", "ACTIVE"), ("3", "11", "ACTIVE"), ("4", "9", "ACTIVE"),
        ("5", "9", "ENDED"),
    ),
}  # fmt: skip
NO_PEOPLE = {**PEOPLE, "offender_registration": (("5", "9", "ENDED"),)}
NAMES = [("nsor", "Abbott"), ("nsor", "Tremblay"), ("nsor", "Tremblay")]


async def listed(all_of: Federation, sql: str = SQL) -> Answer:
    return await all_of.ask(replace(question(sql), form="list"))


def parts(ledger: Ledger, found: Answer) -> tuple[list[tuple[int, Entry]], Entry]:
    """The entries of the parts, and the disclosure after them."""
    mine = [(index, ledger.entry(index)) for index in ledger.entries_of(found.request)]
    assert [one.kind for _, one in mine] == [Kind.LISTED] * (len(mine) - 1) + [Kind.DISCLOSURE]
    return mine[:-1], mine[-1][1]


async def test_a_list_leaves_by_batches_each_entered_first(tmp_path: Path) -> None:
    async with federation(tmp_path, PEOPLE, Setting(CATALOG, LISTING)) as all_of:
        found = await listed(all_of)
        assert rows(found) == NAMES
        ledger = all_of.nodes[NSOR].parts.ledger
        ((index, entry),), disclosure = parts(ledger, found)
        assert entry.open == {
            "agency": "vpd", "agreement": "watch-list", "fragment": 0,
            "chunk": 0, "chunk_count": 1, "row_count": 3,
        }  # fmt: skip
        digests = {one.field: one.value for one in ledger.openings(index)}
        of_all = {one.field: one.value for one in ledger.openings(index + 1)}
        assert digests["rows/0"] == of_all["rows/0"]
        assert disclosure.open["released"]


async def test_each_person_has_an_entry_where_the_policy_says_so(tmp_path: Path) -> None:
    async with federation(tmp_path, PEOPLE, Setting(CATALOG, EACH)) as all_of:
        sent: list[bytes] = []

        def look(answered: NodeAnswer) -> NodeAnswer:
            sent.extend(answered.fragments[0].batches)
            return answered

        all_of.nodes[NSOR].after = look
        found = await listed(all_of)
        # What is sent is the same; only what is entered differs.
        assert rows(found) == NAMES
        (batch,) = sent
        schema = pa.ipc.open_stream(batch).schema
        node = all_of.nodes[NSOR].parts
        chunks, _ = parts(node.ledger, found)
        assert [one.open["row_count"] for _, one in chunks] == [1, 2]
        assert [one.open["chunk"] for _, one in chunks] == [0, 1]
        token = node.token(2026)
        for place, person, mine in ((0, "11", NAMES[:1]), (1, "9", NAMES[1:])):
            opened = {one.field: one.value for one in node.ledger.openings(chunks[place][0])}
            subjects = unpack_tokens(opened[SUBJECTS])
            own = [one for one in ("9", "10", "11") if token("person.person_id", one) in subjects]
            assert own == [person]
            assert opened["rows/0"] == rows_digest(build_batches(mine, schema))


@pytest.mark.parametrize("policy", [LISTING, EACH])
async def test_a_row_that_stands_for_several_persons_is_entered_for_each(
    tmp_path: Path, policy: str
) -> None:
    people = {
        **PEOPLE,
        "person": (*PEOPLE["person"], ("12", "Tremblay", "M4C1B5", "ACTIVE")),
        "offender_registration": (*PEOPLE["offender_registration"], ("6", "12", "ACTIVE")),
    }
    async with federation(tmp_path, people, Setting(CATALOG, policy)) as all_of:
        found = await listed(all_of, SQL.replace("SELECT", "SELECT DISTINCT"))
        assert rows(found) == [NAMES[0], NAMES[1]]
        node = all_of.nodes[NSOR].parts
        token = node.token(2026)
        named = []
        for index, entry in parts(node.ledger, found)[0]:
            opened = {one.field: one.value for one in node.ledger.openings(index)}
            subjects = unpack_tokens(opened[SUBJECTS])
            own = [one for one in ("9", "11", "12") if token("person.person_id", one) in subjects]
            named.append((own, entry.open["row_count"]))
        # By batch: two rows about three persons. One by one: the row of two stands in both entries.
        each = [(["11"], 1), (["9"], 1), (["12"], 1)]
        assert named == (each if policy is EACH else [(["9", "11", "12"], 2)])


@pytest.mark.parametrize("people", [PEOPLE, NO_PEOPLE])
async def test_no_two_fields_of_a_request_share_fillers(
    tmp_path: Path, people: dict[str, tuple[tuple[str, ...], ...]]
) -> None:
    async with federation(tmp_path, people, Setting(CATALOG, EACH)) as all_of:
        found = await listed(all_of)
        ledger = all_of.nodes[NSOR].parts.ledger
        *chunks, disclosure = ledger.entries_of(found.request)
        last = {one.field: one.value for one in ledger.openings(disclosure)}
        packed = [
            unpack_tokens(one.value)
            for index in chunks
            for one in ledger.openings(index)
            if one.field == SUBJECTS
        ]
        packed += [unpack_tokens(last[TOKENS])] + (
            [] if chunks else [unpack_tokens(last[SUBJECTS])]
        )
        assert len(packed) == (3 if chunks else 2)
        # Each chunk is about another person: what two fields have in common would be fillers.
        for one, other in combinations(packed, 2):
            assert one & other == set()


async def test_the_tokens_of_a_list_are_made_before_the_tick_and_not_on_the_loop(
    tmp_path: Path,
) -> None:
    ticking = EACH.replace("    list:", "    answer_ticks_ms: 200\n    list:")
    async with federation(tmp_path, PEOPLE, Setting(CATALOG, ticking)) as all_of:
        node = all_of.nodes[NSOR]
        made: list[int] = []
        made_at_tick: list[int] = []

        def tokens_of(year: int) -> Token:
            token = kept(year)

            def made_of(field: str, value: str) -> bytes:
                if f"/{SUBJECTS}/0/" in value:
                    made.append(get_ident())
                return token(field, value)

            return made_of

        async def sleep(delay_s: float) -> None:
            assert delay_s > 0
            made_at_tick.append(len(made))

        def clock() -> datetime:
            # The federation's own stands still.
            return now() + timedelta(seconds=len(made_at_tick))

        kept, now = node.parts.token, node.parts.clock
        node.parts = replace(node.parts, token=tokens_of, sleep=sleep, clock=clock)
        found = await listed(all_of)
        assert rows(found) == NAMES
        assert get_ident() not in made
        assert made_at_tick[0] == len(made) > 0


async def test_a_list_without_whom_it_is_about_is_refused(tmp_path: Path) -> None:
    async with federation(tmp_path, PEOPLE, Setting(CATALOG, LISTING)) as all_of:
        found = await listed(all_of, "SELECT p.holder, p.surname FROM person p")
        assert {one.outcome.value for one in found.holders} == {"refused"}


async def test_a_list_over_its_cap_is_refused_whole(tmp_path: Path) -> None:
    many = tuple((str(n), "9", "ACTIVE") for n in range(7))
    async with federation(
        tmp_path, {**PEOPLE, "offender_registration": many}, Setting(CATALOG, LISTING)
    ) as all_of:
        found = await listed(all_of)
        assert "more than the 6 rows" in found.holders[0].reasons[0]
        ledger = all_of.nodes[NSOR].parts.ledger
        assert [ledger.entry(one).kind for one in ledger.entries_of(found.request)] == [
            Kind.REFUSAL
        ]


async def test_an_empty_list_is_entered_too(tmp_path: Path) -> None:
    async with federation(tmp_path, NO_PEOPLE, Setting(CATALOG, LISTING)) as all_of:
        found = await listed(all_of)
        assert rows(found) == []
        ((_, entry),), _ = parts(all_of.nodes[NSOR].parts.ledger, found)
        assert entry.open["row_count"] == 0
