"""The columns of a fragment's rows: what policy releases of it, and what leaves."""

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.shape import Columns, columns_after
from narrows.core.terms import ColumnType
from narrows.errors import CheckFailed


def given_columns(fragment: Fragment, catalog: Catalog) -> Columns:
    """Name and type of each output, in order. Raises: CheckFailed where the catalog lacks one."""
    return tuple(
        (output.name, _type(fragment, catalog, output.column.alias, output.column.column))
        for output in fragment.outputs
    )


def columns_of_fragment(fragment: Fragment, catalog: Catalog) -> Columns:
    """Name and type of each column of the rows that leave, in order. Raises: as `given_columns`."""
    return columns_after(fragment.gather, given_columns(fragment, catalog))


def _type(fragment: Fragment, catalog: Catalog, alias: str, column: str) -> ColumnType:
    found = catalog.relations[fragment.relation_of(alias)].column(column)
    if found is None:
        raise CheckFailed(f"the catalog has no column `{column}` where a fragment names it")
    return found.type
