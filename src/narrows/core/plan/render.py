"""Trees as SQL text: a merge for DuckDB, a fragment for people to read.

Only text that is made here ever reaches an engine's parser; what the requester wrote does not.
Identifiers are always quoted and constants spelled out, so no name can be read as anything else.
"""

from collections.abc import Iterator, Sequence

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    FirstAmong,
    Fragment,
    Like,
    Missing,
    Operand,
    Opposite,
    Similar,
)
from narrows.core.plan.shape import tell_shape
from narrows.core.sql import tree
from narrows.core.terms import ColumnType, TypedValue

TODAY_PARAMETER = "today_"
_TYPES = {ColumnType.TEXT: "VARCHAR"}
_SET_OPERATORS = {"union": "UNION", "intersect": "INTERSECT", "except": "EXCEPT"}


def render_query(query: tree.Query) -> str:
    """One DuckDB `SELECT`; parameters as `$name`, the request's day as `$today_`."""
    return "".join(_query(query))


def render_fragment(fragment: Fragment) -> str:
    """A fragment as readable SQL over relations; the release views stand behind their names."""
    scans = ", ".join(f"{scan.relation} AS {scan.alias}" for scan in fragment.scans)
    outputs = ", ".join(_column(output.column) for output in fragment.outputs)
    first, *others = (scan.alias for scan in fragment.scans)
    tests = [f"{first}.holder = {other}.holder" for other in others]
    tests += [f"{_column(link.left)} = {_column(link.right)}" for link in fragment.links]
    tests += [render_filter(found) for found in fragment.filters]
    where = "\nWHERE " + "\n  AND ".join(tests) if tests else ""
    shape = tell_shape(fragment.gather, fragment.top)
    return f"SELECT {outputs}\nFROM {scans}{where}" + (f"\n{shape}" if shape else "")


def render_term(term: tree.Expr) -> str:
    """One expression of a merge as SQL, in parentheses where it has an operator."""
    return _term(term)


def render_filter(found: Filter) -> str:
    """One filter as readable SQL."""
    match found:
        case Comparison():
            return f"{_operand(found.left)} {found.op.upper()} {_operand(found.right)}"
        case Among():
            return f"{_column(found.term)} IN ({', '.join(_operand(i) for i in found.items)})"
        case FirstAmong():
            items = ", ".join(_operand(item) for item in found.items)
            return f"substr({_column(found.term)}, 1, {found.length}) IN ({items})"
        case Like():
            return f"{_column(found.term)} LIKE {constant(found.pattern)}"
        case Similar():
            names = " || ' ' || ".join(_column(term) for term in found.terms)
            return f"name_sim({names}, {_operand(found.value)}) >= {found.at_least}"
        case Missing():
            return f"{_column(found.term)} IS NULL"
        case Every() | AnyOf():
            word = " AND " if isinstance(found, Every) else " OR "
            return f"({word.join(render_filter(term) for term in found.terms)})"
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            return f"NOT ({render_filter(found.term)})"


