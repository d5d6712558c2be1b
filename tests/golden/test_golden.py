"""Every case under `cases/`: its text is what the walk makes of it, and its rows are the oracle's.

A case says in plain text what is asked, what the policies say, and what must come of it. With
`NARROWS_BLESS=1` the sections that the walk makes are written instead of compared.
"""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from narrows.core.policy.typeset import set_anew
from tests.golden.case import read_case
from tests.golden.walk import Walk

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(FOLDER.glob("*.txt"))
BESIDE = re.compile(r"Beside it: ([a-z0-9_]+)\.\s*$")
"""The last line of the prose of a refusal: where the same is permitted."""


def _text(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


def _walk(name: str) -> Walk:
    return Walk.of(read_case(_text(name)))


def check(text: str) -> None:
    """Nothing, when the walk makes exactly this text of it, and no forbidden word left."""
    given = read_case(text)
    walk = Walk.of(given)
    made = walk.sections()
    assert text == given.spell(made)
    sent = "\n".join(found for name, found in made.items() if name.startswith("sent to "))
    left = "\n".join((made["decision"], made["answer"], *walk.produced()))
    for word in given.sections["must not appear"].split():
        whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        assert whole.search(given.inputs), f"`{word}` is nowhere in the case"
        assert not whole.search(left), f"`{word}` left"
        # What a policy tests for is public, and what is sent to its own holder spells it.
        assert whole.search(given.policies) or not whole.search(sent), f"`{word}` was sent"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if os.environ.get("NARROWS_BLESS") == "1":
        given = read_case(path.read_text())
        path.write_text(given.spell(Walk.of(given).sections()))
    with caplog.at_level(logging.DEBUG):
        check(path.read_text())
    assert not caplog.records


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_its_policies_are_in_the_one_layout(path: Path) -> None:
    sections = read_case(path.read_text()).sections
    found = [text for name, text in sections.items() if name.startswith("policy of ")]
    assert found
    assert [text for text in found if not _is_set(text)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("requires: [case_number, officer", "requires: [case_number,\n      officer"),
        ("valid: {from: 2026-03-26}", "valid: { from: 2026-03-26 }"),
        ("valid: {from: 2026-03-26}", "valid:\n         from: 2026-03-26"),
        ("\n    because: Criminal", "\n    because:   Criminal"),
    ],
)
def test_another_layout_is_found(old: str, new: str) -> None:
    text = read_case(_text("q01_registered")).sections["policy of nsor"]
    assert old in text
    assert _is_set(text)
    assert not _is_set(text.replace(old, new, 1))


def _is_set(policy: str) -> bool:
    return set_anew(policy).strip("\n") == policy.strip("\n")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_rows_are_those_of_the_same_query_over_the_release_views(path: Path) -> None:
    walk = _walk(path.stem)
    if not walk.withheld_because:
        assert walk.merged() == walk.by_the_oracle()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_refusal_has_its_permission_beside_it(path: Path) -> None:
    walk = _walk(path.stem)
    beside = BESIDE.search(walk.given.prose)
    assert (beside is not None) == bool(walk.withheld_because)
    if beside is not None:
        assert not _walk(beside.group(1)).withheld_because


@pytest.mark.parametrize(
    "name",
    [
        "name_without_accents",
        "passport_narrowed",
        "pointer_one_of_several",
        "q02_like_name",
        "q05_area_and_vehicle",
        "q06_high_risk_travellers",
        "q13_files_by_year",
        "q15_days_of_warning",
        "q16_three_forces",
    ],
)
def test_a_row_that_is_lost_or_changed_is_found_by_the_oracle(name: str) -> None:
    walk = _walk(name)
    key = next(key for key, rows in walk.rows.items() if rows)
    wanted = walk.by_the_oracle()
    assert walk.merged() == wanted
    (first, *rest) = walk.rows[key]
    walk.rows[key] = rest
    assert walk.merged() != wanted
    text = next(n for n, value in enumerate(first) if isinstance(value, str) and value != key[1])
    walk.rows[key] = [(*first[:text], "OTHER", *first[text + 1 :]), *rest]
    assert walk.merged() != wanted


def test_a_pointer_of_another_order_is_found_by_the_oracle() -> None:
    text = _text("pointer_one_of_several")
    walk, other = _walk("pointer_one_of_several"), Walk.of(read_case(text))
    keys = "first_by: [investigation.opened_on, investigation.case_no]"
    changed = text.replace(keys, "first_by: [investigation.case_no]")
    other.rows.clear()
    other.rows.update(Walk.of(read_case(changed)).rows)
    assert other.merged() != walk.by_the_oracle() == walk.merged()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("suspended_record", "nobody"),
        ("licensing_desk", "licensing_desk_suspended"),
        ("licensing_desk", "licensing_desk_nobody"),
        ("pointer_at_a_suspended_record", "pointer_at_nobody"),
    ],
)
def test_what_depends_on_the_person_does_not_show(one: str, other: str) -> None:
    assert _text(one) != _text(other)
    assert _walk(one).sections() == _walk(other).sections()


def _replacing(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_replacing("nsor,Tremblay,M4C,ACTIVE", "nsor,Tremblay,M4C1B5,ACTIVE"), None),
        (_replacing("nsor  NARROWED", "nsor  ALLOWED"), None),
        (_replacing("  AND t2.ident_type = $1\n", ""), None),
        (_replacing("residence_postal: first 3}", "residence_postal: as is}"), None),
        (_replacing("nsor  answered  1 row", "nsor  answered  2 rows"), None),
        (_replacing("not appear --\n", "not appear --\nTremblay "), "`Tremblay` left"),
        (_replacing("not appear --\n", "not appear --\nM4C "), "`M4C` is nowhere"),
    ],
)
def test_a_case_that_is_wrong_fails(change: Callable[[str], str], complaint: str | None) -> None:
    text = _text("passport_narrowed")
    check(text)
    with pytest.raises(AssertionError, match=complaint):
        check(change(text))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("q03_pointer_to_a_victims_file", _replacing("duty: notify", "duty: null")),
        ("foreign_held", _replacing("nsor  HELD", "nsor  NARROWED")),
        ("foreign_held", _replacing("signed   approver", "signed   agency")),
        ("foreign_collected", _replacing("ticket  ", "authority  ")),
        ("foreign_old_test", _replacing("2025-06-01", "2026-06-01")),
        ("q03_pointer_to_a_victims_file", _replacing("pointer\n\nSELECT", "lookup\n\nSELECT")),
        ("pointer_one_of_several", _replacing("sq,+15145550102", "sq,+15145550101")),
        ("emergency_without_a_case", _replacing("emergency  ", "authority  ")),
    ],
)
def test_a_case_of_another_form_that_is_wrong_fails(
    name: str, change: Callable[[str], str]
) -> None:
    text = _text(name)
    check(text)
    with pytest.raises(AssertionError):
        check(change(text))
