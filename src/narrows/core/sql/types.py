"""The types of expressions, as far as they are known, and the comparisons that types forbid.

`None` is an unknown type. Only what is certain to fail is refused: a date compared with a text, a
sum of texts. Refusing here keeps the engine from failing over released rows, where an error could
quote one.
"""

from narrows.core.sql import tree
from narrows.core.sql.functions import FUNCTIONS
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery

_NUMBERS = (ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE)
_MOMENTS = (ColumnType.DATE, ColumnType.TIMESTAMP)
_KINDS = {
    "t": (ColumnType.TEXT,),
    "n": _NUMBERS,
    "d": _MOMENTS,
    "b": (ColumnType.BOOLEAN,),
    ".": tuple(ColumnType),
}


def type_of_term(term: tree.Expr) -> ColumnType | None:  # noqa: C901 - one arm a class
    """The type of a resolved expression, or None where it is not known."""
    match term:
        case tree.Ref() | tree.Param() | tree.Cast():
            return term.type
        case tree.Literal():
            return term.value.type
        case tree.Today():
            return ColumnType.DATE
        case tree.Binary():
            return _type_of_binary(term)
        case tree.Negate():
            return type_of_term(term.term)
        case tree.Extract():
            return ColumnType.BIGINT
        case tree.Call():
            return _type_of_call(term)
        case tree.Case():
            results = [arm.result for arm in term.arms]
            return _common([*results, *((term.otherwise,) if term.otherwise is not None else ())])
        case tree.ScalarQuery():
            body = term.query.body
            return type_of_term(body.items[0].term) if isinstance(body, tree.Select) else None
        case tree.Null() | tree.Name() | tree.Star():
            return None
        case _:
            return ColumnType.BOOLEAN


def check_types(term: tree.Expr) -> None:  # noqa: C901 - one arm a class
    """Nothing; for one expression, its operands and arguments fit it.

    Needs: the terms below have been checked.
    Raises: MalformedQuery naming the types.
    """
    match term:
        case tree.Binary():
            _check_binary(term)
        case tree.And() | tree.Or():
            for one in term.terms:
                expect_condition(one)
        case tree.Not():
            expect_condition(term.term)
        case tree.Negate():
            _expect(term.term, "n", "`-`")
        case tree.Between() | tree.InList() | tree.InQuery():
            for one in _compared(term):
                compare(term.term, one)
        case tree.Case():
            _check_case(term)
        case tree.Extract():
            _expect(term.term, "d", "`extract`")
        case tree.Call():
            _check_call(term)
        case _:
            return


def compare(left: tree.Expr, right: tree.Expr) -> None:
    """Nothing; refuses a comparison of two known types that have no common order."""
    one, other = type_of_term(left), type_of_term(right)
    if not agree(one, other):
        hint = "use a literal or cast of the same type"
        if one in _MOMENTS or other in _MOMENTS:
            hint = "write DATE '2026-01-31' or TIMESTAMP '2026-01-31 00:00:00', or cast to `date`"
        raise MalformedQuery(f"a `{one}` does not compare with a `{other}`", hint=hint)


def agree(one: ColumnType | None, other: ColumnType | None) -> bool:
    """Whether two types may meet: one is unknown, both are the same, or both are numbers."""
    if one is None or other is None or one is other:
        return True
    return one in _NUMBERS and other in _NUMBERS


def expect_condition(term: tree.Expr) -> None:
    """Nothing; refuses as a condition what is known not to be boolean."""
    _expect(term, "b", "a condition")


def _expect(term: tree.Expr, kind: str, where: str) -> None:
    found = type_of_term(term)
    if found is not None and found not in _KINDS[kind]:
        wanted = " or ".join(f"`{one}`" for one in _KINDS[kind])
        raise MalformedQuery(f"{where} takes {wanted}, not `{found}`")


def _check_binary(term: tree.Binary) -> None:
    if term.op in tree.COMPARISONS:
        compare(term.left, term.right)
    elif term.op in ("LIKE", "ILIKE"):
        _expect(term.left, "t", f"`{term.op}`")
        _expect(term.right, "t", f"`{term.op}`")
    elif term.op in tree.ARITHMETIC:
        _check_arithmetic(term)


def _compared(term: tree.Between | tree.InList | tree.InQuery) -> tuple[tree.Expr, ...]:
    """What the term of a range, list or subquery is compared with."""
    match term:
        case tree.Between():
            return (term.low, term.high)
        case tree.InList():
            return term.items
        case _:
            body = term.query.body
            return (body.items[0].term,) if isinstance(body, tree.Select) else ()


def _check_arithmetic(term: tree.Binary) -> None:
    left, right = type_of_term(term.left), type_of_term(term.right)
    for one in (left, right):
        if one in (ColumnType.TEXT, ColumnType.BOOLEAN):
            raise MalformedQuery(f"`{term.op}` does not take a `{one}`")
    moments = [one for one in (left, right) if one in _MOMENTS]
    if not moments or None in (left, right):
        return
    whole = (ColumnType.INTEGER, ColumnType.BIGINT)
    shifts = left is ColumnType.DATE and right in whole and term.op in "+-"
    shifts = shifts or (left in whole and right is ColumnType.DATE and term.op == "+")
    differs = left is right is ColumnType.DATE and term.op == "-"
    if not shifts and not differs:
        hint = "a date takes `+` and `-` with whole days, and `-` with a date"
        raise MalformedQuery(f"`{term.op}` does not take `{left}` and `{right}`", hint=hint)


def _check_case(term: tree.Case) -> None:
    for arm in term.arms:
        if term.operand is None:
            expect_condition(arm.condition)
        else:
            compare(term.operand, arm.condition)
    results = [arm.result for arm in term.arms]
    for result in (*results[1:], *((term.otherwise,) if term.otherwise is not None else ())):
        compare(results[0], result)


def _check_call(term: tree.Call) -> None:
    function = FUNCTIONS[term.function]
    for place, argument in enumerate(term.arguments):
        _expect(argument, function.takes_at(place), f"`{term.function}`")
    if term.function in ("coalesce", "nullif", "greatest", "least", "date_diff"):
        first = 1 if term.function == "date_diff" else 0
        for argument in term.arguments[first + 1 :]:
            compare(term.arguments[first], argument)
    if term.only is not None:
        expect_condition(term.only)


def _type_of_binary(term: tree.Binary) -> ColumnType | None:
    if term.op in tree.COMPARISONS or term.op in ("LIKE", "ILIKE"):
        return ColumnType.BOOLEAN
    if term.op == "||":
        return ColumnType.TEXT
    left, right = type_of_term(term.left), type_of_term(term.right)
    if ColumnType.DATE in (left, right) and left is not None and right is not None:
        return ColumnType.BIGINT if left is right else ColumnType.DATE
    if left in _NUMBERS and right in _NUMBERS:
        if term.op == "/" or ColumnType.DOUBLE in (left, right):
            return ColumnType.DOUBLE
        return ColumnType.BIGINT
    return None


def _type_of_call(term: tree.Call) -> ColumnType | None:
    gives = FUNCTIONS[term.function].gives
    if gives is not None or term.function in ("sum", "round", "floor", "ceil", "date_trunc"):
        return gives
    return _common(list(term.arguments)) if term.arguments else None


def _common(terms: list[tree.Expr]) -> ColumnType | None:
    found = {type_of_term(term) for term in terms if not isinstance(term, tree.Null)}
    return found.pop() if len(found) == 1 else None
