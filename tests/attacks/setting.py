"""What the attacks are tried on: a small federation, and two databases that look alike.

Both hold the same in what the policy releases. They differ in everything that it hides: in hidden
columns, in the hidden part of coarsened values, in who is sealed and how many are, and in people
whose documents no attack names. Hidden texts hold a canary, so that one is known wherever it lands.
"""

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.policy.rows import Tables
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName, Scalar
from tests.system.federation import Rows, Setting

CANARY = "canary"
Counted: TypeAlias = tuple[tuple[Scalar, ...], ...]
_IDS = ("person_id", "identifier_id", "registration_id", "file_id", "name_id")


def _relation(name: str, columns: str, *, refers: bool = True) -> Relation:
    found = []
    for text in columns.split():
        column, _, kind = text.partition(":")
        found.append(
            Column(ColumnName(column), ColumnType(kind or "text"), is_id=column in _IDS),
        )
    person = (Reference((ColumnName("person_id"),), RelationName("person")),) if refers else ()
    return Relation(RelationName(name), (HOLDER, *found), (found[0].name,), person)


_RELATIONS = (
    _relation(
        "person",
        "person_id surname birth_date:date residence_postal record_status secret score:bigint "
        "informant:boolean",
        refers=False,
    ),
    _relation("identifier", "identifier_id person_id ident_type ident_value issuer"),
    _relation("offender_registration", "registration_id person_id reg_status risk:bigint note"),
    _relation("sealed_file", "file_id person_id secret"),
    _relation("known_name", "name_id person_id given family born:date phone note"),
)
CATALOG = Catalog(
    federation="canada",
    version=1,
    zone="America/Toronto",
    purposes=("licensing", "sexual_crime_investigation"),
    relations={found.name: found for found in _RELATIONS},
    holds={
        Holder(name): frozenset(found.name for found in _RELATIONS) for name in ("nsor", "osor")
    },
)
NEVER = """
never:
  - rows: {{person: {{record_status: {{in: [SUSPENDED, SEALED]}}}}}}
    because: Criminal Records Act s.6
"""
SHOW = """
        person: {{surname: as is, birth_date: year, residence_postal: first 3}}
        identifier: {{ident_type: as is}}
        offender_registration: {{reg_status: as is, risk: as is}}
        known_name: {{family: as is}}
"""
LINK = "person, identifier, offender_registration"
LINK_OF_LISTS = "person, offender_registration"
LINK_OF_POINTERS = "person, identifier, known_name"
K = 3
_POLICY = """
agency: {{holder}}
version: 1
effective: 2026-03-26
{never}
cubes:
  - id: registered
    of: [offender_registration]
    unit: offender_registration.person_id
    units: persons
    at_least: {k}
    group: {{{{offender_registration: {{{{reg_status: as is}}}}}}}}
    measure: {{{{offender_registration: {{{{risk: null}}}}}}}}
agreements:
  - id: sexual-crime-investigation
    authority: SOIRA 16(2)(a)
    with: {{{{classes: [municipal]}}}}
    purposes: [sexual_crime_investigation]
    requires: [case_number, officer, grounds]
    valid: {{{{from: 2026-03-26}}}}
    lookup:
      by: [[identifier.ident_type, identifier.ident_value]]
      at_most: {{{{rows: 5, literals: 8}}}}
      link: [{links[0]}]
      show:
{show}
    list:
      rows: {{{{offender_registration: {{{{reg_status: {{{{in: [WANTED]}}}}}}}}}}}}
      at_most: {{{{rows: 5}}}}
      link: [{links[1]}]
      show:
{show}
    pointer:
      by:
        - known_name.given + known_name.family: {{{{similar: name_sim, at_least: 0.9}}}}
          known_name.born: {{{{within_days: 2}}}}
        - {{{{known_name.family: {{{{normal: name}}}}, known_name.born: equal}}}}
        - {{{{known_name.family: {{{{first: 3}}}}, known_name.born: equal}}}}
        - {{{{known_name.phone: {{{{normal: phone CA}}}}}}}}
        - identifier.ident_type: equal
          identifier.ident_value: {{{{normal: document, min_length: 6}}}}
      at_most: {{{{literals: 4}}}}
      first_by: [known_name.name_id]
      link: [{links[2]}]
      show:
{show}
    count: registered
"""


