"""A policy that says everything the language can say, and the catalog that it is of."""

from datetime import date

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.policy.decision import Requester
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.terms import ColumnName, ColumnType, Holder, MemberName, RelationName

PERSON, PAPER, VISIT, STAY, VAULT = map(RelationName, ("person", "paper", "visit", "stay", "vault"))
DAY = date(2026, 6, 1)


def _columns(text: str) -> tuple[Column, ...]:
    found = []
    for one in text.split():
        name, _, kind = one.partition(":")
        is_id = kind == "id"
        codes = tuple(kind.split("|")) if "|" in kind else ()
        found.append(
            Column(
                ColumnName(name),
                ColumnType.TEXT if is_id or codes or not kind else ColumnType(kind),
                is_id=is_id,
                codes=codes,
            )
        )
    return (HOLDER, *found)


_TO_PERSON = (Reference((ColumnName("person_id"),), PERSON),)
CATALOG = Catalog(
    "test",
    1,
    "UTC",
    ("aid", "care", "licensing", "statistics"),
    {
        PERSON: Relation(
            PERSON,
            _columns(
                "person_id:id surname given_names born:date age:integer score:double seen:timestamp "
                "postal status:ACTIVE|SEALED|SUSPENDED is_minor:boolean big:bigint home"
            ),
            (ColumnName("person_id"),),
        ),
        PAPER: Relation(
            PAPER,
            _columns("paper_id:id person_id:id kind:PASSPORT|LICENCE number phone"),
            (ColumnName("paper_id"),),
            _TO_PERSON,
        ),
        VISIT: Relation(
            VISIT,
            _columns("visit_id:id person_id:id day:date fee:integer desk"),
            (ColumnName("visit_id"),),
            _TO_PERSON,
        ),
        STAY: Relation(STAY, _columns("stay_id:id postal age:integer")),
        VAULT: Relation(VAULT, _columns("box key")),
    },
    {
        Holder("registry"): frozenset({PERSON, PAPER, VISIT, STAY, VAULT}),
        Holder("archive"): frozenset({PERSON}),
    },
)
CITY = Requester(MemberName("city"), "municipal", "CAN")
ABROAD = Requester(MemberName("abroad"), "foreign", "USA")
BUREAU = Requester(MemberName("bureau"), "statistics", "CAN")
REQUESTERS = (CITY, ABROAD, BUREAU, Requester(MemberName("registry"), "registry", "CAN"))

TEXT = """\
agency: registry
version: 3
effective: 2026-01-01

never:
  - rows: {person: {status: {in: [SEALED, SUSPENDED]}}}
    because: Records Act s.6
  - rows: {person: {born: {from: today - 30}, home: {equal_to: requester country}}}
    because: the Nation asked
    stays: [visit]
  - columns: {person: [score]}
    because: of no use to anybody
  - relation: vault
    because: kept for the archive

cubes:
  - id: by-desk
    of: [visit]
    unit: visit.person_id
    units: persons
    at_least: 5
    group: {visit: {desk: as is, day: year}}
    measure: {visit: {fee: }}
    rows: {visit: {day: {from: 2020-01-01}}}
    round: 5
  - id: by-postal
    of: [stay]
    unit: stay.stay_id
    units: persons
    at_least: 10
    group: {stay: {postal: first 1}}
    measure: {stay: {age: {between: [0, 120]}}}
    noise: {epsilon: 0.5, a_year: 2.0}

agreements:
  - id: city-inquiry
    authority: Registry Act s.16
    with: {classes: [municipal], country: CAN}
    purposes: [aid, care]
    requires: [officer, case_number]
    valid: {from: 2026-02-01, to: 2026-12-31}
    emergency: {requires: [officer], review_hours: 24}
    lookup:
      - by:
          - {paper.kind: equal, paper.number: {in: 3, normal: document, min_length: 4}}
          - {paper.phone: {normal: phone CA}, person.surname: {normal: name, optional: true}}
          - {person.surname + person.given_names: {similar: name_sim, at_least: 0.9},
             person.born: {within_days: 2}}
        at_most: {rows: 5, literals: 3}
        link: [person, paper]
        show:
          person: {person_id: pseudonym month, surname: as is, born: year, age: bucket 10,
                   big: round 100, seen: month, postal: first 3, home: null}
          paper: {kind: as is}
        rows: {person: {is_minor: {equal: false}, age: {in: [1, 2]}}}
      - by:
          - {person.postal: {first: 3, in: 2}}
          - {person.born: {within_days: 0}}
          - {person.surname: {first: 1}}
        at_most: {rows: 1, literals: 2}
        show: {person: {seen: day, postal: first 1}}
    caveats: ["For this inquiry only"]
    keep_days: 30
    answer_ticks_ms: 1000
    budget: {per: [officer], a_day: {requests: 100, literals: 200, same_person: 1}}
  - id: foreign-desk
    authority: exchange of letters
    with: {country: [USA, GBR], members: [abroad]}
    purposes: [licensing]
    requires: [approver, officer]
    signed_by: [approver]
    valid: {from: 2026-01-01}
    held: {by: duty officer, second: true, urgent_hours: 2, routine_hours: 72, collect_hours: 24}
    pointer:
      by: [[paper.kind, paper.number]]
      at_most: {literals: 2}
      link: [person, paper]
      show: {person: {home: as is}}
      first_by: [person.born, person.person_id]
      duty: notify
      to: [archive]
  - id: figures
    authority: Statistics Act
    with: {members: [bureau]}
    purposes: [statistics]
    valid: {from: 2026-01-01}
    count: [by-desk, by-postal]
  - id: own-list
    authority: Registry Act s.2
    with: {members: [registry]}
    purposes: [care]
    valid: {from: 2026-01-01}
    list:
      rows: {person: {status: {in: [ACTIVE]}, born: {null: true}}}
      at_most: {rows: 1000}
      link: [person, paper]
      show: {person: {surname: as is, postal: as is}}
    pointer:
      by: [[person.surname]]
      at_most: {literals: 1}
      show: {person: {home: as is}}
      first_by: [person.person_id]
"""


def read(text: str = TEXT) -> Policy:
    """The policy that the text spells."""
    return parse_policy(text, CATALOG, "policy.yaml")


def changed(*pairs: tuple[str, str], text: str = TEXT) -> Policy:
    """The policy with each old text replaced by the new one, once."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return read(text)


POLICY = read()
