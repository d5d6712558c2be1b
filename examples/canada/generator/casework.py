"""Files of a police service as they truly are; each service codes them in its own way."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from generator.world import ADULT, AS_OF, Person

FAMILIES = {
    "HUMAN_TRAFFICKING": 6,
    "SEXUAL": 10,
    "HOMICIDE": 2,
    "ASSAULT": 24,
    "ROBBERY": 9,
    "PROPERTY": 25,
    "FRAUD": 11,
    "DRUGS": 8,
    "OTHER": 5,
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one person has to do with a file."""

    person: Person
    role: str
    since: date
    ban: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """One file; `number` counts the service's files."""

    number: int
    family: str
    opened: date
    open: bool
    sealed: bool
    fsa: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Force:
    """What makes one service's files: whom it meets, how many files, which roles it records."""

    people: list[Person]
    count: int
    roles: dict[str, int]
    burners: tuple[str, ...] = ()


def make_files(rng: Random, force: Force, planted: tuple[File, ...]) -> list[File]:
    """The files, the planted ones first, numbered on from them."""
    return [*planted, *(_draw_file(rng, force, len(planted) + n + 1) for n in range(force.count))]


def people_of(force: Force, files: list[File], others: list[Person]) -> list[Person]:
    """Everybody in the files and the others, each once, by the truth's number.

    A shared telephone that a file gave to a suspect wins over the person's own.
    """
    found = {person.number: person for person in others}
    for file in files:
        for part in file.parts:
            if part.person.number not in found or part.person.phone in force.burners:
                found[part.person.number] = part.person
    return [found[number] for number in sorted(found)]


def draw_status(rng: Random) -> str:
    """Whether a person's record at one holder stands, is suspended or sealed."""
    return rng.choices(("ACTIVE", "SUSPENDED", "SEALED"), weights=(97, 2, 1))[0]


def draw_updated(rng: Random) -> str:
    """When a row was last changed, UTC, as `2026-03-01 08:15:00`."""
    day = AS_OF - timedelta(days=rng.randrange(1500))
    return f"{day} {rng.randrange(24):02d}:{rng.randrange(60):02d}:00"


def _draw_file(rng: Random, force: Force, number: int) -> File:
    family = rng.choices(list(FAMILIES), weights=list(FAMILIES.values()))[0]
    opened = AS_OF - timedelta(days=rng.randrange(3 * 365))
    people = rng.sample(force.people, rng.randrange(1, 5))
    parts = []
    for place, person in enumerate(people):
        roles = force.roles if place else {"SUSPECT": 1}
        role = rng.choices(list(roles), weights=list(roles.values()))[0]
        burner = family == "HUMAN_TRAFFICKING" and role == "SUSPECT" and person.youth_until == ADULT
        if burner and force.burners and rng.random() < 0.4:
            person = replace(person, phone=rng.choice(force.burners))  # noqa: PLW2901
        ban = role in ("VICTIM", "COMPLAINANT") and family in ("SEXUAL", "HUMAN_TRAFFICKING")
        since = opened + timedelta(days=rng.randrange(30))
        parts.append(Part(person, role, since, ban))
    return File(
        number=number,
        family=family,
        opened=opened,
        open=rng.random() < 0.45,
        sealed=rng.random() < 0.03,
        fsa=rng.choice(people).postal[:3],
        parts=tuple(parts),
    )
