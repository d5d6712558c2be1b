"""A fragment read back from its canonical bytes, by a node that trusts nobody.

A signature shows who made a fragment, not that it makes sense: here it must be closed (every name
is of the catalog, every alias of its scans), its links within one key domain and connecting all
scans, its comparisons of types that compare.
"""

from collections.abc import Mapping

from narrows.core.canonical import Json, parse_canonical
from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import (
    FRAGMENT_FORMAT,
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    FirstAmong,
    Fragment,
    Like,
    Link,
    Missing,
    Operand,
    Opposite,
    Output,
    ScanOf,
    Similar,
    encode_fragment,
)
from narrows.core.plan.given import given_columns
from narrows.core.plan.patterns import goes_down
from narrows.core.plan.pushdown import MAX_FIRST, types_compare
from narrows.core.plan.shape import Gather, Measure, Top, TopKey, why_misshapen
from narrows.core.terms import (
    NAME,
    ColumnName,
    ColumnType,
    RelationName,
    TypedValue,
    parse_value,
)
from narrows.errors import MalformedRequest

MAX_SCANS = 16
MAX_FILTER_DEPTH = 40
MAX_FILTERS = 1_000
MAX_CONSTANTS = 2_500
MAX_LINKS = 500
MAX_OUTPUTS = 2_000
"""Twice what the accepted SQL can come to, and more. Without them a fragment of a megabyte would
keep a node's policy, which compares conjuncts with each other, busy for minutes."""
_OPS = ("=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from")


def decode_fragment(data: bytes, catalog: Catalog) -> Fragment:
    """The fragment that these bytes spell; `encode_fragment` undoes it.

    Raises: MalformedRequest, saying what is wrong with its form and never a literal.
    """
    _check_size(data)
    document = _fields(parse_canonical(data))
    if document["v"] != FRAGMENT_FORMAT:
        raise _wrong(f"is not of format `{FRAGMENT_FORMAT}`")
    found = Fragment(
        scans=tuple(_scan(one) for one in _list(document["scans"])),
        links=tuple(_link(one) for one in _list(document["links"], MAX_LINKS)),
        filters=tuple(_filter(one, 0) for one in _list(document["filters"])),
        outputs=tuple(_output(one) for one in _list(document["outputs"], MAX_OUTPUTS)),
        gather=_gather(document["gather"]) if "gather" in document else None,
        top=_top(document["top"]) if "top" in document else None,
    )
    check_fragment(found, catalog)
    if encode_fragment(found) != data:  # pragma: no cover - INVARIANT: decoding loses nothing
        raise _wrong("is not spelled in its canonical form")
    return found


def _check_size(data: bytes) -> None:
    """Nothing; counts filters and constants before the document is read.

    Inside a text a quote is escaped, so that no literal counts as either.
    """
    if data.count(b'"op":') > MAX_FILTERS or data.count(b'"type":') > MAX_CONSTANTS:
        raise _wrong(f"has over {MAX_FILTERS} filters, or over {MAX_CONSTANTS} constants")


def check_fragment(fragment: Fragment, catalog: Catalog) -> None:
    """Nothing, when the fragment is closed, connected and typed. Raises: MalformedRequest."""
    scans = {scan.alias: scan.relation for scan in fragment.scans}
    if not 0 < len(scans) == len(fragment.scans) <= MAX_SCANS:
        raise _wrong(f"has not between 1 and {MAX_SCANS} scans, each with its own alias")
    for relation in scans.values():
        if catalog.relation(relation) is None:
            raise _wrong("scans a relation that the catalog lacks")
    for link in fragment.links:
        _check_link(link, scans, catalog)
    _check_connected(scans, fragment.links)
    if not all(types_compare(found, scans, catalog) for found in fragment.filters):
        raise _wrong("filters by a column that the catalog lacks, or across types")
    _check_outputs(fragment, scans, catalog)
    if list(fragment.links) != sorted(set(fragment.links)):
        raise _wrong("does not give its links in order")
    if why := why_misshapen(fragment.gather, fragment.top, given_columns(fragment, catalog)):
        raise _wrong(why)


