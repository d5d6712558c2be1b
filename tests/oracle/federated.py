"""A question asked of a drawn federation through the real code, and of the union of its rows.

Federated: plan, fragments to canonical bytes and back, decide and bind, compile, the engines,
released rows, batches, the merge statement. Reference: the text itself in one DuckDB over all rows,
which is read by DuckDB alone, so that a name that our resolver binds wrongly shows too.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from narrows.core.plan.codec import decode_fragment
from narrows.core.plan.fragment import Fragment, encode_fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.split import Split
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.together import decide_together
from narrows.core.terms import ColumnType, Holder, MemberName, Purpose, Scalar, TypedValue
from narrows.engines.arrow import build_batches, schema_of
from narrows.errors import NarrowsError
from narrows.node.compile import compile_bound, types_in
from narrows.node.release import released_rows
from tests.oracle.grammar import Question
from tests.oracle.world import World, granting, policy_of, union_of
from tests.proof.asking import pseudonym
from tests.proof.merging import Merged, merge
from tests.proof.stores import Store, Stores, mapping_of

Row = tuple[Scalar, ...]
FORM = "list"
DAY = TypedValue(ColumnType.DATE, date(2026, 6, 1))
ASKED = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("inquiry"),
    FORM,
    date(2026, 6, 1),
    frozenset(("officer", "grounds")),
)
_KINDS = {
    "VARCHAR": "text",
    '"NULL"': "text",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "HUGEINT": "bigint",
}


class Refused(Exception):
    """A question that is not accepted, or that a holder refuses, with the reason."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A question, its plan, and the rows that each holder sent for each part."""

    sql: str
    split: Split
    fragments: tuple[Fragment, ...]
    rows: Mapping[int, Mapping[Holder, Sequence[Row]]]
    values: Mapping[str, TypedValue]

    @property
    def contributing(self) -> int:
        """How many holders sent any row."""
        return len({h for found in self.rows.values() for h, rows in found.items() if rows})


class Federation:
    """A drawn world with its databases filled, and the union of all rows."""

    def __init__(self, world: World, stores: Stores) -> None:
        self.stores = stores
        self.policy = policy_of(world.catalog)
        self.places: dict[Holder, Store] = {}
        self.fill(world)

    def fill(self, world: World) -> None:
        """Nothing; all databases hold the rows of this world, which has the same catalog."""
        self.world = world
        self.union = union_of(world.catalog, world.tables)
        for holder, tables in world.tables.items():
            self.places[holder] = self.stores.at(world.engines[holder], f"oracle-{holder}")
            self.places[holder].fill(tables, world.catalog)

    def close(self) -> None:
        """Nothing; the union is gone."""
        self.union.close()

    def sent(self, sql: str, values: Mapping[str, TypedValue]) -> Sent:
        """What the holders send. Raises: Refused."""
        catalog = self.world.catalog
        every = {**values, TODAY_SLOT: DAY}
        try:
            split = plan(sql, {name: one.type for name, one in values.items()}, catalog, FORM)
        except NarrowsError as error:
            raise Refused(f"{type(error).__name__}: {error.message}") from error
        fragments = split.fill(every)
        for fragment in fragments:
            assert decode_fragment(encode_fragment(fragment), catalog) == fragment
        rows: dict[int, dict[Holder, Sequence[Row]]] = {n: {} for n in range(len(fragments))}
        for holder in catalog.holders:
            asked = {
                n: fragments[n] for n, part in enumerate(split.parts) if part.asked(holder) is None
            }
            for n, found in self._released(holder, asked).items():
                rows[n][holder] = found
        return Sent(sql, split, fragments, rows, every)

    def merged(self, sent: Sent, most_rows: int = 0) -> Merged | str:
        """The answer over what was sent, in batches of at most so many rows; or an error's word."""
        tables = []
        for fragment, found in zip(sent.fragments, sent.rows.values(), strict=True):
            columns = columns_of_fragment(fragment, self.world.catalog)
            schema = schema_of(columns)
            batches = [
                one
                for rows in found.values()
                for cut in _cut(rows, most_rows)
                for one in build_batches(cut, schema)
            ]
            tables.append((columns, batches))
        return merge(self.stores.merges, sent.split, tables, sent.values)

    def expected(self, reference: str) -> tuple[list[tuple[str, str]], list[Row]]:
        """Columns with their types, and rows, of the text over the union. Raises: duckdb.Error."""
        found = self.union.execute(reference)
        columns = [(name, _kind(str(kind))) for name, kind, *_ in found.description]
        return columns, found.fetchall()

    def _released(self, holder: Holder, asked: Mapping[int, Fragment]) -> dict[int, Sequence[Row]]:
        catalog, store = self.world.catalog, self.places[holder]
        policy = granting(self.policy, holder, (one.relations for one in asked.values()))
        judged = decide_together(policy, catalog, [*asked.values()], ASKED)
        bounds = {}
        for n, (decision, bound) in zip(asked, judged, strict=True):
            if bound is None:
                raise Refused(f"refused: {'; '.join(decision.reasons)}")
            bounds[n] = bound
        if not bounds:
            return {}
        mapping = mapping_of(catalog, self.world.tables[holder])
        statements = [
            compile_bound(bound, mapping, store.engine.dialect, types_in(bound, catalog))
            for bound in bounds.values()
        ]
        reading = self.stores.run(store.engine.run(statements, 20))
        return {
            n: released_rows(bound, rows, pseudonym)
            for (n, bound), rows in zip(bounds.items(), reading.rows, strict=True)
        }


