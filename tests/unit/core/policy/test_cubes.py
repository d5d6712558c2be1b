"""What a cube shows of its cells, and what of it may change from one edition to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest

from narrows.core.policy.bind import bind_cube
from narrows.core.policy.cubes import Dimension, Earlier, Layout, column_at, tally
from narrows.core.policy.model import AS_IS, Policy
from narrows.core.policy.rows import Row
from narrows.core.terms import ColumnName, ColumnType, Scalar
from narrows.errors import CheckFailed
from tests.unit.core.policy.counting import (
    Published,
    counting,
    cube_of,
    gathered,
    persons,
    publish,
)
from tests.unit.core.policy.world import CATALOG, DAY, FILE, PERSON, policy, row

CAN, USA = (None, "CAN"), (None, "USA")


def counts(found: Published) -> dict[tuple[Scalar, ...], int]:
    return {place: count for place, (count, _) in found.shown.items()}


def test_a_cell_is_shown_with_k_distinct_units_and_not_before() -> None:
    people = [*persons("CAN", 1, 2, 3), *persons("USA", 4, 5), *persons("USA", 5)]
    assert counts(publish(counting(3), people)) == {CAN: 3}
    assert counts(publish(counting(2), people)) == {CAN: 3, USA: 2}


def test_null_is_a_cell_of_its_own_and_dimensions_are_coarsened() -> None:
    people = [
        *persons("CAN", 1, 2, born=date(1981, 3, 7)),
        *persons("CAN", 3, born=date(1981, 9, 9)),
        *persons(None, 4, 5, 6),
    ]
    found = publish(counting(3), people)
    assert counts(found) == {(date(1981, 1, 1), "CAN"): 3, (None, None): 3}
    assert next(cell.place for cell in found.edition.cells) == (None, None)


@pytest.mark.parametrize("values", [(0.0, -0.0), (-0.0, 0.0)])
def test_a_zero_has_no_sign_in_a_cell(values: tuple[float, float]) -> None:
    weight = Dimension((PERSON, ColumnName("weight")), ColumnType.DOUBLE, AS_IS)
    layout = Layout((PERSON, ColumnName("pid")), (weight,), ())
    (cell,) = tally(layout, enumerate(values), str)
    assert repr(cell.place) == "(0.0,)"
    assert len(cell.units) == 2


def test_a_row_without_a_unit_counts_nowhere() -> None:
    nobody = [row(PERSON, country="CAN") for _ in range(5)]
    assert counts(publish(counting(3), [*nobody, *persons("CAN", 1, 2)])) == {}


def test_a_value_that_does_not_spell_its_type_counts_as_null() -> None:
    people = [*persons("a\0b", 1, 2), *persons(None, 3), *persons("e\u0301", 4, 5, 6)]
    assert counts(publish(counting(3), people)) == {(None, None): 6}


def test_what_never_and_the_cubes_own_rows_hide_is_in_no_cell() -> None:
    never = "never:\n  - rows: {person: {status: {in: [SEALED]}}}\n    because: the Act"
    people = [*persons("CAN", 1, 2, 3, status="OPEN"), *persons("CAN", 4, status="SEALED")]
    assert counts(publish(counting(3, never=never), people)) == {CAN: 3}
    assert counts(publish(counting(3), people)) == {CAN: 4}
    only = "rows: {person: {status: {in: [SEALED]}}}"
    assert counts(publish(counting(3, only), people)) == {}


def test_the_cascade_hides_what_hangs_on_a_hidden_row() -> None:
    files = policy("""\
never:
  - rows: {person: {status: {in: [SEALED]}}}
    because: the Act
cubes:
  - id: files
    of: [file]
    unit: file.file_no
    units: files
    at_least: 2
    group: {file: {unit: as is}}
