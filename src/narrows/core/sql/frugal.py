"""Sqlglot's parser with a bound on its work.

Where sqlglot cannot tell what a word begins, it tries one reading and goes back for another. Nested,
that doubles at each level: `date(1, date(1, ...` with 24 levels, or 31 joins without a condition,
would take hours, in texts of 300 characters. Every reading moves along the words, so the moves are
counted: a text that is not made to take long takes fewer than two a word. Some functions that sqlglot
knows copy their arguments, which doubles a tree without any move; they are no functions here.

>>> from sqlglot.dialects.duckdb import DuckDB
>>> text = "SELECT surname FROM person"
>>> words = DuckDB().tokenize(text)
>>> [found.sql() for found in FrugalParser(len(words)).parse(words, text)]
['SELECT surname FROM person']
"""

from typing import Final

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel
from sqlglot.parsers.duckdb import DuckDBParser

from narrows.errors import UnsupportedQuery

MOVES_A_WORD: Final = 4
MOVES_BESIDE: Final = 1_000
COPYING: Final = frozenset(("SORT_ARRAY",))


class FrugalParser(DuckDBParser):
    """Parses one text of that many words, once."""

    FUNCTIONS = {  # noqa: RUF012 - sqlglot declares it so
        name: build for name, build in DuckDBParser.FUNCTIONS.items() if name not in COPYING
    }

    def __init__(self, words: int) -> None:
        super().__init__(dialect=DuckDB(), error_level=ErrorLevel.RAISE)
        self._moves_left = MOVES_BESIDE + MOVES_A_WORD * words

    def _advance(self, times: int = 1) -> None:
        self._moves_left -= 1
        if self._moves_left < 0:
            raise UnsupportedQuery(
                "the query can be read in too many ways", hint="write it more plainly"
            )
        super()._advance(times)