def quote(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def constant(value: TypedValue) -> str:
    """A constant as SQL, with its type where the text alone would not say it."""
    if value.text is None:
        return f"CAST(NULL AS {type_name(value.type)})"
    match value.type:
        case ColumnType.TEXT:
            return "'" + value.text.replace("'", "''") + "'"
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            return f"{value.type.upper()} '{value.text.replace('T', ' ')}'"
        case _:
            return value.text


def type_name(kind: ColumnType) -> str:
    """The SQL name of a canonical type."""
    return _TYPES.get(kind, kind.upper())


def _query(query: tree.Query) -> Iterator[str]:
    if query.ctes:
        yield "WITH "
        yield ", ".join(
            f"{quote(cte.name)}{_columns(cte.columns)} AS ({render_query(cte.query)})"
            for cte in query.ctes
        )
        yield " "
    body = query.body
    if isinstance(body, tree.SetOperation):
        every = " ALL" if body.every else ""
        left, right = render_query(body.left), render_query(body.right)
        yield f"({left}) {_SET_OPERATORS[body.op]}{every} ({right})"
    else:
        yield from _select(body)
    if query.order:
        yield f" ORDER BY {_keys(query.order)}"
    if query.limit is not None:
        yield f" LIMIT {query.limit}"
    if query.offset is not None:
        yield f" OFFSET {query.offset}"


def _select(select: tree.Select) -> Iterator[str]:
    yield "SELECT DISTINCT " if select.distinct else "SELECT "
    yield ", ".join(_item(item) for item in select.items)
    if select.source is not None:
        yield f" FROM {_source(select.source)}"
    if select.where is not None:
        yield f" WHERE {_term(select.where)}"
    if select.group:
        yield f" GROUP BY {_terms(select.group)}"
    if select.having is not None:
        yield f" HAVING {_term(select.having)}"


def _source(source: tree.Source) -> str:
    match source:
        case tree.Scan(alias, relation):
            return f"{quote(relation)} AS {quote(alias)}"
        case tree.CteScan(alias, cte):
            return f"{quote(cte)} AS {quote(alias)}"
        case tree.FragmentScan(alias):
            return quote(alias)
        case tree.Derived(alias, query, columns):
            return f"({render_query(query)}) AS {quote(alias)}{_columns(columns)}"
        case tree.Join(kind, left, right, on, using):
            condition = "" if on is None else f" ON {_term(on)}"
            condition += f" USING{_columns(using)}" if using else ""
            # Joins group to the left; only what stands on the right needs its parentheses.
            other = f"({_source(right)})" if isinstance(right, tree.Join) else _source(right)
            return f"{_source(left)} {kind.upper()} JOIN {other}{condition}"
        case tree.TableRef(name, alias):  # pragma: no branch - INVARIANT: closed union
            return f"{quote(name)} AS {quote(alias)}"


def _item(item: tree.Item) -> str:
    is_bare = isinstance(item.term, tree.Star) or not item.name
    return _term(item.term) if is_bare else f"{_term(item.term)} AS {quote(item.name)}"


def _literal(value: TypedValue) -> str:
    """A constant as the merge needs it: without an exponent DuckDB would read a decimal."""
    text = constant(value)
    is_double = value.type is ColumnType.DOUBLE and value.text is not None
    return f"{text}e0" if is_double and "e" not in text else text


def _terms(terms: Sequence[tree.Expr]) -> str:
    return ", ".join(_term(term) for term in terms)


def _term(term: tree.Expr) -> str:  # noqa: C901, PLR0912 - one arm a node of a closed tree
    match term:
        case tree.Ref(source, column):
            return f"{quote(source)}.{quote(column)}" if source else quote(column)
        case tree.Literal(value):
            return _literal(value)
        case tree.Null():
            return "NULL"
        case tree.Param(name):
            return f"${name}"
        case tree.Today():
            return f"${TODAY_PARAMETER}"
        case tree.Binary(op, left, right):
            return f"({_term(left)} {op} {_term(right)})"
        case tree.And(terms):
            return "(" + " AND ".join(_term(one) for one in terms) + ")"
        case tree.Or(terms):
            return "(" + " OR ".join(_term(one) for one in terms) + ")"
        case tree.Not(inner):
            return f"(NOT {_term(inner)})"
        case tree.Negate(inner):
            return f"(- {_term(inner)})"
        case tree.IsNull(inner):
            return f"({_term(inner)} IS NULL)"
        case tree.InList(inner, items):
            return f"({_term(inner)} IN ({_terms(items)}))"
        case tree.InQuery(inner, query):
            return f"({_term(inner)} IN ({render_query(query)}))"
        case tree.Exists(query):
            return f"(EXISTS ({render_query(query)}))"
        case tree.ScalarQuery(query):
            return f"({render_query(query)})"
        case tree.Between(inner, low, high):
            return f"({_term(inner)} BETWEEN {_term(low)} AND {_term(high)})"
        case tree.Case():
            return _case(term)
        case tree.Cast(inner, kind):
            return f"CAST({_term(inner)} AS {type_name(kind)})"
        case tree.Extract(part, inner):
            return f"EXTRACT({part} FROM {_term(inner)})"
        case tree.Call():
            return _call(term)
        case tree.Name(qualifier, name):
            return quote(name) if qualifier is None else f"{quote(qualifier)}.{quote(name)}"
        case tree.Star(qualifier):  # pragma: no branch - INVARIANT: closed union
            return "*" if qualifier is None else f"{quote(qualifier)}.*"


def _call(call: tree.Call) -> str:
    arguments = _terms(call.arguments)
    if call.function == "count" and not call.arguments:
        arguments = "*"
    distinct = "DISTINCT " if call.distinct else ""
    order = f" ORDER BY {_keys(call.order)}" if call.order else ""
    only = "" if call.only is None else f" FILTER (WHERE {_term(call.only)})"
    over = "" if call.over is None else f" OVER ({_window(call.over)})"
    return f"{call.function}({distinct}{arguments}{order}){only}{over}"


def _window(window: tree.Window) -> str:
    parts = []
    if window.partition:
        parts.append(f"PARTITION BY {_terms(window.partition)}")
    if window.order:
        parts.append(f"ORDER BY {_keys(window.order)}")
    if window.frame:
        parts.append(window.frame)
    return " ".join(parts)


def _case(case: tree.Case) -> str:
    operand = "" if case.operand is None else f" {_term(case.operand)}"
    arms = "".join(f" WHEN {_term(arm.condition)} THEN {_term(arm.result)}" for arm in case.arms)
    otherwise = "" if case.otherwise is None else f" ELSE {_term(case.otherwise)}"
    return f"CASE{operand}{arms}{otherwise} END"


def _keys(keys: Sequence[tree.SortKey]) -> str:
    return ", ".join(
        f"{_term(key.term)} {'DESC' if key.descending else 'ASC'} "
        f"NULLS {'FIRST' if key.nulls_first else 'LAST'}"
        for key in keys
    )


def _columns(columns: Sequence[str]) -> str:
    return f" ({', '.join(quote(column) for column in columns)})" if columns else ""


def _operand(operand: Operand) -> str:
    match operand:
        case ColumnOf():
            return _column(operand)
        case TypedValue():
            return constant(operand)
        case _:
            return operand.name if operand.name.startswith(":") else f":{operand.name}"


def _column(column: ColumnOf) -> str:
    return f"{column.alias}.{column.column}"
