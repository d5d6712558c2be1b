"""What is accepted stands beside what is refused; each hostile text is one line."""

import logging
import sys
from inspect import stack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.sql import tree
from narrows.core.sql.parse import parse
from narrows.core.sql.scan import MOST_SOURCES
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery, NarrowsError, UnsupportedQuery
from tests.unit.core.sql.texts import ACCEPTED, HOSTILE


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: str(text)[:60])
def test_hostile_text_is_refused(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises((MalformedQuery, UnsupportedQuery)) as found:
        parse(text)
    assert not caplog.records
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("text", ACCEPTED, ids=lambda text: str(text)[:60])
def test_plain_text_is_accepted(text: str) -> None:
    parse(text)


def test_a_long_text_is_refused_unread() -> None:
    for text in ("(" * 1_000_000, "'" * 1_000_000, "SELECT " + "NOT " * 250_000):
        with pytest.raises(UnsupportedQuery, match="longer than 20000 characters"):
            parse(text)


def test_a_caller_deep_in_calls_gets_a_refusal() -> None:
    def parse_below(calls: int) -> tree.Query:
        return parse(f"SELECT {'(' * 20}1{')' * 20}") if calls == 0 else parse_below(calls - 1)

    room = sys.getrecursionlimit() - len(stack())
    with pytest.raises(UnsupportedQuery, match="nests too deep"):
        parse_below(room - 200)


def test_a_refusal_has_a_position_and_no_literal() -> None:
    with pytest.raises(UnsupportedQuery) as found:
        parse("SELECT a FROM t WHERE a = 'secret' AND random() > 1")
    assert found.value.position == 39
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("text", ["SELECT a FROM t WHERE 'secret' = = 1", "SELECT DATE 'secret'"])
def test_no_message_repeats_a_literal(text: str) -> None:
    with pytest.raises(MalformedQuery) as found:
        parse(text)
    assert "secret" not in str(found.value) + str(found.value.metadata)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", ColumnType.BIGINT),
        ("-1", ColumnType.BIGINT),
        ("1.5", ColumnType.DOUBLE),
        ("'x'", ColumnType.TEXT),
        ("true", ColumnType.BOOLEAN),
        ("DATE '2026-01-31'", ColumnType.DATE),
        ("TIMESTAMP '2026-01-31 10:00:00'", ColumnType.TIMESTAMP),
    ],
)
def test_literals_have_types(text: str, kind: ColumnType) -> None:
    body = parse(f"SELECT {text}").body
    assert isinstance(body, tree.Select)
    term = body.items[0].term
    assert isinstance(term, tree.Literal)
    assert term.value.type is kind


def test_nulls_come_last_unless_said() -> None:
    found = parse("SELECT a FROM t ORDER BY a, b DESC, c NULLS FIRST").order
    assert [key.nulls_first for key in found] == [False, False, True]


def test_intersect_binds_tighter() -> None:
    body = parse("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3").body
    assert isinstance(body, tree.SetOperation)
    assert isinstance(body.right.body, tree.SetOperation)
    assert (body.op, body.right.body.op) == ("union", "intersect")


def test_a_comma_binds_weaker_than_a_join() -> None:
    body = parse("SELECT 1 FROM a, b RIGHT JOIN c ON b.x = c.x, d CROSS JOIN e").body
    assert isinstance(body, tree.Select)
    assert _shape(body.source) == "((a cross (b right c)) cross (d cross e))"


def _shape(source: tree.Source | None) -> str:
    match source:
        case tree.Join(kind, left, right):
            return f"({_shape(left)} {kind} {_shape(right)})"
        case tree.TableRef(name):
            return name
    raise AssertionError(source)


def test_a_join_beside_a_comma_reads_its_own_sides_alone() -> None:
    assert parse("SELECT 1 FROM a, b JOIN c USING (x)") == parse(
        "SELECT 1 FROM a, (b JOIN c USING (x))"
    )


def test_an_empty_text_may_come_last() -> None:
    body = parse("SELECT 1 FROM t WHERE x = :p AND y = ''").body
    assert isinstance(body, tree.Select)
    assert isinstance(body.where, tree.And)


_SOME_WORDS = (
    "select from where group by order having limit with as ( ( ) ) , , . * = < + - || ' '' \" : ; :p"
    " a b person 1 2.5 'x' null true not and or in between is like case when then else end distinct"
    " union all except join left cross using on exists over partition filter count sum date"
    " timestamp cast extract -- /* */ [ ] { } -> :: := # $ ? @ recursive values lateral"
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_SOME_WORDS.split()), max_size=25).map(" ".join))
def test_words_in_any_order_parse_or_are_refused(text: str) -> None:
    for one in (text, "select " + text, "select a from person where " + text):
        try:
            parse(one)
        except NarrowsError:
            continue


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for one in (text, "select " + text, "select '" + text):
        try:
            parse(one)
        except NarrowsError:
            continue


def test_a_number_of_any_length_is_told_in_our_words() -> None:
    with pytest.raises(MalformedQuery, match="does not fit its type"):
        parse(f"SELECT {'9' * 5_000}")


def test_what_the_parser_trips_over_is_no_sql() -> None:
    with pytest.raises(MalformedQuery, match="not SQL"):
        parse("SELECT date_trunc('month', x :: AS s) FROM person")


@pytest.mark.parametrize("between", [", ", " CROSS JOIN "])
def test_relations_are_counted_however_they_are_joined(between: str) -> None:
    names = [f"person p{number}" for number in range(MOST_SOURCES + 1)]
    parse(f"SELECT 1 FROM {between.join(names[:-1])}")
    with pytest.raises(UnsupportedQuery, match="sources"):
        parse(f"SELECT 1 FROM {between.join(names)}")
