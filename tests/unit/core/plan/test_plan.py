import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import PlanCache, plan
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery

SQL = "SELECT name FROM person WHERE age = :age"


def test_a_plan_is_kept_by_text_and_types(catalog: Catalog) -> None:
    cache = PlanCache(2)
    first = cache.plan(SQL, {"age": ColumnType.BIGINT}, catalog)
    assert first == plan(SQL, {"age": ColumnType.BIGINT}, catalog)
    assert cache.plan(SQL, {"age": ColumnType.BIGINT}, catalog) is first
    assert cache.plan(SQL, {"age": ColumnType.INTEGER}, catalog) is not first
    assert cache.plan(SQL + " ", {"age": ColumnType.BIGINT}, catalog) is not first


def test_the_plan_used_least_lately_goes(catalog: Catalog) -> None:
    cache = PlanCache(2)
    texts = [f"SELECT name FROM person WHERE age = {age}" for age in range(3)]
    first, second = (cache.plan(text, {}, catalog) for text in texts[:2])
    assert cache.plan(texts[0], {}, catalog) is first
    cache.plan(texts[2], {}, catalog)
    assert cache.plan(texts[0], {}, catalog) is first
    assert cache.plan(texts[1], {}, catalog) is not second


def test_a_refusal_is_not_kept(catalog: Catalog) -> None:
    with pytest.raises(MalformedQuery):
        PlanCache().plan("SELECT nothing FROM person", {}, catalog)
