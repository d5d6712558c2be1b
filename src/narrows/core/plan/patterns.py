"""`LIKE` with a pattern that goes down: which patterns do, and what they match.

`%` is any text, also an empty one, `_` one code point; case and accents count, and nothing escapes
either sign.

>>> matches("M4%5", "M4C1B5"), matches("m4%", "M4C1B5"), matches("_4C", "M4C1B5")
(True, False, False)
"""

from narrows.core.terms import ColumnType, TypedValue

MAX_PATTERN = 100
"""The most characters of a pattern that goes down."""
MAX_ANY = 4
"""The most `%` of it. An engine may try each place for each of them, so that a requester could else
choose how long a node works."""


def goes_down(pattern: TypedValue) -> bool:
    """Whether a holder may be asked for texts of that pattern."""
    text = pattern.value
    if pattern.type is not ColumnType.TEXT or not isinstance(text, str):
        return False
    return len(text) <= MAX_PATTERN and text.count("%") <= MAX_ANY


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is of the pattern; each part between two `%` is found once."""
    first, *others = pattern.split("%")
    if not _stands(first, text, 0):
        return False
    if not others:
        return len(text) == len(first)
    *middle, last = others
    at, end = len(first), len(text) - len(last)
    for part in middle:
        places = range(at, end - len(part) + 1)
        found = next((place for place in places if _stands(part, text, place)), None)
        if found is None:
            return False
        at = found + len(part)
    return at <= end and _stands(last, text, end)


def _stands(part: str, text: str, place: int) -> bool:
    """Whether the part, in which `_` is one code point, stands at that place. Needs: `place` >= 0."""
    given = text[place : place + len(part)]
    return len(given) == len(part) and all(
        wanted in ("_", one) for wanted, one in zip(part, given, strict=True)
    )
