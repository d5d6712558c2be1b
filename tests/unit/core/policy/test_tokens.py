"""What is sealed of a question: literals as they are compared, persons, and subjects of rows."""

from dataclasses import replace
from hashlib import sha256

import pytest

from narrows.core.catalog import Catalog, Column
from narrows.core.policy.model import Policy
from narrows.core.policy.subjects import spell_value, subject_columns
from narrows.core.policy.tokens import (
    LEAST_TOKENS,
    TOKEN_BYTES,
    Sought,
    pack_tokens,
    sought_in,
    unpack_tokens,
)
from narrows.core.terms import Purpose
from tests.unit.core.policy.world import ASKED, CATALOG, DAY, PAPER, fragment_of, granting

LOOKUP = """
lookup:
  by: [{by}]
  at_most: {{rows: 5, literals: 9}}
  link: [person, paper]
  show: {{person: {{pid: as is, age: as is}}}}
"""
SQL = "SELECT p.pid FROM person p JOIN paper i USING (holder, pid) WHERE "
CODED = replace(
    CATALOG,
    relations={
        **CATALOG.relations,
        PAPER: replace(
            CATALOG.relations[PAPER],
            columns=tuple(
                Column(one.name, one.type, is_id=one.is_id, codes=("PASSPORT", "OLN"))
                if one.name == "kind"
                else one
                for one in CATALOG.relations[PAPER].columns
            ),
        ),
    },
)
"""The same registry, where the kind of a paper is a code."""


def by(key: str) -> Policy:
    return granting(LOOKUP.format(by=key))


def sought(given: Policy, where: str, catalog: Catalog = CATALOG) -> Sought:
    return sought_in(given, catalog, fragment_of(SQL + where), ASKED)


def token(field: str, value: str) -> bytes:
    return sha256(f"{field}\n{value}".encode()).digest()[:TOKEN_BYTES]


@pytest.mark.parametrize(
    ("key", "where", "literals"),
    [
        ("{paper.number: equal}", "i.number = 'zz-1'", {("paper.number", "zz-1")}),
        (
            "{paper.number: {normal: document}}",
            "i.number = 'zz-1'",
            {("paper.number", "ZZ1")},
        ),
        (
            "{paper.number: {in: 3}}",
            "i.number IN ('ZZ1', 'ZZ2', 'ZZ1')",
            {("paper.number", "ZZ1"), ("paper.number", "ZZ2")},
        ),
        (
            "{paper.number: {normal: phone CA}}",
            "i.number = '(416) 555-0142'",
            {("paper.number", "+14165550142")},
        ),
        (
            "{person.surname + person.given: {similar: name_sim, at_least: 0.9}}",
            "name_sim(p.surname || ' ' || p.given, 'Nguyễn, Hoa') >= 0.9",
            {("person.surname+person.given", "hoa nguyen")},
        ),
        (
            "{person.surname: {first: 2}}",
            "substr(p.surname, 1, 2) = 'Ng'",
            {("person.surname/first 2", "Ng")},
        ),
        (
            "{person.born: {within_days: 2}}",
            "p.born BETWEEN DATE '1981-03-06' AND DATE '1981-03-10'",
            {("person.born", "1981-03-06"), ("person.born", "1981-03-10")},
        ),
        # One field for a key and what refers to it; an id without this holder's name.
        ("{paper.pid: equal}", "i.pid = 'nsor:9'", {("person.pid", "9")}),
        ("{person.pid: equal}", "p.pid = 'osor:9'", {("person.pid", "osor:9")}),
    ],
)
def test_literals_are_taken_as_the_key_compares_them(
    key: str, where: str, literals: set[tuple[str, str]]
) -> None:
    assert sought(by(key), where).literals == literals


def test_whom_it_is_about_does_not_change_with_what_may_be_left_out() -> None:
    given = by("{paper.number: equal, paper.kind: optional equal}")
    bare = sought(given, "i.number = 'ZZ1'")
    more = sought(given, "i.number = 'ZZ1' AND i.kind = 'OLN'")
    assert bare.persons == more.persons == {("paper.number", '["ZZ1"]')}
    assert more.literals - bare.literals == {("paper.kind", "OLN")}


