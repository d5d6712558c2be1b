"""One edition of a cube: its canonical bytes, and the rows that stand for its cells.

The public part is what a holder shows, and enters by its digest (RFC 8785):

    {"v": "narrows/edition/v1", "holder": "nsor", "cube": "registrants", "number": 3,
     "as_of": "2026-06-01T12:00:00.000000Z", "policy_version": 12, "policy": "<hex>",
     "catalog": "<hex>", "definition": "<hex>", "unit": ["person", "person_id"],
     "unit_name": "persons", "k": 10, "epsilon": null,
     "dimensions": [["person", "residence_postal", "text"]],
     "measures": [["travel_notice", "notice_days"]],
     "cells": [{"at": ["M4C"], "count": 14, "means": ["31.42"]}, ...]}

The private part stays at the holder, for the next edition to be compared with: of each cell that
was ever shown, keyed tokens of the units behind what was last shown. It names the public part, and
the measures with their bounds.

    {"v": "narrows/edition/v1/private", "public": "<hex>",
     "measures": [["travel_notice", "notice_days", 0, 365]],
     "cells": [{"at": ["M4C"], "figures": [["14", true, ["<token>", ...]], null]}, ...]}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.catalog import Catalog
from narrows.core.ledger.entry import format_time, parse_time
from narrows.core.policy.bound import BoundFragment, ReleasedColumn
from narrows.core.policy.cubes import (
    Cell,
    Earlier,
    Figure,
    Kept,
    Layout,
    Place,
    shown_cells,
)
from narrows.core.policy.finish import Reading
from narrows.core.policy.model import ColumnPath, Cube, Measure, Policy
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    Scalar,
    TypedValue,
    digest_of,
    parse_value,
)
from narrows.errors import AnswerTooLarge, CheckFailed, MalformedRequest, ProofInvalid

EDITION_FORMAT = "narrows/edition/v1"
PRIVATE_FORMAT = "narrows/edition/v1/private"
MOST_ROWS = 1_000_000
"""The most units of all shown cells that one answer stands for."""


@dataclass(frozen=True, slots=True)
class CubeEdition:
    """What a holder shows of a cube until the next edition; `epsilon` is text, empty for no noise.

    `definition` is the digest of what the policy said of the cube (`definition.py`).
    """

    holder: Holder
    cube: str
    number: int
    as_of: datetime
    policy_version: int
    policy: Digest
    catalog: Digest
    definition: Digest
    unit: ColumnPath
    unit_name: str
    k: int
    epsilon: str
    dimensions: tuple[tuple[ColumnPath, ColumnType], ...]
    measures: tuple[ColumnPath, ...]
    cells: tuple[Cell, ...]

    @property
    def encoded(self) -> bytes:
        """The canonical bytes of the public part; `decode_edition` undoes it."""
        kinds = [kind for _, kind in self.dimensions]
        return canonical_bytes(
            {
                "v": EDITION_FORMAT,
                "holder": self.holder,
                "cube": self.cube,
                "number": self.number,
                "as_of": format_time(self.as_of),
                "policy_version": self.policy_version,
                "policy": self.policy.hex(),
                "catalog": self.catalog.hex(),
                "definition": self.definition.hex(),
                "unit": list(self.unit),
                "unit_name": self.unit_name,
                "k": self.k,
                "epsilon": self.epsilon or None,
                "dimensions": [[*path, kind.value] for path, kind in self.dimensions],
                "measures": [list(path) for path in self.measures],
                "cells": [
                    {
                        "at": _place(kinds, cell.place),
                        "count": cell.count,
                        "means": [None if m is None else spell_mean(m) for m in cell.means],
                    }
                    for cell in self.cells
                ],
            }
        )


@dataclass(frozen=True, slots=True)
class Making:
    """Of what, and when, an edition is made."""

    policy: Policy
    catalog: Catalog
    number: int
    as_of: datetime
    definition: Digest


def make_edition(making: Making, cube: Cube, layout: Layout, kept: Sequence[Kept]) -> CubeEdition:
    """The edition that shows what is shown of the kept cells."""
    return CubeEdition(
        holder=making.policy.agency,
        cube=cube.id,
        number=making.number,
        as_of=making.as_of,
        policy_version=making.policy.version,
        policy=making.policy.digest,
        catalog=making.catalog.digest,
        definition=making.definition,
        unit=layout.unit,
        unit_name=cube.unit_name,
        k=cube.k,
        epsilon="" if cube.epsilon is None else repr(cube.epsilon),
        dimensions=tuple((one.path, one.type) for one in layout.dimensions),
        measures=tuple((one.relation, one.column) for one in layout.measures),
        cells=shown_cells(kept),
    )


def check_units(editions: Sequence[CubeEdition]) -> None:
    """Nothing, when one answer stands for that many units, each fragment's counted apart.

    Raises: AnswerTooLarge.
    """
    if sum(cell.count for edition in editions for cell in edition.cells) > MOST_ROWS:
        names = ", ".join(sorted({f"`{one.cube}`" for one in editions}))
        raise AnswerTooLarge(
            f"the question counts more than {MOST_ROWS} units of {names}",
            hint="name the cube once, or ask its holder for a smaller one",
        )


def expand(edition: CubeEdition, bound: BoundFragment) -> Iterator[Reading]:
    """The rows that stand for the shown cells, as `finish.give_rows` reads them.

    Shape: one row per unit of each shown cell; the unit is a serial number, so that it is distinct
    in the edition; a measure is the cell's mean. Where it is a whole number, some rows of the cell
    have the one below the mean and some the one above, so that sums and means come out right.
    Raises: CheckFailed where the fragment reads what the edition lacks; AnswerTooLarge.
    """
    check_units([edition])
    relations = {scan.alias: scan.relation for scan in bound.scans}
    serial = 0
    # A count may be rounded to nothing: no row stands for such a cell.
    for cell in (one for one in edition.cells if one.count):
        columns = [
            (found.column, _values(edition, bound, cell, (relations[found.column.alias], found)))
            for found in bound.columns
        ]
        for row in range(cell.count):
            serial += 1
            yield {column: _value(values, serial, row) for column, values in columns}


def spell_mean(hundredths: int) -> str:
    """A mean with two digits after the point; `parse_mean` undoes it.

    >>> spell_mean(-307), parse_mean("-3.07")
    ('-3.07', -307)
    """
    whole, part = divmod(abs(hundredths), 100)
    return f"{'-' * (hundredths < 0)}{whole}.{part:02}"


def parse_mean(text: str) -> int:
    """The hundredths that the text spells."""
    return int(text.replace(".", "", 1))


def encode_private(edition: CubeEdition, layout: Layout, kept: Sequence[Kept]) -> bytes:
    """The canonical bytes of the private part; `decode_private` undoes it."""
    kinds = [kind for _, kind in edition.dimensions]
    return canonical_bytes(
        {
            "v": PRIVATE_FORMAT,
            "public": digest_of(edition.encoded).hex(),
            "measures": [[one.relation, one.column, one.low, one.high] for one in layout.measures],
            "cells": [
                {
                    "at": _place(kinds, one.place),
                    "figures": [_figure(figure) for figure in (one.count, *one.means)],
                }
                for one in kept
            ],
        }
    )


def decode_edition(data: bytes) -> CubeEdition:
    """The edition that these canonical bytes spell. Raises: ProofInvalid for anything else."""
    try:
        found = _decode(_object(parse_canonical(data)))
        is_exact = found.encoded == data
    except (MalformedRequest, TypeError, KeyError, ValueError) as cause:
        raise ProofInvalid("an edition is not of the published format") from cause
    if not is_exact:
        raise ProofInvalid(f"an edition is not of format `{EDITION_FORMAT}`")
    return found


def decode_private(data: bytes, edition: CubeEdition) -> Earlier:
    """What was kept beside the edition.

    Raises: ProofInvalid for anything but the private part of this edition.
    """
    kinds = [kind for _, kind in edition.dimensions]
    try:
        fields = _object(parse_canonical(data))
        if fields["public"] != digest_of(edition.encoded).hex():
            raise ProofInvalid("the private part is of another edition")
        measures = tuple(_measure(one) for one in _list(fields["measures"]))
        kept = tuple(_kept(kinds, _object(one)) for one in _list(fields["cells"]))
        return Earlier(kept, edition.k, measures)
    except (MalformedRequest, TypeError, KeyError, ValueError) as cause:
        raise ProofInvalid("the private part of an edition is not of its format") from cause


# --- rows -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Serial:
    """A unit's column: its serial number; as text it begins with `#`, lest it looks like a key."""

    kind: ColumnType
    prefix: str


