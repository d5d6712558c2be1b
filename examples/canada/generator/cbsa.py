"""The border agency: what machines read off documents, by month, and its look-outs."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from generator.noise import misrecord_number, mrz_name
from generator.places import CARRIERS, SEASON, draw_destination, draw_port
from generator.planted import REGISTERED, is_planted
from generator.registrants import Trip
from generator.tables import Holding
from generator.world import AS_OF, Person

CBSA_DDL = """
CREATE TABLE xing(xid BIGINT, dir TINYINT, ts_epoch_ms BIGINT, pct SMALLINT, md TEXT,
  mrz_name TEXT, dob_yymmdd TEXT, sx TEXT, nat TEXT, dt TEXT, doc_no TEXT, iss TEXT, flt TEXT,
  octry TEXT);
CREATE TABLE lookout(lk_no INTEGER, kind TEXT, mrz_name TEXT, dob_yymmdd TEXT, sx TEXT, nat TEXT,
  doc_no TEXT, iss TEXT, from_dt DATE, to_dt DATE, act TEXT);
"""
MONTHS = {"xing": "strftime(make_timestamp(ts_epoch_ms * 1000), '%Y-%m')"}


@dataclass(frozen=True, slots=True)
class Journey:
    """One trip as the border sees it: out on one day, back on another, perhaps not seen."""

    person: Person
    depart: date
    back: date
    country: str


def make_cbsa(rng: Random, people: list[Person], trips: list[Trip]) -> Holding:
    """Crossings of everybody who travels, and the look-outs."""
    holding = Holding("cbsa", CBSA_DDL)
    journeys = [
        Journey(trip.person, trip.depart, trip.back, trip.country)
        for trip in trips
        if trip.person.passport
    ]
    for person in people:
        if person.passport and not is_planted(person) and rng.random() < 0.55:
            count = min(20, round(rng.lognormvariate(0.9, 0.8)))
            journeys += [_draw_journey(rng, person) for _ in range(count)]
    xid = 7_000_000
    for journey in journeys:
        legs = ((1, journey.depart), (0, journey.back))
        for direction, day in legs:
            seen = is_planted(journey.person) or rng.random() < 0.97
            if day <= AS_OF and seen:
                xid += rng.randrange(1, 9)
                _add_crossing(rng, holding, xid, (direction, day), journey)
    _add_lookouts(rng, holding, people)
    return holding


def _draw_journey(rng: Random, person: Person) -> Journey:
    month = rng.choices(range(1, 13), weights=SEASON)[0]
    year = 2025 if month > AS_OF.month or (month > 4 and rng.random() < 0.5) else 2026
    depart = date(year, month, rng.randrange(1, 29))
    back = depart + timedelta(days=min(90, 1 + int(rng.expovariate(1 / 6))))
    return Journey(person, depart, back, draw_destination(rng))


def _add_crossing(
    rng: Random, holding: Holding, xid: int, leg: tuple[int, date], journey: Journey
) -> None:
    person, (direction, day) = journey.person, leg
    port, mode = draw_port(rng, journey.country)
    clock = time(rng.randrange(24), rng.randrange(60), rng.randrange(60))
    moment = datetime.combine(day, clock, UTC)
    rate = 0.0 if is_planted(person) else 0.01
    known_sex = rng.random() < 0.98 or is_planted(person)
    holding.add(
        "xing",
        xid,
        direction,
        int(moment.timestamp()) * 1000 + rng.randrange(1000),
        port,
        mode,
        mrz_name(person.surname, person.given),
        f"{person.birth:%y%m%d}" if rng.random() > rate else f"{person.birth:%y}<<<<",
        (person.sex if person.sex != "X" else "<") if known_sex else "",
        person.citizenship,
        "P" if mode == "A" or rng.random() < 0.9 else "N",
        misrecord_number(rng, person.passport, rate),
        person.citizenship,
        f"{rng.choice(CARRIERS)}{rng.randrange(1, 2999):04d}" if mode == "A" else None,
        journey.country,
    )


def _add_lookouts(rng: Random, holding: Holding, people: list[Person]) -> None:
    """Watch (W), green notice (G) and foreign notice (F); the planted registrant's first."""
    travellers = [one for one in people if one.passport and not is_planted(one)]
    chosen = [REGISTERED, *rng.sample(travellers, min(40, len(travellers)))]
    for number, person in enumerate(chosen, start=5001):
        since = AS_OF - timedelta(days=rng.randrange(10, 500))
        open_ended = is_planted(person) or rng.random() < 0.5
        holding.truth.append((f"LK{number}", person.number))
        holding.add(
            "lookout",
            number,
            "W" if is_planted(person) else rng.choice("WWWGF"),
            mrz_name(person.surname, person.given),
            f"{person.birth:%y%m%d}",
            person.sex if person.sex != "X" else "<",
            person.citizenship,
            person.passport,
            person.citizenship,
            since,
            None if open_ended else since + timedelta(days=365),
            rng.choice(("EX", "EX", "DE", "RP")) if not is_planted(person) else "EX",
        )
