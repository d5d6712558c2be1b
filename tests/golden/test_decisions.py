"""The golden decisions: what must come of the requests that the agencies named first, line by line."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from narrows.core.policy.together import decide_together
from narrows.core.policy.versions import in_force_or_first
from tests.golden.canada import CANADA, policies_of
from tests.golden.case import read_case
from tests.golden.walk import Rows, Walk

CASES = Path(__file__).parent / "cases"
DECIDED = {
    "q01_registered": {"nsor": "ALLOWED", "osor": "ALLOWED"},
    "q01_licensing_desk": {"nsor": "REFUSED", "osor": "REFUSED"},
    "q01_without_a_case": {"nsor": "REFUSED", "osor": "REFUSED"},
    "foreign_old_test": {"nsor": "REFUSED"},
    "foreign_held": {"nsor": "HELD"},
    "foreign_collected": {"nsor": "NARROWED"},
    "foreign_lapsed_yesterday": {"nsor": "REFUSED"},
    "border_star": {"nsor": "NARROWED"},
    "q03_pointer_to_a_victims_file": {"sq": "ALLOWED", "vpd": "ALLOWED"},
    "q13_totals": {"sq": "ALLOWED", "vpd": "ALLOWED"},
}
ANY_DAY = [name for name in DECIDED if name.startswith("q")]
"""What is decided alike on whatever day it is asked."""
IDENTITY = {"surname", "given_names", "birth_date", "sex_code"}
DOCUMENT = {"ident_type", "ident_value", "issuer"}
RULE_5 = {"holder"} | IDENTITY | DOCUMENT
RULE_9 = {"holder", "passport", "offence_code", "child_victim", "depart_on", "return_on"} | IDENTITY
RULE_9_ALSO = {"destination_country"}
"""The country that asked: a trip is shown to no other."""


def _text(name: str) -> str:
    return (CASES / f"{name}.txt").read_text()


def _walk(name: str) -> Walk:
    return Walk.of(read_case(_text(name)))


def _shown(walk: Walk) -> set[str]:
    """The columns of the answer in which a value stands."""
    rows: Rows = walk.merged()
    assert rows
    return {
        name
        for place, name in enumerate(walk.split.outputs)
        if any(row[place] is not None for row in rows)
    }


@pytest.mark.parametrize("name", DECIDED)
def test_the_request_is_decided_so(name: str) -> None:
    walk = _walk(name)
    found = {str(holder): str(one.verdict) for (_, holder), one in walk.decisions.items()}
    assert found == DECIDED[name]
    assert bool(walk.bounds) == bool({"ALLOWED", "NARROWED"} & set(found.values()))


@pytest.mark.parametrize("day", ["2026-03-26", "2027-02-28", "2031-01-01"])
@pytest.mark.parametrize("name", ANY_DAY)
def test_on_any_day_it_is_decided_so(name: str, day: str) -> None:
    text = _text(name)
    assert text.count("day      2026-06-01") == 1
    walk = Walk.of(read_case(text.replace("day      2026-06-01", f"day      {day}")))
    found = {str(holder): str(one.verdict) for (_, holder), one in walk.decisions.items()}
    assert found == DECIDED[name]


@pytest.mark.parametrize("day", [date(2025, 2, 1), date(2025, 6, 1), date(2026, 3, 25)])
@pytest.mark.parametrize("name", [name for name in ANY_DAY if name.startswith("q01_")])
def test_the_registry_decided_so_before_the_law_changed(name: str, day: date) -> None:
    """Under the version that was then in force, which says the rest of what it said."""
    assert _by_the_registry(name, day) == (1, DECIDED[name]["nsor"])
    assert _by_the_registry(name, date(2026, 3, 26)) == (2, DECIDED[name]["nsor"])


def test_before_its_first_version_the_registry_refuses() -> None:
    assert _by_the_registry("q01_registered", date(2025, 1, 31)) == (1, "REFUSED")


def _by_the_registry(name: str, day: date) -> tuple[int, str]:
    """The version that decides the case's question on that day, and what it says."""
    walk, policy = _walk(name), in_force_or_first(policies_of("nsor"), day)
    circumstances = replace(walk.circumstances, day=day)
    fragments = list(walk.fragments.values())
    ((decision, _),) = decide_together(policy, CANADA.catalog, fragments, circumstances)
    return policy.version, str(decision.verdict)


