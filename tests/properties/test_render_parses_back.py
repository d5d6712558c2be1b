"""What is rendered reads back as the tree that it was rendered from."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.plan.render import render_query
from narrows.core.sql import tree
from narrows.core.sql.parse import parse
from narrows.core.terms import ColumnType, TypedValue
from tests.properties.test_same_answer import TEXTS


@pytest.mark.parametrize("sql", TEXTS)
def test_render_parses_back(sql: str) -> None:
    query = parse(sql)
    text = render_query(query).replace("$today_", "CURRENT_DATE").replace("$", ":")
    assert parse(text) == query


COLUMN = st.sampled_from([tree.Name(None, "a"), tree.Name("t", "b")])
NUMBER = st.integers(0, 9).map(lambda n: tree.Literal(TypedValue(ColumnType.BIGINT, n)))
TEXT = st.text("a'\"\\-;é ", max_size=5).map(lambda s: tree.Literal(TypedValue(ColumnType.TEXT, s)))


def grow(inner: st.SearchStrategy[tree.Expr]) -> st.SearchStrategy[tree.Expr]:
    pair = st.tuples(inner, inner)
    operators = st.sampled_from([*tree.COMPARISONS, *tree.ARITHMETIC, "||"])
    return st.one_of(
        st.builds(tree.Binary, operators, inner, inner),
        pair.map(tree.Or),
        pair.map(tree.And),
        inner.map(tree.Not),
        inner.map(tree.IsNull),
        st.builds(tree.InList, inner, pair),
        st.builds(tree.Between, inner, inner, inner),
        st.builds(tree.Cast, COLUMN, st.sampled_from(ColumnType)),
    )


TERMS: st.SearchStrategy[tree.Expr] = st.recursive(
    st.one_of(COLUMN, NUMBER, TEXT), grow, max_leaves=8
)


@settings(max_examples=150, deadline=None)
@given(TERMS)
def test_any_expression_parses_back(term: tree.Expr) -> None:
    query = tree.Query(tree.Select((tree.Item(term, "x"),), tree.TableRef("t", "t")))
    text = render_query(query)
    assert parse(text) == parse(render_query(parse(text)))
    assert parse(text) == query


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_no_text_ends_its_literal(value: str) -> None:
    literal = tree.Literal(TypedValue(ColumnType.TEXT, value))
    text = render_query(tree.Query(tree.Select((tree.Item(literal, "x"),), None)))
    assert duckdb.connect().execute(text).fetchone() == (value,)
