"""Every way to match a key, each beside what is no match."""

import re

import pytest

from narrows.core.normal import name_sim
from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.bound import (
    Anchor,
    FirstAnchor,
    NodeAnchor,
    NormalAnchor,
    RangeAnchor,
    SimilarAnchor,
)
from narrows.core.policy.decision import Verdict
from narrows.core.policy.form import encode_bound
from narrows.core.policy.model import Policy
from narrows.core.policy.views import describe
from narrows.errors import BadFederation
from tests.unit.core.policy.world import TABLES, ask, granting

LOOKUP = """
lookup:
  by: [{by}]
  at_most: {{rows: 5, literals: 4}}
  link: [person, paper]
  show: {{person: {{pid: as is, age: as is}}}}
"""


def by(key: str) -> Policy:
    return granting(LOOKUP.format(by=key))


def read_by(anchor: NodeAnchor) -> tuple[ColumnOf, ...]:
    return anchor.columns if isinstance(anchor, SimilarAnchor) else (anchor.column,)


PAPER_SQL = "SELECT p.pid FROM person p JOIN paper i USING (holder, pid) WHERE "


@pytest.mark.parametrize(
    ("key", "where", "kind", "found"),
    [
        ("{paper.number: equal}", "i.number = 'ZZ999999'", Anchor, ["2"]),
        ("{paper.number: {in: 2}}", "i.number IN ('ZZ999999', 'X')", Anchor, ["2"]),
        ("{paper.number: {in: 2}}", "i.number = 'ZZ999999'", Anchor, ["2"]),
        ("{person.born: {within_days: 2}}", "p.born = DATE '1991-01-01'", RangeAnchor, ["2"]),
        (
            "{person.born: {within_days: 2}}",
            "p.born BETWEEN DATE '1981-03-06' AND DATE '1981-03-10'",
            RangeAnchor,
            ["1", "1", "3"],
        ),
        (
            "{person.born: {within_days: 0}}",
            "DATE '1981-03-07' <= p.born AND DATE '1981-03-07' >= p.born",
            RangeAnchor,
            ["1", "1"],
        ),
        ("{person.surname: {first: 2}}", "substr(p.surname, 1, 2) = 'Ng'", FirstAnchor, ["2"]),
        (
            "{person.surname: {first: 2, in: 2}}",
            "substr(p.surname, 1, 2) IN ('Ng', 'Ro')",
            FirstAnchor,
            ["2", "3"],
        ),
        (
            "{person.surname: {normal: name}}",
            "p.surname = 'LEVESQUE COTE'",
            NormalAnchor,
            ["1", "1"],
        ),
        ("{paper.number: {normal: document}}", "i.number = 'zz123456'", NormalAnchor, ["1"]),
        ("{paper.number: {normal: phone CA}}", "i.number = '416 555 0142'", Anchor, ["1", "3"]),
        ("{paper.number: {min_length: 8}}", "i.number = 'ZZ999999'", Anchor, ["2"]),
        (
            "{person.surname + person.given: {similar: name_sim, at_least: 0.9}}",
            "name_sim(p.surname || ' ' || p.given, 'HOA NGUYEN THI') >= 0.9",
            SimilarAnchor,
            ["2"],
        ),
        (
            "{person.surname: {similar: name_sim, at_least: 0.9}}",
            "name_sim('nguyen', p.surname) >= 0.9",
            SimilarAnchor,
            ["2"],
        ),
    ],
)
def test_a_key_is_matched(key: str, where: str, kind: type[object], found: list[str]) -> None:
    answer = ask(by(key), PAPER_SQL + where, TABLES)
    assert answer.decision.verdict is Verdict.ALLOWED, answer.decision.reasons
    assert answer.bound is not None
    assert [type(one) for one in answer.bound.anchors] == [kind]
    assert not answer.bound.filters
    assert answer.rows is not None
    assert sorted(row[0] for row in answer.rows) == [f"nsor:{one}" for one in found]  # type: ignore[type-var]
    assert "$1" in describe(answer.bound)
    # The bytes tell keys apart, and what the engine leaves to the node is read raw.
    plain = ask(by("{paper.number: equal}"), PAPER_SQL + "i.number = 'A'").bound
    assert plain is not None
    assert encode_bound(answer.bound) != encode_bound(plain)
    if answer.bound.is_finished_by_node:
        raw = {column for one in answer.bound.node_anchors for column in read_by(one)}
        assert raw <= set(answer.bound.raw_columns)


