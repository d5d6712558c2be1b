"""Counting: what a request takes, what is left, and that nothing is counted twice or told apart."""

from datetime import date

import pytest

from narrows.core.policy.budget import (
    Charge,
    Counter,
    Spent,
    counter_of,
    decode_charge,
    encode_charge,
    spent_reason,
)
from narrows.core.policy.model import Budget
from narrows.core.terms import MemberName, Purpose
from narrows.errors import ProofInvalid

DAY = date(2026, 6, 1)
COUNTER = Counter("one", MemberName("vpd"), DAY)


def charge(literals: str = "", persons: str = "") -> Charge:
    return Charge(
        COUNTER,
        frozenset(one.encode() for one in literals),
        frozenset(one.encode() for one in persons),
    )


def budget(**limits: int) -> Budget:
    return Budget(frozenset(), **limits)


def spent(*charges: Charge) -> Spent:
    found = Spent()
    for one in charges:
        found.take(one)
    return found


def test_requests_are_counted_whatever_they_match() -> None:
    two = budget(requests=2)
    assert Spent().leaves(two, charge())
    assert spent(charge()).leaves(two, charge())
    assert not spent(charge(), charge()).leaves(two, charge())


def test_literals_are_counted_once_a_day() -> None:
    three = budget(literals=3)
    found = spent(charge("ab"), charge("ab"), charge("ab"))
    assert found.leaves(three, charge("c"))
    assert found.leaves(three, charge("bc"))
    assert not found.leaves(three, charge("cd"))
    assert not Spent().leaves(three, charge("abcd"))


def test_questions_about_one_person_are_counted_for_each() -> None:
    two = budget(same_person=2)
    found = spent(charge(persons="ab"), charge(persons="a"))
    assert not found.leaves(two, charge(persons="a"))
    assert not found.leaves(two, charge(persons="ab"))
    assert found.leaves(two, charge(persons="b"))
    assert found.leaves(two, charge(persons="c"))
    assert found.leaves(two, charge())


def test_without_a_limit_nothing_is_spent() -> None:
    assert spent(*[charge("abc", "abc")] * 9).leaves(budget(), charge("xyz", "abc"))


def test_a_counter_is_for_each_of_what_is_told_apart() -> None:
    who = (MemberName("vpd"), "4471", Purpose("investigation"))

    def found(*per: str) -> Counter:
        return counter_of("one", Budget(frozenset(per)), who, DAY)

    assert found() == COUNTER
    assert found("officer") == Counter("one", MemberName("vpd"), DAY, "4471")
    assert found("purpose") == Counter("one", MemberName("vpd"), DAY, "", "investigation")
    assert found("officer", "purpose") == Counter(
        "one", MemberName("vpd"), DAY, "4471", "investigation"
    )


@pytest.mark.parametrize("officer", ["officer-4471", " Officer-4471 ", "OFFICER\u200b-4471"])
def test_an_officer_has_one_counter_however_the_name_is_spelled(officer: str) -> None:
    who = (MemberName("vpd"), officer, Purpose("investigation"))
    found = counter_of("one", Budget(frozenset({"officer"})), who, DAY)
    assert found.officer == "officer 4471"


def test_a_charge_comes_back_from_its_entry() -> None:
    counter = Counter("one", MemberName("vpd"), DAY, "Ô'Brien", "investigation")
    found = Charge(counter, frozenset({b"\x00\x01", b"\x02"}), frozenset({b"\x03"}))
    assert decode_charge(encode_charge(found)) == found
    assert decode_charge(encode_charge(charge())) == charge()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        encode_charge(charge()).replace(b"2026-06-01", b"2026-06-31"),
        encode_charge(charge("a")).replace(b'"61"', b'"6"'),
        encode_charge(charge()).replace(b'"literals":[]', b'"literals":{}'),
    ],
)
def test_what_is_no_charge_is_refused(data: bytes) -> None:
    with pytest.raises(ProofInvalid, match="charge"):
        decode_charge(data)


def test_the_reason_names_the_agreement_and_no_limit() -> None:
    assert spent_reason("one") == "the budget of `one` for this day is spent"
