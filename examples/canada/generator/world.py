"""The world of true people, before any holder has recorded or misrecorded them."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from generator.names import draw_name, draw_origin
from generator.places import (
    HOME_OF,
    draw_phone,
    draw_postal,
    draw_province,
    draw_street,
)

AS_OF = date(2026, 6, 30)
"""The day on which the databases stand still, whenever they are made."""
ADULT = date(9999, 12, 31)
"""The end of access of a row that is no youth row."""

_MAKES = (
    ("HONDA", "CIVIC", "SEDAN"),
    ("HONDA", "CR-V", "SUV"),
    ("TOYOTA", "COROLLA", "SEDAN"),
    ("FORD", "F-150", "TRUCK"),
    ("DODGE", "CARAVAN", "VAN"),
    ("MAZDA", "CX-5", "SUV"),
    ("KIA", "RIO", "SEDAN"),
)
_COLOURS = ("BLUE", "BLACK", "WHITE", "GREY", "RED", "GREEN", "SILVER")


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle, its plate in a form that no province issues (`ZZZ…`)."""

    plate: str
    province: str
    vin: str
    make: str
    model: str
    body: str
    year: int
    colour: str


@dataclass(frozen=True, slots=True)
class Person:
    """One true person. `number` is the truth's key, and stands in no holder's database.

    `former` is the family name at birth or before a change of name; `married` the one that other
    holders know a Quebec woman by, who keeps her birth name in law; `other` the same name in
    another romanisation.
    """

    number: int
    origin: str
    surname: str
    given: str
    birth: date
    sex: str
    citizenship: str
    province: str
    postal: str
    street: str
    phone: str
    former: str = ""
    married: str = ""
    other: tuple[str, str] | None = None
    syllabics: str = ""
    aliases: tuple[tuple[str, str], ...] = ()
    email: str = ""
    passport: str = ""
    licence: str = ""
    fps: str = ""
    vehicle: Vehicle | None = None

    @property
    def youth_until(self) -> date:
        """The last day of access to a row made while the person was a youth."""
        if self.birth <= AS_OF.replace(year=AS_OF.year - 21):
            return ADULT
        # Three years from the eighteenth birthday, so that some have just passed and some not.
        return date(self.birth.year + 20, self.birth.month, 28)


def make_world(rng: Random, count: int) -> list[Person]:
    """The people, numbered from 1000; the planted ones are numbered below that."""
    people: list[Person] = []
    taken: set[str] = set()
    while len(people) < count:
        person = _draw_person(rng, 1000 + len(people), taken)
        people.append(person)
        chance = rng.random()
        if chance < 0.01:
            people.append(_twin(rng, person, 1000 + len(people)))
        elif chance < 0.02:
            people.append(_son(rng, person, 1000 + len(people)))
    return people[:count]


def draw_passport(rng: Random, taken: set[str]) -> str:
    """A passport number; its first digit keeps it apart from every planted one."""
    while True:
        number = f"ZZ{rng.randrange(200_000, 600_000)}"
        if number not in taken:
            taken.add(number)
            return number


def draw_vehicle(rng: Random, province: str, taken: set[str]) -> Vehicle:
    """A vehicle with a plate of its own."""
    while (plate := f"ZZZ{rng.choice('ABCDEFGHJK')}{rng.randrange(1000):03d}") in taken:
        pass
    taken.add(plate)
    make, model, body = rng.choice(_MAKES)
    vin = f"ZZZ{rng.randrange(10**14):014d}"
    return Vehicle(
        plate, province, vin, make, model, body, rng.randrange(2005, 2026), rng.choice(_COLOURS)
    )


def _draw_person(rng: Random, number: int, taken: set[str]) -> Person:
    origin, sex = draw_origin(rng), rng.choices("FMX", weights=(49, 50, 1))[0]
    name, birth = draw_name(rng, origin, sex), _draw_birth(rng)
    if name.surname == "Tremblay" and birth.year == 1981:
        # The planted suspect is the only one of that name and year.
        birth = birth.replace(year=1982, day=min(birth.day, 28))
    province = "QC" if origin == "french" and rng.random() < 0.7 else draw_province(rng)
    home = HOME_OF.get(origin, "CAN")
    person = Person(
        number=number,
        origin=origin,
        surname=name.surname,
        given=name.given,
        birth=birth,
        sex=sex,
        citizenship=home if rng.random() < 0.3 else "CAN",
        province=province,
        postal=draw_postal(rng, province),
        street=draw_street(rng),
        phone=draw_phone(rng, province),
        other=name.other,
        syllabics=name.syllabics,
        email=f"p{rng.randrange(10**6)}@example.org" if rng.random() < 0.4 else "",
        passport=draw_passport(rng, taken) if rng.random() < 0.7 else "",
        licence=f"ZZ{rng.randrange(10**7):07d}" if rng.random() < 0.75 else "",
        fps=f"{rng.randrange(10**6):06d}{rng.choice('ABCDE')}",
        vehicle=draw_vehicle(rng, province, taken) if rng.random() < 0.5 else None,
    )
    return _change(rng, person)


def _change(rng: Random, person: Person) -> Person:
    """The person after a change of name (3 %), with a married name in Quebec, aliases (4 %)."""
    if rng.random() < 0.03:
        person = replace(person, former=draw_name(rng, person.origin, person.sex).surname)
    if person.province == "QC" and person.sex == "F" and person.birth.year < 1996:
        person = replace(person, married=draw_name(rng, "french", "M").surname)
    if rng.random() < 0.04:
        street_name = draw_name(rng, "english", person.sex).given.split()[0]
        person = replace(person, aliases=((person.surname, street_name),))
    return person


def _draw_birth(rng: Random) -> date:
    if rng.random() < 0.06:
        return AS_OF - timedelta(days=rng.randrange(13 * 365, 21 * 365))
    return date(1940, 1, 1) + timedelta(days=rng.randrange(66 * 365))


def _twin(rng: Random, person: Person, number: int) -> Person:
    """Same family name, day of birth, address and telephone."""
    given = draw_name(rng, person.origin, person.sex).given
    return replace(
        person,
        number=number,
        given=given if given != person.given else f"{given} Lee",
        other=None,
        aliases=(),
        email="",
        passport="",
        licence="",
        fps=f"{rng.randrange(10**6):06d}{rng.choice('FGH')}",
        vehicle=None,
    )


def _son(rng: Random, person: Person, number: int) -> Person:
    """Same full name and address, a generation later."""
    later = person.birth.year + rng.randrange(22, 35)
    birth = date(min(later, AS_OF.year - 14), rng.randrange(1, 13), rng.randrange(1, 29))
    return replace(
        person,
        number=number,
        birth=birth,
        aliases=(),
        former="",
        married="",
        email="",
        passport="",
        licence="",
        fps=f"{rng.randrange(10**6):06d}{rng.choice('JKL')}",
        vehicle=None,
    )
