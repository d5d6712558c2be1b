"""Every construct of the language in plain words, and one decision told."""

import pytest

from narrows.core.plan.plan import plan
from narrows.core.policy.decision import Circumstances, Requester, Verdict
from narrows.core.policy.model import Agreement, Mask, MaskKind, Parties
from narrows.core.policy.offline import decide_parts
from narrows.core.policy.wording import count_of, listed, mask_words, number, parties_words
from narrows.core.policy.words import say_agreement, say_decision
from narrows.core.terms import Holder, MemberName, Purpose
from tests.unit.core.policy.rich import (
    ABROAD,
    BUREAU,
    CATALOG,
    CITY,
    DAY,
    POLICY,
    REQUESTERS,
    changed,
)

WORDS = """\
`city-inquiry` rests on Registry Act s.16, from 2026-02-01 until 2026-12-31
with members of class municipal of country CAN, for aid or care; a request names case_number and officer
may ask about one kind of paper and up to three values of the number of paper (without regard to case, blanks and signs, of at least four characters)
or about one phone of paper (however the number is written), and if known one surname of person (without regard to case, accents and signs)
or about a text that is like the surname and given names of person to 90 in 100 and one born of person, or days at most four days apart
only person where is minor is false and age is 1 or 2
with at most three values in one question
gets at most five rows, or a refusal
sees of person: surname, person id as a word that stands for it within one month, born only to its year, age only in steps of 10, big rounded to 100, seen only to its month, postal only to its first three characters and home as an empty column; of paper: kind
may join paper and person
may ask about the first three characters of up to two values of the postal of person
or about one born of person
or about the first character of one surname of person
with at most two values in one question
gets at most one row, or a refusal
sees of person: seen only to its day and postal only to its first character
nothing of person where status is SEALED or SUSPENDED or unknown, nor paper that hangs on it (Records Act s.6)
nothing of person where born is on or after 30 days before today and home is the requester's country or unknown, nor paper that hangs on it (the Nation asked)
never score of person (of no use to anybody)
in an emergency a request names officer alone, and its use is reviewed within 24 hours
at most 100 requests a day of each member and officer
at most 200 values asked for a day of each member and officer
at most one question about the same subject a day of each member and officer
answers leave at ticks of 1,000 ms, so that the time tells nothing
every answer says: For this inquiry only
may be kept for 30 days
`foreign-desk` rests on exchange of letters, from 2026-01-01
with members of country GBR or USA named abroad, for licensing; a request names approver and officer
a request bears the signature of the approver too
the approver is somebody else than the officer
may ask whether there is somebody to call about one kind of paper and one number of paper
with at most two values in one question
gets at most one row, the first by the born of person and the person id of person, whatever else there is
both units are told of it
sees of person: home
may join paper and person
only where the answer is put together at archive
nothing of person where status is SEALED or SUSPENDED or unknown, nor paper that hangs on it (Records Act s.6)
nothing of person where born is on or after 30 days before today and home is the requester's country or unknown, nor paper that hangs on it (the Nation asked)
never score of person (of no use to anybody)
each request is first decided by the duty officer and by somebody else after that, within 72 hours, or two hours in an emergency; what is approved is collected within 24 hours
`figures` rests on Statistics Act, from 2026-01-01
with members named bureau, for statistics
may ask for figures of persons, counted by desk and day only to its year, from `by-desk`; a cell of fewer than five is left out, and totals are sums of shown cells
with the mean of the fee of visit
counted only where day is on or after 2020-01-01 (visit)
counts are rounded to 5
may ask for figures of persons, counted by postal only to its first character, from `by-postal`; a cell of fewer than ten is left out, and totals are sums of shown cells
with the mean of the age of stay, between 0 and 120
counts carry noise, drawn once an edition with epsilon 0.5, and all editions of a year spend at most 2.0
nothing of person where status is SEALED or SUSPENDED or unknown, nor visit that hangs on it (Records Act s.6)
`own-list` rests on Registry Act s.2, from 2026-01-01
with members named registry, for care
may ask for a list
only person where status is ACTIVE and born is missing
gets at most 1,000 rows, or a refusal
sees of person: surname and postal
may join paper and person
may ask whether there is somebody to call about one surname of person
with at most one value in one question
gets at most one row, the first by the person id of person, whatever else there is
nobody is told of it
sees of person: home
nothing of person where status is SEALED or SUSPENDED or unknown, nor paper that hangs on it (Records Act s.6)
nothing of person where born is on or after 30 days before today and home is the requester's country or unknown, nor paper that hangs on it (the Nation asked)
never score of person (of no use to anybody)
"""
OWN = REQUESTERS[3]


def told(agreement: Agreement) -> tuple[str, ...]:
    return say_agreement(POLICY, CATALOG, agreement)


def test_the_whole_policy_in_words() -> None:
    lines = [line for agreement in POLICY.agreements for line in told(agreement)]
    assert "\n".join(lines) + "\n" == WORDS


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{status: {in: [SEALED, SUSPENDED]}}", "{born: {before: today}}", "born is before today"),
        ("{status: {in: [SEALED, SUSPENDED]}}", "{born: {to: today + 1}}",
         "born is on or before one day after today"),
        ("{status: {in: [SEALED, SUSPENDED]}}", "{home: {equal_to: requester}}",
         "home is the requester or unknown"),
        ("  - relation: vault", "  - relation: person", "never person (kept for the archive)"),
        ("second: true", "second: false", "decided by the duty officer, within"),
        ("routine_hours: 72", "routine_hours: 1", "within one hour"),
        ("at_least: 0.9", "at_least: 0.85", "to 85 in 100"),
        ("a_day: {requests: 100, ", "a_day: {", "at most 200 values asked for a day"),
        ("show: {person: {surname: as is, postal: as is}}", "show: {}", "may ask for a list"),
        ("count: [by-desk, by-postal]",
         "list: {rows: {vault: {box: {null: true}}}, at_most: {rows: 1}, show: {vault: {box: as is}}}",
         "sees of vault: box"),
        ("count: [by-desk, by-postal]", "count: by-postal", "from `by-postal`"),
    ],
)  # fmt: skip
def test_other_constructs_have_their_words(old: str, new: str, said: str) -> None:
    policy = changed((old, new))
    lines = [line for one in policy.agreements for line in say_agreement(policy, CATALOG, one)]
    assert any(said in line for line in lines), lines


