"""Edge values of each canonical type, and a relation whose rows pair each of them with each other.

A value stands beside the name of its class: what a finding says, where the value itself is noise.
"""

from collections.abc import Mapping
from datetime import date, datetime

from narrows.core.catalog import HOLDER, Catalog, Column, Relation
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName, Scalar

Edge = tuple[str, Scalar]
NULL: Edge = ("NULL", None)

EDGES: Mapping[ColumnType, tuple[Edge, ...]] = {
    ColumnType.TEXT: (
        ("plain letters", "a"),
        ("plain letters", "ab"),
        ("plain letters", "b"),
        ("plain letters", "xaby"),
        ("capitals", "A"),
        ("capitals", "AB"),
        ("capitals", "Z"),
        ("accents", "é"),
        ("accents", "École"),
        ("ß", "straße"),
        ("ß", "ß"),
        ("ss", "STRASSE"),
        ("a ligature", "ﬁn"),
        ("fin", "fin"),
        ("a dotless i", "ı"),
        ("a dotted I", "İ"),
        ("a final sigma", "ς"),
        ("a capital sigma", "Σ"),
        ("a mark that does not compose", "q\u0323"),
        ("the empty text", ""),
        ("a trailing blank", "a "),
        ("a trailing blank", "ab  "),
        ("a leading blank", " a"),
        ("a no-break space", "a\u00a0"),
        ("a line feed", "a\nb"),
        ("a tabulator", "\ta"),
        ("digits", "10"),
        ("digits", "9"),
        ("a minus", "-1"),
        ("`%`", "a%b"),
        ("`_`", "a_b"),
        ("a backslash", "a\\b"),
        ("a backslash", "a\\%b"),
        ("an apostrophe", "O'Brien"),
        ("`*`", "a*b"),
        ("`?`", "a?b"),
        ("`[`", "a[b]c"),
        ("Chinese signs", "日本語"),
        ("a full-width letter", "ａ"),
        ("an emoji", "👮"),
        ("an emoji of two code points", "🇨🇦"),
        NULL,
    ),
    ColumnType.BOOLEAN: (("true", True), ("false", False), NULL),
    ColumnType.INTEGER: (
        ("zero", 0),
        ("small numbers", 1),
        ("small numbers", 7),
        ("negative numbers", -1),
        ("negative numbers", -7),
        ("the greatest integer", 2**31 - 1),
        ("the least integer", -(2**31)),
        NULL,
    ),
    ColumnType.BIGINT: (
        ("zero", 0),
        ("small numbers", 2),
        ("negative numbers", -3),
        ("over 2^53", 2**53 + 1),
        ("the greatest bigint", 2**63 - 1),
        ("the least bigint", -(2**63)),
        NULL,
    ),
    ColumnType.DOUBLE: (
        ("zero", 0.0),
        ("the negative zero", -0.0),
        ("tenths", 0.1),
        ("halves", 0.5),
        ("halves", 2.5),
        ("negative halves", -0.5),
        ("negative halves", -2.5),
        ("whole doubles", 3.0),
        ("over 2^53", 2.0**53),
        ("over 2^53", 1e16),
        ("very great doubles", 1e300),
        ("very great negative doubles", -1e300),
        ("the least double", 5e-324),
        NULL,
    ),
    ColumnType.DATE: (
        ("the first day", date(1, 1, 1)),
        ("the year 1", date(1, 12, 31)),
        ("days of the Julian calendar", date(1582, 10, 4)),
        ("days before 1900", date(1582, 10, 15)),
        ("days before 1900", date(1899, 12, 31)),
        ("days before 1970", date(1900, 2, 28)),
        ("days before 1970", date(1969, 12, 31)),
        ("plain days", date(1970, 1, 1)),
        ("a leap day", date(2000, 2, 29)),
        ("plain days", date(2026, 5, 31)),
        ("plain days", date(2026, 6, 1)),
        ("plain days", date(2026, 12, 31)),
        ("the last day", date(9999, 12, 31)),
        NULL,
    ),
    ColumnType.TIMESTAMP: (
        ("the first moment", datetime(1, 1, 1)),  # noqa: DTZ001
        ("before 1900", datetime(1899, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        ("before 1970", datetime(1969, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        ("midnight", datetime(1970, 1, 1)),  # noqa: DTZ001
        ("midnight", datetime(2026, 6, 1)),  # noqa: DTZ001
        ("microseconds", datetime(2026, 6, 1, 12, 0, 0, 5)),  # noqa: DTZ001
        ("the end of a day", datetime(2026, 5, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        ("the end of a day", datetime(2026, 6, 1, 23, 59, 59, 999999)),  # noqa: DTZ001
        ("midnight", datetime(2026, 6, 2)),  # noqa: DTZ001
        ("the last moment", datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        NULL,
    ),
}

CELL = RelationName("cell")
NAMES: Mapping[str, ColumnType] = {
    "word": ColumnType.TEXT,
    "flag": ColumnType.BOOLEAN,
    "whole": ColumnType.INTEGER,
    "big": ColumnType.BIGINT,
    "real": ColumnType.DOUBLE,
    "day": ColumnType.DATE,
    "moment": ColumnType.TIMESTAMP,
}
COLUMNS: Mapping[str, ColumnType] = {
    "n": ColumnType.INTEGER,
    "part": ColumnType.INTEGER,
    **{f"{name}{second}": kind for name, kind in NAMES.items() for second in ("", "2")},
}
_MOST = max(map(len, EDGES.values()))
_PARTS = 9


def catalog() -> Catalog:
    """The catalog of the one relation: `n` numbers the rows, `part` says the group of each."""
    columns = tuple(Column(ColumnName(name), kind) for name, kind in COLUMNS.items())
    return Catalog(
        federation="test",
        version=1,
        zone="UTC",
        purposes=("any",),
        relations={CELL: Relation(CELL, (HOLDER, *columns), (ColumnName("n"),), ())},
        holds={Holder("here"): frozenset([CELL])},
    )


def rows() -> list[dict[str, Edge]]:
    """Every pair of two edge values of a type, by column, and a group in which all is NULL."""
    found: list[dict[str, Edge]] = []
    for first in range(_MOST):
        for second in range(_MOST):
            row: dict[str, Edge] = {"n": ("", len(found)), "part": ("", first % _PARTS)}
            for name, kind in NAMES.items():
                edges = EDGES[kind]
                row[name] = edges[first % len(edges)]
                row[f"{name}2"] = edges[second % len(edges)]
            found.append(row)
    found.append({"n": ("", len(found)), "part": ("", _PARTS)} | dict.fromkeys(_paired(), NULL))
    return found


def _paired() -> list[str]:
    return [f"{name}{second}" for name in NAMES for second in ("", "2")]
