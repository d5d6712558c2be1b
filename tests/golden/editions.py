"""What a holder of a golden case releases: rows of its tables, or of the first edition of a cube."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from narrows.core.catalog import Catalog
from narrows.core.policy.bind import bind_cube
from narrows.core.policy.bound import BoundFragment, Edition
from narrows.core.policy.cubes import Earlier, freeze, layout_of, tally
from narrows.core.policy.definition import definition_of
from narrows.core.policy.edition import CubeEdition, Making, expand, make_edition
from narrows.core.policy.finish import give_rows
from narrows.core.policy.gather import rows_that_leave
from narrows.core.policy.model import Policy
from narrows.core.policy.rows import Tables, release_rows
from narrows.core.terms import Scalar


@dataclass(frozen=True, slots=True)
class Counting:
    """Under what, and on which day, an edition is built."""

    policy: Policy
    catalog: Catalog
    day: date


def released_of(bound: BoundFragment, tables: Tables, who: Counting) -> list[tuple[Scalar, ...]]:
    """The rows that leave."""
    if not isinstance(bound.guard, Edition):
        return release_rows(bound, tables)
    return rows_that_leave(
        bound, give_rows(bound, expand(first_edition(bound.guard.cube, tables, who), bound))
    )


def first_edition(name: str, tables: Tables, who: Counting) -> CubeEdition:
    """The first edition of a cube, built of these tables; without noise."""
    cube = who.policy.cube(name)
    assert cube is not None
    layout = layout_of(cube, who.catalog)
    raw = release_rows(bind_cube(who.policy, who.catalog, cube, who.day), tables)
    kept = freeze(cube, tally(layout, raw, lambda unit: unit), Earlier())
    as_of = datetime(who.day.year, who.day.month, who.day.day, tzinfo=UTC)
    definition = definition_of(who.policy, who.catalog, cube)
    return make_edition(Making(who.policy, who.catalog, 1, as_of, definition), cube, layout, kept)
