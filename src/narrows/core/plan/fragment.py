"""The closed algebra of what may travel: a fragment, its canonical bytes, its digest.

    Fragment := Scan+ Link* Filter* Output+ Gather? Top?

All scans of a fragment have one holder, and every one is tied to the others by links: equality on
`holder` and on columns of one key domain (`Catalog.key_domains`). Filters are total boolean
conjuncts that mean the same on every engine. Outputs are columns, never expressions. A fragment
names relations; what it reads is always their release views, to which a node binds it. `Gather` and
`Top` (`shape.py`) make fewer rows of those that are released.

Canonical bytes (RFC 8785); parts that a fragment lacks are left out only where marked `?`:

    {"v": "narrows/fragment/v1",
     "scans": [["t1", "person"], ["t2", "identifier"]],
     "links": [[["t1", "person_id"], ["t2", "person_id"]]],
     "filters": [{"op": "=", "left": {"column": ["t2", "ident_value"]},
                  "right": {"type": "text", "value": "ZZ123456"}}],
     "outputs": [{"column": ["t1", "surname"], "star": false}],
     "gather"?: {"group": ["t1_surname"], "measures": [["count", ""], ["max", "t1_birth_date"]]},
     "top"?: {"keys": [["t1_surname", true, false]], "rows": 10}}

A key of `top` is a column, whether it descends, and whether NULL comes first.

Filters: `{"op": "="|"<>"|"<"|"<="|">"|">="|"is distinct from"|"is not distinct from", "left",
"right"}`, `{"op": "in", "term", "items"}`, `{"op": "like", "term", "pattern"}`,
`{"op": "first in", "term", "length", "items"}`, `{"op": "similar", "terms", "value", "at_least"}`,
`{"op": "is null", "term"}`, `{"op": "and"|"or", "terms"}`, `{"op": "not", "term"}`; operands are
columns or typed values; `at_least` is a fraction spelled as text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from narrows.core.canonical import Json, canonical_bytes
from narrows.core.plan.shape import Gather, Top, encode_shape
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    RelationName,
    TypedValue,
    digest_of,
)

FRAGMENT_FORMAT = "narrows/fragment/v1"


@dataclass(frozen=True, slots=True, order=True)
class ColumnOf:
    """A column of the scan with that alias."""

    alias: str
    column: ColumnName


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a parameter in a plan; `fill` puts a value there before anything is signed."""

    name: str
    type: ColumnType


