"""An edition's bytes, and the rows that stand for its cells."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.canonical import canonical_bytes, parse_canonical
from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy import edition as module
from narrows.core.policy.bind import bind_cube, decide_and_bind
from narrows.core.policy.cubes import layout_of
from narrows.core.policy.decision import Verdict
from narrows.core.policy.edition import (
    decode_edition,
    decode_private,
    encode_private,
    expand,
    parse_mean,
    spell_mean,
)
from narrows.core.policy.finish import give_rows
from narrows.core.terms import ColumnName, Digest
from narrows.errors import AnswerTooLarge, CheckFailed, ProofInvalid
from tests.unit.core.policy.counting import (
    ASKED,
    Published,
    counting,
    cube_of,
    persons,
    publish,
)
from tests.unit.core.policy.world import CATALOG, DAY, FILE, PERSON, fragment_of, policy

PEOPLE = [
    *persons("CAN", 1, 2, 3, born=date(1981, 3, 7), age=20, weight=0.25),
    *persons("CAN", 4, born=date(1981, 1, 1), age=21),
    *persons(None, 5, 6, 7, 8, 9),
]
GIVEN = counting(3)
FOUND = publish(GIVEN, PEOPLE)


def test_the_public_bytes_hold_what_is_shown_and_read_back() -> None:
    encoded = FOUND.edition.encoded
    assert decode_edition(encoded) == FOUND.edition
    document = parse_canonical(encoded)
    assert isinstance(document, dict)
    assert document["cells"] == [
        {"at": [None, None], "count": 5, "means": [None, None]},
        {"at": ["1981-01-01", "CAN"], "count": 4, "means": ["20.25", "0.25"]},
    ]
    assert (document["as_of"], document["epsilon"]) == ("2026-06-01T12:00:00.000000Z", None)
    assert b"nsor:1" not in encoded


def test_the_noise_that_was_spent_stands_in_the_bytes() -> None:
    noisy = replace(FOUND.edition, epsilon="0.5")
    assert decode_edition(noisy.encoded).epsilon == "0.5"


@pytest.mark.parametrize(("value", "text"), [(0, "0.00"), (-5, "-0.05"), (314, "3.14")])
def test_means_are_spelled_with_two_digits(value: int, text: str) -> None:
    assert spell_mean(value) == text
    assert parse_mean(text) == value


def _changed(data: bytes, **fields: object) -> bytes:
    document = parse_canonical(data)
    assert isinstance(document, dict)
    return canonical_bytes({**document, **fields})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "fields",
    [
        {"v": "narrows/edition/v2"},
        {"more": 1},
        {"holder": 1},
        {"k": True},
        {"cells": {}},
        {"cells": [[]]},
        {"dimensions": [["person", "born"]]},
        {"dimensions": [["person", "born", "nosuch"]]},
        {"policy": "xy"},
        {"as_of": "noon"},
    ],
)
def test_other_public_bytes_are_no_edition(fields: dict[str, object]) -> None:
    with pytest.raises(ProofInvalid):
        decode_edition(_changed(FOUND.edition.encoded, **fields))
    with pytest.raises(ProofInvalid):
        decode_edition(b"{")


def test_the_private_part_reads_back_for_cells_that_were_ever_shown() -> None:
    layout = layout_of(cube_of(GIVEN), CATALOG)
    gone = publish(GIVEN, persons(None, 5), FOUND)
    assert [one.count.is_shown for one in gone.kept] == [False, False]
    for found in (FOUND, gone):
        data = encode_private(found.edition, layout, found.kept)
        assert decode_private(data, found.edition) == found.earlier
    assert b'"<nsor:1>"' in encode_private(FOUND.edition, layout, FOUND.kept)


def test_the_private_part_of_another_edition_is_not_compared() -> None:
    bounded = cube_of(counting(bounds="{between: [0, 100]}"))
    data = encode_private(FOUND.edition, layout_of(bounded, CATALOG), FOUND.kept)
    assert decode_private(data, FOUND.edition).measures == bounded.measures
    with pytest.raises(ProofInvalid, match="of another edition"):
        decode_private(data, replace(FOUND.edition, number=9))
    for cells in ([{"at": [None, None], "figures": [None]}], 3):
        with pytest.raises(ProofInvalid, match="not of its format"):
            decode_private(_changed(data, cells=cells), FOUND.edition)


# --- answers -----------------------------------------------------------------------------------

BY_COUNTRY = "SELECT p.country, count(*), count(DISTINCT p.pid) FROM person p GROUP BY 1"


def test_counts_are_of_units_and_totals_of_shown_cells() -> None:
    assert FOUND.ask(BY_COUNTRY) == [(None, 5, 5), ("CAN", 4, 4)]
    few = publish(GIVEN, [*PEOPLE, *persons("USA", 11, 12)])
    assert few.ask("SELECT count(*) FROM person p") == [(9,)]


def test_means_and_sums_of_whole_numbers_come_out_right() -> None:
    sql = "SELECT avg(p.age), sum(p.age), avg(p.weight), min(p.age), max(p.age) FROM person p"
    assert FOUND.ask(f"{sql} WHERE p.country = 'CAN'") == [(20.25, 81, 0.25, 20, 21)]
    assert FOUND.ask(f"{sql} WHERE p.country IS NULL") == [(None,) * 5]


def test_filters_see_coarsened_values() -> None:
    day = "SELECT count(*) FROM person p WHERE p.born = DATE '{}'"
    assert FOUND.ask(day.format("1981-01-01")) == [(4,)]
    assert FOUND.ask(day.format("1981-03-07")) == [(0,)]


def test_a_star_brings_what_the_cube_has() -> None:
    (first, *_) = FOUND.ask("SELECT * FROM person p WHERE p.country = 'CAN' ORDER BY p.age DESC")
    assert first[:4] == ("nsor", "nsor:#6", None, None)
    decision, _ = decide_and_bind(GIVEN, CATALOG, fragment_of("SELECT * FROM person"), ASKED)
    assert decision.verdict is Verdict.NARROWED
    assert "person.surname" in decision.withheld


def test_serials_are_of_the_units_type() -> None:
    files = policy("""\
