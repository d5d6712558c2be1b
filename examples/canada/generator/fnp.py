"""A First Nation's service: births told in words, two scripts, and people's own say in sharing."""

from datetime import date
from random import Random

from generator import planted
from generator.casework import File, Force, Part, draw_status, draw_updated, make_files, people_of
from generator.noise import misrecord_name
from generator.planted import is_planted
from generator.tables import Holding
from generator.world import ADULT, Person

FNP_DDL = """
CREATE TABLE people(id TEXT PRIMARY KEY, name_roman TEXT, name_syllabics TEXT, born TEXT,
  sex TEXT, phone TEXT, postal TEXT, band_no TEXT, ok_share INTEGER, youth_end TEXT, closed TEXT,
  touched TEXT);
CREATE TABLE files(no TEXT PRIMARY KEY, nature TEXT, started TEXT, open INTEGER, unit TEXT,
  contact TEXT, fsa TEXT, court_seal INTEGER);
CREATE TABLE file_people(file_no TEXT, people_id TEXT, how TEXT, since TEXT, ban INTEGER);
CREATE INDEX file_people_file ON file_people(file_no);
CREATE INDEX file_people_people ON file_people(people_id);
"""
NATURES = {
    "HUMAN_TRAFFICKING": ("suspected trafficking of a girl", "trafficking, moved between towns"),
    "SEXUAL": ("sexual assault", "sexual touching complaint"),
    "HOMICIDE": ("homicide",),
    "ASSAULT": ("assault at a house party", "domestic assault"),
    "ROBBERY": ("robbery of the store",),
    "PROPERTY": ("break-in at the arena", "theft of a skidoo"),
    "FRAUD": ("fraud by phone",),
    "DRUGS": ("drugs found in mail",),
    "OTHER": ("noise", "mischief"),
}
ROLES = {
    "SUSPECT": ("suspect", 3),
    "ACCUSED": ("charged", 1),
    "VICTIM": ("victim", 4),
    "COMPLAINANT": ("caller", 3),
    "WITNESS": ("saw it", 3),
}


def make_fnp(rng: Random, people: list[Person], count: int) -> Holding:
    """The service's records. `ok_share` 0 is somebody's wish that the row stays with the Nation."""
    near = [one for one in people if one.origin == "indigenous" or one.number % 37 == 0]
    force = Force(
        [one for one in near if not is_planted(one)],
        count,
        {name: weight for name, (_, weight) in ROLES.items()},
    )
    suspect = Part(planted.SUSPECT, "SUSPECT", date(2026, 1, 14))
    files = make_files(
        rng, force, (File(1, "ASSAULT", date(2026, 1, 14), True, False, "R8N", (suspect,)),)
    )
    holding = Holding("fnp", FNP_DDL)
    keys: dict[int, str] = {}
    for number, person in enumerate(people_of(force, files, near[:40]), start=1):
        keys[person.number] = key = f"C{number:05d}"
        _add_person(rng, holding, key, person)
    for file in files:
        _add_file(rng, holding, file, keys)
    return holding


def _add_person(rng: Random, holding: Holding, key: str, person: Person) -> None:
    surname, given = misrecord_name(rng, person, 0.0 if is_planted(person) else 0.05)
    status = "ACTIVE" if is_planted(person) else draw_status(rng)
    holding.truth.append((key, person.number))
    holding.add(
        "people",
        key,
        f"{given} {surname}".strip(),
        person.syllabics or None,
        _born(rng, person),
        {"M": "m", "F": "f"}.get(person.sex, ""),
        person.phone if rng.random() < 0.8 or is_planted(person) else None,
        person.postal,
        f"{rng.randrange(1, 400):03d}" if person.origin == "indigenous" else None,
        1 if is_planted(person) or rng.random() < 0.8 else 0,
        None if person.youth_until == ADULT else person.youth_until.isoformat(),
        {"ACTIVE": None, "SUSPENDED": "record suspended", "SEALED": "sealed"}[status],
        draw_updated(rng),
    )


def _born(rng: Random, person: Person) -> str:
    """A birth as it was told: a day, a month, a year, or about a year."""
    birth, chance = person.birth, rng.random()
    if is_planted(person) or chance < 0.6:
        return birth.isoformat()
    if chance < 0.7:
        return f"{birth.year}-{birth.month:02d}"
    if chance < 0.8:
        return str(birth.year)
    return f"abt {birth.year + rng.choice((-1, 0, 0, 1))}" if chance < 0.97 else "not known"


def _add_file(rng: Random, holding: Holding, file: File, keys: dict[int, str]) -> None:
    number = f"FN-{file.opened.year % 100:02d}-{file.number:03d}"
    holding.add(
        "files",
        number,
        rng.choice(NATURES[file.family]),
        file.opened.isoformat(),
        1 if file.open else 0,
        "Detachment",
        f"+1204555010{rng.randrange(4)}",
        file.fsa,
        1 if file.sealed else 0,
    )
    for part in file.parts:
        holding.add(
            "file_people",
            number,
            keys[part.person.number],
            ROLES[part.role][0],
            part.since.isoformat(),
            1 if part.ban else 0,
        )