def _setting(
    never: str = NEVER,
    show: str = SHOW,
    links: tuple[str, str, str] = (LINK, LINK_OF_LISTS, LINK_OF_POINTERS),
    k: int = K,
) -> Setting:
    return Setting(CATALOG, _POLICY.format(never=never, show=show, links=links, k=k))


SETTING = _setting()
_ALL_AS_IS = "".join(
    f"        {found.name}: {{{{{', '.join(f'{one.name}: as is' for one in found.columns[1:])}}}}}\n"
    for found in _RELATIONS
)
_ALL_LINKED = ", ".join(found.name for found in _RELATIONS)
SMALL_CELLS = "small cells are shown"
BROKEN = {
    "the sealed are shown": _setting(never=""),
    "hidden columns are shown": _setting(show=_ALL_AS_IS),
    "all is shown": _setting("", _ALL_AS_IS, (_ALL_LINKED,) * 3),
    SMALL_CELLS: _setting(k=K - 1),
}
"""Decisions that are wrong, each in its own way. What leaks under one of them is a pairing's
control: it shows that the two databases could have told the difference."""

_REGISTERED = (
    ("1", "9", "ACTIVE", 2, f"{CANARY} informs on others"),
    ("3", "13", "LAPSED", 1, None),
)


def _person(number: int, surname: str, born: date, postal: str, more: str) -> tuple[Scalar, ...]:
    """An active person with hidden columns."""
    return (f"{number}", surname, born, postal, "ACTIVE", more + CANARY, number, bool(more))


def _counted(numbers: Sequence[int], status: str, *risks: int | None) -> Counted:
    """A registration of each of so many persons, with its risk."""
    pairs = zip(numbers, risks, strict=True)
    return tuple((f"9{n}", f"{n}", status, risk, f"{CANARY} {n}") for n, risk in pairs)


def _unnamed(numbers: Sequence[int]) -> Counted:
    """As many persons, whom no attack can name."""
    return tuple(_person(n, f"{CANARY} {n}", date(1960, 1, 1), "K1A0A1", "") for n in numbers)