def test_a_registration_is_shown_as_rule_1_says() -> None:
    shown = {"holder", "surname", "given_names", "reg_status", "risk_level"}
    assert _shown(_walk("q01_registered")) == shown


@pytest.mark.parametrize("name", ["q01_licensing_desk", "q01_without_a_case"])
def test_a_refusal_is_the_same_for_every_passport(name: str) -> None:
    text = _text(name)
    refused = Walk.of(read_case(text))
    for passport in ("ZZ123457", "ZZ999999", "ZZ000000"):
        other = text.replace("ident_value = 'ZZ123456'", f"ident_value = '{passport}'")
        assert other != text
        walk = Walk.of(read_case(other))
        assert (walk.sections(), walk.produced()) == (refused.sections(), refused.produced())
    allowed = read_case(_text("q01_registered"))
    same = ("held by nsor: person", "held by nsor: identifier", "policy of nsor")
    assert [refused.given.sections[one] for one in same] == [allowed.sections[one] for one in same]


def test_one_question_from_abroad_before_and_after_the_law() -> None:
    names = ("foreign_old_test", "foreign_held", "foreign_collected", "foreign_lapsed_yesterday")
    walks = [_walk(name) for name in names]
    assert len({one.given.sql for one in walks}) == 1
    assert len({one.circumstances.requester for one in walks}) == 1
    old, held, collected, lapsed = (one.given.fields["day"] for one in walks)
    assert old == "2025-06-01"
    assert held == collected == lapsed == "2026-06-01"


def test_what_is_collected_are_the_columns_of_rule_9() -> None:
    shown = _shown(_walk("foreign_collected")) | _shown(_walk("foreign_travel_collected"))
    assert shown == RULE_9 | RULE_9_ALSO


def test_the_border_agency_is_shown_the_four_groups_of_rule_5() -> None:
    assert _shown(_walk("border_star")) == {"holder"} | IDENTITY
    both = _walk("border_star_of_documents")
    assert _shown(both) == RULE_5
    place = both.split.outputs.index("ident_type")
    assert {row[place] for row in both.merged()} == {"PASSPORT", "OLN"}
    assert "PHONE" in both.given.sections["held by nsor: identifier"]


def test_where_only_a_victim_is_both_units_are_told_and_nothing_else() -> None:
    walk = _walk("q03_pointer_to_a_victims_file")
    assert _shown(walk) == {"holder", "unit", "contact"}
    assert "notice  `sq` and `vpd` are told" in walk.sections()["answer"]


def test_a_cell_of_four_files_is_in_no_figure() -> None:
    cells, totals = _walk("q13_files_by_year"), _walk("q13_totals")
    files = cells.given.sections["held by vpd: investigation"]
    assert len(re.findall(r"^\w+,AB,\d{4}-\d\d-\d\d,HUMAN_TRAFFICKING,", files, re.MULTILINE)) == 4
    assert "AB" not in {row[0] for row in cells.merged()}
    assert totals.merged() == [(sum(int(str(row[-1])) for row in cells.merged()),)]
    assert "totals are sums of shown cells" in totals.sections()["answer"]


def test_a_suspended_record_of_a_comparison_is_as_none() -> None:
    text = _text("q12_a_suspended_record")
    gone = re.sub(r"^(7,.*|Q1,.*)\n", "", text, flags=re.MULTILINE)
    assert gone != text
    assert Walk.of(read_case(gone)).sections() == Walk.of(read_case(text)).sections()
    standing = text.replace("SUSPENDED\n", "ACTIVE\n", 1)
    assert standing != text
    assert Walk.of(read_case(standing)).sections() != Walk.of(read_case(text)).sections()
