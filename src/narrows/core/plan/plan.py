"""From text to a plan, and a cache of plans: SQL to fragments only, free of policy.

Literals are never lifted out of the text (a query changes shape with them); who asks often uses
parameters, and then a hit parses nothing.
"""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias

from narrows.core.catalog import Catalog
from narrows.core.plan.measures import with_measures
from narrows.core.plan.split import PLANNER_VERSION, Split, split
from narrows.core.sql.parse import parse
from narrows.core.sql.resolve import resolve
from narrows.core.terms import ColumnType, Digest

LOOKUP = "lookup"


def plan(
    sql: str, parameters: Mapping[str, ColumnType], catalog: Catalog, form: str = LOOKUP
) -> Split:
    """The plan of a text in one form of question. Raises: MalformedQuery, UnsupportedQuery."""
    resolved = resolve(parse(sql), catalog, parameters)
    if form == "count":
        resolved = with_measures(resolved, catalog)
    return split(resolved, catalog, parameters)


_Key: TypeAlias = tuple[str, tuple[tuple[str, ColumnType], ...], Digest, str, str]


class PlanCache:
    """The plans of the last `limit` texts, for one process; decisions are never kept."""

    def __init__(self, limit: int = 512) -> None:
        self._limit = limit
        self._plans: OrderedDict[_Key, Split] = OrderedDict()

    def find(
        self,
        sql: str,
        parameters: Mapping[str, ColumnType],
        catalog: Catalog,
        form: str = LOOKUP,
    ) -> Split | None:
        """The plan that is kept for this text, types, catalog and form; None for none."""
        return self._plans.get(_key(sql, parameters, catalog, form))

    def plan(
        self,
        sql: str,
        parameters: Mapping[str, ColumnType],
        catalog: Catalog,
        form: str = LOOKUP,
    ) -> Split:
        """As `plan`, which is called only for a text, types, catalog and form not seen lately."""
        key = _key(sql, parameters, catalog, form)
        found = self._plans.get(key)
        if found is None:
            found = plan(sql, parameters, catalog, form)
            self._plans[key] = found
            if len(self._plans) > self._limit:
                self._plans.popitem(last=False)
        else:
            with suppress(KeyError):  # another thread may have dropped it meanwhile
                self._plans.move_to_end(key)
        return found


def _key(sql: str, parameters: Mapping[str, ColumnType], catalog: Catalog, form: str) -> _Key:
    return (sql, tuple(sorted(parameters.items())), catalog.digest, PLANNER_VERSION, form)