""")
    tables: dict[object, Sequence[Row]] = {
        PERSON: persons("CAN", 1, status="OPEN") + persons("CAN", 2, status="SEALED"),
        FILE: [row(FILE, file_no=f"F{n}", pid="1" if n < 3 else "2", unit="A") for n in range(6)],
    }
    (cell,) = gathered(files, tables)  # type: ignore[arg-type]
    assert len(cell.units) == 3


def test_counts_are_rounded_half_upwards() -> None:
    rounded = counting(3, "round: 5")
    for size, shown in ((3, 5), (7, 5), (8, 10)):
        assert counts(publish(rounded, persons("CAN", *range(size)))) == {CAN: shown}


def test_no_row_stands_for_a_cell_whose_count_is_rounded_to_nothing() -> None:
    given = counting(3, more="round: 10")
    found = publish(given, [*persons("CAN", 1, 2, 3, age=30), *persons("USA", *range(4, 9), age=4)])
    assert counts(found) == {CAN: 0, USA: 10}
    assert found.ask("SELECT p.country, p.age FROM person p") == [("USA", 4)] * 10


def test_a_mean_is_of_units_and_clamped() -> None:
    people = [
        *persons("CAN", 1, age=10),
        *persons("CAN", 1, age=20),
        *persons("CAN", 2, age=30),
        *persons("CAN", 3, age=400),
    ]
    assert publish(counting(3), people).shown[CAN] == (3, (14833, None))
    clamped = counting(3, bounds="{between: [0, 100]}")
    assert publish(clamped, people).shown[CAN] == (3, (4833, None))


def test_a_mean_needs_k_units_with_a_value() -> None:
    people = [*persons("CAN", 1, 2, age=20), *persons("CAN", 3, 4, weight=0.5), *persons("CAN", 5)]
    assert publish(counting(3), people).shown[CAN] == (5, (None, None))
    more = [*people, *persons("CAN", 5, age=50)]
    assert publish(counting(3), more).shown[CAN] == (5, (3000, None))


# --- freezing ----------------------------------------------------------------------------------


def editions(given: Policy, *sizes: Sequence[int]) -> list[int | None]:
    """What is shown of one cell, edition by edition; its units are these numbers."""
    found: list[int | None] = []
    last: Published | None = None
    for units in sizes:
        last = publish(given, persons("CAN", *units), last)
        found.append(counts(last).get(CAN))
    return found


def test_a_cell_changes_only_when_k_units_changed_against_what_is_shown() -> None:
    five = [1, 2, 3, 4, 5]
    assert editions(counting(3), five, [*five, 6], [*five, 6, 7], [*five, 6, 7, 8]) == [5, 5, 5, 8]
    # Two left and one came: three changed, though the number changed by one.
    assert editions(counting(3), five, [3, 4, 5, 6]) == [5, 4]
    # What changes back did not change.
    assert editions(counting(3), five, [*five, 6, 7], five) == [5, 5, 5]


def test_a_cell_that_was_never_shown_appears_with_k() -> None:
    assert editions(counting(3), [1, 2], [1, 2, 3]) == [None, 3]


def test_a_shown_cell_disappears_only_when_k_units_changed() -> None:
    assert editions(counting(3), [1, 2, 3], [1, 2], [1], []) == [3, 3, 3, None]
    assert editions(counting(4), [1, 2, 3, 4, 5], [1]) == [5, None]


def test_a_cell_that_comes_back_is_compared_with_what_was_shown_last() -> None:
    five = [1, 2, 3, 4, 5]
    # Against the five that were shown, one is missing: it comes back as it was.
    assert editions(counting(3), five, [1, 2], [1], [1, 2, 3, 4]) == [5, None, None, 5]
    assert editions(counting(3), five, [1, 2], [1, 2, 6, 7]) == [5, None, 4]


def test_a_mean_is_frozen_by_the_units_behind_it() -> None:
    given = counting(3)
    first = publish(given, persons("CAN", 1, 2, 3, age=30))
    aged = publish(given, persons("CAN", 1, 2, 3, age=60), first)
    assert aged.shown == first.shown
    one_more = publish(given, [*persons("CAN", 1, 2, 3, age=30), *persons("CAN", 4, age=90)], aged)
    assert one_more.shown == first.shown
    # Three more units, of whom two have an age: the count changes, and the mean does not.
    people = [*persons("CAN", 1, 2, 3, age=30), *persons("CAN", 4, 5, age=90), *persons("CAN", 6)]
    parted = publish(given, people, one_more)
    assert parted.shown[CAN] == (6, (3000, None))
    # All lose their age, which is three who changed.
    assert publish(given, persons("CAN", *range(1, 7)), parted).shown[CAN] == (6, (None, None))


def test_another_k_or_rounding_leaves_a_cell_frozen() -> None:
    five, more = persons("CAN", 1, 2, 3, 4, 5), persons("CAN", *range(1, 8))
    first = publish(counting(3), five)
    # The larger of both must have changed, whichever is the newer.
    raised = publish(counting(4), persons("CAN", *range(1, 9)), first)
    assert counts(raised) == {CAN: 5}
    assert counts(publish(counting(2), more, first)) == {CAN: 5}
    assert counts(publish(counting(2), persons("CAN", *range(1, 9)), first)) == {CAN: 8}
    assert counts(publish(counting(4), persons("CAN", *range(1, 10)), first)) == {CAN: 9}
    assert counts(publish(counting(3, "round: 10"), more, first)) == {CAN: 5}
    coarse = publish(counting(3, "round: 10"), five)
    assert counts(publish(counting(3), more, coarse)) == {CAN: 10}


def test_a_cell_of_fewer_than_a_larger_k_goes_and_comes_with_enough_that_changed() -> None:
    first = publish(counting(3), persons("CAN", 1, 2, 3))
    gone = publish(counting(5), persons("CAN", *range(1, 6)), first)
    assert counts(gone) == {}
    assert counts(publish(counting(5), persons("CAN", *range(1, 8)), gone)) == {}
    assert counts(publish(counting(5), persons("CAN", *range(1, 9)), gone)) == {CAN: 8}


def test_a_measure_that_is_new_or_of_other_bounds_begins_anew_and_no_other_figure() -> None:
    first = publish(counting(3), persons("CAN", 1, 2, 3, age=30))
    older = persons("CAN", 1, 2, 3, 4, age=60, weight=1.0)
    assert publish(counting(3, bounds="{between: [0, 50]}"), older, first).shown[CAN] == (
        3,
        (5000, 100),
    )
    assert publish(counting(3), older, first).shown[CAN] == (3, (3000, 100))
    cube = cube_of(counting(3))
    lone = Earlier(first.kept, 3, cube.measures).under(cube.measures[:1])
    assert [len(one.means) for one in lone.values()] == [1]


# --- noise -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Shift:
    """Noise that adds `by` to counts and `to_sums` to sums, and remembers for what it was asked."""

    by: int = 0
    to_sums: int = 0
    asked: list[tuple[int, float]] = field(default_factory=list)

    def integer(self, value: int, scale: float) -> int:
        self.asked.append((value, scale))
        return value + (self.by if scale < 100 else self.to_sums)


NOISY = "noise: {epsilon: 0.5, a_year: 1}"
BOUNDS = "{between: [0, 100]}"


def test_noise_is_drawn_for_each_figure_by_its_share() -> None:
    noise = Shift()
    people = [*persons("CAN", 1, 2, age=20), *persons("CAN", 3, age=900), *persons("CAN", 4)]
    found = publish(counting(3, NOISY, bounds=BOUNDS), people, noise=noise)
    # Half for the count; a quarter each for two measures, whose unit moves a sum by 50.
    assert noise.asked == [(4, 4.0), (-1000, 40_000.0), (0, 40_000.0)]
    # Who has no value counts as the middle of the bounds.
    assert found.shown[CAN] == (4, (4750, 5000))


def test_without_measures_all_is_for_the_counts() -> None:
    noise = Shift()
    given = counting(3, NOISY, bounds=BOUNDS)
    bare = policy(
        "cubes:\n  - {id: people, of: [person], unit: person.pid, units: persons, at_least: 3,"
        " group: {person: {country: as is}}, noise: {epsilon: 0.5, a_year: 1}}\n"
    )
    assert cube_of(given).measures
    publish(bare, persons("CAN", 1, 2), noise=noise)
    assert noise.asked == [(2, 2.0)]


def test_the_noisy_count_decides_and_means_stay_within_bounds() -> None:
    given, people = counting(3, NOISY, bounds=BOUNDS), persons("CAN", 1, 2, 3, age=20)
    assert publish(given, people, noise=Shift(-1)).shown == {}
    assert publish(given, persons("CAN", 1, age=20), noise=Shift(2)).shown[CAN][0] == 3
    for to_sums, mean in ((10**9, 10_000), (-(10**9), 0)):
        noise = Shift(to_sums=to_sums)
        assert publish(given, people, noise=noise).shown[CAN][1] == (mean, mean)
    assert publish(given, people, noise=Shift(0)).shown[CAN][1] == (2000, 5000)


def test_a_unit_counts_in_one_cell_alone_where_there_is_noise() -> None:
    people = [*persons("CAN", 1, 2, 3), *persons("USA", 1, 2, 3)]
    given = counting(3, NOISY, bounds=BOUNDS)
    assert counts(publish(given, people, noise=Shift())) == {CAN: 3}
    assert counts(publish(counting(3), people)) == {CAN: 3, USA: 3}


def test_noise_freezes_nothing_and_keeps_no_tokens() -> None:
    given = counting(3, NOISY, bounds=BOUNDS)
    found = publish(given, persons("CAN", 1, 2, 3), noise=Shift())
    assert all(one.count.units == frozenset() for one in found.kept)


def test_a_column_that_the_catalog_lacks_is_a_failed_check() -> None:
    with pytest.raises(CheckFailed, match="no column `nosuch`"):
        column_at(CATALOG, (PERSON, ColumnName("nosuch")))


def test_the_raw_rows_are_of_all_kept_rows_and_no_more_columns() -> None:
    given = counting()
    bound = bind_cube(given, CATALOG, cube_of(given), DAY)
    assert [output.name for output in bound.outputs] == [
        "t1_pid", "t1_born", "t1_country", "t1_age", "t1_weight",
    ]  # fmt: skip
    assert not bound.is_finished_by_node
