"""A city service: people and vehicles in one table of entities, telephones as somebody typed them."""

from datetime import date
from random import Random
from uuid import UUID

from generator import planted
from generator.casework import File, Force, Part, draw_status, draw_updated, make_files, people_of
from generator.noise import misrecord_day, misrecord_name, misrecord_number, raw_phone
from generator.planted import is_planted
from generator.tables import Holding
from generator.world import ADULT, AS_OF, Person

VPD_DDL = """
CREATE TABLE entity(ent_id UUID PRIMARY KEY, kind CHAR(1), surname TEXT, g1 TEXT, g2 TEXT,
  dob DATE, sex CHAR(1), cit CHAR(3), pcode TEXT, prov CHAR(2), yth_end DATE, rec_st TEXT,
  owner UUID, plate TEXT, plate_st CHAR(2), vin TEXT, make TEXT, model TEXT, style TEXT,
  yr TEXT, colr TEXT, ts TIMESTAMP);
CREATE TABLE aka(ent_id UUID, surname TEXT, given TEXT);
CREATE TABLE phone(ent_id UUID, raw TEXT);
CREATE TABLE ident(ent_id UUID, typ TEXT, val TEXT CHECK (val = nfc_normalize(val)), iss TEXT);
CREATE TABLE go(go_no TEXT PRIMARY KEY CHECK (go_no = nfc_normalize(go_no)), ucr INTEGER,
  opened DATE, st CHAR(1), unit TEXT, tel TEXT,
  fsa CHAR(3), sealed BOOLEAN);
CREATE TABLE go_entity(go_no TEXT CHECK (go_no = nfc_normalize(go_no)), ent_id UUID,
  role_cd CHAR(2), since DATE, pub_ban BOOLEAN);
CREATE TABLE missing(ms_no TEXT PRIMARY KEY CHECK (ms_no = nfc_normalize(ms_no)), ent_id UUID,
  since DATE, found DATE);
"""
# Codes of the kind that Canada's crime reporting survey uses; the mapping reads them in ranges.
UCR = {
    "HUMAN_TRAFFICKING": (1525, 1530),
    "SEXUAL": (1310, 1320, 1330),
    "HOMICIDE": (1110, 1120),
    "ASSAULT": (1410, 1420, 1430),
    "ROBBERY": (1610,),
    "PROPERTY": (2120, 2135, 2142),
    "FRAUD": (2160, 2166),
    "DRUGS": (4110, 4240),
    "OTHER": (3410, 3560),
}
ROLES = {
    "SUSPECT": ("SU", 3),
    "VICTIM": ("VI", 4),
    "COMPLAINANT": ("CO", 3),
    "WITNESS": ("WI", 3),
    "ASSOCIATE": ("OT", 2),
}
_UNITS = {
    "HUMAN_TRAFFICKING": ("Counter Exploitation", "604.555.0101"),
    "SEXUAL": ("Sex Crimes", "604.555.0102"),
    "HOMICIDE": ("Homicide", "604.555.0103"),
}


