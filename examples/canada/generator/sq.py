"""A French-speaking service: `JJ/MM/AAAA`, H and F, accents, compound names, words for codes."""

import unicodedata
from datetime import date
from random import Random

from generator import planted
from generator.casework import File, Force, Part, draw_status, draw_updated, make_files, people_of
from generator.noise import misrecord_day, misrecord_name, misrecord_number
from generator.planted import is_planted
from generator.tables import Holding
from generator.world import ADULT, Person

SQ_DDL = """
CREATE TABLE personne(no_pers INTEGER PRIMARY KEY, nom TEXT, prenom TEXT, nom_naissance TEXT,
  ddn TEXT, sexe CHAR(1), citoyennete TEXT, code_postal TEXT, province TEXT, telephone TEXT,
  passeport TEXT CHECK (passeport = nfc_normalize(passeport)), fin_acces_jeune TEXT, statut TEXT, maj TIMESTAMP);
CREATE TABLE vehicule(no_veh INTEGER PRIMARY KEY, no_pers INTEGER, plaque TEXT, immatriculation TEXT,
  niv TEXT, marque TEXT, modele TEXT, carrosserie TEXT, annee TEXT, couleur TEXT);
CREATE TABLE dossier(no_dossier TEXT PRIMARY KEY
  CHECK (no_dossier = nfc_normalize(no_dossier)), infraction TEXT, ouvert TEXT, etat TEXT,
  unite TEXT, telephone TEXT, rta TEXT, scelle TEXT);
CREATE TABLE implication(no_dossier TEXT CHECK (no_dossier = nfc_normalize(no_dossier)),
  no_pers INTEGER, role TEXT, depuis TEXT, interdit TEXT);
"""
OFFENCES = {
    "HUMAN_TRAFFICKING": "Traite de personnes",
    "SEXUAL": "Agression sexuelle",
    "HOMICIDE": "Meurtre",
    "ASSAULT": "Voies de fait",
    "ROBBERY": "Vol qualifié",
    "PROPERTY": "Introduction par effraction",
    "FRAUD": "Fraude",
    "DRUGS": "Stupéfiants",
    "OTHER": "Méfait",
}
ROLES = {
    "SUSPECT": ("Suspect", 3),
    "ACCUSED": ("Accusé", 1),
    "VICTIM": ("Victime", 4),
    "COMPLAINANT": ("Plaignant", 3),
    "WITNESS": ("Témoin", 3),
}
COLOURS = {
    "BLUE": "Bleu",
    "BLACK": "Noir",
    "WHITE": "Blanc",
    "GREY": "Gris",
    "RED": "Rouge",
    "GREEN": "Vert",
    "SILVER": "Argent",
}
_BODIES = {"SEDAN": "Berline", "SUV": "VUS", "TRUCK": "Camionnette", "VAN": "Fourgonnette"}
_COUNTRIES = {"CAN": "Canada", "CHN": "Chine", "IND": "Inde", "VNM": "Viêt Nam", "LBN": "Liban"}


def make_sq(rng: Random, people: list[Person], count: int, burners: tuple[str, ...]) -> Holding:
    """The service's records, in its own words."""
    near = [one for one in people if one.province == "QC" or one.number % 11 == 0]
    force = Force(
        [one for one in near if not is_planted(one)],
        count,
        {name: weight for name, (_, weight) in ROLES.items()},
        burners,
    )
    files = make_files(rng, force, _planted_files())
    holding = Holding("sq", SQ_DDL)
    for person in people_of(force, files, []):
        _add_person(rng, holding, person)
    for file in files:
        _add_file(rng, holding, file)
    return holding


def day_first(day: date) -> str:
    """A day as `07/03/1981`."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def _planted_files() -> tuple[File, ...]:
    suspect = Part(planted.SUSPECT, "SUSPECT", date(2025, 11, 20))
    victim = Part(planted.PHONE_VICTIM, "VICTIM", date(2025, 11, 20), ban=True)
    missing = Part(planted.MISSING, "VICTIM", date(2026, 5, 20), ban=True)
    return (
        File(
            1,
            "HUMAN_TRAFFICKING",
            date(2025, 11, 18),
            True,
            False,
            "G1R",
            (suspect, victim, missing),
        ),
    )


def _key(person: Person) -> int:
    # Numbers in another order than the truth's, so that nobody reads one off the other.
    return 200_000 + person.number * 7919 % 100_003


def _add_person(rng: Random, holding: Holding, person: Person) -> None:
    key, rate = _key(person), 0.0 if is_planted(person) else 0.06
    surname, given = misrecord_name(rng, person, rate)
    if rng.random() < 0.1:
        # Typed on a machine that writes an accent as a sign of its own.
        surname = unicodedata.normalize("NFD", surname)
    status = "ACTIVE" if is_planted(person) else draw_status(rng)
    youth = "" if person.youth_until == ADULT else day_first(person.youth_until)
    passport = person.passport if rng.random() < 0.3 else ""
    telephone = f"{person.phone[2:5]} {person.phone[5:8]}-{person.phone[8:]}"
    holding.truth.append((str(key), person.number))
    holding.add(
        "personne",
        key,
        surname,
        given or None,
        person.former or None,
        day_first(misrecord_day(rng, person.birth, rate)),
        {"M": "H", "F": "F"}.get(person.sex),
        _COUNTRIES[person.citizenship],
        f"{person.postal[:3]} {person.postal[3:]}",
        "Québec" if person.province == "QC" else person.province,
        telephone,
        misrecord_number(rng, passport, rate) or None,
        youth,
        {"ACTIVE": "Actif", "SUSPENDED": "Suspendu", "SEALED": "Scellé"}[status],
        draw_updated(rng),
    )
    if person.vehicle:
        car = person.vehicle
        holding.add(
            "vehicule",
            key * 10 + 1,
            key,
            f"{car.plate[:3]}-{car.plate[3:]}",
            "Québec" if car.province == "QC" else car.province,
            car.vin,
            car.make.title(),
            car.model,
            _BODIES[car.body],
            str(car.year),
            COLOURS[car.colour],
        )


def _add_file(rng: Random, holding: Holding, file: File) -> None:
    number = f"Q-{file.opened.year}-{117 + file.number}"
    unit = "Exploitation sexuelle" if file.family in ("HUMAN_TRAFFICKING", "SEXUAL") else "Enquêtes"
    holding.add(
        "dossier",
        number,
        OFFENCES[file.family],
        day_first(file.opened),
        "Ouvert" if file.open else "Clos",
        unit,
        f"418 555-01{rng.randrange(3):02d}",
        file.fsa,
        "Oui" if file.sealed else "Non",
    )
    for part in file.parts:
        holding.add(
            "implication",
            number,
            _key(part.person),
            ROLES[part.role][0],
            day_first(part.since),
            "Oui" if part.ban else "Non",
        )
