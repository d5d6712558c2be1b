"""What the worked policies decide: for each rule a question that is given, and one that is not."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.plan.plan import plan
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Decision, Requester, Verdict
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import Holder, MemberName, Purpose
from tests.unit.examples.test_canada_policies import CANADA, FEDERATION, POLICE, policy_of

WHOLE = frozenset([*OPTIONAL_FIELDS, "authority"])
PASSPORT = "i.ident_type = 'PASSPORT' AND i.ident_value = 'ZZ123456' AND i.issuer = 'CAN'"
Q1 = f"""SELECT p.holder, p.surname, r.reg_status FROM person p
JOIN identifier i USING (holder, person_id) JOIN offender_registration r USING (holder, person_id)
WHERE {PASSPORT}"""
NAMED = f"""SELECT p.surname, p.birth_date, i.ident_value, r.offence_code, r.child_victim FROM person p
JOIN identifier i USING (holder, person_id) JOIN offender_registration r USING (holder, person_id)
WHERE {PASSPORT}"""
STAR = f"SELECT p.* FROM person p JOIN identifier i USING (holder, person_id) WHERE {PASSPORT}"
TRIPS = f"""SELECT t.depart_on, t.destination_country FROM person p
JOIN identifier i USING (holder, person_id) JOIN travel_notice t USING (holder, person_id)
WHERE {PASSPORT}"""
WATCHED = """SELECT p.surname, i.ident_value FROM person p JOIN identifier i USING (holder, person_id)
JOIN offender_registration r USING (holder, person_id)"""
Q6 = """SELECT p.surname, i.ident_value AS passport, t.depart_on FROM travel_notice t
JOIN offender_registration r USING (holder, person_id) JOIN person p USING (holder, person_id)
JOIN identifier i USING (holder, person_id)
WHERE t.destination_country = 'USA' AND r.risk_level = 'HIGH' AND i.ident_type = 'PASSPORT'"""
ADDRESS = "SELECT p.residence_postal FROM person p WHERE p.person_id = 'nsor:12'"
NOTICES = """SELECT t.notice_id, t.depart_on, i.ident_value FROM travel_notice t
JOIN identifier i USING (holder, person_id) WHERE i.ident_type = 'PASSPORT'"""
REPORTED = """SELECT r.last_report_on FROM person p JOIN offender_registration r
USING (holder, person_id) WHERE p.surname = 'ROY' AND p.birth_date = DATE '1969-11-02'"""
RISK = """SELECT r.risk_level FROM person p JOIN offender_registration r USING (holder, person_id)
WHERE p.surname = 'ROY' AND p.given_names = 'DANIEL' AND p.birth_date = DATE '1969-11-02'"""
Q3 = """SELECT DISTINCT i.holder, v.unit, v.contact FROM identifier i
JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no)
WHERE i.ident_type = 'PHONE' AND i.ident_value = '+14165550142'"""
Q3_WHOSE = Q3.replace("v.unit,", "w.role,")
SUSPECT = """SELECT v.offence_family, v.contact FROM person p
JOIN involvement w USING (holder, person_id) JOIN investigation v USING (holder, case_no)
WHERE p.surname = 'TREMBLAY' AND p.birth_date = DATE '1981-03-07' AND w.role = 'SUSPECT'"""
SUSPECT_STAR = SUSPECT.replace("v.offence_family, v.contact", "v.*")
Q9 = """SELECT direction, crossed_at, port_code, other_country FROM border_crossing
WHERE doc_number = 'ZZ123456' AND doc_issuer = 'CAN' AND crossed_at >= TIMESTAMP '2025-05-01'"""
FLIGHT = Q9.replace("direction,", "flight_no,")
EXITS = "SELECT crossed_at, doc_number, doc_issuer FROM border_crossing WHERE direction = 'EXIT'"
Q10 = (
    f"SELECT a.alert_type FROM alert a JOIN identifier i USING (holder, person_id) WHERE {PASSPORT}"
)
FILES = "SELECT province, COUNT(*) AS n FROM investigation GROUP BY province"
AREAS = """SELECT substr(residence_postal, 1, 3) AS fsa, COUNT(DISTINCT person_id) AS n FROM person
JOIN offender_registration USING (holder, person_id) WHERE reg_status = 'ACTIVE' GROUP BY 1"""
TRIP = "trafficking_investigation"
SEXUAL = "sexual_crime_investigation"
PLACED = "registry_compliance at cbsa"


def asked(who: str, purpose: str, form: str, day: date = date(2026, 6, 1)) -> Circumstances:
    """A request with all that a request may carry; `at HOLDER` in the purpose places its merge."""
    found = FEDERATION.members[MemberName(who)]
    name, _, place = purpose.partition(" at ")
    return Circumstances(
        Requester(found.name, found.member_class, found.country),
        Purpose(name),
        form,
        day,
        WHOLE,
        signed_by=frozenset(["agency", "approver"]),
        merge_at=Holder(place) if place else None,
    )


def decided(holder: str, who: Circumstances, sql: str, policy: Policy | None = None) -> Decision:
    """What the holder's policy says to the one fragment that concerns it."""
    held = FEDERATION.catalog.holds[Holder(holder)]
    parts = plan(sql, {}, FEDERATION.catalog).fill({})
    (fragment,) = [one for one in parts if one.relations <= held]
    return decide(policy or policy_of(holder), FEDERATION.catalog, fragment, who)


