"""The two registries of sex offenders, which know much the same people in unlike ways."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from generator.casework import draw_updated
from generator.noise import misrecord_day, misrecord_name, misrecord_number, plain
from generator.places import ENGLISH, ISO2
from generator.planted import is_planted
from generator.registrants import Registration, Trip
from generator.tables import Holding
from generator.world import ADULT, Person

NSOR_DDL = """
CREATE TABLE offender(off_id INTEGER PRIMARY KEY, fps CHAR(7), surname TEXT, given1 TEXT,
  given2 TEXT, dob DATE, gender CHAR(1), ctz CHAR(2), pcode TEXT, prov CHAR(2), yc_end DATE,
  st CHAR(1), upd TIMESTAMP);
CREATE TABLE aka(off_id INTEGER, kind CHAR(1), surname TEXT, given TEXT);
CREATE TABLE id_doc(off_id INTEGER, kind CHAR(2), no TEXT CHECK (no = nfc_normalize(no)), iss TEXT,
  since DATE, until DATE);
CREATE TABLE vehicle(veh_no INTEGER PRIMARY KEY, off_id INTEGER, plate TEXT, prov CHAR(2),
  vin TEXT, make TEXT, model TEXT, body TEXT, yr SMALLINT, colour TEXT);
CREATE TABLE sor_order(order_no INTEGER PRIMARY KEY, off_id INTEGER, order_type TEXT,
  offence TEXT, vict_child BOOLEAN, made DATE, yrs SMALLINT, st CHAR(1), risk CHAR(1),
  prov CHAR(2), last_rpt DATE);
CREATE TABLE absence(abs_no INTEGER PRIMARY KEY, off_id INTEGER, told DATE, dep DATE, ret DATE,
  ctry_iso2 CHAR(2), place TEXT, late TEXT);
CREATE INDEX id_doc_no ON id_doc(no);
"""
OSOR_DDL = """
CREATE TABLE REGISTRANT(REG_NO TEXT PRIMARY KEY, FULL_NAME TEXT, BIRTH TEXT, SX TEXT,
  NATIONALITY TEXT, ADDR1 TEXT, POSTAL TEXT, STATUS TEXT, LAST_UPD TEXT);
CREATE TABLE AKA(REG_NO TEXT, AKA_NAME TEXT);
CREATE TABLE REG_DOC(REG_NO TEXT, DOC_KIND TEXT, DOC_NO TEXT, ISSUED_BY TEXT);
CREATE TABLE REG_ORDER(ORD_NO TEXT PRIMARY KEY, REG_NO TEXT, OFFENCE TEXT, CHILD TEXT,
  ORD_DATE TEXT, TERM TEXT, STAT TEXT, RISK TEXT, LAST_RPT TEXT);
CREATE TABLE ABSENCE_LOG(LOG_NO INTEGER PRIMARY KEY, REG_NO TEXT, NOTIFIED TEXT, LEFT_ON TEXT,
  BACK_ON TEXT, DEST TEXT, PLACE TEXT);
CREATE INDEX REG_DOC_NO ON REG_DOC(replace(DOC_NO, ' ', ''));
CREATE INDEX REGISTRANT_NAME ON REGISTRANT(upper(trim(CASE instr(FULL_NAME, ',')
  WHEN 0 THEN FULL_NAME ELSE substr(FULL_NAME, 1, instr(FULL_NAME, ',') - 1) END)));
CREATE INDEX REG_DOC_REG ON REG_DOC(REG_NO);
CREATE INDEX REG_ORDER_REG ON REG_ORDER(REG_NO);
"""
_STATES = {"ACTIVE": "A", "ENDED": "E", "EXEMPT": "X"}
_RECORDS = {"ACTIVE": "A", "SUSPENDED": "P", "SEALED": "S"}


@dataclass(frozen=True, slots=True)
class Registered:
    """What both registries draw from."""

    registrations: list[Registration]
    trips: list[Trip]


def make_nsor(rng: Random, known: Registered) -> Holding:
    """The national registry: codes of one letter, two given names, 99 years for life."""
    holding = Holding("nsor", NSOR_DDL)
    keys: dict[int, int] = {}
    chosen = [one for one in known.registrations if is_planted(one.person) or rng.random() < 0.93]
    for number, one in enumerate(chosen, start=1):
        keys[one.person.number] = key = 40_000 + number * 7
        _add_offender(rng, holding, key, one)
        last = one.reported
        holding.add(
            "sor_order",
            90_000 + number,
            key,
            one.authority,
            one.offence,
            one.child,
            one.ordered,
            one.years,
            _STATES[one.status],
            one.risk[:1] or None,
            one.person.province,
            last,
        )
    for number, trip in enumerate(_noticed(known, keys), start=1):
        late = trip.noticed is not None and trip.noticed > trip.depart
        holding.add(
            "absence",
            number,
            keys[trip.person.number],
            trip.noticed,
            trip.depart,
            trip.back,
            ISO2[trip.country],
            trip.place,
            rng.choice(("family emergency", "booked late", "forgot")) if late else None,
        )
    return holding


def make_osor(rng: Random, known: Registered) -> Holding:
    """Ontario's registry: one line for a name, one for an address, months in letters."""
    holding = Holding("osor", OSOR_DDL)
    keys: dict[int, str] = {}
    ontario = [
        one
        for one in known.registrations
        if one.person.province == "ON"
        and one.person.number != 8
        and (is_planted(one.person) or rng.random() < 0.9)
    ]
    for number, one in enumerate(ontario, start=1):
        keys[one.person.number] = key = f"ON-{4500 + number * 3:06d}"
        _add_registrant(rng, holding, key, one)
        holding.add(
            "REG_ORDER",
            f"{key}/1",
            key,
            one.offence,
            "Y" if one.child else "N",
            dashed(one.ordered),
            "LIFE" if one.years == 99 else f"{one.years} YEARS",
            {"ACTIVE": "Reporting", "ENDED": "Term ended", "EXEMPT": "Exempted"}[one.status],
            {"HIGH": "High", "MOD": "Moderate", "LOW": "Low"}.get(one.risk, ""),
            dashed(one.reported - timedelta(days=rng.randrange(20))),
        )
    for number, trip in enumerate(_noticed(known, keys), start=1):
        holding.add(
            "ABSENCE_LOG",
            number,
            keys[trip.person.number],
            dashed(trip.noticed) if trip.noticed else "",
            dashed(trip.depart),
            dashed(trip.back),
            ENGLISH[trip.country],
            trip.place,
        )
    return holding


