"""Each rule of the check: what it finds, in which line, and what it leaves in peace."""

from dataclasses import replace
from datetime import date

import pytest

from narrows.core.policy.check import RULES, Severity, check_policy
from narrows.core.policy.model import Policy
from tests.unit.core.policy.rich import (
    ABROAD,
    BUREAU,
    CATALOG,
    CITY,
    POLICY,
    REQUESTERS,
    TEXT,
    changed,
)


def found_in(policy: Policy, **known: object) -> list[tuple[str, int]]:
    """Messages and lines, notes left out."""
    found = check_policy(policy, CATALOG, **known)  # type: ignore[arg-type]
    assert all(one.hint for one in found)
    return [(one.message, one.line) for one in found if one.severity is not Severity.NOTE]


def line_of(said: str, text: str) -> int:
    """Where the text says so first."""
    return text[: text.index(said)].count("\n") + 1


def test_the_rich_policy_is_sound() -> None:
    assert found_in(POLICY, requesters=REQUESTERS, day=date(2026, 6, 1), approvers=2) == []


@pytest.mark.parametrize(
    ("old", "new", "said", "at"),
    [
        # a list and a pointer begin at their own lines, an agreement at its id
        ("{members: [bureau]}", "{}", "`figures` is with nobody", "- id: figures"),
        ("{members: [bureau]}", "{members: [burau]}", "names `burau`, who is no member",
         "- id: figures"),
        ("country: CAN}", "country: FRA}", "`city-inquiry` can apply to no member",
         "- id: city-inquiry"),
        ("link: [person, paper]\n        show", "link: [person]\n        show",
         "shows `paper`, which can be asked alone only",
         "- by:\n          - {paper.kind"),
        ("paper.kind: equal, paper.number: {in: 3, normal: document, min_length: 4}",
         "paper.kind: equal", "looks up by `paper.kind`, which has few values",
         "- by:\n          - {paper.kind"),
        ("[[person.surname]]", "[[person.is_minor]]", "looks up by `person.is_minor`, which has few",
         "pointer:\n      by: [[person."),
        ("[[person.surname]]", "[[person.is_minor, person.status]]", "and `person.status`, which has few",
         "pointer:\n      by: [[person."),
        ("columns: {person: [score]}", "columns: {person: [home]}",
         "`city-inquiry` shows `person.home`, which `never[3]` takes away",
         "- by:\n          - {paper.kind"),
        ("columns: {person: [score]}", "columns: {paper: [phone]}",
         "looks up by `paper.phone`, which `never[3]` takes away", "- by:\n          - {paper.kind"),
        ("      first_by: [person.person_id]", "      first_by: [person.born]",
         "chooses its row by columns of which two rows may have the same", "pointer:\n      by: [[person."),
        ("at_least: 5\n", "at_least: 4\n", "the cube `by-desk` shows cells of 4 persons",
         "- id: by-desk"),
        ("literals: 3", "literals: 1", "looks up by 2 keys together, and takes 1 literals",
         "- by:\n          - {paper.kind"),
        ("[SEALED, SUSPENDED]}}}\n    because: Records Act s.6\n",
         "[SEALED, SUSPENDED]}}}\n    because: Records Act s.6\n"
         "  - rows: {person: {status: {in: [SEALED]}}}\n    because: again\n",
         "`never[2]` never counts: `never[1]` hides all of it", "- rows: {person: {status: {in: [SEALED]}"),
        ("columns: {person: [score]}\n    because: of no use to anybody",
         "columns: {vault: [key]}\n    because: again",
         "`never[3]` never counts: `never[4]` hides all of it", "- columns:"),
        ("vault\n    because: kept for the archive", "vault\n    because: kept\n"
         "  - relation: vault\n    because: again",
         "`never[5]` never counts: `never[4]` hides all of it", "- relation: vault\n    because: again"),
        ("valid: {from: 2026-02-01, to: 2026-12-31}", "valid: {from: 2026-02-01, to: 2026-05-31}",
         "lapsed on 2026-05-31", "- id: city-inquiry"),
        ("figures\n    authority: Statistics Act\n    with: {members: [bureau]}\n    purposes: [stat",
         "figures\n    authority: Statistics Act\n    with: {members: [city]}\n    purposes: [aid, stat",
         "`city-inquiry` and `figures` both apply to `aid`", "- id: figures"),
        ("show: {person: {surname: as is, postal: as is}}", "show: {}", "`own-list` shows no column",
         "list:\n      rows"),
    ],
)  # fmt: skip
def test_each_mistake_is_found_at_its_line(old: str, new: str, said: str, at: str) -> None:
    found = found_in(changed((old, new)), requesters=REQUESTERS, day=date(2026, 6, 1), approvers=2)
    hits = [line for message, line in found if said in message]
    assert hits, found
    assert hits[0] == line_of(at, TEXT.replace(old, new, 1))


