"""What the layout of one file cannot say: names that must be those of another file.

Each check gives back nothing, or raises BadFederation with the file, the line, and what is allowed.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from narrows.core.catalog import Relation
from narrows.core.directory import person_file
from narrows.core.document import Lines
from narrows.core.policy.model import Policy
from narrows.core.terms import HOLDER_COLUMN
from narrows.errors import BadFederation
from narrows.folder.format import (
    CatalogFile,
    ColumnFile,
    DeclaredColumns,
    FederationFile,
    MemberFile,
    ReferenceFile,
    RelationFile,
)

TOP = "federation.yaml"


def check_top(folder: Path, top: FederationFile, lines: Lines) -> None:
    """Zone, auditors and generator of `federation.yaml`."""
    try:
        ZoneInfo(top.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        message = "the zone is not in the IANA database"
        raise wrong(message, "write it as America/Toronto", (TOP, lines), "zone") from cause
    for number, name in enumerate(top.auditors):
        if name not in top.classes:
            raise wrong(f"no class `{name}`", one_of(top.classes), (TOP, lines), "auditors", number)
    generator = top.generator
    if generator is not None and not (is_inside(generator) and (folder / generator).is_file()):
        hint = "name one beside federation.yaml, or leave `generator` out"
        raise wrong("the generator is no file of this folder", hint, (TOP, lines), "generator")


def check_relation(name: str, found: RelationFile, file: CatalogFile, lines: Lines) -> None:
    """Keys and references of a relation: columns that are there, of one type, and id or not."""

    def bad(message: str, hint: str, *path: str | int) -> BadFederation:
        return wrong(message, hint, ("catalog.yaml", lines), "relations", name, *path)

    if HOLDER_COLUMN in found.columns:
        raise bad("`holder` is implied and not declared", "leave it out", "columns", HOLDER_COLUMN)
    for column, one in found.columns.items():
        if one.same_as and not _is_difference(one, found):
            message = f"`{column}` is not the whole number of days between two columns"
            hint = "name two columns of type date, and give it the type integer or bigint"
            raise bad(message, hint, "columns", column)
    for number, key in enumerate(found.key):
        if key not in found.columns:
            raise bad(f"`{name}` has no column `{key}`", one_of(found.columns), "key", number)
    for number, reference in enumerate(found.references):
        slip = _slip_of_reference(name, reference, file)
        if slip is not None:
            raise bad(*slip, "references", number)


def _is_difference(column: ColumnFile, relation: RelationFile) -> bool:
    kinds = [relation.columns[name].type for name in column.same_as if name in relation.columns]
    return (
        kinds == ["date", "date"]
        and len(column.same_as) == 2
        and column.type in ("integer", "bigint")
    )


def _slip_of_reference(
    name: str, reference: ReferenceFile, file: CatalogFile
) -> tuple[str, str] | None:
    """What is wrong with a reference, and what would be right."""
    mine, other = file.relations[name].columns, file.relations.get(reference.relation)
    if other is None:
        return f"no relation `{reference.relation}`", one_of(file.relations)
    if not other.key or len(other.key) != len(reference.columns):
        message = f"a reference leads to no key of that length: `{reference.relation}` has"
        key = f"the key {', '.join(other.key)}" if other.key else "no key"
        return f"{message} {key}", "name one column for each column of a key"
    for column, target in zip(reference.columns, other.key, strict=True):
        if column not in mine:
            return f"`{name}` has no column `{column}`", one_of(mine)
        # A key that names no column is said of the other relation.
        theirs = other.columns.get(target, mine[column])
        if (mine[column].type, mine[column].is_id) != (theirs.type, theirs.is_id):
            message = f"`{column}` differs in type or `id` from `{reference.relation}.{target}`"
            return message, "give both the same `type`, and `id: true` to both or to none"
    return None


def check_mapping(relation: Relation, how: str | DeclaredColumns, place: tuple[str, Lines]) -> None:
    """One relation of a mapping: each column of the catalog is given, and no other."""
    path = ("relations", str(relation.name))
    wanted = [str(column.name) for column in relation.columns if column.name != HOLDER_COLUMN]
    if isinstance(how, str):
        if not re.match(r"(?is)(\s|--[^\n]*\n)*(select|with)\b", how):
            message = f"the SQL of `{relation.name}` is no SELECT"
            raise wrong(message, "write one SELECT, or `table` and `columns`", place, *path)
        missing = missing_columns(how, wanted)
    else:
        for column in how.columns:
            if column not in wanted:
                message = f"`{relation.name}` has no column `{column}`"
                raise wrong(message, one_of(wanted), place, *path, "columns", column)
        missing = [column for column in wanted if column not in how.columns]
    if missing:
        named = ", ".join(f"`{relation.name}.{column}`" for column in missing)
        raise wrong(
            f"no value is given for {named}",
            "map it; NULL of its type where the tables have nothing",
            place,
            *path,
        )


def missing_columns(select: str, wanted: Iterable[str]) -> list[str]:
    """The columns whose names stand nowhere in a SELECT: what it surely does not give.

    A star may bring any, so a text with one is left to the engine, which knows the tables.

    >>> missing_columns("SELECT no AS patron_id FROM readers", ["patron_id", "born_on"])
    ['born_on']
    """
    said = re.sub(r"--[^\n]*", "", select)
    if re.search(r"(?<!\()\*", said):
        return []
    words = set(re.findall(r"\w+", said))
    return [column for column in wanted if column not in words]


def check_parties(policy: Policy, top: FederationFile, file: str) -> None:
    """The classes that a policy's agreements are with: a slip there would be with nobody."""
    for agreement in policy.agreements:
        for name in sorted(agreement.parties.classes - set(top.classes)):
            raise BadFederation(
                f"`{agreement.id}` is with no class that there is: `{name}`",
                hint=one_of(top.classes),
                file=file,
                line=agreement.line,
            )


def check_approvers(member: MemberFile, place: tuple[str, Lines]) -> None:
    """The named persons of a member: each has a key in a file of its own, named after the person."""
    seen: set[str] = set()
    for number, name in enumerate(member.approvers):
        file = person_file(name)
        if not file or file in seen:
            hint = "give each a name whose letters and digits differ from the others'"
            message = "two approvers have one name, or one has no name"
            raise wrong(message, hint, place, "approvers", number)
        seen.add(file)


def is_inside(path: str) -> bool:
    """Whether a relative path stays in the folder that it starts from."""
    found = PurePosixPath(path)
    return not found.is_absolute() and ".." not in found.parts


def one_of(names: Iterable[str]) -> str:
    """The hint that lists what is allowed."""
    return f"one of {', '.join(sorted(names))}"


def wrong(message: str, hint: str, place: tuple[str, Lines], *path: str | int) -> BadFederation:
    """The error at that path of a file."""
    file, lines = place
    return BadFederation(message, hint=hint, file=file, line=lines.of(tuple(path)))