@dataclass(frozen=True, slots=True)
class _Spread:
    """A whole measure: so many of the first rows have one more than the base."""

    base: int
    more: int


def _values(
    edition: CubeEdition,
    bound: BoundFragment,
    cell: Cell,
    which: tuple[RelationName, ReleasedColumn],
) -> Scalar | _Serial | _Spread:
    """What a column of a cell's rows holds."""
    relation, found = which
    path = (relation, found.column.column)
    dimensions = [one for one, _ in edition.dimensions]
    if found.column.column == HOLDER_COLUMN:
        return bound.holder
    if path == edition.unit:
        return _Serial(found.type, f"{bound.holder}:#" if found.is_id else "#")
    if path in dimensions:
        return cell.place[dimensions.index(path)]
    if path not in edition.measures:
        raise CheckFailed("a fragment reads of a cube what its edition lacks")
    mean = cell.means[edition.measures.index(path)]
    if mean is None:
        return None
    if found.type is ColumnType.DOUBLE:
        return float(Fraction(mean, 100))
    return _Spread(*divmod(round(Fraction(mean * cell.count, 100)), cell.count))


def _value(values: Scalar | _Serial | _Spread, serial: int, row: int) -> Scalar:
    match values:
        case _Serial(ColumnType.TEXT, prefix):
            return f"{prefix}{serial}"
        case _Serial():
            return serial
        case _Spread(base, more):
            return base + (row < more)
    return values