def _check_outputs(fragment: Fragment, scans: Mapping[str, RelationName], catalog: Catalog) -> None:
    for output in fragment.outputs:
        if not _has_column(output.column, scans, catalog):
            raise _wrong("gives a column that the catalog lacks")
    names = {output.name for output in fragment.outputs}
    if not fragment.outputs or len(names) != len(fragment.outputs):
        raise _wrong("gives no column, or one twice")
    if list(fragment.outputs) != sorted(fragment.outputs):
        raise _wrong("does not give its columns in order")


def _check_link(link: Link, scans: Mapping[str, RelationName], catalog: Catalog) -> None:
    sides = (link.left, link.right)
    if not all(_has_column(side, scans, catalog) for side in sides):
        raise _wrong("links a column that the catalog lacks")
    domains = [catalog.key_domains.get((scans[side.alias], side.column)) for side in sides]
    # Within one scan it would be a filter, on columns that policy may only let be linked.
    is_inside = link.left.alias == link.right.alias
    if domains[0] is None or domains[0] != domains[1] or is_inside or not link.left < link.right:
        raise _wrong("links columns that do not lead to one key")


def _check_connected(scans: Mapping[str, RelationName], links: tuple[Link, ...]) -> None:
    reached = {next(iter(scans))}
    pending = list(links)
    while ready := [one for one in pending if {one.left.alias, one.right.alias} & reached]:
        reached |= {side.alias for one in ready for side in (one.left, one.right)}
        pending = [one for one in pending if one not in ready]
    if reached != set(scans):
        raise _wrong("has scans that no link ties to the others")


def _has_column(column: ColumnOf, scans: Mapping[str, RelationName], catalog: Catalog) -> bool:
    relation = scans.get(column.alias)
    return relation is not None and catalog.relations[relation].column(column.column) is not None


def _scan(value: Json) -> ScanOf:
    alias, relation = _pair(value)
    if not NAME.fullmatch(alias):
        raise _wrong("has an alias that is not a plain name")
    return ScanOf(alias, RelationName(relation))


def _link(value: Json) -> Link:
    sides = _list(value)
    if len(sides) != 2:
        raise _wrong("has a link that has not two sides")
    return Link(_column(sides[0]), _column(sides[1]))


def _fields(value: Json) -> dict[str, Json]:
    """The fields of a fragment, of which `gather` and `top` may be left out."""
    given = set(value) if isinstance(value, dict) else set[str]()
    return _object(value, _ALWAYS | (given & {"gather", "top"}))


_ALWAYS = {"v", "scans", "links", "filters", "outputs"}


def _gather(value: Json) -> Gather:
    fields = _object(value, {"group", "measures"})
    return Gather(
        tuple(ColumnName(_name(one)) for one in _list(fields["group"], MAX_OUTPUTS)),
        tuple(
            Measure(op, ColumnName(column))
            for op, column in map(_pair, _list(fields["measures"], MAX_OUTPUTS))
        ),
    )


def _top(value: Json) -> Top:
    fields = _object(value, {"keys", "rows"})
    rows = fields["rows"]
    if isinstance(rows, bool) or not isinstance(rows, int):
        raise _wrong("ranks a number of rows that is none")
    return Top(tuple(_top_key(one) for one in _list(fields["keys"], MAX_OUTPUTS)), rows)


def _top_key(value: Json) -> TopKey:
    match value:
        case [str() as column, bool() as descending, bool() as nulls_first]:
            return TopKey(ColumnName(column), descending, nulls_first)
    raise _wrong("ranks by a key that is none")


def _name(value: Json) -> str:
    if not isinstance(value, str):
        raise _wrong("has something else where a name belongs")
    return value


def _output(value: Json) -> Output:
    fields = _object(value, {"column", "star"})
    star = fields["star"]
    if not isinstance(star, bool):
        raise _wrong("has an output that is neither by star nor not")
    return Output(_column(fields["column"]), star)