def make_vpd(rng: Random, people: list[Person], count: int, burners: tuple[str, ...]) -> Holding:
    """The city's records: files, the people in them, their vehicles, missing persons."""
    near = [one for one in people if one.province == "BC" or one.number % 9 == 0]
    force = Force(
        [one for one in near if not is_planted(one)],
        count,
        {name: weight for name, (_, weight) in ROLES.items()},
        burners,
    )
    files = make_files(rng, force, _planted_files())
    missing = [planted.MISSING, *rng.sample(force.people, max(3, count // 40))]
    holding = Holding("vpd", VPD_DDL)
    keys = {}
    for person in people_of(force, files, missing):
        keys[person.number] = _add_person(rng, holding, person)
        if not is_planted(person) and rng.random() < 0.03:
            # A second row for the same person: what a clerk did not find, a clerk enters again.
            _add_person(rng, holding, person)
    for file in files:
        _add_file(rng, holding, file, keys)
    for number, person in enumerate(missing, start=1):
        since = date(2026, 4, 12) if is_planted(person) else date(2026, rng.randrange(1, 7), 9)
        found = AS_OF if not is_planted(person) and rng.random() < 0.7 else None
        holding.add("missing", f"MS26-{number:04d}", keys[person.number].hex, since, found)
    return holding


def _planted_files() -> tuple[File, ...]:
    suspect = Part(planted.SUSPECT, "SUSPECT", date(2026, 2, 3))
    owner = Part(planted.PHONE_SUSPECT, "SUSPECT", date(2026, 3, 1))
    witness = Part(planted.REVERSED, "WITNESS", date(2026, 2, 5))
    expired = Part(planted.YOUTH_EXPIRED, "SUSPECT", date(2023, 5, 6))
    current = Part(planted.YOUTH_CURRENT, "SUSPECT", date(2026, 5, 6))
    trafficking = File(
        1, "HUMAN_TRAFFICKING", date(2026, 2, 1), True, False, "V6A", (suspect, owner, witness)
    )
    sealed = File(2, "SEXUAL", date(2025, 10, 9), True, True, "V6A", (suspect,))
    before = File(3, "ASSAULT", date(2023, 5, 6), False, False, "V6B", (expired,))
    now = File(4, "PROPERTY", date(2026, 5, 6), True, False, "V6B", (current,))
    return trafficking, sealed, before, now


def _add_person(rng: Random, holding: Holding, person: Person) -> UUID:
    key, rate = _uuid(rng), 0.0 if is_planted(person) else 0.07
    surname, given = misrecord_name(rng, person, rate)
    if person.number == planted.REVERSED.number:
        surname, given = "Thi Hoa", "Nguyen"
    first, _, second = given.partition(" ")
    status = "ACTIVE" if is_planted(person) else draw_status(rng)
    updated = draw_updated(rng)
    holding.truth.append((str(key), person.number))
    holding.add(
        "entity",
        key.hex,
        "P",
        surname,
        first or None,
        second or None,
        misrecord_day(rng, person.birth, rate),
        person.sex,
        person.citizenship,
        person.postal if rng.random() < 0.5 else f"{person.postal[:3]} {person.postal[3:]}".lower(),
        person.province,
        None if person.youth_until == ADULT else person.youth_until,
        {"ACTIVE": "OPEN", "SUSPENDED": "PARDON", "SEALED": "SEAL"}[status],
        *(None,) * 8,
        None,
        updated,
    )
    for alias in person.aliases:
        holding.add("aka", key.hex, alias[0], alias[1])
    holding.add("phone", key.hex, raw_phone(rng, person.phone))
    _add_identifiers(rng, holding, key, person, rate)
    if person.vehicle:
        _add_vehicle(rng, holding, key, person, updated)
    return key


def _add_identifiers(rng: Random, holding: Holding, key: UUID, person: Person, rate: float) -> None:
    if person.licence:
        holding.add("ident", key.hex, "OLN", person.licence, person.province)
    if person.email:
        holding.add("ident", key.hex, "EML", person.email.upper(), None)
    if person.passport and rng.random() < 0.3:
        number = misrecord_number(rng, person.passport, rate)
        holding.add("ident", key.hex, "PP", number, person.citizenship)
    if person.fps and rng.random() < 0.3:
        holding.add("ident", key.hex, "FPS", person.fps, None)


def _add_vehicle(rng: Random, holding: Holding, owner: UUID, person: Person, updated: str) -> None:
    car = person.vehicle
    assert car is not None
    year = str(car.year) if rng.random() < 0.95 or is_planted(person) else "unk"
    holding.add(
        "entity",
        _uuid(rng).hex,
        "V",
        *(None,) * 10,
        owner.hex,
        car.plate.lower() if rng.random() < 0.2 else car.plate,
        car.province,
        car.vin,
        car.make[:4],
        car.model,
        {"SEDAN": "4D", "SUV": "UT", "TRUCK": "PK", "VAN": "VN"}[car.body],
        year,
        {"GREY": "GRY", "SILVER": "SIL", "WHITE": "WHI", "GREEN": "GRN"}.get(
            car.colour, car.colour[:3]
        ),
        updated,
    )


def _add_file(rng: Random, holding: Holding, file: File, keys: dict[int, UUID]) -> None:
    number = f"VA{file.opened.year}-{104_000 + file.number * 11}"
    unit, telephone = _UNITS.get(file.family, ("Patrol District 2", "604.555.0104"))
    holding.add(
        "go",
        number,
        rng.choice(UCR[file.family]),
        file.opened,
        "O" if file.open else "C",
        unit,
        f"{telephone} x{rng.randrange(1, 9)}",
        file.fsa,
        file.sealed,
    )
    for part in file.parts:
        holding.add(
            "go_entity",
            number,
            keys[part.person.number].hex,
            ROLES[part.role][0],
            part.since,
            part.ban,
        )


def _uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