def difference(
    question: Question, found: Merged, expected: tuple[list[tuple[str, str]], list[Row]]
) -> str:
    """Where the answers part, in words; empty where they are the same.

    Zero is zero with either sign: which of two equal numbers stands for both is left open.
    """
    columns, wanted = expected
    named = [(name, kind.value) for name, kind in found.columns]
    if named != columns:
        return f"columns {named}\nof the union {columns}"
    one, two = _spelled(found.rows, columns), _spelled(wanted, columns)
    if not _same_bags(one, two, question.loose):
        return f"rows {sorted(map(repr, one))}\nof the union {sorted(map(repr, two))}"
    ordered = [[tuple(row[n] for n in question.fixed) for row in rows] for rows in (one, two)]
    return "" if ordered[0] == ordered[1] else f"order {ordered[0]}\nof the union {ordered[1]}"


def _same_bags(one: list[Row], two: list[Row], loose: tuple[int, ...]) -> bool:
    if not loose:
        return Counter(one) == Counter(two)
    if len(one) != len(two):
        return False

    def key(row: Row) -> tuple[str, list[float]]:
        figures = [float("-inf") if row[n] is None else row[n] for n in loose]
        return repr([v for n, v in enumerate(row) if n not in loose]), figures  # type: ignore[return-value]

    pairs = zip(sorted(one, key=key), sorted(two, key=key), strict=True)
    return all(_is_near(a, b, loose) for a, b in pairs)


def _is_near(one: Row, two: Row, loose: tuple[int, ...]) -> bool:
    for place, (a, b) in enumerate(zip(one, two, strict=True)):
        if place in loose and isinstance(a, float) and isinstance(b, float):
            # Deviations are summed in the order of rows; averages are within two units.
            if not math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12):
                return False
        elif a != b:
            return False
    return True


def _spelled(rows: Sequence[Row], columns: Sequence[tuple[str, str]]) -> list[Row]:
    return [
        tuple(
            float(value) + 0.0 if kind == "double" and value is not None else value  # type: ignore[arg-type]
            for value, (_, kind) in zip(row, columns, strict=True)
        )
        for row in rows
    ]


def _kind(name: str) -> str:
    if name.startswith("DECIMAL"):
        return "double"
    return _KINDS.get(name, name.lower())


def _cut(rows: Sequence[Row], most_rows: int) -> list[Sequence[Row]]:
    size = most_rows or max(1, len(rows))
    return [rows[n : n + size] for n in range(0, len(rows), size)] or [rows]