@pytest.mark.parametrize(
    ("key", "where", "reason"),
    [
        ("{paper.number: equal}", "i.number IN ('A', 'B')", "nothing is matched"),
        ("{paper.number: {in: 2}}", "i.number IN ('A', 'B', 'C')", "at most 2 literals"),
        ("{paper.number: {in: 9}}", "i.number IN ('A','B','C','D','E')", "at most 4 literals"),
        ("{paper.number: equal}", "i.number = 'A' OR i.number = 'B'", "nothing is matched"),
        ("{paper.number: equal}", "NOT i.number = 'A'", "nothing is matched"),
        ("{paper.number: equal}", "i.number > 'A'", "nothing is matched"),
        ("{paper.number: equal}", "i.number = i.kind", "nothing is matched"),
        (
            "{person.born: {within_days: 2}}",
            "p.born = DATE '1981-03-07' AND p.born <= p.born",
            "`person.born` is not shown",
        ),
        (
            "{person.born: {within_days: 2}}",
            "p.born BETWEEN DATE '1981-03-06' AND DATE '1981-03-11'",
            "within 4 days, and no wider",
        ),
        ("{person.born: {within_days: 2}}", "p.born >= DATE '1981-03-06'", "within 4 days"),
        (
            "{person.born: {within_days: 2}}",
            "p.born >= DATE '1981-03-06' AND p.born <= DATE '1981-03-07' "
            "AND p.born <= DATE '1981-03-08'",
            "nothing is matched",
        ),
        ("{person.surname: {first: 2}}", "substr(p.surname, 1, 3) = 'Ngu'", "first 2 characters"),
        ("{person.surname: {first: 2}}", "substr(p.surname, 2, 2) = 'gu'", "nothing is matched"),
        ("{person.surname: {first: 2}}", "p.surname LIKE 'Ng%'", "first 2 characters"),
        ("{person.surname: equal}", "p.surname LIKE 'Nguyen'", "nothing is matched"),
        (
            "{person.surname: equal}",
            "p.surname IS NOT DISTINCT FROM 'Nguyen'",
            "nothing is matched",
        ),
        ("{person.born: equal}", "p.born IS NOT DISTINCT FROM DATE '1981-03-07'", "nothing is"),
        ("{person.born: {within_days: 366}}", "year(p.born) = 1981", "within 732 days"),
        (
            "{person.born: {within_days: 366}}",
            "year(p.born) >= 1981 AND year(p.born) <= 1981",
            "within 732 days",
        ),
        ("{person.surname: {normal: name}}", "p.surname = '--'", "matched by a name"),
        ("{paper.number: {normal: phone CA}}", "i.number = 'zz'", "matched by a phone"),
        (
            "{person.surname: {normal: name}}",
            f"p.surname = '{'a' * 201}'",
            "matched by at most 200 characters",
        ),
        (
            "{person.surname: {similar: name_sim, at_least: 0.9}}",
            f"name_sim(p.surname, '{'a' * 201}') >= 0.9",
            "compares with at most 200 characters",
        ),
        ("{paper.number: {min_length: 9}}", "i.number = 'ZZ999999'", "at least 9 characters"),
        (
            "{person.surname: {similar: name_sim, at_least: 0.9}}",
            "name_sim(p.surname, 'nguyen') >= 0.8",
            "by name_sim >= 0.9",
        ),
        (
            "{person.surname: {similar: name_sim, at_least: 0.9}}",
            "name_sim(p.surname, 'nguyen') > 0.9",
            "by name_sim >= 0.9",
        ),
        (
            "{person.surname + person.given: {similar: name_sim, at_least: 0.9}}",
            "name_sim(p.given || ' ' || p.surname, 'nguyen') >= 0.9",
            "person.surname + person.given by name_sim",
        ),
    ],
)
def test_what_is_no_match_is_refused(key: str, where: str, reason: str) -> None:
    decision = ask(by(key), PAPER_SQL + where).decision
    assert decision.verdict is Verdict.REFUSED
    assert reason in "; ".join(decision.reasons)
    for literal in re.findall(r"'([^' ]+)'", where):
        whole = re.compile(rf"(?<!\w){re.escape(literal)}(?!\w)")
        assert not whole.search("; ".join(decision.reasons))


