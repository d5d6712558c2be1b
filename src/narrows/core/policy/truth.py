"""The truth of filters and tests over values, in three values: true, false, unknown (None).

Types compare as `ColumnType.compares_with` says, text by code point.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import copysign

from narrows.core.normal import name_sim
from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    FirstAmong,
    Like,
    Missing,
    Operand,
    Opposite,
    Similar,
)
from narrows.core.plan.patterns import matches
from narrows.core.policy.bound import BoundTest
from narrows.core.terms import ColumnName, Scalar, TypedValue
from narrows.errors import CheckFailed

Values = Mapping[ColumnOf, Scalar]


def holds(found: Filter, values: Values) -> bool | None:
    """The truth of a filter over the values of its columns."""
    match found:
        case Comparison():
            return compare(found.op, _value(found.left, values), _value(found.right, values))
        case Among():
            term = values[found.term]
            return disjunction(compare("=", term, _value(item, values)) for item in found.items)
        case FirstAmong():
            text = values[found.term]
            first = text[: found.length] if isinstance(text, str) else None
            return disjunction(compare("=", first, _value(item, values)) for item in found.items)
        case Like():
            text = values[found.term]
            return matches(str(found.pattern.value), text) if isinstance(text, str) else None
        case Similar():
            return _similar(found, values)
        case Missing():
            return values[found.term] is None
        case Every():
            return conjunction(holds(term, values) for term in found.terms)
        case AnyOf():
            return disjunction(holds(term, values) for term in found.terms)
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            inner = holds(found.term, values)
            return None if inner is None else not inner


def tests(found: Iterable[BoundTest], row: Mapping[ColumnName, Scalar]) -> bool | None:
    """The truth of all of a policy's tests over one row."""
    return conjunction(_column_test(test, row) for test in found)


def is_among(value: Scalar, literals: Iterable[TypedValue]) -> bool | None:
    """Whether the value equals one of the literals; unknown where it is NULL."""
    return disjunction(compare("=", value, found.value) for found in literals)


def compare(op: str, left: Scalar, right: Scalar) -> bool | None:
    """The truth of `left op right`, unknown where a side is NULL. Needs: types that compare."""
    first, second = sort_key((left,)), sort_key((right,))
    if op in ("is distinct from", "is not distinct from"):
        return (first == second) is (op == "is not distinct from")
    if left is None or right is None:
        return None
    match op:
        case "=":
            return first == second
        case "<>":
            return first != second
        case "<":
            return first < second
        case "<=":
            return first <= second
        case ">":
            return first > second
        case ">=":
            return first >= second
    raise CheckFailed(f"`{op}` is no comparison of a fragment")


def sort_key(row: Sequence[Scalar]) -> tuple[tuple[bool, Scalar], ...]:
    """What rows are sorted by: every column in order, NULL first."""
    return tuple((value is not None, 0 if value is None else value) for value in row)


def row_key(row: Sequence[Scalar]) -> tuple[tuple[bool, Scalar, bool], ...]:
    """What rows that leave are sorted by: as `sort_key`, and the negative zero before the other.

    What can be told apart must have its place, or the order of the holder's disk would show.
    """
    return tuple(
        (*pair, isinstance(pair[1], float) and copysign(1, pair[1]) > 0) for pair in sort_key(row)
    )


def conjunction(terms: Iterable[bool | None]) -> bool | None:
    """The truth of all of the terms."""
    found = list(terms)
    if any(term is False for term in found):
        return False
    return None if any(term is None for term in found) else True


def disjunction(terms: Iterable[bool | None]) -> bool | None:
    """The truth of any of the terms."""
    found = list(terms)
    if any(term is True for term in found):
        return True
    return None if any(term is None for term in found) else False


def _similar(found: Similar, values: Values) -> bool | None:
    texts, wanted = [values[term] for term in found.terms], _value(found.value, values)
    if None in texts or wanted is None:
        return None
    return name_sim(" ".join(map(str, texts)), str(wanted)) >= found.at_least


def _value(operand: Operand, values: Values) -> Scalar:
    match operand:
        case ColumnOf():
            return values[operand]
        case TypedValue():
            return operand.value
        case _:
            raise CheckFailed("a parameter of a fragment was left without a value")


def _column_test(test: BoundTest, row: Mapping[ColumnName, Scalar]) -> bool | None:
    value = row[test.column]
    match test.op:
        case "null":
            return value is None
        case "before":
            return compare("<", value, test.values[0].value)
        case "from":
            return compare(">=", value, test.values[0].value)
        case "to":
            return compare("<=", value, test.values[0].value)
        case _:
            return is_among(value, test.values)