Operand: TypeAlias = ColumnOf | TypedValue | Slot


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left op right`, both of types that compare (`ColumnType.compares_with`).

    With `is distinct from` and its negation NULL is a value like others: never unknown.
    """

    op: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Among:
    """`term IN (items)`: literals or slots of a type that compares with the column's."""

    term: ColumnOf
    items: tuple[TypedValue | Slot, ...]


@dataclass(frozen=True, slots=True)
class FirstAmong:
    """`substr(term, 1, length) IN (items)`, over a text column."""

    term: ColumnOf
    length: int
    items: tuple[TypedValue | Slot, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """`term LIKE pattern`, over a text column, as `patterns.matches` says."""

    term: ColumnOf
    pattern: TypedValue


@dataclass(frozen=True, slots=True)
class Similar:
    """`name_sim(terms joined by blanks, value) >= at_least`; unknown where a side is NULL.

    `terms` are text columns of one scan.
    """

    terms: tuple[ColumnOf, ...]
    value: TypedValue | Slot
    at_least: float


@dataclass(frozen=True, slots=True)
class Missing:
    """`term IS NULL`."""

    term: ColumnOf


@dataclass(frozen=True, slots=True)
class Every:
    """All of the terms."""

    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of the terms."""

    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """The negation of a term, unknown where the term is unknown."""

    term: "Filter"


Filter: TypeAlias = (
    Comparison | Among | FirstAmong | Like | Similar | Missing | Every | AnyOf | Opposite
)


@dataclass(frozen=True, slots=True)
class ScanOf:
    """One use of a relation."""

    alias: str
    relation: RelationName


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """Two columns of one key domain that are equal; `left` sorts before `right`."""

    left: ColumnOf
    right: ColumnOf


@dataclass(frozen=True, slots=True, order=True)
class Output:
    """A column that travels. `star` says that only a star brought it: a holder may withhold it."""

    column: ColumnOf
    star: bool = False

    @property
    def name(self) -> ColumnName:
        """The name of the column in the fragment's rows: `holder`, or `t1_surname`."""
        if self.column.column == HOLDER_COLUMN:
            return HOLDER_COLUMN
        return ColumnName(f"{self.column.alias}_{self.column.column}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One closed tree. Scans in order of appearance; links and outputs sorted; filters as written."""

    scans: tuple[ScanOf, ...]
    links: tuple[Link, ...]
    filters: tuple[Filter, ...]
    outputs: tuple[Output, ...]
    gather: Gather | None = None
    top: Top | None = None

    @property
    def relations(self) -> frozenset[RelationName]:
        """The relations that a holder must hold for this fragment to have any row of its."""
        return frozenset(scan.relation for scan in self.scans)

    def relation_of(self, alias: str) -> RelationName:
        """The relation that an alias stands for. Needs: the alias is one of the scans'."""
        return next(scan.relation for scan in self.scans if scan.alias == alias)


def encode_fragment(fragment: Fragment) -> bytes:
    """The canonical bytes. Needs: no slot is left unfilled (`fill`)."""
    document: dict[str, Json] = {
        "v": FRAGMENT_FORMAT,
        "scans": [[scan.alias, scan.relation] for scan in fragment.scans],
        "links": [[_column(link.left), _column(link.right)] for link in fragment.links],
        "filters": [encode_filter(found) for found in fragment.filters],
        "outputs": [
            {"column": _column(output.column), "star": output.star} for output in fragment.outputs
        ],
    }
    return canonical_bytes(document | encode_shape(fragment.gather, fragment.top))


def fragment_digest(fragment: Fragment) -> Digest:
    """SHA-256 of the canonical bytes."""
    return digest_of(encode_fragment(fragment))


def encode_filter(found: Filter) -> Json:
    """The document of one filter, as in the canonical bytes."""
    match found:
        case Comparison():
            return {
                "op": found.op,
                "left": encode_operand(found.left),
                "right": encode_operand(found.right),
            }
        case Among():
            items = [encode_operand(item) for item in found.items]
            return {"op": "in", "term": encode_operand(found.term), "items": items}
        case FirstAmong():
            return {
                "op": "first in",
                "term": encode_operand(found.term),
                "length": found.length,
                "items": [encode_operand(item) for item in found.items],
            }
        case Similar():
            return {
                "op": "similar",
                "terms": [encode_operand(term) for term in found.terms],
                "value": encode_operand(found.value),
                "at_least": repr(found.at_least),
            }
        case Like():
            term, pattern = encode_operand(found.term), encode_operand(found.pattern)
            return {"op": "like", "term": term, "pattern": pattern}
        case Missing():
            return {"op": "is null", "term": encode_operand(found.term)}
        case Every() | AnyOf():
            op = "and" if isinstance(found, Every) else "or"
            return {"op": op, "terms": [encode_filter(term) for term in found.terms]}
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            return {"op": "not", "term": encode_filter(found.term)}


def encode_operand(operand: Operand) -> Json:
    """The document of a column or typed value."""
    match operand:
        case ColumnOf():
            return {"column": _column(operand)}
        case TypedValue():
            return {"type": operand.type.value, "value": operand.text}
        case Slot():  # pragma: no branch - INVARIANT: closed union
            return {"slot": operand.name, "type": operand.type.value}


def fill(fragment: Fragment, values: Mapping[str, TypedValue]) -> Fragment:
    """The fragment with each slot replaced by the value of that name.

    Needs: a value of the slot's type for every slot.
    """
    filters = tuple(_fill_filter(found, values) for found in fragment.filters)
    return replace(fragment, filters=filters)


def columns_of(found: Filter) -> Iterator[ColumnOf]:
    """Every column that a filter reads, in order, repeats included."""
    match found:
        case Comparison():
            yield from (side for side in (found.left, found.right) if isinstance(side, ColumnOf))
        case Among() | FirstAmong() | Like() | Missing():
            yield found.term
        case Similar():
            yield from found.terms
        case Every() | AnyOf():
            for term in found.terms:
                yield from columns_of(term)
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            yield from columns_of(found.term)


def leaves_of(found: Filter) -> Iterator[Filter]:
    """The conditions that a filter is made of, in order, without `and`, `or` and `not`."""
    match found:
        case Every() | AnyOf():
            for term in found.terms:
                yield from leaves_of(term)
        case Opposite():
            yield from leaves_of(found.term)
        case _:
            yield found


def _fill_filter(found: Filter, values: Mapping[str, TypedValue]) -> Filter:
    match found:
        case Comparison():
            return Comparison(found.op, _filled(found.left, values), _filled(found.right, values))
        case Among():
            return Among(found.term, _filled_items(found.items, values))
        case FirstAmong():
            items = _filled_items(found.items, values)
            return FirstAmong(found.term, found.length, items)
        case Similar():
            (value,) = _filled_items((found.value,), values)
            return Similar(found.terms, value, found.at_least)
        case Like() | Missing():
            return found
        case Every():
            return Every(tuple(_fill_filter(term, values) for term in found.terms))
        case AnyOf():
            return AnyOf(tuple(_fill_filter(term, values) for term in found.terms))
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            return Opposite(_fill_filter(found.term, values))


def _filled(operand: Operand, values: Mapping[str, TypedValue]) -> Operand:
    return values[operand.name] if isinstance(operand, Slot) else operand


def _filled_items(
    items: tuple[TypedValue | Slot, ...], values: Mapping[str, TypedValue]
) -> tuple[TypedValue | Slot, ...]:
    return tuple(values[item.name] if isinstance(item, Slot) else item for item in items)


def _column(column: ColumnOf) -> Json:
    return [column.alias, column.column]
