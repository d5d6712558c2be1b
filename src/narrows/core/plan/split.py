"""A resolved query cut into fragments, which travel, and a merge, which runs above them.

`split` knows the catalog and no policy. Scans that inner joins tie together by `holder` and a key
become one fragment; conjuncts that may go down (`pushdown`) go with them; the rest of the query
stays as it was, over the fragments' rows. The rules, in order, are the functions that `split`
calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from narrows.core.catalog import Catalog
from narrows.core.plan.averages import whole_averages
from narrows.core.plan.draft import Draft
from narrows.core.plan.fragment import ColumnOf, Fragment, Output, fill
from narrows.core.plan.fragmenting import Fragmenting
from narrows.core.plan.gathering import Gathering
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.merge import Renaming, find_renaming, merge_statement
from narrows.core.plan.monotone import monotone_fragments
from narrows.core.plan.needs import Need, needed_columns, prune
from narrows.core.plan.shape import Gather
from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, Holder, TypedValue
from narrows.errors import MalformedQuery

PLANNER_VERSION = "2"


@dataclass(frozen=True, slots=True)
class Part:
    """One fragment of a plan, with slots where parameters go.

    `monotone` says whether rows that are missing here can only be missing in the answer;
    `not_asked` gives for each holder that is not concerned the reason, and `notes` say why
    something stays above, both in static words.
    """

    name: str
    fragment: Fragment
    monotone: bool
    not_asked: Mapping[Holder, str]
    notes: tuple[str, ...] = ()

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
    drafts = {draft.name: draft for draft in fragmenting.drafts}
    # 3. Gather rows that need not travel one by one.
    query = Gathering(drafts, catalog).query(whole_averages(query))
    # 4. What the rest still reads of each fragment travels, and nothing else.
    needs = needed_columns(query)
    owner = {alias: draft.name for draft in drafts.values() for alias in draft.scans}
    fragments = {name: _fragment(draft, needs, catalog) for name, draft in drafts.items()}
    merge = _over_fragments(query, owner, fragments, catalog)
    steady = monotone_fragments(merge)
    return Split(
        parts=tuple(
            Part(
                name=name,
                fragment=fragments[name],
                monotone=name in steady,
                not_asked=_not_asked(draft, catalog),
                notes=tuple(dict.fromkeys(draft.notes)),
            )
            for name, draft in drafts.items()
        ),
        merge=merge,
        statement=merge_statement(merge),
        renaming=find_renaming(merge, resolved.outputs),
        outputs=resolved.outputs,
        parameters=dict(parameters),
    )


def _fragment(draft: Draft, needs: Mapping[tuple[str, str], Need], catalog: Catalog) -> Fragment:
    """The fragment with the columns that are needed, and gathered where that saves a row."""
    mine = {key: need for key, need in needs.items() if key[0] in draft.scans}
    needed = {
        # What a measure reads too is named, whatever else brings it.
        Output(
            draft.output_of(*key),
            star=need is Need.STAR and key[1] != HOLDER_COLUMN and key not in draft.measured,
        )
        for key, need in mine.items()
    }
    measured = {Output(draft.output_of(*key)) for key in draft.measured - set(mine)}
    first = Output(ColumnOf(next(iter(draft.scans)), HOLDER_COLUMN))
    outputs = tuple(sorted(needed | measured or {first}))
    if not draft.gathers:
        return draft.fragment(outputs, None)
    if draft.measures:
        group = tuple(sorted(output.name for output in needed))
        return draft.fragment(outputs, Gather(group, draft.measures))
    # A key that comes twice after all, or shows less than it is, must not use up the first rows.
    if draft.top is None and (why := draft.why_each_row(mine, mine, catalog)):
        draft.notes.append(why)
        return draft.fragment(outputs, None)
    return draft.fragment(outputs, Gather(tuple(sorted(output.name for output in outputs))))


def _over_fragments(
    query: tree.Query,
    owner: Mapping[str, str],
    fragments: Mapping[str, Fragment],
    catalog: Catalog,
) -> tree.Query:
    """The query with every reference to a scan turned to the column of its fragment."""

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Ref(source, column, kind) if source in owner:
                output = Output(ColumnOf(source, ColumnName(column)))
                return tree.Ref(owner[source], output.name, kind)
            case tree.FragmentScan(alias):
                columns = columns_of_fragment(fragments[alias], catalog)
                return tree.FragmentScan(alias, tuple(ColumnName(name) for name, _ in columns))
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
