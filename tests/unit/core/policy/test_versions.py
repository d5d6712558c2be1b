"""Which version is in force on a day."""

from dataclasses import replace
from datetime import date

from narrows.core.policy.versions import in_force, in_force_or_first
from tests.unit.core.policy.rich import POLICY

SPRING = replace(POLICY, version=1, effective=date(2026, 3, 1))
SUMMER = replace(POLICY, version=2, effective=date(2026, 6, 1))
URGENT = replace(POLICY, version=3, effective=date(2026, 4, 1))


def test_the_highest_version_that_has_come_into_force() -> None:
    versions = (SUMMER, URGENT, SPRING)
    assert in_force(versions, date(2026, 3, 31)) is SPRING
    assert in_force(versions, date(2026, 4, 1)) is URGENT
    # A later version stays in force on the day that an earlier one names.
    assert in_force(versions, date(2026, 6, 1)) is URGENT
    assert in_force(versions, date(2026, 2, 1)) is None
    assert in_force((), date(2026, 6, 1)) is None


def test_before_every_version_the_first_to_come_speaks() -> None:
    assert in_force_or_first((SUMMER, SPRING), date(2026, 1, 1)) is SPRING
    assert in_force_or_first((SUMMER, SPRING), date(2026, 6, 1)) is SUMMER
