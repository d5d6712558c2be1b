"""The small parts of a policy in plain words: names, masks, keys, tests of rows.

>>> listed(["case_number", "officer", "grounds"]), number(1), count_of(2, "entry")
('case_number, officer and grounds', 'one', 'two entries')
>>> mask_words(Mask(MaskKind.FIRST, 3))
'only to its first three characters'
"""

from collections.abc import Iterable

from narrows.core.policy.model import (
    ColumnPath,
    ColumnTest,
    DaysFromToday,
    KeyColumn,
    KeyKind,
    KeySet,
    Mask,
    MaskKind,
    Normal,
    Parties,
    RowTest,
    Said,
    TestValue,
)
from narrows.core.terms import TypedValue

_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip
_OPS = {"before": "is before", "from": "is on or after", "to": "is on or before"}
_NORMALS = {
    Normal.NAME: "without regard to case, accents and signs",
    Normal.DOCUMENT: "without regard to case, blanks and signs",
    Normal.PHONE: "however the number is written",
}
_SAID = {
    Said.TODAY: "today",
    Said.COUNTRY: "the requester's country",
    Said.MEMBER: "the requester",
}


def number(count: int) -> str:
    """A small number as a word, a larger one in digits."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def count_of(count: int, what: str) -> str:
    """The number with its noun."""
    if count == 1:
        return f"one {what}"
    plural = (
        f"{what[:-1]}ies" if what.endswith("y") and what[-2:] not in ("ay", "ey") else f"{what}s"
    )
    return f"{number(count)} {plural}"


def listed(names: Iterable[str], word: str = "and") -> str:
    """The names in order: `a, b and c`; as they come where they have an order of their own."""
    found = sorted(names) if isinstance(names, set | frozenset) else list(names)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {word} {found[-1]}"


def plain(name: str) -> str:
    """A name of the catalog as words.

    >>> plain("residence_postal")
    'residence postal'
    """
    return name.replace("_", " ")


def path_words(place: ColumnPath) -> str:
    """A column with its relation: `the surname of person`."""
    return f"the {plain(place[1])} of {plain(place[0])}"


def mask_words(mask: Mask) -> str:
    """How far a column is shown, after its name."""
    match mask.kind:
        case MaskKind.AS_IS:
            return "as it is"
        case MaskKind.YEAR | MaskKind.MONTH | MaskKind.DAY:
            return f"only to its {mask.kind}"
        case MaskKind.FIRST:
            return f"only to its {_first(mask.amount)}"
        case MaskKind.BUCKET:
            return f"only in steps of {mask.amount:,}"
        case MaskKind.ROUND:
            return f"rounded to {mask.amount:,}"
        case MaskKind.PSEUDONYM:
            return f"as a word that stands for it within one {mask.period}"
        case MaskKind.NULL:  # pragma: no branch - INVARIANT: closed union
            return "as an empty column"


def _first(length: int) -> str:
    return "first character" if length == 1 else f"first {number(length)} characters"


# --- keys ----------------------------------------------------------------------------------


def key_set_words(key_set: KeySet) -> str:
    """What must be named to match the set: what is required, then what may be added."""
    required = listed([key_words(key) for key in key_set if not key.optional])
    optional = [key_words(key) for key in key_set if key.optional]
    return f"{required}, and if known {listed(optional)}" if optional else required


def key_words(key: KeyColumn) -> str:
    """One key: what is named, how many of it, and how alike it must be."""
    what = plain(key.columns[0]) if len(key.columns) == 1 else listed(map(plain, key.columns))
    # What one asks for is one thing; without its relation a surname could be anybody's.
    name = f"{what} of {plain(key.relation)}"
    match key.kind:
        case KeyKind.IN:
            said = f"up to {number(key.at_most)} values of the {name}"
        case KeyKind.WITHIN_DAYS:
            span = count_of(2 * key.days, "day")
            said = f"one {name}, or days at most {span} apart" if key.days else f"one {name}"
        case KeyKind.FIRST:
            said = f"the {_first(key.length)} of {_many(key, name)}"
        case KeyKind.SIMILAR:
            said = f"a text that is like the {name} to {round(key.at_least * 100)} in 100"
        case KeyKind.EQUAL:  # pragma: no branch - INVARIANT: closed union
            said = f"one {name}"
    beside = [_NORMALS[key.normal]] if key.normal is not Normal.NONE else []
    if key.min_length:
        beside.append(f"of at least {count_of(key.min_length, 'character')}")
    return f"{said} ({', '.join(beside)})" if beside else said


def _many(key: KeyColumn, name: str) -> str:
    return (
        f"one {name}" if key.at_most == 1 else f"up to {number(key.at_most)} values of the {name}"
    )


# --- tests of rows -------------------------------------------------------------------------


def rows_words(test: RowTest) -> str:
    """Which rows pass: `record status is SUSPENDED or SEALED`."""
    return " and ".join(_test(one) for one in test.tests)


def _test(test: ColumnTest) -> str:
    name = plain(test.column)
    if test.op == "null":
        return f"{name} is missing"
    if test.op == "in":
        return f"{name} is {listed([_value(value) for value in test.values], 'or')}"
    return f"{name} {_OPS[test.op]} {_value(test.values[0])}"


def _value(value: TestValue) -> str:
    match value:
        case TypedValue():
            return value.text or "nothing"
        case DaysFromToday(days):
            when = "after" if days > 0 else "before"
            return f"{count_of(abs(days), 'day')} {when} today"
        case Said():  # pragma: no branch - INVARIANT: closed union
            return _SAID[value]


def parties_words(parties: Parties) -> str:
    """Whom an agreement is with; each side that is given must fit."""
    sides = [
        f"{kind} {listed(names, 'or')}"
        for kind, names in (
            ("members of class", parties.classes),
            ("of country", parties.countries),
            ("named", parties.members),
        )
        if names
    ]
    if not sides:
        return "nobody"
    return " ".join(sides) if parties.classes else f"members {' '.join(sides)}"