def _filter(value: Json, depth: int) -> Filter:
    if depth > MAX_FILTER_DEPTH or not isinstance(value, dict):
        raise _wrong("has a filter that is nested too deeply, or none")
    op = value.get("op")
    if op in ("and", "or", "not"):
        return _logic(value, depth)
    if op == "is null":
        return Missing(_reference(_object(value, _TERM)["term"]))
    if op == "in":
        fields = _object(value, {"op", "term", "items"})
        return Among(_reference(fields["term"]), _items(fields["items"]))
    if op == "first in":
        return _first_among(_object(value, {"op", "term", "length", "items"}))
    if op == "like":
        return _like(_object(value, {"op", "term", "pattern"}))
    if op == "similar":
        return _similar(_object(value, {"op", "terms", "value", "at_least"}))
    if op in _OPS and isinstance(op, str):
        fields = _object(value, {"op", "left", "right"})
        sides = _operand(fields["left"]), _operand(fields["right"])
        if not any(isinstance(side, ColumnOf) for side in sides):
            raise _wrong("has a comparison without a column")
        return Comparison(op, *sides)
    raise _wrong("has a filter of an unknown kind")


def _logic(value: Mapping[str, Json], depth: int) -> Filter:
    if value["op"] == "not":
        return Opposite(_filter(_object(value, _TERM)["term"], depth + 1))
    terms = tuple(_filter(one, depth + 1) for one in _list(_object(value, _TERMS)["terms"]))
    if len(terms) < 2:
        raise _wrong("has an `and` or `or` of fewer than two terms")
    return Every(terms) if value["op"] == "and" else AnyOf(terms)


def _items(value: Json) -> tuple[TypedValue, ...]:
    items = tuple(_constant(one) for one in _list(value))
    if not items:
        raise _wrong("has an `in` without items")
    return items


def _first_among(fields: dict[str, Json]) -> FirstAmong:
    length = fields["length"]
    if isinstance(length, bool) or not isinstance(length, int) or not 0 < length <= MAX_FIRST:
        raise _wrong(f"takes not between 1 and {MAX_FIRST} first characters")
    return FirstAmong(_reference(fields["term"]), length, _items(fields["items"]))


def _like(fields: dict[str, Json]) -> Like:
    pattern = _constant(fields["pattern"])
    if not goes_down(pattern):
        raise _wrong("has no pattern, or too long a one")
    return Like(_reference(fields["term"]), pattern)


def _similar(fields: dict[str, Json]) -> Similar:
    terms = tuple(_reference(one) for one in _list(fields["terms"]))
    spelled = fields["at_least"]
    try:
        at_least = float(spelled) if isinstance(spelled, str) else -1.0
    except ValueError:
        at_least = -1.0
    if not 0 <= at_least <= 1 or repr(at_least) != spelled:
        raise _wrong("measures likeness by something else than a fraction from 0 to 1")
    if not terms or len({term.alias for term in terms}) != 1:
        raise _wrong("measures likeness of no column, or of columns of two scans")
    return Similar(terms, _constant(fields["value"]), at_least)


_TERMS = {"op", "terms"}
_TERM = {"op", "term"}


def _operand(value: Json) -> Operand:
    if isinstance(value, dict) and set(value) == {"column"}:
        return _reference(value)
    return _constant(value)


def _reference(value: Json) -> ColumnOf:
    return _column(_object(value, {"column"})["column"])


def _constant(value: Json) -> TypedValue:
    fields = _object(value, {"type", "value"})
    kind, text = fields["type"], fields["value"]
    if kind not in list(ColumnType) or not (text is None or isinstance(text, str)):
        raise _wrong("has a constant of no canonical type")
    return parse_value(ColumnType(kind), text)


def _column(value: Json) -> ColumnOf:
    alias, column = _pair(value)
    return ColumnOf(alias, ColumnName(column))


def _pair(value: Json) -> tuple[str, str]:
    match value:
        case [str() as one, str() as other]:
            return one, other
    raise _wrong("has something else where a pair of names belongs")


def _list(value: Json, most: int = MAX_CONSTANTS) -> list[Json]:
    if not isinstance(value, list) or len(value) > most:
        raise _wrong("has something else where a list belongs, or too long a list")
    return value


def _object(value: Json, names: set[str]) -> dict[str, Json]:
    if not isinstance(value, dict) or set(value) != names:
        raise _wrong("has other fields than the published format")
    return value


def _wrong(message: str) -> MalformedRequest:
    return MalformedRequest(f"a fragment {message}", hint="split with the published planner")
