"""What a bound fragment reads, as SQL for people: the release views behind their names.

For `narrows explain` and golden cases. No engine runs this text; literals of the requester are
`$1`, `$2`, …, while the values of a policy are spelled out, since policies are public.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

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
    Slot,
)
from narrows.core.plan.render import constant
from narrows.core.plan.shape import tell_shape
from narrows.core.policy.bound import (
    Anchor,
    AnyAnchor,
    BoundFragment,
    BoundOutput,
    BoundTest,
    Cap,
    Edition,
    First,
    FirstAnchor,
    Guard,
    Keep,
    KeepOnly,
    KeepUnless,
    NormalAnchor,
    RangeAnchor,
    SimilarAnchor,
)
from narrows.core.policy.model import MaskKind
from narrows.core.terms import HOLDER_COLUMN, TypedValue

_SIGNS = MappingProxyType({"before": "<", "from": ">=", "to": "<="})
_OPPOSITES = MappingProxyType({"before": ">=", "from": "<", "to": ">"})


def describe(bound: BoundFragment) -> str:
    """The bound fragment as readable SQL: masks, keeps and guard in plain sight."""
    text = ViewText(bound)
    outputs = ", ".join(text.output(output) for output in bound.outputs)
    scans = ", ".join(f"{scan.relation} AS {scan.alias}" for scan in bound.scans)
    tests = "\n  AND ".join(text.tests())
    where = f"\nWHERE {tests}" if tests else ""
    shape = tell_shape(bound.gather, bound.top)
    text_of_view = f"SELECT {outputs}\nFROM {scans}{where}\n{tell_guard(bound.guard)}"
    return f"{text_of_view}\n{shape}" if shape else text_of_view


class ViewText:
    """Writes the parts of one bound fragment, each once and in order.

    The requester's literals are counted, or `spelled` out where only the requester reads them.
    """

    def __init__(self, bound: BoundFragment, *, spelled: bool = False) -> None:
        self._bound = bound
        self._masks = {found.column: found.mask for found in bound.columns}
        self._spelled = spelled
        self._count = 0

    def output(self, output: BoundOutput) -> str:
        """One column of the rows that are given, through its mask."""
        name = output.column.column
        if name == HOLDER_COLUMN:
            return f"'{self._bound.holder}' AS {HOLDER_COLUMN}"
        if output.withheld:
            return f"NULL AS {name}"
        read = self._column(output.column)
        return read if read == f"{output.column.alias}.{name}" else f"{read} AS {name}"

    def tests(self) -> Iterator[str]:
        """All that a row must be, to be given."""
        yield from self.links()
        yield from self.anchors()
        yield from self.keeps()
        yield from self.filters()

    def links(self) -> Iterator[str]:
        """How the scans hang on each other."""
        for link in self._bound.links:
            left, right = link.left, link.right
            yield f"{left.alias}.{left.column} = {right.alias}.{right.column}"

    def anchors(self) -> Iterator[str]:
        """What is matched, on raw values."""
        yield from (self._anchor(anchor) for anchor in self._bound.anchors)

    def keeps(self) -> Iterator[str]:
        """Which rows exist at all for this request."""
        for scan in self._bound.scans:
            yield from (_keep(keep, f"{scan.alias}.", scan.alias) for keep in scan.keep)

    def filters(self) -> Iterator[str]:
        """What is tested on values as they are shown."""
        yield from (self._filter(found) for found in self._bound.filters)

    def _anchor(self, anchor: AnyAnchor) -> str:
        match anchor:
            case Anchor():
                return self._among(_raw(anchor.column), anchor.values)
            case RangeAnchor():
                low, high = self._literal(anchor.low), self._literal(anchor.high)
                return f"{_raw(anchor.column)} BETWEEN {low} AND {high}"
            case FirstAnchor():
                first = f"substr({_raw(anchor.column)}, 1, {anchor.length})"
                return self._among(first, anchor.values)
            case NormalAnchor():
                term = f"normal_{anchor.normal}({_raw(anchor.column)})"
                return self._among(term, anchor.values)
            case SimilarAnchor():  # pragma: no branch - INVARIANT: closed union
                names = " || ' ' || ".join(map(_raw, anchor.columns))
                return f"name_sim({names}, {self._literal(anchor.value)}) >= {anchor.at_least}"

    def _among(self, term: str, values: Sequence[TypedValue]) -> str:
        first, *others = (self._literal(value) for value in values)
        return f"{term} IN ({', '.join((first, *others))})" if others else f"{term} = {first}"

    def _filter(self, found: Filter) -> str:
        match found:
            case Comparison():
                left, right = self._operand(found.left), self._operand(found.right)
                return f"{left} {found.op.upper()} {right}"
            case Among():
                items = ", ".join(self._operand(item) for item in found.items)
                return f"{self._column(found.term)} IN ({items})"
            case FirstAmong():
                items = ", ".join(self._operand(item) for item in found.items)
                return f"substr({self._column(found.term)}, 1, {found.length}) IN ({items})"
            case Like():
                return f"{self._column(found.term)} LIKE {self._literal(found.pattern)}"
            case Similar():
                names = " || ' ' || ".join(self._column(term) for term in found.terms)
                return f"name_sim({names}, {self._operand(found.value)}) >= {found.at_least}"
            case Missing():
                return f"{self._column(found.term)} IS NULL"
            case Every() | AnyOf():
                word = " AND " if isinstance(found, Every) else " OR "
                return f"({word.join(self._filter(term) for term in found.terms)})"
            case Opposite():  # pragma: no branch - INVARIANT: closed union
                return f"NOT ({self._filter(found.term)})"

    def _operand(self, operand: Operand) -> str:
        return self._column(operand) if isinstance(operand, ColumnOf) else self._literal(operand)

    def _literal(self, value: TypedValue | Slot) -> str:
        if self._spelled and isinstance(value, TypedValue):
            return constant(value)
        self._count += 1
        return f"${self._count}"

    def _column(self, column: ColumnOf) -> str:
        if column.column == HOLDER_COLUMN:
            return f"'{self._bound.holder}'"
        name = f"{column.alias}.{column.column}"
        mask = self._masks[column]
        match mask.kind:
            case MaskKind.AS_IS:
                return name
            case MaskKind.NULL:
                return "NULL"
            case MaskKind.YEAR | MaskKind.MONTH | MaskKind.DAY:
                return f"DATE_TRUNC('{mask.kind}', {name})"
            case MaskKind.FIRST:
                return f"LEFT({name}, {mask.amount})"
            case MaskKind.PSEUDONYM:
                return f"PSEUDONYM({name})"
            case _:
                return f"{mask.kind.upper()}({name}, {mask.amount})"


def _keep(keep: Keep, prefix: str, whose: str) -> str:
    """One keep in words; what is unknown, or has no parent, is hidden too."""
    if isinstance(keep, KeepOnly):
        return " AND ".join(_only(test, prefix) for test in keep.tests)
    if isinstance(keep, KeepUnless):
        tests = [_unless(test, prefix, alone=len(keep.tests) == 1) for test in keep.tests]
        return tests[0] if len(tests) == 1 else f"NOT ({' AND '.join(tests)})"
    inner = " AND ".join(_keep(one, "", f"that {keep.parent}") for one in keep.keep)
    columns = ", ".join(keep.columns)
    return f"{whose} only of a {keep.parent} ({columns}) with {inner}"


def tell_guard(guard: Guard) -> str:
    """How much is given at most, or of what."""
    match guard:
        case Cap(rows):
            return f"at most {'1 row' if rows == 1 else f'{rows} rows'}, or refused"
        case First(by):
            return f"the first row by {', '.join(map(_raw, by))}, then by all that is shown"
        case Edition(cube):  # pragma: no branch - INVARIANT: closed union
            return f"over the cells of the current edition of the cube {cube}"


def _raw(column: ColumnOf) -> str:
    return f"{column.alias}.{column.column}"


def _only(test: BoundTest, prefix: str) -> str:
    name, values = f"{prefix}{test.column}", [constant(value) for value in test.values]
    match test.op:
        case "null":
            return f"{name} IS NULL"
        case "before" | "from" | "to":
            return f"{name} {_SIGNS[test.op]} {values[0]}"
        case _:
            return f"{name} IN ({', '.join(values)})"


def _unless(test: BoundTest, prefix: str, *, alone: bool) -> str:
    name = f"{prefix}{test.column}"
    values = [constant(value) for value in test.values]
    match test.op:
        case "null":
            return f"{name} IS NOT NULL" if alone else f"{name} IS NULL"
        case "before" | "from" | "to":
            return f"{name} {(_OPPOSITES if alone else _SIGNS)[test.op]} {values[0]}"
        case _:
            return f"{name} {'NOT IN' if alone else 'IN'} ({', '.join(values)})"