def test_a_grant_that_another_takes_first_never_counts() -> None:
    start, end = TEXT.index("      - by:\n          - {person.postal"), TEXT.index("    caveats:")
    second = TEXT[start:end]
    less = second.replace("{first: 3, in: 2}", "{first: 3}")
    (found,) = found_in(changed((second, second + less)), requesters=REQUESTERS)
    assert "has a `lookup` that never counts" in found[0]
    assert found_in(changed((second, less + second)), requesters=REQUESTERS) == []


@pytest.mark.parametrize(("approvers", "found"), [(None, 0), (0, 1), (1, 1), (2, 0)])
def test_what_is_held_needs_persons_who_decide(approvers: int | None, found: int) -> None:
    assert len(found_in(POLICY, requesters=REQUESTERS, approvers=approvers)) == found
    alone = changed(("second: true", "second: false"))
    assert len(found_in(alone, requesters=REQUESTERS, approvers=approvers)) == (approvers == 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("of: [visit]\n", "of: [visit, stay]\n", "are both of `stay`"),
        ("of: [visit]\n", "of: [visit, vault]\n", "of relations that nothing ties together"),
        ("columns: {person: [score]}", "columns: {visit: [desk]}", "which is never used"),
    ],
)
def test_a_cube_that_may_not_be_published_is_an_error(old: str, new: str, said: str) -> None:
    found = check_policy(changed((old, new)), CATALOG, REQUESTERS)
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert any(said in one.message for one in errors), errors


def test_a_cube_that_nobody_gives_is_noted() -> None:
    unused = changed(("count: [by-desk, by-postal]", "count: by-desk"))
    notes = [one.message for one in check_policy(unused, CATALOG)]
    assert "no agreement gives the cube `by-postal`" in notes


def test_an_agreement_that_was_over_before_is_noted_alone() -> None:
    over = changed(("{from: 2026-02-01, to: 2026-12-31}", "{from: 2025-02-01, to: 2025-12-31}"))
    found = [one for one in check_policy(over, CATALOG) if "lapsed" in one.message]
    assert [one.severity for one in found] == [Severity.NOTE]


def test_without_members_nothing_is_said_of_them() -> None:
    stranger = changed(("{members: [bureau]}", "{members: [burau]}"))
    assert "burau" not in str(found_in(stranger))
    # Who may be a member in two roles is unknown then.
    assert "both apply" in str(found_in(POLICY))
    assert "is no member" in str(found_in(POLICY, requesters=(CITY, BUREAU, ABROAD)))


def test_a_key_of_an_open_column_is_no_finding_for_few_values() -> None:
    open_key = changed(("[[person.surname]]", "[[person.is_minor, person.surname]]"))
    assert "few values" not in str(found_in(open_key))


@pytest.mark.parametrize(
    ("key", "shown", "is_told"),
    [
        ("person.person_id", "person: {surname: as is}", False),
        ("person.person_id", "person: {person_id: null, surname: as is}", False),
        ("person.person_id", "person: {person_id: as is}", True),
        ("person.person_id", "person: {person_id: pseudonym month}", True),
        ("person.person_id", "paper: {person_id: as is}", True),
        ("paper.person_id", "person: {person_id: as is}", True),
        ("paper.person_id", "paper: {kind: as is}", False),
    ],
)
def test_entries_for_each_of_what_is_not_shown_are_warned_of(
    key: str, shown: str, is_told: bool
) -> None:
    old = "show: {person: {surname: as is, postal: as is}}"
    found = found_in(changed((old, f"show: {{{shown}}}\n      one_entry_for: {key}")))
    said = [line for message, line in found if f"enters each `{key}`, which it does" in message]
    assert said == ([] if is_told else [line_of("list:\n      rows", TEXT)])


def test_there_is_a_rule_for_each_kind_of_finding() -> None:
    assert len(set(RULES)) == len(RULES)
    assert (
        check_policy(replace(POLICY, agreements=(), cubes=(), never=(), never_columns=()), CATALOG)
        == ()
    )


def test_an_urgent_clock_that_no_request_can_set_going_is_noted() -> None:
    said = "refuses a request that claims an emergency"

    def noted(policy: Policy) -> list[int]:
        found = check_policy(policy, CATALOG)
        return [one.line for one in found if said in one.message and one.severity is Severity.NOTE]

    assert noted(POLICY) == [line_of("- id: foreign-desk", TEXT)]
    assert noted(changed(("urgent_hours: 2", "urgent_hours: 72"))) == []
    emergency = "    emergency: {requires: [approver, officer], review_hours: 24}\n    held:"
    assert noted(changed(("    held:", emergency))) == []
