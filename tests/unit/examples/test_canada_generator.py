"""The worked federation's people: the same for a seed, invented, and with what is planted."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from tests.unit.examples.conftest import Generated

PHONE = re.compile(r"\+1[2-9]\d\d55501\d\d")


def test_the_same_seed_gives_the_same_rows_in_any_process(
    canada: "Generated", tmp_path: Path
) -> None:
    again = canada.again(tmp_path)
    assert again == canada.printed
    assert len(again.splitlines()) == len(canada.held)


def test_another_seed_gives_other_rows(canada: "Generated", tmp_path: Path) -> None:
    other = canada.again(tmp_path, seed="8")
    same = set(other.splitlines()) & set(canada.printed.splitlines())
    assert same == set()


def test_every_value_is_of_a_reserved_range(canada: "Generated") -> None:
    values = {
        kind: {
            str(row["ident_value"])
            for _, row in canada.rows("identifier")
            if row["ident_type"] == kind
        }
        for kind in ("PHONE", "EMAIL", "PASSPORT", "OLN")
    }
    contacts = {str(row["contact"]) for _, row in canada.rows("investigation")}
    documents = {str(row["doc_number"]) for _, row in canada.rows("border_crossing")}
    plates = {str(row["plate"]) for _, row in canada.rows("vehicle")}
    assert {one for one in values["PHONE"] | contacts if not PHONE.fullmatch(one)} == set()
    assert {one for one in values["EMAIL"] if not one.endswith("@example.org")} == set()
    assert {
        one for one in values["PASSPORT"] | documents if not re.fullmatch(r"ZZ\d{6}", one)
    } == set()
    assert {one for one in values["OLN"] if not one.startswith("ZZ")} == set()
    assert {one for one in plates if not re.fullmatch(r"ZZZ[A-Z]\d{3}", one)} == set()
    assert all(values.values())


def test_the_truth_names_every_person_of_every_holder(canada: "Generated") -> None:
    with duckdb.connect(":memory:") as connection:
        table = f"read_parquet('{canada.truth / 'truth.parquet'}')"
        truth = connection.execute(f"SELECT holder, person_id, true_id FROM {table}").fetchall()
    keys = {(holder, person_id) for holder, person_id, _ in truth}
    held = {(holder, row["person_id"]) for holder, row in canada.rows("person")}
    assert len(keys) == len(truth)
    assert held <= keys
    # Those of whom the truth knows more chose not to be shared.
    assert {holder for holder, _ in keys - held} == {"fnp"}
    holders = {number: {h for h, _, n in truth if n == number} for _, _, number in truth}
    assert max(len(found) for found in holders.values()) >= 3


def test_no_truth_is_where_a_node_reads(canada: "Generated") -> None:
    assert list(canada.data.rglob("truth*")) == []


def test_a_registrant_is_active_at_both_registries(canada: "Generated") -> None:
    for holder in ("nsor", "osor"):
        (person_id,) = _bearers(canada, holder, "ZZ123456")
        person, registration = _person(canada, holder, person_id), _order(canada, holder, person_id)
        assert (person["residence_postal"], person["record_status"]) == ("M4C1B5", "ACTIVE")
        assert (registration["reg_status"], registration["risk_level"]) == ("ACTIVE", "HIGH")
        assert registration["duration_code"] == "LIFE"
    assert len(_bearers(canada, "cbsa", "ZZ123456")) == 1
    crossings = [r for _, r in canada.rows("border_crossing") if r["doc_number"] == "ZZ123456"]
    assert len(crossings) == 4


def test_a_suspended_record_and_a_passport_of_nobody(canada: "Generated") -> None:
    (person_id,) = _bearers(canada, "nsor", "ZZ654321")
    assert _person(canada, "nsor", person_id)["record_status"] == "SUSPENDED"
    for holder in ("osor", "cbsa", "vpd", "sq", "fnp"):
        assert _bearers(canada, holder, "ZZ654321") == []
    numbers = {row["ident_value"] for _, row in canada.rows("identifier")}
    documents = {row["doc_number"] for _, row in canada.rows("border_crossing")}
    assert "ZZ000000" not in numbers | documents


def test_a_suspect_is_known_to_three_services(canada: "Generated") -> None:
    sealed = set()
    for holder in ("vpd", "sq", "fnp"):
        (person,) = [
            row
            for _, row in canada.rows("person", holder)
            if (row["surname"], row["birth_date"]) == ("TREMBLAY", date(1981, 3, 7))
        ]
        files = {row["case_no"]: row for _, row in canada.rows("investigation", holder)}
        mine = [
            row
            for _, row in canada.rows("involvement", holder)
            if row["person_id"] == person["person_id"]
        ]
        assert {row["role"] for row in mine} == {"SUSPECT"}
        assert any(files[row["case_no"]]["sealed"] is False for row in mine)
        sealed |= {holder for row in mine if files[row["case_no"]]["sealed"]}
    assert sealed == {"vpd"}


def test_a_victim_and_a_suspect_share_a_telephone(canada: "Generated") -> None:
    sharing = {
        (holder, row["person_id"])
        for holder, row in canada.rows("identifier")
        if row["ident_value"] == "+14165550142"
    }
    roles = {
        (holder, row["role"])
        for holder, row in canada.rows("involvement")
        if (holder, row["person_id"]) in sharing
    }
    assert roles == {("vpd", "SUSPECT"), ("sq", "VICTIM")}


def test_the_plate_of_the_questions_is_a_suspects(canada: "Generated") -> None:
    ((holder, vehicle),) = [
        (holder, row) for holder, row in canada.rows("vehicle") if row["plate"] == "ZZZZ481"
    ]
    assert (holder, vehicle["plate_juris"], vehicle["make"]) == ("vpd", "ON", "DODGE")


def test_youth_rows_expired_and_current(canada: "Generated") -> None:
    until = {
        row["surname"]: row["youth_until"]
        for _, row in canada.rows("person", "vpd")
        if row["birth_date"] in (date(2006, 3, 9), date(2010, 2, 11))
    }
    assert until["ASHDOWN"] == date(2026, 3, 28)
    assert until["LOCKHART"] == date(2030, 2, 28)


def test_the_share_of_hard_cases(canada: "Generated") -> None:
    statuses = [row["record_status"] for _, row in canada.rows("person")]
    risks = [row["risk_level"] for _, row in canada.rows("offender_registration")]
    notices = [row for _, row in canada.rows("travel_notice", "nsor")]
    late = [row for row in notices if row["late_reason"] is not None]
    phones: dict[object, set[str]] = {}
    for holder, row in canada.rows("identifier", "vpd", "sq"):
        if row["ident_type"] == "PHONE":
            phones.setdefault(row["ident_value"], set()).add(holder)
    assert {"SUSPENDED", "SEALED"} <= set(statuses)
    assert risks.count("UNASSESSED") > len(risks) / 2
    assert 0 < len(late) < len(notices) / 3
    assert any(len(holders) == 2 for holders in phones.values())


def _bearers(canada: "Generated", holder: str, passport: str) -> list[object]:
    return [
        row["person_id"]
        for _, row in canada.rows("identifier", holder)
        if (row["ident_type"], row["ident_value"], row["issuer"]) == ("PASSPORT", passport, "CAN")
    ]


def _person(canada: "Generated", holder: str, person_id: object) -> dict[str, object]:
    (found,) = [r for _, r in canada.rows("person", holder) if r["person_id"] == person_id]
    return dict(found)


def _order(canada: "Generated", holder: str, person_id: object) -> dict[str, object]:
    (found,) = [
        row
        for _, row in canada.rows("offender_registration", holder)
        if row["person_id"] == person_id
    ]
    return dict(found)
