"""Each question that agencies ask has a case, word for word, and one that answers it in its form.

Two questions are first put as nobody may put them: what is refused stands beside what is answered.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from narrows.core.policy.versions import in_force_or_first
from tests.golden.canada import policies_of
from tests.golden.case import read_case
from tests.golden.catalog import golden_catalog
from tests.golden.clauses import Quoting
from tests.golden.walk import Walk

HERE = Path(__file__).parent
TEXTS = dict(
    re.findall(
        r"^-- (Q\d+)\n(.+?);$", (HERE / "questions.sql").read_text(), re.DOTALL | re.MULTILINE
    )
)
"""The questions by their numbers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The case that asks a question word for word, and the one that answers it in this form."""

    word_for_word: str
    answered: str
    form: str = "lookup"


ASKED = {
    "Q1": Asked("q01_registered", "q01_registered"),
    "Q2": Asked("q02_word_for_word", "q02_like_name"),
    "Q3": Asked("q03_pointer_to_a_victims_file", "q03_pointer_to_a_victims_file", "pointer"),
    "Q4": Asked("q04_plate", "q04_plate", "pointer"),
    "Q5": Asked("q05_area_and_vehicle", "q05_area_and_vehicle"),
    "Q6": Asked("q06_high_risk_travellers", "q06_high_risk_travellers", "list"),
    "Q9": Asked("q09_travel_of_a_suspect", "q09_travel_of_a_suspect"),
    "Q10": Asked("q10_alert_at_the_booth", "q10_alert_at_the_booth"),
    "Q11": Asked("q11_word_for_word", "q11_missing_person", "pointer"),
    "Q12": Asked("q12_one_phone_in_two_forces", "q12_one_phone_in_two_forces", "list"),
    "Q13": Asked("q13_files_by_year", "q13_files_by_year", "count"),
    "Q14": Asked("q14_word_for_word", "q14_word_for_word", "count"),
    "Q15": Asked("q15_days_of_warning", "q15_days_of_warning", "count"),
    "Q16": Asked("q16_three_forces", "q16_three_forces"),
}
OF_ITS_OWN = {"q12_a_suspended_record", "q12_one_phone_in_two_forces"}
"""What the worked federation has no agreement for."""
QUOTING = sorted(
    {path.stem for path in (HERE / "cases").glob("q*.txt")} - OF_ITS_OWN
    | {"border_star", "border_star_of_documents", "foreign_collected", "foreign_held"}
    | {"foreign_old_test", "foreign_travel_collected", "foreign_unsigned"}
)


def _text(name: str) -> str:
    return (HERE / "cases" / f"{name}.txt").read_text()


def _walk(name: str) -> Walk:
    return Walk.of(read_case(_text(name)))


def _words(sql: str) -> str:
    return re.sub(r"\s", "", sql)


def test_every_question_is_asked() -> None:
    assert ASKED.keys() == TEXTS.keys()
    assert TEXTS.keys() == {f"Q{n}" for n in range(1, 17)} - {"Q7", "Q8"}


@pytest.mark.parametrize("question", ASKED)
def test_a_case_asks_the_question_word_for_word(question: str) -> None:
    found = read_case(_text(ASKED[question].word_for_word))
    assert _words(found.sql) == _words(TEXTS[question])


@pytest.mark.parametrize("question", ASKED)
def test_a_case_answers_the_question_in_its_form(question: str) -> None:
    asked = ASKED[question]
    walk = _walk(asked.answered)
    assert (walk.circumstances.form, walk.withheld_because) == (asked.form, "")
    assert walk.merged()
    assert asked.answered == asked.word_for_word or _walk(asked.word_for_word).withheld_because


def _differences(text: str) -> list[str]:
    """What the case's policies say otherwise than those of the worked federation on its day."""
    walk = Walk.of(read_case(text))
    found: list[str] = []
    quoted = [one for one in walk.policies if f"policy of {one}" in walk.given.sections]
    assert quoted
    for holder in quoted:
        whole = in_force_or_first(policies_of(holder), walk.circumstances.day)
        found += Quoting(golden_catalog()).differences(walk.policies[holder], whole)
    return found


@pytest.mark.parametrize("name", QUOTING)
def test_a_case_quotes_the_policies_of_the_worked_federation(name: str) -> None:
    assert _differences(_text(name)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("q01_registered", "residence_postal: first 3", "residence_postal: as is", "lookup"),
        ("q01_registered", "[case_number, officer, grounds]", "[officer, grounds]", "terms"),
        ("q01_registered", "rows: 50", "rows: 60", "lookup"),
        ("q01_registered", "identifier.issuer: optional equal", "identifier.issuer: equal", "lookup"),
        ("q01_registered", "in: [SUSPENDED, SEALED]", "in: [SUSPENDED]", "never"),
        ("q01_registered", "  - columns: {person: [record_status]}", "  - columns: {person: [sex_code]}", "never"),
        ("q03_pointer_to_a_victims_file", "{equal: OPEN}", "{in: [OPEN, CLOSED]}", "pointer"),
        ("q03_pointer_to_a_victims_file", "duty: notify\n", "\n", "pointer"),
        ("q06_high_risk_travellers", "today + 30", "today + 60", "list"),
        ("q13_files_by_year", "at_least: 10", "at_least: 5", "cube"),
        ("q13_files_by_year", "opened_on: year", "opened_on: month", "cube"),
        ("foreign_held", "second: true", "second: false", "terms"),
        ("foreign_held", "effective: 2026-03-26", "effective: 2026-03-27", "effective"),
        ("q09_travel_of_a_suspect", "- id: travel-of-a-suspect", "- id: travels", "is not there"),
    ],
)  # fmt: skip
def test_a_clause_that_is_changed_is_found(name: str, old: str, new: str, wrong: str) -> None:
    text = _text(name)
    assert old in text
    assert [found for found in _differences(text.replace(old, new, 1)) if found.endswith(wrong)]
