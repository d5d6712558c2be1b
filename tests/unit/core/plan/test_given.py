"""The columns of a fragment's rows: before and after they are gathered."""

from dataclasses import replace

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Output
from narrows.core.plan.given import columns_of_fragment, given_columns
from narrows.core.plan.plan import plan
from narrows.core.terms import ColumnName, ColumnType
from narrows.errors import CheckFailed


def test_what_is_released_and_what_leaves(catalog: Catalog) -> None:
    (part,) = plan("SELECT name, sum(age) AS s FROM person GROUP BY name", {}, catalog).parts
    assert given_columns(part.fragment, catalog) == (
        ("t1_age", ColumnType.INTEGER),
        ("t1_name", ColumnType.TEXT),
    )
    assert columns_of_fragment(part.fragment, catalog) == (
        ("t1_name", ColumnType.TEXT),
        ("sum(t1_age)", ColumnType.BIGINT),
    )


def test_a_column_that_the_catalog_lacks_has_no_type(catalog: Catalog) -> None:
    (part,) = plan("SELECT name FROM person", {}, catalog).parts
    other = replace(part.fragment, outputs=(Output(ColumnOf("t1", ColumnName("nothing"))),))
    with pytest.raises(CheckFailed, match="no column `nothing`"):
        given_columns(other, catalog)
