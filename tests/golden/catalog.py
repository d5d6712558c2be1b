"""The one catalog of all golden cases: a registry, a city force and the border."""

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName

PERSON_COLUMNS = (
    "surname given_names birth_date:date sex_code residence_postal record_status youth_until:date"
)
CROSSING_COLUMNS = "direction crossed_at:timestamp other_country doc_type doc_number doc_issuer"
CASE_COLUMNS = "offence_family unit contact sealed:boolean"
NSOR = "person person_name identifier offender_registration"
VPD = "person person_name identifier investigation involvement"
MEMBERS = {
    "cbsa": ("federal", "CAN"),
    "fnps": ("first_nations", "CAN"),
    "licensing": ("licensing", "CAN"),
    "nsor": ("federal", "CAN"),
    "opp": ("provincial", "CAN"),
    "seattle": ("municipal", "USA"),
    "usms": ("foreign", "USA"),
    "vpd": ("municipal", "CAN"),
}
"""The members that ask in the cases: their class and country."""
IDS = ("person_id", "registration_id", "crossing_id", "case_no")


def golden_catalog() -> Catalog:
    """The catalog that every case is asked against."""
    relations = (
        _relation("person", f"person_id {PERSON_COLUMNS}", "person_id"),
        _relation("person_name", "person_id name_type surname given_names", "", "person"),
        _relation("identifier", "person_id ident_type ident_value issuer", "", "person"),
        _relation(
            "offender_registration",
            "registration_id person_id reg_status risk_level",
            "registration_id",
            "person",
        ),
        _relation("investigation", f"case_no {CASE_COLUMNS}", "case_no"),
        _relation(
            "involvement", "case_no person_id role since:date", "", "person", "investigation"
        ),
        _relation("border_crossing", f"crossing_id {CROSSING_COLUMNS}", "crossing_id"),
    )
    held = {"cbsa": "border_crossing", "nsor": NSOR, "vpd": VPD}
    return Catalog(
        federation="canada",
        version=1,
        zone="America/Toronto",
        purposes=(
            "border_check",
            "homicide_investigation",
            "licensing",
            "sexual_crime_investigation",
        ),
        relations={found.name: found for found in relations},
        holds={
            Holder(holder): frozenset(RelationName(name) for name in names.split())
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
    return Column(ColumnName(name), ColumnType(kind or "text"), is_id=name in IDS)
