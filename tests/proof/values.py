"""The values that generated tables hold, those that questions try, and hostile ones that hide."""

import struct
from collections.abc import Mapping
from datetime import date, datetime
from random import Random

from narrows.core.terms import ColumnType, Scalar

TEXT_CANARY, NUMBER_CANARY = b"canary", b"CANARY01"
"""Bytes that stand in hidden values alone, as they would stand in a buffer of Arrow."""
_BIG_CANARY = struct.unpack("<q", NUMBER_CANARY)[0]
_REAL_CANARY = struct.unpack("<d", NUMBER_CANARY)[0]


def _at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - canonical


CODES = ("A", "B", "SEALED")
TRIED: Mapping[ColumnType, tuple[Scalar, ...]] = {
    ColumnType.TEXT: ("Roy", "ab", "abc", "Zoé Côté", "zz-12 3", "+14165550142", "", "O'Neil", "A"),
    ColumnType.BOOLEAN: (True, False),
    ColumnType.INTEGER: (-7, 0, 1, 5, 12),
    ColumnType.BIGINT: (-7, 0, 1, 5, 2**53 + 1),
    ColumnType.DOUBLE: (-0.5, 0.0, 1.5, 2.5),
    ColumnType.DATE: (date(1981, 3, 7), date(1981, 3, 9), date(2026, 5, 31), date(2026, 6, 1)),
    ColumnType.TIMESTAMP: (_at(1981, 3, 7), _at(2026, 6, 1, 12, 0, 0, 5), _at(2026, 5, 31, 23)),
}
"""What literals are drawn from: a match is a match of one of these."""
OTHERS: Mapping[ColumnType, tuple[Scalar, ...]] = {
    ColumnType.TEXT: (
        "ROY",
        "roy ",
        "abx",
        "zoe cote",
        "ZZ123",
        "(416) 555-0142",
        "n:1",
        "%",
        "日",
    ),
    ColumnType.BOOLEAN: (True, False),
    ColumnType.INTEGER: (2, 13, 2**31 - 1, -(2**31)),
    ColumnType.BIGINT: (2, 13, 2**63 - 1, -(2**63)),
    ColumnType.DOUBLE: (0.5, 7.25, 1e300, -1e-300),
    ColumnType.DATE: (date(1, 1, 1), date(1981, 3, 8), date(1980, 2, 29), date(9999, 12, 31)),
    ColumnType.TIMESTAMP: (_at(1, 1, 1), _at(2026, 6, 1), _at(9999, 12, 31, 23, 59, 59, 999999)),
}
"""What tables hold beside: near misses, and the ends of each type."""
HOSTILE: Mapping[ColumnType, tuple[Scalar, ...]] = {
    ColumnType.TEXT: (
        "canary' OR '1'='1' --",
        'canary";%_\\',
        "Roycanary",
        "abcanary",
        "canary" * 40,
        "canary\r\n\u2028é\u0301",
        "\ufeff-9e999canary",
    ),
    ColumnType.BOOLEAN: (True, False),
    ColumnType.INTEGER: (2**31 - 1, -(2**31), 0),
    ColumnType.BIGINT: (_BIG_CANARY, 2**63 - 1, -(2**63), 0),
    ColumnType.DOUBLE: (_REAL_CANARY, 1.7e308, -1.7e308, 5e-324),
    ColumnType.DATE: (date(1, 1, 1), date(9999, 12, 31), date(2000, 2, 29)),
    ColumnType.TIMESTAMP: (_at(1, 1, 1), _at(9999, 12, 31, 23, 59, 59, 999999)),
}
"""What hides: it does not cast, quotes, ends types, and is longer or shorter than what it stands for."""


def visible_value(rng: Random, kind: ColumnType, codes: tuple[str, ...]) -> Scalar:
    """A value of a table before anything is hidden; often one that is tried, at times NULL."""
    chance = rng.random()
    if chance < 0.07:
        return None
    if codes:
        return rng.choice(codes)
    return rng.choice(TRIED[kind] if chance < 0.8 else OTHERS[kind])


def hostile_value(rng: Random, kind: ColumnType) -> Scalar:
    """A value for where nobody should see it."""
    chance = rng.random()
    if chance < 0.15:
        return None
    return rng.choice(HOSTILE[kind] if chance < 0.8 else (*TRIED[kind], *OTHERS[kind]))


def other_tail(rng: Random, kind: ColumnType, value: Scalar) -> Scalar:
    """A value that a mask may show as the same: another tail, day, time or near number."""
    match value:
        case str():
            return value[: rng.randint(0, 4)] + rng.choice(("canary", "", " canary'--", "é"))
        case datetime():
            return value.replace(day=rng.randint(1, 28), hour=rng.randint(0, 23), microsecond=77)
        case date():
            return value.replace(month=rng.randint(1, 12), day=rng.randint(1, 28))
        case bool() | None:
            return hostile_value(rng, kind)
        case int() if abs(value) < 2**30:
            return value + rng.randint(-3, 3)
        case float() if abs(value) < 2**30:
            return value + rng.choice((-0.25, 0.125, 0.25))
    return value


def literal(value: Scalar) -> str:
    """The value as a question spells it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            return f"TIMESTAMP '{value.strftime('%Y-%m-%d %H:%M:%S.%f').rjust(26, '0')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float():
            return f"{value!r}e0" if "e" not in repr(value) else repr(value)
        case _:
            return str(value)
