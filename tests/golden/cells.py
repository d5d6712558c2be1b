"""The oracle of the golden cases about figures: the shown cells of a cube, as rows to be counted.

It shares no step with `narrows.core.policy.cubes`: plain loops over the rows of a case.
"""

from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

from narrows.core.plan.transform import transform
from narrows.core.policy.cascade import keeps_of, only_of
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import Cube
from narrows.core.policy.rows import Row, Tables, keeps_row
from narrows.core.sql import tree
from narrows.core.terms import HOLDER_COLUMN, ColumnName, RelationName, Scalar
from tests.golden.oracle import AskedOf, Table, columns_of_view

Joined = dict[RelationName, Row]


def cell_views(asked: AskedOf, tables: Tables) -> list[Table]:
    """For each scan one row for each unit of each shown cell; ids are serials that tie them."""
    cube = _cube(asked)
    cells: dict[tuple[Scalar, ...], dict[Scalar, list[Joined]]] = {}
    for row in _joined(asked, cube, tables):
        place = tuple(
            coarsen(mask, row[relation][column])
            for relation, masks in cube.group.items()
            for column, mask in masks.items()
        )
        unit = row[cube.unit[0]][cube.unit[1]]
        cells.setdefault(place, {}).setdefault(unit, []).append(row)
    shown = [(place, units) for place, units in cells.items() if len(units) >= cube.k]
    found: dict[str, list[tuple[Scalar, ...]]] = {scan.alias: [] for scan in asked.fragment.scans}
    for n, (place, rows) in enumerate((place, units) for place, units in shown for _ in units):
        values = _values(cube, place, rows)
        for scan in asked.fragment.scans:
            columns = asked.catalog.relations[scan.relation].columns
            seen = [
                f"{asked.policy.agency}:{n}"
                if column.is_id
                else asked.policy.agency
                if column.name == HOLDER_COLUMN
                else values.get((scan.relation, column.name))
                for column in columns
            ]
            found[scan.alias].append((*seen, *seen, *(None for _ in seen)))
    return [
        Table(
            scan.alias,
            columns_of_view(asked.catalog.relations[scan.relation]),
            found[scan.alias],
        )
        for scan in asked.fragment.scans
    ]


def with_measures(resolved: tree.ResolvedQuery) -> tree.ResolvedQuery:
    """The question with the days of warning read from their column, as a figure has them."""

    def change(node: tree.Node) -> tree.Node:
        match node:
            case tree.Binary(
                "-", tree.Ref(column="depart_on") as left, tree.Ref(column="notified_on")
            ):
                return replace(left, column=ColumnName("notice_days"))
        return node

    return replace(resolved, query=transform(resolved.query, change))


def _cube(asked: AskedOf) -> Cube:
    agreement, _ = applicable(asked.policy, asked.circumstances)
    assert agreement is not None
    grant, _ = choose_grant(
        asked.policy, asked.catalog, asked.fragment, agreement, asked.circumstances
    )
    cube = None if grant is None else asked.policy.cube(grant.cube)
    assert cube is not None
    return cube


def _values(
    cube: Cube, place: tuple[Scalar, ...], units: dict[Scalar, list[Joined]]
) -> dict[tuple[RelationName, ColumnName], Scalar]:
    names = [(relation, column) for relation, masks in cube.group.items() for column in masks]
    found: dict[tuple[RelationName, ColumnName], Scalar] = dict(zip(names, place, strict=True))
    for one in cube.measures:
        means = [
            fmean(given)
            for rows in units.values()
            if (given := [v for r in rows if isinstance(v := r[one.relation][one.column], int)])
        ]
        if len(means) >= cube.k:
            mean = fmean(means)
            assert mean == int(mean), (
                "let the mean be whole: how others are spread is not told here"
            )
            found[one.relation, one.column] = int(mean)
    return found


def _joined(asked: AskedOf, cube: Cube, tables: Tables) -> Iterator[Joined]:
    rows: list[Joined] = [{}]
    for relation in cube.relations:
        keep = (
            *keeps_of(asked.policy, asked.catalog, relation, asked.circumstances),
            *only_of(cube.only, asked.catalog, relation, cube.relations, asked.circumstances),
        )
        kept = [
            row
            for row in tables.get(relation, ())
            if all(keeps_row(one, row, tables) for one in keep)
        ]
        ids = {one.name for one in asked.catalog.relations[relation].columns if one.is_id}
        rows = [
            {**one, relation: row}
            for one in rows
            for row in kept
            if all(row[name] == other[name] for other in one.values() for name in ids & set(other))
        ]
    yield from rows
