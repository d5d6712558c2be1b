"""The parser's work is counted, so that a short text cannot take long."""

import logging

import pytest
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from narrows.core.sql.frugal import COPYING, FrugalParser
from narrows.core.sql.parse import parse
from narrows.core.sql.tree import Query
from narrows.errors import NarrowsError, UnsupportedQuery

DEPTH = 12
WORDS = sorted(
    word
    for word in {*DuckDB.Tokenizer.KEYWORDS, *DuckDB.Parser.FUNCTIONS}
    if word.replace("_", "").isalnum() and word not in COPYING
)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "date(1, " * 22 + "1" + ")" * 22,
        "SELECT " + "struct(" * 23 + "1" + ")" * 23,
        "SELECT " + "join " * 31,
        "SELECT 1 FROM a" + " JOIN a" * 31,
        "SELECT 1 FROM a" + " LEFT JOIN a" * 31,
        "SELECT 1 FROM a" + " JOIN (SELECT 1 FROM a) x" * 15,
        "SELECT 1 FROM a" + ", a JOIN a" * 15,
    ],
)
def test_what_can_be_read_in_too_many_ways_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedQuery, match="too many ways"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM a" + " JOIN a ON true" * 31,
        "SELECT 1 FROM a" + " JOIN a" * 31 + " ON true" * 31,
        "SELECT 1 FROM a" + " CROSS JOIN a" * 31,
        "SELECT " + "coalesce(1, " * 22 + "1" + ")" * 22,
    ],
)
def test_its_like_that_is_plain_is_read(text: str) -> None:
    assert isinstance(parse(text), Query)


def test_a_function_that_copies_its_arguments_is_none() -> None:
    with pytest.raises(NarrowsError, match="not among the accepted ones"):
        parse("SELECT " + "sort_array(1, " * 22 + "1" + ")" * 22)


@pytest.mark.parametrize("arguments", ["{}({}", "{}(1, {}", "{}(1, 2, {}"])
def test_no_word_doubles_the_tree(arguments: str, caplog: pytest.LogCaptureFixture) -> None:
    """For each function and keyword of sqlglot: a new version may bring another that copies."""
    caplog.set_level(logging.CRITICAL)
    grown = []
    for word in WORDS:
        text = "1"
        for _ in range(DEPTH):
            text = arguments.format(word, text) + ")"
        words = DuckDB().tokenize(f"SELECT {text}")
        try:
            found = FrugalParser(len(words)).parse(words, text)
        except Exception:  # noqa: BLE001 - sqlglot trips over some texts, as `parse` knows
            continue
        nodes = sum(1 for tree in found if isinstance(tree, exp.Expr) for _ in tree.walk())
        if nodes > 20 * len(words):
            grown.append((word, nodes))
    assert grown == []