@pytest.mark.parametrize(
    ("holder", "who", "purpose", "form", "sql", "verdict"),
    [
        # Rules 1, 2, 12.
        ("nsor", "vpd", SEXUAL, "lookup", Q1, Verdict.ALLOWED),
        ("nsor", "vpd", SEXUAL, "lookup", ADDRESS, Verdict.ALLOWED),
        ("nsor", "vpd", "homicide_investigation", "lookup", Q1, Verdict.REFUSED),
        ("nsor", "licensing-on", "licensing", "lookup", Q1, Verdict.REFUSED),
        ("osor", "vpd", SEXUAL, "lookup", Q1, Verdict.ALLOWED),
        ("nsor", "vpd", SEXUAL, "list", Q1, Verdict.REFUSED),
        # Rules 3, 4, 7: no keys but to the border agency.
        ("nsor", "vpd", "registry_compliance", "lookup", REPORTED, Verdict.ALLOWED),
        ("nsor", "fnp", "registry_compliance", "lookup", REPORTED, Verdict.REFUSED),
        ("nsor", "vpd", "registry_compliance", "list", NOTICES, Verdict.REFUSED),
        ("nsor", "vpd", PLACED, "list", NOTICES, Verdict.ALLOWED),
        ("nsor", "nsor", PLACED, "list", NOTICES, Verdict.ALLOWED),
        ("osor", "osor", PLACED, "list", NOTICES, Verdict.ALLOWED),
        ("osor", "osor", "registry_compliance", "list", NOTICES, Verdict.REFUSED),
        ("cbsa", "vpd", PLACED, "list", EXITS, Verdict.ALLOWED),
        ("cbsa", "vpd", "registry_compliance", "list", EXITS, Verdict.REFUSED),
        # Rules 5, 6.
        ("nsor", "cbsa", "border_enforcement", "lookup", STAR, Verdict.NARROWED),
        ("nsor", "cbsa", "border_enforcement", "lookup", Q1, Verdict.REFUSED),
        ("nsor", "cbsa", "border_watch_list", "list", WATCHED, Verdict.ALLOWED),
        ("nsor", "vpd", "border_watch_list", "list", WATCHED, Verdict.REFUSED),
        # Rules 7, 8, 20, 23.
        ("cbsa", "vpd", "registry_compliance", "lookup", FLIGHT, Verdict.ALLOWED),
        ("cbsa", "vpd", "homicide_investigation", "lookup", Q9, Verdict.NARROWED),
        ("cbsa", "vpd", "homicide_investigation", "lookup", FLIGHT, Verdict.REFUSED),
        ("cbsa", "security-service", "national_security", "lookup", FLIGHT, Verdict.ALLOWED),
        ("nsor", "security-service", "national_security", "lookup", Q1, Verdict.REFUSED),
        ("cbsa", "nsor", "foreign_notice", "lookup", Q10, Verdict.ALLOWED),
        ("cbsa", "vpd", "foreign_notice", "lookup", Q10, Verdict.REFUSED),
        ("vpd", "cbsa", "border_enforcement", "lookup", Q10, Verdict.ALLOWED),
        # Rules 9, 10, 11.
        ("nsor", "us-angel-watch", "foreign_assistance", "lookup", NAMED, Verdict.HELD),
        ("nsor", "us-angel-watch", "foreign_assistance", "lookup", TRIPS, Verdict.HELD),
        ("nsor", "us-angel-watch", "foreign_assistance", "list", Q6, Verdict.REFUSED),
        ("nsor", "us-angel-watch", "traveller_notification", "list", Q6, Verdict.ALLOWED),
        ("nsor", "safety-ministry", "sexual_crime_prevention", "lookup", RISK, Verdict.ALLOWED),
        ("nsor", "nation-council", "sexual_crime_prevention", "lookup", RISK, Verdict.ALLOWED),
        ("nsor", "nation-council", "sexual_crime_prevention", "lookup", REPORTED, Verdict.REFUSED),
        # Rules 24, 12.
        ("nsor", "research-institute", "research", "count", AREAS, Verdict.NARROWED),
        ("nsor", "stats-ngo", "statistics", "count", AREAS, Verdict.REFUSED),
        ("osor", "stats-ngo", "statistics", "count", AREAS, Verdict.NARROWED),
        ("osor", "stats-ngo", "statistics", "lookup", AREAS, Verdict.REFUSED),
    ],
)
def test_a_rule_decides(
    holder: str, who: str, purpose: str, form: str, sql: str, verdict: Verdict
) -> None:
    found = decided(holder, asked(who, purpose, form), sql)
    assert found.verdict is verdict, found.reasons


