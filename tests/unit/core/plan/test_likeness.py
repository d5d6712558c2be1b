"""Which conditions on names and on first characters go down whole, and which stay above."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, FirstAmong, Similar, Slot
from narrows.core.plan.plan import plan
from narrows.core.plan.render import render_fragment
from narrows.core.plan.split import Part
from narrows.core.terms import ColumnName, ColumnType, TypedValue


def part_of(where: str, catalog: Catalog, **parameters: ColumnType) -> Part:
    sql = f"SELECT p.pid FROM person p JOIN paper d USING (holder, pid) WHERE {where}"
    (part,) = plan(sql, parameters, catalog).parts
    return part


def of(alias: str, name: str) -> ColumnOf:
    return ColumnOf(alias, ColumnName(name))


ROY = TypedValue(ColumnType.TEXT, "Roy")


@pytest.mark.parametrize(
    ("where", "terms", "at_least"),
    [
        ("name_sim(p.name, 'Roy') >= 0.9", ["name"], 0.9),
        ("name_sim('Roy', p.name) >= 1", ["name"], 1.0),
        ("name_sim(d.kind || ' ' || d.number, 'Roy') >= 0.88", ["kind", "number"], 0.88),
        (
            "name_sim(d.kind || ' ' || d.number || ' ' || d.kind, 'Roy') >= 0.5",
            ["kind", "number", "kind"],
            0.5,
        ),
    ],
)
def test_likeness_to_a_constant_goes_down(
    where: str, terms: list[str], at_least: float, catalog: Catalog
) -> None:
    (found,) = part_of(where, catalog).fragment.filters
    assert isinstance(found, Similar)
    assert ([term.column for term in found.terms], found.value) == (terms, ROY)
    assert found.at_least == at_least
    assert f"'Roy') >= {at_least}" in render_fragment(part_of(where, catalog).fragment)


def test_likeness_to_a_parameter_is_filled_later(catalog: Catalog) -> None:
    part = part_of("name_sim(p.name, :who) >= 0.9", catalog, who=ColumnType.TEXT)
    (found,) = part.fragment.filters
    assert isinstance(found, Similar)
    assert found.value == Slot("who", ColumnType.TEXT)


@pytest.mark.parametrize(
    "where",
    [
        "name_sim(p.name, 'Roy') > 0.9",
        "0.9 <= name_sim(p.name, 'Roy')",
        "name_sim(p.name, 'Roy') >= 1.5",
        "name_sim(p.name, d.number) >= 0.9",
        "name_sim(p.name || ' ' || d.number, 'Roy') >= 0.9",
        "name_sim(p.name || '-' || p.pid, 'Roy') >= 0.9",
        "name_sim(upper(p.name), 'Roy') >= 0.9",
        "name_sim(upper(p.name) || ' ' || p.pid, 'Roy') >= 0.9",
        "name_sim('Roi', 'Roy') >= 0.9",
        "name_sim(p.name, 'Roy') >= p.height",
        "name_sim(p.name, 'Roy') >= CAST(0.9 AS DOUBLE)",
        "substr(p.name, 2, 3) = 'oy'",
        "substr(p.name, 1, 101) = 'Roy'",
        "substr(p.name, 1, 0) = ''",
        "substr(p.name, 1) = 'Roy'",
        "substr(upper(p.name), 1, 3) = 'ROY'",
        "substr(p.name, 1, 3) = d.kind",
        "substr(p.name, 1, 3) > 'R'",
    ],
)
def test_what_is_written_in_another_way_stays_above(where: str, catalog: Catalog) -> None:
    assert part_of(where, catalog).fragment.filters == ()


@pytest.mark.parametrize(
    ("where", "items"),
    [("substr(p.name, 1, 3) = 'Roy'", 1), ("substr(p.name, 1, 3) IN ('Roy', 'Dub')", 2)],
)
def test_first_characters_go_down(where: str, items: int, catalog: Catalog) -> None:
    (found,) = part_of(where, catalog).fragment.filters
    assert isinstance(found, FirstAmong)
    assert (found.term, found.length, len(found.items)) == (of("t1", "name"), 3, items)
    assert "substr(t1.name, 1, 3) IN ('Roy'" in render_fragment(part_of(where, catalog).fragment)


@pytest.mark.parametrize(
    ("where", "not_asked"),
    [
        ("substr(p.holder, 1, 4) = 'city'", {"registry"}),
        ("substr(p.holder, 1, 4) IN ('city', 'regi')", set()),
        ("substr(p.holder, 1, 4) = :who", set()),
        ("name_sim(p.holder, 'city') >= 1", set()),
    ],
)
def test_the_first_letters_of_a_holder_say_who_is_asked(
    where: str, not_asked: set[str], catalog: Catalog
) -> None:
    given = {"who": ColumnType.TEXT} if ":who" in where else {}
    found = part_of(where, catalog, **given).not_asked
    assert set(found) - {"border"} == not_asked