# --- canonical bytes --------------------------------------------------------------------------


def _place(kinds: Sequence[ColumnType], place: Place) -> Json:
    return [TypedValue(kind, value).text for kind, value in zip(kinds, place, strict=True)]


def _figure(figure: Figure | None) -> Json:
    if figure is None:
        return None
    return [str(figure.value), figure.is_shown, sorted(figure.units)]


def _decode(fields: Mapping[str, Json]) -> CubeEdition:
    dimensions = tuple(_dimension(one) for one in _list(fields["dimensions"]))
    kinds = [kind for _, kind in dimensions]
    return CubeEdition(
        holder=Holder(_text(fields["holder"])),
        cube=_text(fields["cube"]),
        number=_whole(fields["number"]),
        as_of=parse_time(fields["as_of"]),
        policy_version=_whole(fields["policy_version"]),
        policy=Digest(bytes.fromhex(_text(fields["policy"]))),
        catalog=Digest(bytes.fromhex(_text(fields["catalog"]))),
        definition=Digest(bytes.fromhex(_text(fields["definition"]))),
        unit=_path(fields["unit"]),
        unit_name=_text(fields["unit_name"]),
        k=_whole(fields["k"]),
        epsilon="" if fields["epsilon"] is None else _text(fields["epsilon"]),
        dimensions=dimensions,
        measures=tuple(_path(one) for one in _list(fields["measures"])),
        cells=tuple(_cell(kinds, _object(one)) for one in _list(fields["cells"])),
    )


def _dimension(value: Json) -> tuple[ColumnPath, ColumnType]:
    relation, column, kind = _list(value)
    return _path([relation, column]), ColumnType(_text(kind))


def _path(value: Json) -> ColumnPath:
    relation, column = _list(value)
    return RelationName(_text(relation)), ColumnName(_text(column))


def _measure(value: Json) -> Measure:
    relation, column, low, high = _list(value)
    bounds = (None if one is None else _whole(one) for one in (low, high))
    return Measure(*_path([relation, column]), *bounds)


def _cell(kinds: Sequence[ColumnType], fields: Mapping[str, Json]) -> Cell:
    means = (None if one is None else parse_mean(_text(one)) for one in _list(fields["means"]))
    return Cell(_read_place(kinds, fields["at"]), _whole(fields["count"]), tuple(means))


def _kept(kinds: Sequence[ColumnType], fields: Mapping[str, Json]) -> Kept:
    count, *means = (_read_figure(one) for one in _list(fields["figures"]))
    if count is None:
        raise ValueError
    return Kept(_read_place(kinds, fields["at"]), count, tuple(means))


def _read_place(kinds: Sequence[ColumnType], value: Json) -> Place:
    texts = [None if one is None else _text(one) for one in _list(value)]
    return tuple(parse_value(kind, text).value for kind, text in zip(kinds, texts, strict=True))


def _read_figure(value: Json) -> Figure | None:
    if value is None:
        return None
    number, is_shown, units = _list(value)
    return Figure(int(_text(number)), frozenset(map(_text, _list(units))), is_shown is True)


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value