def test_an_optional_key_of_any_kind_may_be_left_out() -> None:
    key = (
        "{paper.number: equal, person.born: {within_days: 1, optional: true}, "
        "person.surname: {similar: name_sim, at_least: 0.9, optional: true}, "
        "person.given: {first: 1, optional: true}}"
    )
    assert ask(by(key), PAPER_SQL + "i.number = 'A'").decision.releases
    refused = ask(by(key), PAPER_SQL + "p.born = DATE '1981-03-07'").decision
    assert "(optional)" in refused.reasons[0]


def test_the_key_set_that_matches_most_counts() -> None:
    # By the first alone, the year would be compared with the age as it is shown: 40.
    sets = granting(
        LOOKUP.format(by="{person.surname: equal}, [person.surname, person.age]").replace(
            "age: as is", "age: bucket 20"
        )
    )
    found = ask(
        sets, "SELECT p.pid FROM person p WHERE p.surname = 'Nguyen' AND p.age = 35", TABLES
    )
    assert found.rows == [("nsor:2",)]
    coarse = ask(
        sets, "SELECT p.pid FROM person p WHERE p.surname = 'Nguyen' AND p.age > 30", TABLES
    )
    assert coarse.rows == []


def test_null_is_matched_by_nothing() -> None:
    tables = {**TABLES}
    for key, where in [
        ("{person.born: {within_days: 2}}", "p.born = CAST(NULL AS DATE)"),
        ("{person.given: {first: 2}}", "substr(p.given, 1, 2) = 'xx'"),
        ("{person.country: {normal: name}}", "p.country = 'nowhere'"),
        (
            "{person.surname + person.country: {similar: name_sim, at_least: 0.5}}",
            "name_sim(p.surname || ' ' || p.country, 'Roy') >= 0.5",
        ),
    ]:
        found = ask(by(key), PAPER_SQL + where, tables)
        assert found.rows in (None, []), where


@pytest.mark.parametrize(
    "key",
    [
        "{person.pid: {normal: name}}",
        "{person.pid: {first: 2}}",
        "{person.pid: {min_length: 2}}",
        "{person.age: {normal: document}}",
        "{person.surname: {within_days: 2}}",
        "{person.surname: {}}",
        "{person.surname: {optional: true}}",
        "{person.surname: {similar: name_sim}}",
        "{person.surname: {at_least: 0.9, in: 2}}",
        "{person.surname: {at_least: 0.4, similar: name_sim}}",
        "{person.surname: {first: 2, within_days: 1}}",
        "{person.surname: {first: 2, normal: name}}",
        "{person.born: {within_days: 2, in: 2}}",
        "{person.surname: {normal: phone}}",
        "{person.surname + person.given: equal}",
        "{person.surname + paper.number: {similar: name_sim, at_least: 0.9}}",
        "{person.surname: {first: 2, optional: true}}",
    ],
)
def test_a_key_that_says_nothing_or_two_things_is_refused_with_its_line(key: str) -> None:
    with pytest.raises(BadFederation) as caught:
        by(key)
    assert caught.value.line == 11


def test_nearly_alike_is_not_alike() -> None:
    assert 0.5 < name_sim("Nguyen", "Nagy") < 0.9
    policy = by("{person.surname: {similar: name_sim, at_least: 0.9}}")
    question = "SELECT p.pid FROM person p WHERE name_sim(p.surname, '{}') >= 0.9"
    assert ask(policy, question.format("Nagy"), TABLES).rows == []
    assert ask(policy, question.format("Nguyen"), TABLES).rows == [("nsor:2",)]


def test_a_question_names_no_more_people_than_can_be_counted() -> None:
    given = granting("""
lookup:
  by: [{person.surname: {in: 40}, person.given: {in: 40}}]
  at_most: {rows: 5, literals: 80}
  show: {person: {pid: as is, age: as is}}
""")

    def question(count: int) -> str:
        listed = ", ".join(f"'{n}'" for n in range(count))
        return f"SELECT p.pid FROM person p WHERE p.surname IN ({listed}) AND p.given IN ({listed})"

    assert ask(given, question(31)).decision.releases
    reasons = ask(given, question(32)).decision.reasons
    assert reasons == ("a question names at most 1000 combinations of literals",)


def test_a_filter_by_likeness_is_short_too() -> None:
    given = by("{paper.number: equal}")
    where = f"i.number = 'A' AND (p.age = 3 OR name_sim(p.pid, '{'a' * 201}') >= 0.9)"
    reasons = ask(given, PAPER_SQL + where).decision.reasons
    assert "`name_sim` compares with at most 200 characters" in reasons
