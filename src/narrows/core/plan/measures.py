"""Measures that a question writes as an expression, in the form `count`.

A cube has a measure for the days between two columns as a column of its own, which the catalog
declares (`same_as`); the columns themselves may not be shown, or are coarsened. So `AVG(depart_on -
notified_on)` is read as `AVG(notice_days)`. No other form does that: there a column that is named
is the column that is meant.
"""

from dataclasses import replace

from narrows.core.catalog import Catalog, Column
from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.terms import RelationName


def with_measures(resolved: tree.ResolvedQuery, catalog: Catalog) -> tree.ResolvedQuery:
    """The query with each declared difference of two columns of one scan replaced by its column."""
    relations = {
        node.alias: node.relation
        for node in tree.walk(resolved.query)
        if isinstance(node, tree.Scan)
    }

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Binary("-", tree.Ref(source, first), tree.Ref(other, second)):
                if source == other and source in relations:
                    found = _declared(catalog, relations[source], (first, second))
                    if found is not None:
                        return tree.Ref(source, found.name, found.type)
        return node

    return replace(resolved, query=transform(resolved.query, change))


def _declared(catalog: Catalog, relation: RelationName, pair: tuple[str, str]) -> Column | None:
    """The column that is declared to hold that difference."""
    columns = catalog.relations[relation].columns
    return next((column for column in columns if column.same_as == pair), None)
