"""Each hard case of record linkage is in the data: found by the truth, which no node has."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import duckdb
import pytest

from narrows.core.terms import Scalar

if TYPE_CHECKING:
    from tests.unit.examples.conftest import Generated, Row

Record: TypeAlias = "dict[str, Scalar]"
Pair: TypeAlias = tuple[Record, Record]


class World:
    """Every record of a person, by the person whom the truth says it is."""

    def __init__(self, canada: "Generated") -> None:
        self.canada = canada
        with duckdb.connect(":memory:") as connection:
            table = f"read_parquet('{canada.truth / 'truth.parquet'}')"
            rows = connection.execute(f"SELECT holder, person_id, true_id FROM {table}").fetchall()
        self.true: dict[tuple[str, str], int] = {(h, p): number for h, p, number in rows}
        self.of: defaultdict[int, list[tuple[str, Row]]] = defaultdict(list)
        for holder, row in canada.rows("person"):
            self.of[self.true[holder, str(row["person_id"])]].append((holder, row))

    def pairs(self) -> Iterator[Pair]:
        """Two records of one person."""
        for records in self.of.values():
            for (_, one), (_, other) in combinations(records, 2):
                yield one, other
                yield other, one

    def others(self) -> Iterator[Pair]:
        """Records of two people whom one holder has at the same address."""
        homes: defaultdict[tuple[str, Scalar], list[Row]] = defaultdict(list)
        for holder, row in self.canada.rows("person", "nsor", "vpd", "sq", "fnp"):
            homes[holder, row["residence_postal"]].append(row)
        for (holder, _), rows in homes.items():
            for one, other in combinations(rows, 2):
                ids = {self.true[holder, str(row["person_id"])] for row in (one, other)}
                if len(ids) == 2:
                    yield one, other

    def numbers(self, kind: str) -> Iterator[tuple[str, str]]:
        """Two values of one kind of identifier, of one person."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        for holder, row in self.canada.rows("identifier"):
            if row["ident_type"] == kind and (holder, str(row["person_id"])) in self.true:
                found[self.true[holder, str(row["person_id"])]].add(str(row["ident_value"]))
        for values in found.values():
            yield from combinations(sorted(values), 2)

    def names(self, kind: str) -> list["Row"]:
        return [row for _, row in self.canada.rows("person_name") if row["name_type"] == kind]


@pytest.fixture(scope="module")
def world(canada: "Generated") -> World:
    return World(canada)


def plain(text: Scalar) -> str:
    parts = unicodedata.normalize("NFD", str(text))
    return "".join(part for part in parts if not unicodedata.combining(part))


def is_swap(one: str, other: str) -> bool:
    """Whether two neighbours of one text stand in the other order in the other."""
    wrong = [n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    return (
        len(one) == len(other)
        and len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and (one[wrong[0]], one[wrong[1]]) == (other[wrong[1]], other[wrong[0]])
    )


def is_reversed(pair: Pair) -> bool:
    one, other = pair
    return bool(other["surname"]) and str(one["surname"]) == str(other["given_names"]).split(" ")[0]


def is_swapped_day(pair: Pair) -> bool:
    one, other = (record["birth_date"] for record in pair)
    return (
        isinstance(one, date)
        and isinstance(other, date)
        and one != other
        and (one.year, one.month, one.day) == (other.year, other.day, other.month)
    )


def is_placeholder(pair: Pair) -> bool:
    one, other = (record["birth_date"] for record in pair)
    return (
        isinstance(one, date)
        and isinstance(other, date)
        and one != other
        and one == date(other.year, 1, 1)
        and pair[0]["birth_date_precision"] == "D"
    )


def is_twin(pair: Pair) -> bool:
    one, other = pair
    return all(one[name] == other[name] for name in ("surname", "birth_date")) and (
        one["given_names"] != other["given_names"]
    )


def is_son(pair: Pair) -> bool:
    one, other = pair
    births = [record["birth_date"] for record in pair]
    years = [born.year for born in births if isinstance(born, date)]
    return (
        all(one[name] == other[name] for name in ("surname", "given_names"))
        and len(years) == 2
        and abs(years[0] - years[1]) >= 20
    )


def is_accent(pair: Pair) -> bool:
    one, other = (str(record["surname"]) for record in pair)
    return one != other and plain(one) == plain(other)


def is_typo(pair: Pair) -> bool:
    one, other = (plain(record["surname"]) for record in pair)
    dropped = {one[:n] + one[n + 1 :] for n in range(len(one))}
    return other in dropped or is_swap(one, other)


def is_cut(row: Record) -> bool:
    """Whether the zone's 39 characters ended inside the name."""
    return len(f"{row['surname']}<<{row['given_names']}") == 39


CASES: dict[str, Callable[[World], int]] = {
    "twins": lambda w: sum(map(is_twin, w.others())),
    "a father and a son of one name": lambda w: sum(map(is_son, w.others())),
    "a changed name": lambda w: len(w.names("BIRTH")),
    "an alias": lambda w: len(w.names("ALIAS")),
    "another romanisation": lambda w: sum(
        1 for row in w.names("TRANSLIT") if str(row["surname"]).isascii()
    ),
    "syllabics": lambda w: sum(
        1 for row in w.names("TRANSLIT") if "\u1400" <= str(row["surname"])[:1] <= "\u167f"
    ),
    "a single name": lambda w: sum(
        1 for _, row in w.canada.rows("person", "fnp") if row["given_names"] == ""
    ),
    "an apostrophe": lambda w: sum(
        1 for _, row in w.canada.rows("person") if "'" in str(row["surname"])
    ),
    "accents lost": lambda w: sum(map(is_accent, w.pairs())),
    "a typing error": lambda w: sum(map(is_typo, w.pairs())),
    "names in the other order": lambda w: sum(map(is_reversed, w.pairs())),
    "day and month swapped": lambda w: sum(map(is_swapped_day, w.pairs())),
    "the first of January for an unknown day": lambda w: sum(map(is_placeholder, w.pairs())),
    "about a year": lambda w: sum(
        1 for _, row in w.canada.rows("person", "fnp") if row["birth_date_precision"] == "Y"
    ),
    "digits of a document transposed": lambda w: sum(
        is_swap(one, other) for one, other in w.numbers("PASSPORT")
    ),
    "a name cut by a machine": lambda w: sum(
        is_cut(row) for _, row in w.canada.rows("border_crossing")
    ),
    "one person twice at one holder": lambda w: sum(
        count > 1
        for records in w.of.values()
        for count in Counter(holder for holder, _ in records).values()
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_hard_case_is_in_the_data(world: World, case: str) -> None:
    assert CASES[case](world) > 0


def test_a_person_is_known_to_none_or_up_to_five_holders(world: World) -> None:
    holders = Counter(len({holder for holder, _ in records}) for records in world.of.values())
    assert 1 in holders
    assert 3 in holders
    assert max(holders) <= 5
    assert len(world.of) < 2000


def test_some_registrants_left_without_notice(world: World) -> None:
    canada = world.canada
    passports = {
        row["ident_value"]: row["person_id"]
        for _, row in canada.rows("identifier", "nsor")
        if row["ident_type"] == "PASSPORT"
    }
    noticed = {row["person_id"] for _, row in canada.rows("travel_notice", "nsor")}
    left = {
        passports[row["doc_number"]]
        for _, row in canada.rows("border_crossing")
        if row["direction"] == "EXIT" and row["doc_number"] in passports
    }
    assert left - noticed
    assert left & noticed
