"""The subjects that stand in the databases for every seed; `README.md` lists them.

Each is recorded without errors at the holders named beside it.
"""

from datetime import date

from generator.world import Person, Vehicle

REGISTERED = Person(
    number=1,
    origin="french",
    surname="Marchand",
    given="Étienne Paul",
    birth=date(1974, 8, 19),
    sex="M",
    citizenship="CAN",
    province="ON",
    postal="M4C1B5",
    street="12 Lantern St",
    phone="+14165550117",
    aliases=(("Marchand", "Steve"),),
    passport="ZZ123456",
    licence="ZZ0000001",
    fps="100001A",
    vehicle=Vehicle("ZZZZ001", "ON", "ZZZ00000000000001", "HONDA", "CIVIC", "SEDAN", 2019, "BLUE"),
)
"""Active at nsor and osor; crossings and a look-out at cbsa."""

SUSPENDED = Person(
    number=2,
    origin="french",
    surname="Roy",
    given="Daniel",
    birth=date(1969, 11, 2),
    sex="M",
    citizenship="CAN",
    province="QC",
    postal="H2X0A9",
    street="40 Quarry Rd",
    phone="+15145550118",
    passport="ZZ654321",
    fps="100002A",
)
"""Suspended at nsor, and known to nobody else."""

SUSPECT = Person(
    number=3,
    origin="french",
    surname="Tremblay",
    given="André Luc",
    birth=date(1981, 3, 7),
    sex="M",
    citizenship="CAN",
    province="QC",
    postal="H3A2B7",
    street="7 Heron Ave",
    phone="+15145550119",
)
"""A suspect at vpd, sq and fnp; at vpd in a sealed file too."""

PHONE_SUSPECT = Person(
    number=4,
    origin="vietnamese",
    surname="Nguyen",
    given="Van Minh",
    birth=date(1986, 6, 23),
    sex="M",
    citizenship="CAN",
    province="BC",
    postal="V5K3C8",
    street="310 Mill St",
    phone="+14165550142",
    vehicle=Vehicle("ZZZZ481", "ON", "ZZZ00000000000481", "DODGE", "CARAVAN", "VAN", 2016, "BLACK"),
)
"""A suspect of trafficking at vpd, with the plate and the telephone of the questions."""

PHONE_VICTIM = Person(
    number=5,
    origin="french",
    surname="Gagnon",
    given="Élise",
    birth=date(1999, 2, 14),
    sex="F",
    citizenship="CAN",
    province="QC",
    postal="G1R4S2",
    street="55 Cairn Cres",
    phone="+14165550142",
)
"""A victim of trafficking at sq, whose telephone is that of the suspect at vpd."""

YOUTH_EXPIRED = Person(
    number=6,
    origin="english",
    surname="Ashdown",
    given="Tyler",
    birth=date(2006, 3, 9),
    sex="M",
    citizenship="CAN",
    province="BC",
    postal="V6B1E4",
    street="18 Mill St",
    phone="+16045550120",
)
"""A suspect at vpd whose youth row was open until 2026-03-28."""

YOUTH_CURRENT = Person(
    number=7,
    origin="english",
    surname="Lockhart",
    given="Jordan",
    birth=date(2010, 2, 11),
    sex="M",
    citizenship="CAN",
    province="BC",
    postal="V6B1E5",
    street="20 Mill St",
    phone="+16045550121",
)
"""A suspect at vpd whose youth row is open until 2030-02-28."""

REVERSED = Person(
    number=8,
    origin="vietnamese",
    surname="Nguyen",
    given="Thi Hoa",
    birth=date(1991, 12, 5),
    sex="F",
    citizenship="CAN",
    province="ON",
    postal="L4T2N6",
    street="3 Orchard Blvd",
    phone="+19055550122",
    fps="100008A",
)
"""Registered at nsor; a witness at vpd, where her names stand in the other order."""

MISSING = Person(
    number=9,
    origin="french",
    surname="Bouchard",
    given="Maïté",
    birth=date(2009, 9, 30),
    sex="F",
    citizenship="CAN",
    province="BC",
    postal="V5Y1L3",
    street="81 Sable Rd",
    phone="+16045550123",
)
"""Missing at vpd since 2026-04-12; a victim in a trafficking file of sq since 2026-05-20."""

PLANTED = (
    REGISTERED,
    SUSPENDED,
    SUSPECT,
    PHONE_SUSPECT,
    PHONE_VICTIM,
    YOUTH_EXPIRED,
    YOUTH_CURRENT,
    REVERSED,
    MISSING,
)


def is_planted(person: Person) -> bool:
    """Whether the person stands in the databases for every seed, without errors."""
    return person.number < 1000
