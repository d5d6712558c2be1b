"""The one catalog of all golden cases: a registry, a city force and the border."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName

PERSON_COLUMNS = (
    "surname given_names birth_date:date sex_code residence_postal record_status youth_until:date"
)
CROSSING_COLUMNS = "direction crossed_at:timestamp port_code flight_no other_country doc_type doc_number doc_issuer"
CASE_COLUMNS = "offence_family unit contact sealed:boolean opened_on:date case_status province"
TRIP_COLUMNS = (
    "notified_on:date depart_on:date return_on:date destination_country notice_days:integer"
)
NSOR = "person person_name identifier offender_registration vehicle travel_notice"
VPD = "person person_name identifier investigation involvement vehicle alert"
HELD = {
    "cbsa": "border_crossing",
    "fnp": "person identifier investigation involvement",
    "nsor": NSOR,
    "osor": "person identifier offender_registration",
    "sq": "person identifier investigation involvement vehicle",
    "vpd": VPD,
}
"""What each holder holds."""
ALWAYS = frozenset({"cbsa", "nsor", "vpd"})
"""Those that are in every case; the others only where the case has a section of theirs."""
MEMBERS = {
    "cbsa": ("border", "CAN"),
    "fnps": ("first_nations", "CAN"),
    "licensing": ("licensing", "CAN"),
    "nsor": ("federal", "CAN"),
    "opp": ("provincial", "CAN"),
    "osor": ("provincial", "CAN"),
    "research-institute": ("research", "CAN"),
    "seattle": ("municipal", "USA"),
    "sq": ("provincial", "CAN"),
    "stats-ngo": ("ngo", "CAN"),
    "us-angel-watch": ("foreign", "USA"),
    "usms": ("foreign", "USA"),
    "vpd": ("municipal", "CAN"),
}
"""The members that ask in the cases: their class and country."""
NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})
IDS = (
    *("person_id", "registration_id", "crossing_id", "case_no"),
    *("vehicle_id", "notice_id", "alert_id"),
)


def golden_catalog(more: Mapping[str, Collection[str]] = NOTHING) -> Catalog:
    """The catalog that every case is asked against, with these holders and holdings too."""
    relations = (
        _relation("person", f"person_id {PERSON_COLUMNS}", "person_id"),
        _relation("person_name", "person_id name_type surname given_names", "", "person"),
        _relation("identifier", "person_id ident_type ident_value issuer", "", "person"),
        _relation(
            "offender_registration",
            "registration_id person_id reg_status risk_level offence_code child_victim:boolean",
            "registration_id",
            "person",
        ),
        _relation("investigation", f"case_no {CASE_COLUMNS}", "case_no"),
        _relation(
            "involvement", "case_no person_id role since:date", "", "person", "investigation"
        ),
        _relation(
            "vehicle", "vehicle_id person_id plate plate_juris make colour", "vehicle_id", "person"
        ),
        _relation("travel_notice", f"notice_id person_id {TRIP_COLUMNS}", "notice_id", "person"),
        _relation(
            "alert",
            "alert_id person_id alert_type issuer valid_from:date valid_to:date action_code",
            "alert_id",
            "person",
        ),
        _relation("border_crossing", f"crossing_id {CROSSING_COLUMNS}", "crossing_id"),
    )
    held = {
        name: {*HELD[name].split(), *more.get(name, ())}
        for name in HELD
        if name in {*ALWAYS, *more}
    }
    return Catalog(
        federation="canada",
        version=1,
        zone="America/Toronto",
        purposes=(
            "border_enforcement",
            "criminal_investigation",
            "deconfliction",
            "foreign_assistance",
            "homicide_investigation",
            "licensing",
            "missing_person",
            "registry_compliance",
            "research",
            "sexual_crime_investigation",
            "statistics",
            "trafficking_investigation",
            "traveller_notification",
        ),
        relations={found.name: found for found in relations},
        holds={
            Holder(holder): frozenset(RelationName(name) for name in names)
            for holder, names in held.items()
        },
    )


def _relation(name: str, columns: str, key: str, *parents: str) -> Relation:
    keys = {"person": ColumnName("person_id"), "investigation": ColumnName("case_no")}
    return Relation(
        RelationName(name),
        (HOLDER, *(_column(text) for text in columns.split())),
        (ColumnName(key),) if key else (),
        tuple(Reference((keys[parent],), RelationName(parent)) for parent in parents),
    )


def _column(text: str) -> Column:
    name, _, kind = text.partition(":")
    same_as = (ColumnName("depart_on"), ColumnName("notified_on")) if name == "notice_days" else ()
    return Column(ColumnName(name), ColumnType(kind or "text"), is_id=name in IDS, same_as=same_as)