def decided(sql: str, who: Circumstances) -> tuple[Verdict, str]:
    (part,) = decide_parts(POLICY, CATALOG, plan(sql, {}, CATALOG), who)
    words = say_decision(POLICY, CATALOG, part.fragment, who, part.decision)
    return part.decision.verdict, "; ".join(words)


def asking(requester: Requester, purpose: str, *given: str, form: str = "lookup") -> Circumstances:
    return Circumstances(requester, Purpose(purpose), form, DAY, frozenset(given))


JOINED = "FROM person p JOIN paper d USING (holder, person_id)"
BY_PAPER = f"{JOINED} WHERE d.kind = 'PASSPORT' AND d.number = 'ZZ123456'"


@pytest.mark.parametrize(
    ("sql", "who", "verdict", "said"),
    [
        (f"SELECT p.surname, p.postal, p.given_names, d.kind {BY_PAPER}",
         asking(CITY, "aid", "officer", "case_number"), "REFUSED",
         "city is given nothing; `person.given_names` is not shown under `city-inquiry`"),
        (f"SELECT p.surname, p.postal {BY_PAPER}", asking(CITY, "aid", "officer", "case_number"),
         "NARROWED",
         "city may ask about up to three values of number (passport) at a time, at most five rows; "
         "sees of person: surname and postal only to its first three characters; nothing of person"),
        ("SELECT p.* FROM person p WHERE substr(p.surname, 1, 1) = 'T'",
         asking(CITY, "aid", "officer", "case_number"), "NARROWED",
         "about one surname at a time, at most one row; sees of person: postal only to its first "
         "character and seen only to its day; gets no value of person.age"),
        ("SELECT p.holder FROM person p WHERE substr(p.surname, 1, 1) = 'T'",
         asking(CITY, "aid", "officer", "case_number"), "ALLOWED", "at most one row; sees only that there is something; nothing of"),
        ("SELECT s.postal, count(DISTINCT s.stay_id) FROM stay s GROUP BY s.postal",
         asking(BUREAU, "statistics", form="count"), "NARROWED",
         "may ask for figures of persons, at least ten in each cell; sees of stay: stay id and"),
        ("SELECT p.surname FROM person p", asking(OWN, "care", form="list"), "ALLOWED",
         "registry may ask for a list; sees of person: surname; nothing of person where status"),
        ("SELECT p.home FROM person p WHERE p.surname = 'Roy'", asking(OWN, "care", form="pointer"),
         "ALLOWED", "somebody to call about one surname at a time; sees of person: home"),
        ("SELECT p.surname FROM person p", asking(OWN, "aid", form="list"), "REFUSED",
         "registry is given nothing; `registry` has no agreement with `registry`"),
    ],
)  # fmt: skip
def test_a_decision_in_words(sql: str, who: Circumstances, verdict: str, said: str) -> None:
    found, words = decided(sql, who)
    assert found == verdict
    assert said in words


def test_what_is_held_says_who_decides_first() -> None:
    who = Circumstances(
        ABROAD,
        Purpose("licensing"),
        "pointer",
        DAY,
        frozenset({"approver", "officer"}),
        signed_by=frozenset({"agency", "approver"}),
        merge_at=Holder("archive"),
    )
    found, words = decided(f"SELECT p.home {BY_PAPER}", who)
    assert found is Verdict.HELD
    assert words.startswith("held for the duty officer of this holder")
    assert "abroad may ask whether there is somebody to call about one number (passport)" in words


def test_a_key_of_codes_alone_is_what_is_asked_about() -> None:
    policy = changed(
        ("[[paper.kind, paper.number]]", "[[paper.kind]]"), ("      to: [archive]\n", "")
    )
    who = Circumstances(
        ABROAD, Purpose("licensing"), "pointer", DAY, frozenset({"approver", "officer"}),
        signed_by=frozenset({"agency", "approver"}), has_ticket=True,
    )  # fmt: skip
    sql = f"SELECT p.home {JOINED} WHERE d.kind = 'PASSPORT'"
    (part,) = decide_parts(policy, CATALOG, plan(sql, {}, CATALOG), who)
    words = say_decision(policy, CATALOG, part.fragment, who, part.decision)
    assert words[0] == "abroad may ask whether there is somebody to call about one kind at a time"


def test_the_small_words() -> None:
    assert (number(13), number(1200), count_of(1, "day"), count_of(3, "day")) == (
        "13", "1,200", "one day", "three days",
    )  # fmt: skip
    assert (listed([]), listed({"b", "a"}), listed(["b", "a"], "or")) == ("", "a and b", "b or a")
    assert mask_words(Mask(MaskKind.AS_IS)) == "as it is"
    assert mask_words(Mask(MaskKind.FIRST, 1)) == "only to its first character"
    assert parties_words(Parties()) == "nobody"
    assert parties_words(Parties(members=frozenset({MemberName("city")}))) == "members named city"