def dashed(day: date) -> str:
    """A day with its month in letters: `07-MAR-1981`."""
    return day.strftime("%d-%b-%Y").upper()


def _add_offender(rng: Random, holding: Holding, key: int, one: Registration) -> None:
    person, rate = one.person, 0.0 if is_planted(one.person) else 0.04
    surname, given = misrecord_name(rng, person, rate)
    first, _, second = given.partition(" ")
    holding.truth.append((str(key), person.number))
    holding.add(
        "offender",
        key,
        person.fps,
        surname.upper(),
        first.upper() or None,
        second.upper() or None,
        misrecord_day(rng, person.birth, rate),
        person.sex if rng.random() < 0.98 or not rate else None,
        ISO2[person.citizenship],
        f"{person.postal[:3]} {person.postal[3:]}",
        person.province,
        None if person.youth_until == ADULT else person.youth_until,
        _RECORDS[one.record],
        draw_updated(rng),
    )
    for kind, other in _other_names(person, (surname, given)):
        holding.add("aka", key, kind, other[0].upper(), other[1].upper() or None)
    _add_documents(rng, holding, key, person, rate)
    if person.vehicle:
        car = person.vehicle
        holding.add(
            "vehicle",
            key * 10 + 1,
            key,
            f"{car.plate[:4]} {car.plate[4:]}",
            car.province,
            car.vin,
            car.make,
            car.model,
            car.body,
            car.year,
            car.colour.title(),
        )


def _add_documents(rng: Random, holding: Holding, key: int, person: Person, rate: float) -> None:
    since = date(rng.randrange(2017, 2026), rng.randrange(1, 13), 15)
    until = since.replace(year=since.year + 10)
    if person.passport:
        number = misrecord_number(rng, person.passport, rate)
        holding.add("id_doc", key, "PP", number, ISO2[person.citizenship], since, until)
    if person.licence:
        holding.add("id_doc", key, "DL", person.licence, person.province, since, None)
    holding.add("id_doc", key, "PH", person.phone[2:], None, None, None)
    if person.email:
        holding.add("id_doc", key, "EM", person.email, None, None, None)


def _other_names(person: Person, used: tuple[str, str]) -> list[tuple[str, tuple[str, str]]]:
    found = [("A", alias) for alias in person.aliases]
    found += [("B", (person.former, person.given))] if person.former else []
    found += [("A", (person.married, person.given))] if person.married else []
    if person.other:
        found += [("T", person.other), ("T", (person.surname, person.given))]
    return [(kind, name) for kind, name in found if name != used]


def _add_registrant(rng: Random, holding: Holding, key: str, one: Registration) -> None:
    person, rate = one.person, 0.0 if is_planted(one.person) else 0.06
    surname, given = misrecord_name(rng, person, rate)
    if person.married and rng.random() < 0.5:
        surname = person.married
    holding.truth.append((key, person.number))
    name = f"{surname}, {given}" if given else surname
    holding.add(
        "REGISTRANT",
        key,
        plain(name),
        dashed(misrecord_day(rng, person.birth, rate)),
        {"M": "Male", "F": "Female"}.get(person.sex, "Unknown"),
        ENGLISH[person.citizenship],
        f"{person.street}, Elmford {person.province} {person.postal[:3]} {person.postal[3:]}",
        person.postal,
        {"ACTIVE": "Active", "SUSPENDED": "Record suspended", "SEALED": "Sealed"}[one.record],
        draw_updated(rng)[:16],
    )
    for other in (*person.aliases, *([(person.former, person.given)] if person.former else [])):
        holding.add("AKA", key, plain(f"{other[0]}, {other[1]}"))
    if person.passport:
        number = misrecord_number(rng, person.passport, rate)
        holding.add(
            "REG_DOC", key, "PASSPORT", f"{number[:2]} {number[2:]}", ENGLISH[person.citizenship]
        )
    if person.licence:
        holding.add("REG_DOC", key, "LICENCE", person.licence, "ON")
    holding.add(
        "REG_DOC", key, "PHONE", f"{person.phone[2:5]}-{person.phone[5:8]}-{person.phone[8:]}", ""
    )


def _noticed(known: Registered, keys: dict[int, int] | dict[int, str]) -> list[Trip]:
    return [trip for trip in known.trips if trip.noticed is not None and trip.person.number in keys]