@pytest.mark.parametrize("holder", POLICE)
@pytest.mark.parametrize(
    ("who", "purpose", "form", "sql", "verdict"),
    [
        # Rule 13: whom to call, and no more.
        ("nsor", "deconfliction", "pointer", Q3, Verdict.ALLOWED),
        ("nsor", "deconfliction", "lookup", Q3, Verdict.REFUSED),
        ("nsor", "deconfliction", "pointer", Q3_WHOSE, Verdict.REFUSED),
        # Rule 14, and rule 15: nothing abroad, in whatever form.
        ("nsor", "homicide_investigation", "lookup", SUSPECT, Verdict.ALLOWED),
        ("us-angel-watch", TRIP, "lookup", SUSPECT, Verdict.REFUSED),
        ("us-angel-watch", "deconfliction", "pointer", Q3, Verdict.REFUSED),
        # Rule 24.
        ("stats-ngo", "statistics", "count", FILES, Verdict.ALLOWED),
        ("stats-ngo", "statistics", "list", FILES, Verdict.REFUSED),
    ],
)
def test_a_police_rule_decides(
    holder: str, who: str, purpose: str, form: str, sql: str, verdict: Verdict
) -> None:
    found = decided(holder, asked(who, purpose, form), sql)
    assert found.verdict is verdict, found.reasons


@pytest.mark.parametrize(
    ("holder", "who", "purpose", "form", "sql", "needed"),
    [
        ("nsor", "vpd", SEXUAL, "lookup", Q1, "case_number officer grounds"),
        ("nsor", "cbsa", "border_watch_list", "list", WATCHED, "approver officer grounds"),
        ("cbsa", "vpd", TRIP, "lookup", Q9, "approver case_number officer grounds"),
        (
            "nsor",
            "us-angel-watch",
            "foreign_assistance",
            "lookup",
            NAMED,
            "agreement_reference approver case_number officer grounds",
        ),
        (
            "sq",
            "vpd",
            TRIP,
            "lookup",
            SUSPECT,
            "agreement_reference authority case_number officer grounds",
        ),
        ("fnp", "vpd", TRIP, "lookup", SUSPECT, "agreement_reference case_number officer grounds"),
    ],
)
def test_a_rule_needs_what_it_says(
    holder: str, who: str, purpose: str, form: str, sql: str, needed: str
) -> None:
    whole = asked(who, purpose, form)
    for name in WHOLE:
        without = decided(holder, replace(whole, given=WHOLE - {name}), sql)
        assert (without.verdict is Verdict.REFUSED) == (name in needed.split()), name
    unsigned = decided(holder, replace(whole, signed_by=frozenset(["agency"])), sql)
    assert (unsigned.verdict is Verdict.REFUSED) == ("approver" in needed)


def test_rule_19_takes_no_star() -> None:
    who = asked("vpd", TRIP, "lookup")
    assert decided("vpd", replace(who, requester=asked("sq", TRIP, "lookup").requester),
                   SUSPECT_STAR).releases  # fmt: skip
    found = decided("sq", who, SUSPECT_STAR)
    assert "by their names" in " ".join(found.reasons)


def test_the_law_of_2026_tells_two_days_apart() -> None:
    older = _older()
    before = asked("us-angel-watch", "foreign_assistance", "lookup", date(2025, 6, 1))
    before = replace(before, given=WHOLE - {"authority"})
    found = decided("nsor", before, NAMED.replace(", r.offence_code", "").replace(
        ", i.ident_value", ""), older)  # fmt: skip
    assert found.reasons == ("`angel-watch-2025` requires `authority`",)
    after = decided("nsor", replace(before, day=date(2026, 6, 1)), NAMED)
    assert after.verdict is Verdict.HELD
    collected = replace(before, day=date(2026, 6, 1), has_ticket=True)
    assert decided("nsor", collected, NAMED).narrowed == (
        "offender_registration.offence_code: first 3",
    )
    assert older.version < policy_of("nsor").version
    assert older.effective < policy_of("nsor").effective == date(2026, 3, 26)


def _older() -> Policy:
    """The registry's policy before the law of 2026."""
    path = CANADA / "members" / "nsor" / "policies" / "version-1.yaml"
    return parse_policy(path.read_text(encoding="utf-8"), FEDERATION.catalog, path.name)
