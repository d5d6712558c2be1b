"""Every expression that could go down: what it is called, its SQL, and how each engine spells it.

`terms` are SQL as a requester writes it, over `cell c`. `asked` are conditions with it, by which
the planner is asked whether it goes down; without them the terms are conditions themselves. Where
an engine spells a term in another way, `spelled` has that text; it says so of no term that goes
down, which the node compiles. `why` is what keeps it above.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

EACH, GATHERED, ORDERED = "each row", "gathered", "ordered"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the table; `how` is of each row, gathered by group, or an order of all rows."""

    said: str
    terms: tuple[str, ...]
    why: str = ""
    asked: tuple[str, ...] = ()
    spelled: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    how: str = EACH


EACH_TYPE = ("word", "flag", "whole", "big", "real", "day", "moment")
_LITERALS = {
    "word": "'b'",
    "flag": "TRUE",
    "whole": "1",
    "big": "2",
    "real": "0.5",
    "day": "DATE '1969-12-31'",
    "moment": "TIMESTAMP '2026-06-01 12:00:00.000005'",
}
_KINDS = {
    "word": "text",
    "flag": "boolean",
    "whole": "integer",
    "big": "bigint",
    "real": "double",
    "day": "date",
    "moment": "timestamp",
}


def _compared(name: str) -> Candidate:
    ops = ("=", "<>", "<", "<=", ">", ">=")
    terms = [f"c.{name} {op} c.{name}2" for op in ops]
    terms += [f"c.{name} {op} {_LITERALS[name]}" for op in ops]
    return Candidate(f"`=`, `<>`, `<`, `<=`, `>`, `>=` of two `{_KINDS[name]}`", tuple(terms))


NO_CASE = "each engine has its own idea of case"

CONDITIONS: tuple[Candidate, ...] = (
    *map(_compared, EACH_TYPE),
    Candidate(
        "`=`, `<` of an `integer` and a `bigint`",
        ("c.whole = c.big2", "c.whole < c.big2", "c.whole >= 7"),
    ),
    Candidate(
        "`=`, `<` of a whole number and a `double`",
        ("c.big = c.real2", "c.big < c.real2", "c.real = 3"),
        "no canonical comparison: over 2^53 engines compare different numbers",
    ),
    Candidate(
        "`IS [NOT] DISTINCT FROM`",
        tuple(
            f"c.{name} IS {no}DISTINCT FROM {other}"
            for name in EACH_TYPE
            for no in ("", "NOT ")
            for other in (f"c.{name}2", _LITERALS[name])
        ),
    ),
    Candidate(
        "`IN` with constants",
        (
            "c.word IN ('a', 'ß', '', 'Z')",
            "c.word NOT IN ('a', 'ab')",
            "c.real IN (0.0, 2.5)",
            "c.day IN (DATE '1582-10-04', DATE '2026-06-01')",
        ),
    ),
    Candidate(
        "`BETWEEN` constants",
        (
            "c.word BETWEEN 'A' AND 'é'",
            "c.real BETWEEN -0.5 AND 0.1",
            "c.day BETWEEN DATE '1899-12-31' AND DATE '2000-02-29'",
        ),
    ),
    Candidate(
        "`IS [NOT] NULL`",
        tuple(f"c.{name} IS {no}NULL" for name in EACH_TYPE for no in ("", "NOT ")),
    ),
    Candidate(
        "`AND`, `OR`, `NOT`",
        (
            "c.word = c.word2 AND c.whole2 < 1",
            "c.word < c.word2 OR c.real2 > 0.0",
            "NOT (c.word = 'a' OR c.day2 < DATE '1970-01-01')",
        ),
    ),
    Candidate(
        "a `boolean` column as a condition",
        ("c.flag", "NOT c.flag"),
        "agrees; write `flag = TRUE`, which goes down",
    ),
    Candidate(
        "`substr(text, 1, n)` compared with constants",
        ("substr(c.word, 1, 1) = 'a'", "substr(c.word, 1, 2) IN ('a ', '🇨🇦', 'a\\')"),
    ),
    Candidate(
        "`LIKE` with a constant pattern of at most 100 characters and four `%`",
        tuple(
            f"c.word {no}LIKE '{pattern}'"
            for no in ("", "NOT ")
            for pattern in (
                "a%",
                "A%",
                "%b",
                "%a%",
                "%a%b%",
                "a_b",
                "_",
                "__",
                "%_",
                "",
                "%",
                "%%",
                "é%",
                "stra_e",
                "a\\%",
                "a\\_b",
                "a*%",
                "a?b",
                "%[b]%",
                "a%%b",
                "% ",
                "%''%",
                "_%_%_",
                "👮",
            )
        ),
    ),
    Candidate(
        "`LIKE` with any other pattern",
        ("c.word LIKE c.word2",),
        "not bounded; and on SQLite without case, on PostgreSQL with escapes",
    ),
    Candidate("`ILIKE`", ("c.word ILIKE 'a%'", "c.word ILIKE 'É%'"), NO_CASE),
    Candidate(
        "`starts_with`",
        ("starts_with(c.word, 'a')",),
        "agrees; write `LIKE 'a%'`, which goes down",
        spelled={"sqlite": {"starts_with(c.word, 'a')": "substr(c.word, 1, length('a')) = 'a'"}},
    ),
)
"""Those that are conditions, most of which go down; in the order of the page."""
