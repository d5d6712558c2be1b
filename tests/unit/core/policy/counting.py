"""Cubes in memory: rows to cells, cells to editions, editions to answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.policy.bind import bind_cube, decide_and_bind
from narrows.core.policy.cubes import (
    Earlier,
    Kept,
    Noise,
    Tallied,
    draw,
    freeze,
    layout_of,
    tally,
)
from narrows.core.policy.definition import definition_of
from narrows.core.policy.edition import CubeEdition, Making, expand, make_edition
from narrows.core.policy.finish import give_rows
from narrows.core.policy.gather import rows_that_leave
from narrows.core.policy.model import Cube, Policy
from narrows.core.policy.rows import Row, Tables, release_rows
from narrows.core.terms import ColumnType, Purpose, Scalar, TypedValue
from tests.golden.oracle import Table, load
from tests.unit.core.policy.world import CATALOG, DAY, PERSON, form, policy, row

CUBE = """\
cubes:
  - id: people
    of: [person]
    unit: person.pid
    units: persons
    at_least: {k}
    group: {{person: {{country: as is, born: year}}}}
    measure: {{person: {{age: {bounds}, weight: {bounds}}}}}
{more}
{never}
agreements:
  - id: figures
    authority: the Act
    with: {{country: CAN}}
    purposes: [statistics]
    valid: {{from: 2026-01-01}}
    count: people
"""
AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)


def counting(k: int = 3, more: str = "", never: str = "", bounds: str = "null") -> Policy:
    """A policy with one cube of persons."""
    return policy(CUBE.format(k=k, more=more and f"    {more}", never=never, bounds=bounds))


ASKED = replace(form("count"), purpose=Purpose("statistics"))


def cube_of(given: Policy) -> Cube:
    return given.cubes[0]


def persons(country: Scalar, *numbers: int, **values: Scalar) -> list[Row]:
    """So many persons of one country."""
    return [row(PERSON, pid=str(n), country=country, **values) for n in numbers]


def raw_rows(given: Policy, tables: Tables) -> list[tuple[Scalar, ...]]:
    """The raw rows of the cube, in the order of its layout: what an engine gives a node."""
    bound = bind_cube(given, CATALOG, cube_of(given), DAY)
    return release_rows(bound, tables)


def gathered(given: Policy, tables: Tables, *, is_once: bool = False) -> tuple[Tallied, ...]:
    layout = layout_of(cube_of(given), CATALOG)
    return tally(layout, raw_rows(given, tables), lambda unit: f"<{unit}>", is_once=is_once)


@dataclass(frozen=True, slots=True)
class Published:
    """An edition and what is kept beside it."""

    given: Policy
    edition: CubeEdition
    kept: tuple[Kept, ...]

    @property
    def earlier(self) -> Earlier:
        """What the next edition is frozen against."""
        return Earlier(self.kept, self.edition.k, cube_of(self.given).measures)

    @property
    def shown(self) -> dict[tuple[Scalar, ...], tuple[int, tuple[int | None, ...]]]:
        """Count and means of each shown cell."""
        return {cell.place: (cell.count, cell.means) for cell in self.edition.cells}

    def ask(self, sql: str) -> list[tuple[Scalar, ...]]:
        """The answer to a question, as the requester gets it."""
        split = plan(sql, {}, CATALOG, "count")
        today = TypedValue(ColumnType.DATE, DAY)
        tables = []
        for part, fragment in zip(split.parts, split.fill({TODAY_SLOT: today}), strict=True):
            decision, bound = decide_and_bind(self.given, CATALOG, fragment, ASKED)
            assert bound is not None, decision.reasons
            rows = rows_that_leave(bound, give_rows(bound, expand(self.edition, bound)))
            columns = list(bound.columns_that_leave)
            tables.append(Table(part.name, columns, rows))
        return load(tables, split.statement, {TODAY_PARAMETER: DAY})


def publish(
    given: Policy,
    people: Sequence[Row],
    before: Published | None = None,
    noise: Noise | None = None,
) -> Published:
    """The next edition, of persons alone."""
    cube, tables = cube_of(given), {PERSON: people}
    if noise is None:
        earlier = Earlier() if before is None else before.earlier
        kept = freeze(cube, gathered(given, tables), earlier)
    else:
        kept = draw(cube, gathered(given, tables, is_once=True), noise)
    number = 1 if before is None else before.edition.number + 1
    making = Making(given, CATALOG, number, AS_OF, definition_of(given, CATALOG, cube))
    return Published(given, make_edition(making, cube, layout_of(cube, CATALOG), kept), kept)
