"""What the node finishes has a bound, and beyond it says so rather than say nothing."""

import pytest

from narrows.core.policy.finish import no_pseudonym
from narrows.core.terms import Scalar
from narrows.errors import AnswerTooLarge
from narrows.node import release
from narrows.node.release import released_rows
from tests.unit.core.policy.world import ask, form, granting

ALIKE = "{person.surname: {similar: name_sim, at_least: 0.9}}"
POINTER = granting(f"""
pointer:
  by: [{ALIKE}]
  at_most: {{literals: 1}}
  show: {{person: {{country: as is}}}}
  first_by: [person.pid]
""")
LOOKUP = granting(f"""
lookup:
  by: [{ALIKE}]
  at_most: {{rows: 5, literals: 1}}
  show: {{person: {{country: as is}}}}
""")
QUESTION = "SELECT p.country FROM person p WHERE name_sim(p.surname, 'Roy') >= 0.9"


@pytest.mark.parametrize(("given", "asked"), [(POINTER, "pointer"), (LOOKUP, "lookup")])
def test_more_rows_than_can_be_compared_are_a_refusal(
    given: object, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "SCAN_ROWS", 3)
    bound = ask(given, QUESTION, asked=form(asked)).bound  # type: ignore[arg-type]
    assert bound is not None
    place = {column.column: n for n, column in enumerate(bound.raw_columns)}

    def row(surname: str) -> tuple[Scalar, ...]:
        values: list[Scalar] = ["x"] * len(place)
        values[place["surname"]] = surname  # type: ignore[index]
        return tuple(values)

    others = [row("Tremblay")] * 2
    assert released_rows(bound, [*others, row("Roy")], no_pseudonym) == [("x",)]
    with pytest.raises(AnswerTooLarge, match="more than 3 rows"):
        released_rows(bound, [*others, row("Dubois"), row("Roy")], no_pseudonym)