def test_a_code_names_nobody_and_a_day_only_where_nothing_else_does() -> None:
    given = by("{paper.number: equal, paper.kind: equal, person.born: {within_days: 1}}")
    where = "i.number = 'ZZ1' AND i.kind = 'OLN' AND p.born = DATE '1981-03-0{}'"
    one, other = (sought(given, where.format(day), CODED) for day in (1, 2))
    assert one.persons == other.persons == {("paper.number", '["ZZ1"]')}
    assert one.literals != other.literals
    day = sought(by("{person.born: {within_days: 1}}"), "p.born = DATE '1981-03-01'")
    assert day.persons == {("person.born", '["1981-03-01"]')}
    code = sought(by("{paper.kind: equal}"), "i.kind = 'OLN'", CODED)
    assert code.persons == {("paper.kind", '["OLN"]')}


def test_each_combination_is_somebody() -> None:
    given = by("{paper.number: {in: 2}, person.surname: {in: 2}}")
    found = sought(given, "i.number IN ('A', 'B') AND p.surname IN ('C', 'D')")
    assert found.persons == {
        ("paper.number+person.surname", f'["{one}","{other}"]') for one in "AB" for other in "CD"
    }


def test_a_refused_question_is_sealed_too() -> None:
    given = by("{paper.number: equal}")
    wrong_purpose = replace(ASKED, purpose=Purpose("statistics"))
    fragment = fragment_of(SQL + "i.number = 'ZZ1'")
    expected = {("paper.number", "ZZ1")}
    assert sought_in(given, CATALOG, fragment, wrong_purpose).literals == expected
    # Asked of what is not shown, and in a form that is not given.
    hidden = fragment_of("SELECT i.kind FROM paper i WHERE i.number = 'ZZ1'")
    assert sought_in(given, CATALOG, hidden, ASKED).literals == expected
    assert sought_in(given, CATALOG, fragment, replace(ASKED, form="pointer")).literals == expected


def test_what_is_no_literal_of_the_kind_is_none() -> None:
    given = by("{paper.number: {normal: phone CA}}")
    assert sought(given, "i.number = 'nobody'") == Sought()
    assert sought(by("{paper.number: equal}"), "p.surname = 'Roy'") == Sought()


def test_a_list_seeks_nobody() -> None:
    given = granting("""
list:
  rows: {person: {status: {in: [ACTIVE]}}}
  at_most: {rows: 5}
  show: {person: {pid: as is}}
""")
    fragment = fragment_of("SELECT p.pid FROM person p")
    assert sought_in(given, CATALOG, fragment, replace(ASKED, form="list")) == Sought()


def test_subjects_are_named_by_keys_and_references_each_once() -> None:
    fragment = fragment_of(
        "SELECT p.pid FROM person p JOIN file f USING (holder, pid) WHERE p.surname = 'Roy'"
    )
    found = subject_columns(CATALOG, fragment)
    assert sorted(found.values()) == ["file.file_no", "person.pid"]
    assert all(column.alias in {scan.alias for scan in fragment.scans} for column in found)
    assert {fragment.relation_of(c.alias) for c, f in found.items() if f == "person.pid"} == {
        fragment.scans[0].relation
    }


def test_values_are_spelled_once() -> None:
    assert [spell_value(one) for one in ("9", 9, DAY, True)] == ["9", "9", "2026-06-01", "true"]


def test_a_miss_is_as_long_as_a_hit() -> None:
    miss = pack_tokens((), token, "request")
    hit = pack_tokens([token("person.pid", str(n)) for n in (9, 10, 9)], token, "request")
    assert len(miss) == len(hit) == LEAST_TOKENS * TOKEN_BYTES
    assert {token("person.pid", "9"), token("person.pid", "10")} <= unpack_tokens(hit)
    assert len(unpack_tokens(hit)) == len(unpack_tokens(miss)) == LEAST_TOKENS
    assert len(unpack_tokens(hit) & unpack_tokens(miss)) == LEAST_TOKENS - 2
    many = pack_tokens([token("person.pid", str(n)) for n in range(65)], token, "request")
    assert len(many) == 2 * LEAST_TOKENS * TOKEN_BYTES


def test_the_fillers_of_two_entries_differ() -> None:
    one, other = (unpack_tokens(pack_tokens((), token, name)) for name in ("one", "other"))
    assert one & other == set()


def test_where_tokens_stand_says_nothing() -> None:
    packed = pack_tokens([token("person.pid", "9")], token, "request")
    parts = [packed[n : n + TOKEN_BYTES] for n in range(0, len(packed), TOKEN_BYTES)]
    assert parts == sorted(parts)
