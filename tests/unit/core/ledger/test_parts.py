from datetime import UTC, datetime

import pytest

from narrows.core.ledger.entry import Entry, Kind, decode_entry, encode_entry
from narrows.core.ledger.parts import (
    Access,
    Acknowledgement,
    Asked,
    Counted,
    Decided,
    Delivery,
    Disclosure,
    EditionBuilt,
    Held,
    HolderOutcome,
    HoldTerms,
    Intent,
    Listed,
    Notice,
    Outcome,
    Part,
    Refusal,
    Released,
    Review,
    Ruling,
    Signed,
    Started,
    draft,
)
from narrows.core.terms import Digest, Holder, MemberName, Purpose, RelationName, RequestId
from narrows.errors import CheckFailed

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DIGEST = Digest(b"\x0d" * 32)
VPD = MemberName("vpd")
ASKED = Asked(
    agency=VPD,
    unit="sex-crimes",
    purpose=Purpose("sexual_crime_investigation"),
    form="lookup",
    authority=None,
    issued_at=NOON,
    header="{}",
    signatures=(Signed("agency", "k1", "ed25519", b"\x01" * 64),),
)
DECIDED = Decided(
    holder=Holder("nsor"),
    fragments=(0,),
    decision="NARROWED",
    agreement="sexual-crime-investigation",
    clauses=("never[1]",),
    policy_version=12,
    policy=DIGEST,
    narrowed=("person.residence_postal: first 3",),
)
PARTS: list[Part] = [
    Started("0.1.0", DIGEST, 1, 12, DIGEST, ("1 hashes were computed again",)),
    Intent(ASKED, DIGEST, "1", (DECIDED,)),
    Disclosure(
        asked=ASKED,
        recipient=VPD,
        via=MemberName("gateway"),
        catalog=DIGEST,
        decisions=(DECIDED,),
        released=(Released(0, ("person.surname",), 1, 1),),
        as_of=NOON,
        received_at=NOON,
    ),
    Held(
        asked=ASKED,
        recipient=VPD,
        via=MemberName("gateway"),
        catalog=DIGEST,
        decisions=(DECIDED,),
        hold=HoldTerms("registrar", second=True, decide_hours=24, collect_hours=8),
        received_at=NOON,
    ),
    Ruling("approve", 1, 2, "{}", (ASKED.signatures[0],)),
    Review("justified", overdue=False, body="{}", signatures=(ASKED.signatures[0],)),
    Refusal(VPD, "REQUEST_EXPIRED", "the request has expired"),
    Refusal(VPD, "DISCLOSURE_DENIED", "no agreement", ASKED, (DECIDED,)),
    Outcome(
        outcome="answered",
        reason="",
        complete=True,
        column_count=1,
        row_count=1,
        holders=(HolderOutcome(Holder("nsor"), "answered", ("c",), "", (), 1, 5, DIGEST),),
        caveats=("no onward use",),
    ),
    Acknowledgement(VPD, 1, DIGEST, NOON, "{}", (ASKED.signatures[0],)),
    Access(MemberName("opc"), "audit", "trace", 3),
    EditionBuilt(
        cube="registrants",
        number=1,
        edition=DIGEST,
        cells=3,
        epsilon="0.5",
        relations=(RelationName("person"),),
        shape=DIGEST,
        afresh=False,
        policy_version=12,
        policy=DIGEST,
        catalog=DIGEST,
        as_of=NOON,
    ),
    Notice(VPD, "deconfliction", 0, 1),
    Delivery(VPD, "taken", (71, 72)),
    Listed(VPD, "watch-list", 0, 3, 4, 12),
    Counted(NOON, NOON, {"CALLER_UNKNOWN": 9}),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_every_part_makes_an_entry_of_its_kind(part: Part) -> None:
    made = draft(part, RequestId("ab" * 16), {"officer": b"4471"})
    entry = Entry("example.org/log", made.kind, NOON, made.request, made.open, {})
    assert decode_entry(encode_entry(entry)) == entry
    assert made.kind is part.kind
    assert made.sealed == {"officer": b"4471"}


def test_every_kind_has_a_part() -> None:
    assert {part.kind for part in PARTS} == set(Kind)


def test_values_are_spelled_for_people_and_programs() -> None:
    opened = draft(PARTS[2]).open
    assert opened["as_of"] == "2026-06-01T12:00:00.000000Z"
    assert opened["catalog"] == "0d" * 32
    assert opened["released"] == [
        {
            "fragment": 0,
            "columns": ["person.surname"],
            "row_count": 1,
            "batch_count": 1,
            "sealed_to": None,
            "sealed": None,
        }
    ]
    assert draft(PARTS[0]).request is None


def test_what_cannot_be_spelled_is_a_failed_check() -> None:
    with pytest.raises(CheckFailed):
        draft(Access(MemberName("opc"), "audit", "trace", 3.5))  # type: ignore[arg-type]
