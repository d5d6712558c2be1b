"""A federation read from its folder, whole or not at all.

`load_folder` stops at the first thing that is wrong; `check_folder` of `check.py` goes on to what
is merely unwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.document import Lines, read_document
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    RelationName,
)
from narrows.errors import BadFederation
from narrows.folder.format import (
    CatalogFile,
    DeclaredColumns,
    FederationFile,
    MappingFile,
    MemberFile,
    RelationFile,
)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Node:
    """How a holder's node reads its database: one SELECT of the engine for each relation.

    `lines` says where in `mapping.yaml` each of them stands.
    """

    engine: str
    database: str
    mapping: Mapping[RelationName, str]
    lines: Mapping[RelationName, int]
    policy: Policy
    policy_text: str


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `node` is None for those that only ask."""

    name: MemberName
    title: str
    member_class: str
    country: str
    node: Node | None


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything that a folder says."""

    name: str
    title: str
    zone: str
    purposes: Mapping[str, str]
    classes: Mapping[str, str]
    auditors: frozenset[str]
    catalog: Catalog
    members: Mapping[MemberName, Member]
    generator: Path | None
    folder: Path


def load_folder(folder: Path) -> Federation:
    """The federation that the folder describes.

    Raises: BadFederation with file and line, at the first thing that is wrong.
    """
    top, lines = _read(folder, "federation.yaml", FederationFile)
    _check_zone(top.zone, lines)
    for number, name in enumerate(top.auditors):
        if name not in top.classes:
            raise _wrong(f"no class `{name}`", "federation.yaml", lines, "auditors", number)
    catalog_file, catalog_lines = _read(folder, "catalog.yaml", CatalogFile)
    members = _members(folder, top)
    mappings = {name: _mapping(folder, name) for name, found in members.items() if found.node}
    relations = _relations(catalog_file, catalog_lines)
    catalog = Catalog(
        federation=top.federation,
        version=catalog_file.version,
        zone=top.zone,
        purposes=tuple(sorted(top.purposes)),
        relations=relations,
        holds={
            Holder(name): _held(name, mapping, lines, relations)
            for name, (mapping, lines) in mappings.items()
        },
    )
    return Federation(
        name=top.federation,
        title=top.title,
        zone=top.zone,
        purposes=top.purposes,
        classes=top.classes,
        auditors=frozenset(top.auditors),
        catalog=catalog,
        members={
            name: Member(
                name,
                found.title,
                found.member_class,
                found.country,
                _node(folder, found, mappings[name], catalog) if found.node else None,
            )
            for name, found in members.items()
        },
        generator=None if top.generator is None else folder / top.generator,
        folder=folder,
    )


def _read(folder: Path, name: str, model: type[M]) -> tuple[M, Lines]:
    return read_document(_text(folder, name), model, name)


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        message = "the file is missing or not text in UTF-8"
        raise BadFederation(message, hint="see docs/federation-folder.md", file=name) from cause


def _members(folder: Path, top: FederationFile) -> dict[MemberName, MemberFile]:
    found: dict[MemberName, MemberFile] = {}
    for path in sorted((folder / "members").glob("*/member.yaml")):
        file = path.relative_to(folder).as_posix()
        member, lines = _read(folder, file, MemberFile)
        if member.name != path.parent.name:
            raise _wrong("the name differs from the folder's", file, lines, "name")
        if member.member_class not in top.classes:
            raise _wrong(f"no class `{member.member_class}`", file, lines, "class")
        found[MemberName(member.name)] = member
    if not any(member.node for member in found.values()):
        raise BadFederation("no member has a node", hint="give one a `node`", file="members")
    return found


def _mapping(folder: Path, name: MemberName) -> tuple[MappingFile, Lines]:
    return _read(folder, f"members/{name}/mapping.yaml", MappingFile)


def _held(
    name: MemberName,
    mapping: MappingFile,
    lines: Lines,
    relations: Mapping[RelationName, Relation],
) -> frozenset[RelationName]:
    file = f"members/{name}/mapping.yaml"
    for relation, how in mapping.relations.items():
        known = relations.get(RelationName(relation))
        if known is None:
            raise _wrong(f"no relation `{relation}`", file, lines, "relations", relation)
        if isinstance(how, DeclaredColumns):
            wanted = {column.name for column in known.columns} - {HOLDER_COLUMN}
            for column in sorted(wanted ^ set(how.columns)):
                message = f"`{relation}.{column}` is either not mapped, or not in the catalog"
                raise _wrong(message, file, lines, "relations", relation, "columns")
    return frozenset(RelationName(relation) for relation in mapping.relations)


def _node(
    folder: Path, member: MemberFile, read: tuple[MappingFile, Lines], catalog: Catalog
) -> Node:
    mapping, lines = read
    file = f"members/{member.name}/policy.yaml"
    text = _text(folder, file)
    policy = parse_policy(text, catalog, file)
    if policy.agency != member.name:
        raise BadFederation("the policy is another agency's", file=file, line=1)
    assert member.node is not None
    return Node(
        engine=member.node.engine,
        database=member.node.database,
        mapping={RelationName(name): _select(how) for name, how in mapping.relations.items()},
        lines={RelationName(name): lines.of(("relations", name)) for name in mapping.relations},
        policy=policy,
        policy_text=text,
    )


def _select(how: str | DeclaredColumns) -> str:
    """The SELECT of a mapping. The operator wrote it and is trusted with the own database."""
    if isinstance(how, str):
        return how.strip().rstrip(";")
    columns = ", ".join(f"{term} AS {column}" for column, term in how.columns.items())
    return f"SELECT {columns} FROM {how.table}"


def _relations(file: CatalogFile, lines: Lines) -> dict[RelationName, Relation]:
    for name, found in file.relations.items():
        _check_relation(name, found, file, lines)
    return {RelationName(name): _relation(name, one) for name, one in file.relations.items()}


def _relation(name: str, found: RelationFile) -> Relation:
    columns = tuple(
        Column(
            ColumnName(column),
            ColumnType(one.type),
            is_id=one.is_id,
            codes=tuple(one.codes),
            meaning=one.meaning,
        )
        for column, one in found.columns.items()
    )
    return Relation(
        name=RelationName(name),
        columns=(HOLDER, *columns),
        key=tuple(ColumnName(key) for key in found.key),
        references=tuple(
            Reference(tuple(ColumnName(c) for c in one.columns), RelationName(one.relation))
            for one in found.references
        ),
        meaning=found.meaning,
    )


def _check_relation(name: str, found: RelationFile, file: CatalogFile, lines: Lines) -> None:
    """Nothing, when keys and references name columns that are there, of one type and id or not."""

    def wrong(message: str, *path: str | int) -> BadFederation:
        return _wrong(message, "catalog.yaml", lines, "relations", name, *path)

    if HOLDER_COLUMN in found.columns:
        raise wrong("`holder` is implied and not declared", "columns", HOLDER_COLUMN)
    for number, key in enumerate(found.key):
        if key not in found.columns:
            raise wrong(f"`{name}` has no column `{key}`", "key", number)
    for number, reference in enumerate(found.references):
        other = file.relations.get(reference.relation)
        if other is None or len(other.key) != len(reference.columns):
            raise wrong("a reference leads to no key of that length", "references", number)
        for column, key in zip(reference.columns, other.key, strict=True):
            one, target = found.columns.get(column), other.columns.get(key)
            if one is None or target is None:
                raise wrong(f"`{name}` has no column `{column}`", "references", number)
            if (one.type, one.is_id) != (target.type, target.is_id):
                message = f"`{column}` differs in type or `id` from what it refers to"
                raise wrong(message, "references", number)


def _check_zone(zone: str, lines: Lines) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as cause:
        line = lines.of(("zone",))
        message = "the zone is not in the IANA database"
        raise BadFederation(
            message, hint="write it as America/Toronto", file="federation.yaml", line=line
        ) from cause


def _wrong(message: str, file: str, lines: Lines, *path: str | int) -> BadFederation:
    return BadFederation(
        message, hint="see docs/federation-folder.md", file=file, line=lines.of(tuple(path))
    )