_SEALED_BOUCHARD = ("71", "Bouchard", date(1970, 5, 5), "G1A0A2", "SEALED", CANARY, 1, True)
LEFT: Rows = {
    "person": (
        ("9", "Tremblay", date(1981, 3, 14), "M4C1B5", "ACTIVE", f"1{CANARY}", 7, True),
        ("13", "Gagnon", date(1990, 7, 1), "H2X0A9", "ACTIVE", f"1{CANARY}", 5, False),
        ("10", f"Roy{CANARY}", date(1975, 5, 5), "V5K0A1", "SEALED", f"3{CANARY}", 5, False),
        _person(40, "Lavoie", date(1971, 2, 3), "M4C2B2", "1"),
        _person(41, "Fortin", date(1972, 2, 3), "M5C2B2", "2"),
        _person(42, "Morin", date(1973, 2, 3), "M6C2B2", "3"),
        *_unnamed((50, 51, 52, 53, 54, 55)),
        _person(70, "Bouchard", date(1970, 5, 5), "G1A0A2", "1"),
        ("80", f"Roy{CANARY}", date(1975, 5, 5), "V5K0A1", "SEALED", f"3{CANARY}", 5, False),
    ),
    "identifier": (
        ("1", "9", "PASSPORT", "ZZ123456", f"CAN{CANARY}"),
        ("3", "13", "PASSPORT", "ZZ222222", "CAN"),
        ("2", "10", "PASSPORT", "ZZ123456", None),
    ),
    "offender_registration": (
        *_REGISTERED,
        ("2", "10", "ACTIVE", 3, None),
        *_counted((40, 41, 42, 80), "WANTED", 1, 2, 3, 9),
        *_counted((50, 51, 52, 53), "CLOSED", 1, 3, 5, 7),
        *_counted((54, 55), "RELEASED", 8, 9),
    ),
    "sealed_file": (("1", "9", f"{CANARY} file"),),
    "known_name": (
        ("5", "70", "Marie", "Bouchard", date(1970, 5, 5), "+14165550142", f"{CANARY} met"),
    ),
}
_HOSTILE = (
    "'; DROP TABLE person; --", "\\", "%", "_", "NaN", "9" * 400, "1e999", "", " ", "\u202e\U0001f600",
)  # fmt: skip
RIGHT: Rows = {
    "person": (
        (
            "9",
            "Tremblay",
            date(1981, 11, 30),
            "M4C9Z9",
            "PENDING",
            f"{_HOSTILE[0]}{CANARY}",
            -1,
            None,
        ),
        ("13", "Gagnon", date(1990, 1, 2), "H2X9Z9", "ACTIVE", None, None, True),
        _person(42, "Morin", date(1973, 12, 31), "M6C9Z9", ""),
        _person(41, "Fortin", date(1972, 12, 31), "M5C9Z9", ""),
        _person(40, "Lavoie", date(1971, 12, 31), "M4C9Z9", ""),
        *_unnamed((60, 61, 62, 63, 64, 65)),
        _person(70, "Bouchard", date(1970, 12, 31), "G1A9Z9", ""),
        _SEALED_BOUCHARD,
        _person(72, f"Bouchard{CANARY}", date(1970, 5, 5), "G1A0A2", "4"),
        *(
            (
                f"{n}",
                f"{CANARY}{text}",
                date(1901, 1, 1),
                text,
                "SEALED",
                text + CANARY,
                -(2**63),
                True,
            )
            for n, text in enumerate(_HOSTILE, start=100)
        ),
        ("150", f"Cote{CANARY}", date(1950, 1, 1), "B3H0A1", "SUSPENDED", f"2{CANARY}", 5, True),
        ("200", f"Nobody{CANARY}", date(2001, 1, 1), "B3H", "ACTIVE", f"0{CANARY}", 5, True),
    ),
    "identifier": (
        ("1", "9", "PASSPORT", "ZZ123456", "USA"),
        ("3", "13", "PASSPORT", "ZZ222222", f"{_HOSTILE[5]}{CANARY}"),
        *((f"{n}", f"{n}", "PASSPORT", "ZZ123456", text) for n, text in enumerate(_HOSTILE, 100)),
        ("150", "150", "PASSPORT", "ZZ654321", "CAN"),
        ("200", "200", "PASSPORT", f"ZZ999999{CANARY}", "CAN"),
    ),
    "offender_registration": (
        ("1", "9", "ACTIVE", 2, _HOSTILE[0]),
        ("3", "13", "LAPSED", 1, CANARY * 1_000),
        *((f"{n}", f"{n}", "ACTIVE", 2**63 - 1, text) for n, text in enumerate(_HOSTILE, 100)),
        ("200", "200", "ACTIVE", 9, None),
        *_counted((42, 41, 40), "WANTED", 3, 2, 1),
        *_counted((100, 101, 102), "WANTED", 2**63 - 1, None, -1),
        *_counted((60, 61, 62, 63), "CLOSED", 4, 4, 4, 4),
        *_counted((64, 65), f"{CANARY} watched", 2**40, None),
    ),
    "sealed_file": tuple((f"{n}", "9", f"{text}{CANARY}") for n, text in enumerate(_HOSTILE)),
    "known_name": (
        ("9", "72", "Marie", "Bouchard", date(1970, 5, 5), "+14165550142", None),
        ("5", "70", "Marie", "Bouchard", date(1970, 5, 5), "+14165550142", _HOSTILE[0]),
        ("1", "71", "Marie", "Bouchard", date(1970, 5, 5), "+14165550142", f"{CANARY} hides"),
    ),
}


def tables(rows: Rows) -> Tables:
    """The rows of one database, as the reference evaluator reads them."""
    return {
        RelationName(name): [
            dict(
                zip(
                    (one.name for one in CATALOG.relations[RelationName(name)].columns[1:]),
                    row,
                    strict=True,
                )
            )
            for row in found
        ]
        for name, found in rows.items()
    }
