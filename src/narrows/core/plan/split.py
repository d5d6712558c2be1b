"""A resolved query cut into fragments, which travel, and a merge, which runs above them.

`split` knows the catalog and no policy. Scans that inner joins tie together by `holder` and a key
become one fragment; conjuncts that may go down (`pushdown`) go with them; the rest of the query
stays as it was, over the fragments' rows. The rules, in order, are the functions that `split`
calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Fragment, Output, fill
from narrows.core.plan.fragmenting import Draft, Fragmenting
from narrows.core.plan.merge import Renaming, find_renaming, merge_statement
from narrows.core.plan.monotone import monotone_fragments
from narrows.core.plan.needs import Need, needed_columns, prune
from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, Holder, TypedValue
from narrows.errors import MalformedQuery

PLANNER_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Part:
    """One fragment of a plan, with slots where parameters go.

    `monotone` says whether rows that are missing here can only be missing in the answer;
    `not_asked` gives for each holder that is not concerned the reason, in static words.
    """

    name: str
    fragment: Fragment
    monotone: bool
    not_asked: Mapping[Holder, str]

    def asked(self, holder: Holder) -> str | None:
        """None when the holder is asked this part; else why it is not."""
        return self.not_asked.get(holder)


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a query, and the query over their rows: as a tree and as a statement.

    `renaming` is what the merge comes to where it only names columns of one part.
    """

    parts: tuple[Part, ...]
    merge: tree.Query
    statement: str
    renaming: Renaming | None
    outputs: tuple[str, ...]
    parameters: Mapping[str, ColumnType]

    def fill(self, values: Mapping[str, TypedValue]) -> tuple[Fragment, ...]:
        """The fragments with parameters filled in; `:today` fills `CURRENT_DATE`.

        Raises: MalformedQuery where a parameter has no value of its type.
        """
        for name, kind in self.parameters.items():
            if name not in values or values[name].type is not kind:
                raise MalformedQuery(f"the parameter `{name}` has no value of type `{kind}`")
        try:
            return tuple(fill(part.fragment, values) for part in self.parts)
        except KeyError as cause:
            raise MalformedQuery("the plan needs the day of the request") from cause


def split(
    resolved: tree.ResolvedQuery, catalog: Catalog, parameters: Mapping[str, ColumnType]
) -> Split:
    """The plan of a query: the same for the same query, catalog and types, in every process."""
    # 1. Drop what subqueries give and nobody reads.
    query = prune(resolved.query)
    # 2. Take scans that belong together out of the query, with the conditions that go down.
    fragmenting = Fragmenting(catalog)
    query = fragmenting.query(query)
    # 3. What the rest still reads of each fragment travels, and nothing else.
    needs = needed_columns(query)
    drafts = {draft.name: draft for draft in fragmenting.drafts}
    owner = {alias: draft.name for draft in drafts.values() for alias in draft.scans}
    outputs = {name: _outputs(draft, needs) for name, draft in drafts.items()}
    merge = _over_fragments(query, owner, outputs)
    steady = monotone_fragments(merge)
    return Split(
        parts=tuple(
            Part(
                name=name,
                fragment=draft.fragment(outputs[name]),
                monotone=name in steady,
                not_asked=_not_asked(draft, catalog),
            )
            for name, draft in drafts.items()
        ),
        merge=merge,
        statement=merge_statement(merge),
        renaming=find_renaming(merge, resolved.outputs),
        outputs=resolved.outputs,
        parameters=dict(parameters),
    )


def _outputs(draft: Draft, needs: Mapping[tuple[str, str], Need]) -> tuple[Output, ...]:
    """The columns that travel, sorted; `holder` once, and alone where nothing is needed."""
    first = next(iter(draft.scans))
    found = {
        Output(ColumnOf(alias, ColumnName(column)), star=need is Need.STAR)
        for (alias, column), need in needs.items()
        if alias in draft.scans and column != HOLDER_COLUMN
    }
    wants_holder = any((alias, HOLDER_COLUMN) in needs for alias in draft.scans)
    if wants_holder or not found:
        found.add(Output(ColumnOf(first, HOLDER_COLUMN)))
    return tuple(sorted(found))


def _over_fragments(
    query: tree.Query, owner: Mapping[str, str], outputs: Mapping[str, tuple[Output, ...]]
) -> tree.Query:
    """The query with every reference to a scan turned to the column of its fragment."""

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Ref(source, column, kind) if source in owner:
                output = Output(ColumnOf(source, ColumnName(column)))
                return tree.Ref(owner[source], output.name, kind)
            case tree.FragmentScan(alias):
                return tree.FragmentScan(alias, tuple(out.name for out in outputs[alias]))
        return node

    return transform(query, change)


def _not_asked(draft: Draft, catalog: Catalog) -> dict[Holder, str]:
    found = {}
    for holder in catalog.holders:
        lacking = sorted(set(draft.scans.values()) - catalog.holds[holder])
        if draft.holders is not None and holder not in draft.holders:
            found[holder] = "the question excludes it"
        elif lacking:
            found[holder] = "holds no " + ", ".join(f"`{name}`" for name in lacking)
    return found
