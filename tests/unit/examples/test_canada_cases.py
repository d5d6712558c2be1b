"""The cases beside the worked policies pass, cover every clause, and fail where a clause slips."""

from dataclasses import replace

import pytest

from narrows.core.policy.language import parse_policy
from narrows.core.terms import MemberName
from narrows.folder.cases import Trial, try_cases
from narrows.folder.load import Node
from tests.unit.examples.test_canada_policies import CANADA, FEDERATION, HOLDERS, POLICE


def node_of(holder: str) -> Node:
    node = FEDERATION.members[MemberName(holder)].node
    assert node is not None
    return node


def tried(holder: str, *changes: tuple[str, str]) -> Trial:
    """The trial of the holder's cases, perhaps under a policy in which something else stands."""
    node, path = node_of(holder), CANADA / "members" / holder / "policy.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    policy = parse_policy(text, FEDERATION.catalog, "policy.yaml")
    return try_cases(FEDERATION, MemberName(holder), replace(node, policy=policy))


def failed(trial: Trial) -> set[str]:
    return {one.file.rpartition("/")[2].removesuffix(".txt") for one in trial.tried if one.wrong}


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_case_passes_and_every_clause_is_covered(holder: str) -> None:
    trial = tried(holder)
    assert [(one.file, one.wrong) for one in trial.tried if one.wrong] == []
    assert trial.uncovered == ()
    assert trial.percent == 100


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_agreement_has_a_case_that_it_refuses(holder: str) -> None:
    folder = CANADA / "members" / holder / "cases"
    refused = {
        line.split()[1]
        for path in folder.glob("*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("REFUSED ")
    }
    wanted = {one.id for one in node_of(holder).policy.agreements} | {"default"}
    assert wanted <= refused


@pytest.mark.parametrize(
    ("holder", "old", "new", "wanted"),
    [
        ("nsor", "            residence_postal: first 3", "            residence_postal: as is", "passport"),
        ("nsor", "{within_days: 183}", "{within_days: 1000}", "like_name_of_any_age"),
        ("nsor", "requires: [case_number, officer, grounds]", "requires: [officer]", "no_grounds"),
        ("nsor", "{person.person_id: equal}\n        at_most: {rows: 1, literals: 1}",
         "{person.person_id: {in: 2}}\n        at_most: {rows: 2, literals: 2}", "address_of_two"),
        ("nsor", "    list:\n      to: [cbsa]\n", "    list:\n", "compliance_at_the_gateway"),
        ("nsor", "    signed_by: [approver]\n", "", "watch_list_unsigned"),
        ("nsor", "    held: {by: registry officer, second: true, urgent_hours: 4, "
         "routine_hours: 72,\n           collect_hours: 24}\n", "", "foreign_held"),
        ("nsor", "to: 2031-03-31", "to: 2041-03-31", "foreign_lapsed"),
        ("nsor", "pseudonym year", "as is", "travellers"),
        ("nsor", "with: {classes: [government, indigenous_government], country: CAN}",
         "with: {classes: [government], country: CAN}", "government_of_a_nation"),
        ("vpd", "emergency: {requires: [officer, grounds", "emergency: {requires: [officer",
         "emergency_without_grounds"),
        ("osor", "purposes: [statistics]", "purposes: [research]", "counts_by_area"),
        ("osor", "with: {country: CAN}", "with: {country: [CAN, USA]}", "counts_abroad"),
        ("cbsa", "crossed_at: day", "crossed_at: as is", "suspect"),
        ("cbsa", "other_country: null", "other_country: as is", "suspect"),
        ("cbsa", "named_columns_only: true", "named_columns_only: false",
         "national_security_star"),
        ("cbsa", "members: [nsor, cbsa]", "members: [nsor, cbsa, vpd]",
         "foreign_notice_for_others"),
    ],
)  # fmt: skip
def test_a_slip_in_a_policy_fails_the_case_of_its_rule(
    holder: str, old: str, new: str, wanted: str
) -> None:
    assert failed(tried(holder, (old, new))) >= {wanted}


@pytest.mark.parametrize("holder", POLICE)
@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("birth_date: year", "birth_date: as is", "suspect"),
        ("person: {birth_date: year,", "person: {surname: as is, birth_date: year,",
         "suspect_name"),
        ("      rows: {involvement: {role: {in: [SUSPECT, ACCUSED]}}}\n", "",
         "whoever_the_person_is"),
        ("show: {investigation: {unit: as is, contact: as is}}",
         "show: {investigation: {unit: as is, contact: as is, case_no: as is, opened_on: as is}}",
         "pointer_and_the_file"),
        ("opened_on: year", "opened_on: as is, unit: as is", "figures_by_unit"),
    ],
)  # fmt: skip
def test_a_slip_in_a_policy_of_police_fails_the_case_of_its_rule(
    holder: str, old: str, new: str, wanted: str
) -> None:
    assert failed(tried(holder, (old, new))) >= {wanted}


@pytest.mark.parametrize(
    ("holder", "needed"),
    [
        ("sq", ", agreement_reference, authority], review"),
        ("fnp", ", agreement_reference], review"),
    ],
)
def test_an_emergency_waives_the_case_number_alone(holder: str, needed: str) -> None:
    trial = tried(holder, (needed, "], review"))
    assert failed(trial) == {"emergency_without_the_agreement"}
