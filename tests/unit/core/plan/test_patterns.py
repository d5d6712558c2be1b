"""`LIKE`: what it matches, against regular expressions, and in how many steps."""

import re
from itertools import chain, product
from time import perf_counter

import pytest

from narrows.core.plan.patterns import MAX_ANY, MAX_PATTERN, goes_down, matches
from narrows.core.terms import ColumnType, Scalar, TypedValue

SIGNS = {"%": ".*", "_": "."}


def texts(letters: str, most: int) -> list[str]:
    found = (product(letters, repeat=length) for length in range(most + 1))
    return ["".join(letters) for letters in chain.from_iterable(found)]


def test_it_matches_as_a_regular_expression_does() -> None:
    """Every short text by every short pattern."""
    for pattern in texts("ab.%_", 4):
        spelled = "".join(SIGNS.get(one, re.escape(one)) for one in pattern)
        compiled = re.compile(spelled, re.DOTALL)
        for text in texts("ab\n", 4):
            assert matches(pattern, text) is (compiled.fullmatch(text) is not None), pattern


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a%", "a", True),
        ("a%a", "a", False),
        ("%ab%ba%", "aba", False),
        ("%a_c", "abcadc", True),
        ("%", "", True),
        ("_", "", False),
        ("_", "🇨🇦", False),
        ("__", "🇨🇦", True),
        ("é", "e\u0301", False),
        ("50\\%", "50%", False),
    ],
)
def test_a_part_is_found_once(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_a_long_text_takes_no_long_time() -> None:
    started = perf_counter()
    assert not matches("%a%a%a%b", "a" * 100_000 + "c")
    assert perf_counter() - started < 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("%" * MAX_ANY + "a" * (MAX_PATTERN - MAX_ANY), True),
        ("", True),
        ("%" * (MAX_ANY + 1), False),
        ("a" * (MAX_PATTERN + 1), False),
        (None, False),
    ],
)
def test_which_patterns_go_down(value: Scalar, expected: bool) -> None:
    assert goes_down(TypedValue(ColumnType.TEXT, value)) is expected


def test_no_other_type_is_a_pattern() -> None:
    assert not goes_down(TypedValue(ColumnType.BIGINT, 1))
