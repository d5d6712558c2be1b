"""A fragment in the making: what the rules of the planner write into, one after the other."""

from collections.abc import Collection
from dataclasses import dataclass, field

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Filter, Fragment, Link, Output, ScanOf
from narrows.core.plan.shape import Gather, Measure, Top
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, Holder, RelationName


@dataclass(slots=True)
class Draft:
    """The parts of a fragment; `holders` is None while the question excludes nobody.

    `gathers` says that rows which come twice may travel once; `measured` are the columns that
    measures alone read. `notes` tell why something of the question stays above.
    """

    name: str
    scans: dict[str, RelationName]
    links: set[Link] = field(default_factory=set)
    filters: list[Filter] = field(default_factory=list)
    holders: frozenset[Holder] | None = None
    gathers: bool = False
    measures: tuple[Measure, ...] = ()
    measured: frozenset[tuple[str, str]] = frozenset()
    top: Top | None = None
    notes: list[str] = field(default_factory=list)

    def keep(self, holders: frozenset[Holder]) -> bool:
        """Whether anything changed by asking no others than these holders."""
        before = self.holders
        self.holders = holders if before is None else before & holders
        return self.holders != before

    def output_of(self, alias: str, column: str) -> ColumnOf:
        """The output that a column of a scan travels as: `holder` is one, whosever it is."""
        first = next(iter(self.scans))
        return ColumnOf(first if column == HOLDER_COLUMN else alias, ColumnName(column))

    def output_name(self, alias: str, column: str) -> ColumnName:
        """The name of that output."""
        return Output(self.output_of(alias, column)).name

    def why_each_row(
        self,
        columns: Collection[tuple[str, str]],
        group: Collection[tuple[str, str]],
        catalog: Catalog,
    ) -> str:
        """Why rows of these columns, one for each combination of `group`, are not gathered; or empty."""
        kinds = (catalog.relations[self.scans[alias]].column(column) for alias, column in columns)
        if any(kind is not None and kind.type is ColumnType.DOUBLE for kind in kinds):
            return "values of type `double` are gathered where all are"
        if self._holds_key(group, catalog):
            return "each row would be a group of its own"
        return ""

    def _holds_key(self, group: Collection[tuple[str, str]], catalog: Catalog) -> bool:
        """Whether the columns hold, for every scan, its key, or columns that links make equal."""
        known = {ColumnOf(alias, ColumnName(column)) for alias, column in group}
        for link in self.links:
            if known & {link.left, link.right}:
                known |= {link.left, link.right}
        return all(
            (key := catalog.relations[relation].key)
            and {ColumnOf(alias, column) for column in key} <= known
            for alias, relation in self.scans.items()
        )

    def fragment(self, outputs: tuple[Output, ...], gather: Gather | None) -> Fragment:
        """The fragment with these outputs."""
        scans = tuple(ScanOf(alias, relation) for alias, relation in self.scans.items())
        links, filters = tuple(sorted(self.links)), tuple(self.filters)
        return Fragment(scans, links, filters, outputs, gather, self.top)
