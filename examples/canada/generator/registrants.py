"""True facts about registered persons: their orders, and every trip, noticed or not."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from generator.places import draw_destination
from generator.planted import REGISTERED, REVERSED, SUSPENDED
from generator.world import ADULT, AS_OF, Person

_OFFENCES = (("151", True), ("152", True), ("163.1", True), ("271", False), ("279.011", True))
_PLACES = ("Norhaven", "Port Elm", "Casa Alta", "Lakeview", "Old Quarter", "Saint-Loup")


@dataclass(frozen=True, slots=True)
class Registration:
    """One order as it truly is. `risk` is empty where nobody assessed it, as for most."""

    person: Person
    authority: str
    offence: str
    child: bool
    ordered: date
    years: int
    status: str
    risk: str
    reported: date
    record: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Trip:
    """One absence abroad; `noticed` is None where no notice was given."""

    person: Person
    depart: date
    back: date
    country: str
    place: str
    noticed: date | None


def make_registrations(rng: Random, people: list[Person], share: float) -> list[Registration]:
    """The orders of a share of the adults, the planted ones first."""
    adults = [one for one in people if one.youth_until == ADULT and one.number >= 1000]
    men = [one for one in adults if one.sex != "F"]
    chosen = rng.sample(men, round(len(people) * share * 0.93))
    chosen += rng.sample(
        [one for one in adults if one.sex == "F"], round(len(people) * share * 0.07)
    )
    planted = [
        Registration(
            REGISTERED,
            "490.012",
            "151",
            True,
            date(2012, 5, 3),
            99,
            "ACTIVE",
            "HIGH",
            date(2026, 2, 11),
        ),
        Registration(
            SUSPENDED,
            "490.012",
            "271",
            False,
            date(2004, 9, 14),
            20,
            "ACTIVE",
            "",
            date(2023, 9, 1),
            record="SUSPENDED",
        ),
        Registration(
            REVERSED, "490.02", "271", False, date(2018, 1, 22), 10, "ACTIVE", "", date(2026, 1, 9)
        ),
    ]
    return planted + [_draw_registration(rng, person) for person in chosen]


def make_trips(rng: Random, registrations: list[Registration]) -> list[Trip]:
    """Trips of registrants: notices lead by a log-normal time around 14 days, 10 % come late;
    15 % of the registrants also travel without notice."""
    trips = [
        Trip(REGISTERED, date(2026, 1, 17), date(2026, 1, 31), "USA", "Norhaven", date(2026, 1, 2)),
        Trip(REGISTERED, date(2026, 4, 8), date(2026, 4, 15), "THA", "Old Quarter", None),
    ]
    for one in registrations:
        if one.person.number < 1000:
            continue
        count = rng.choice((0, 0, 0, 1, 1, 2))
        trips.extend(_draw_trip(rng, one.person, noticed=True) for _ in range(count))
        if one.person.passport and rng.random() < 0.15:
            trips.append(_draw_trip(rng, one.person, noticed=False))
    return trips


def _draw_registration(rng: Random, person: Person) -> Registration:
    offence, child = rng.choice(_OFFENCES)
    from_year = max(2004, person.birth.year + 19)
    ordered = date(rng.randrange(from_year, 2026), rng.randrange(1, 13), rng.randrange(1, 29))
    years = rng.choice((10, 20, 20, 99))
    over = ordered.year + years < AS_OF.year
    record = rng.choices(("ACTIVE", "SUSPENDED", "SEALED"), weights=(96, 3, 1))[0]
    return Registration(
        person=person,
        authority=rng.choice(("490.012", "490.012", "490.02", "490.02905")),
        offence=offence,
        child=child,
        ordered=ordered,
        years=years,
        status="ENDED" if over else rng.choices(("ACTIVE", "EXEMPT"), weights=(97, 3))[0],
        risk=rng.choices(("", "HIGH", "MOD", "LOW"), weights=(70, 8, 12, 10))[0],
        reported=AS_OF - timedelta(days=rng.randrange(400)),
        record=record,
    )


def _draw_trip(rng: Random, person: Person, *, noticed: bool) -> Trip:
    depart = AS_OF - timedelta(days=rng.randrange(-60 if noticed else 5, 400))
    lead = min(120, round(rng.lognormvariate(2.64, 0.45)))
    if rng.random() < 0.10:
        lead = -rng.randrange(0, 6)
    return Trip(
        person=person,
        depart=depart,
        back=depart + timedelta(days=rng.randrange(2, 30)),
        country=draw_destination(rng),
        place=rng.choice(_PLACES),
        noticed=depart - timedelta(days=lead) if noticed else None,
    )