cubes:
  - {id: a, of: [file], unit: file.file_no, units: files, at_least: 2, group: {file: {unit: as is}}}
  - {id: b, of: [person], unit: person.age, units: ages, at_least: 2, group: {person: {country: as is}}}
agreements:
  - id: figures
    authority: the Act
    with: {country: CAN}
    purposes: [statistics]
    valid: {from: 2026-01-01}
    count: [a, b]
""")
    edition = replace(
        FOUND.edition, unit=(FILE, ColumnName("file_no")), dimensions=(), measures=(),
        cells=(replace(FOUND.edition.cells[0], place=(), count=2),),
    )  # fmt: skip
    assert Published(files, edition, ()).ask("SELECT f.file_no FROM file f") == [("#1",), ("#2",)]
    ages = replace(edition, unit=(PERSON, ColumnName("age")))
    assert Published(files, ages, ()).ask("SELECT p.age FROM person p") == [(1,), (2,)]


def test_what_an_edition_lacks_is_a_failed_check() -> None:
    _, bound = decide_and_bind(GIVEN, CATALOG, fragment_of(BY_COUNTRY), ASKED)
    assert bound is not None
    lacking = replace(FOUND.edition, dimensions=FOUND.edition.dimensions[:1])
    with pytest.raises(CheckFailed, match="what its edition lacks"):
        list(expand(lacking, bound))


def test_more_rows_than_an_answer_stands_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, bound = decide_and_bind(GIVEN, CATALOG, fragment_of(BY_COUNTRY), ASKED)
    assert bound is not None
    monkeypatch.setattr(module, "MOST_ROWS", 9)
    assert len(give_rows(bound, expand(FOUND.edition, bound))) == 9
    monkeypatch.setattr(module, "MOST_ROWS", 8)
    with pytest.raises(AnswerTooLarge, match="more than 8 units of `people`"):
        list(expand(FOUND.edition, bound))


def test_the_raw_rows_of_a_cube_bear_no_digest_of_a_request() -> None:
    bound = bind_cube(GIVEN, CATALOG, cube_of(GIVEN), DAY)
    assert (bound.agreement, len(bound.fragment)) == ("people", 32)
    assert bound.columns[0].column == ColumnOf("t1", ColumnName("age"))
    assert Digest(bound.fragment) == FOUND.edition.definition
