"""A federation read from its folder, whole or not at all.

`load_folder` stops at the first thing that is wrong; `check_folder` of `check.py` goes on to what
is merely unwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.document import Lines, read_document
from narrows.core.policy.model import Policy
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    RelationName,
)
from narrows.errors import BadFederation
from narrows.folder.examine import (
    TOP,
    check_approvers,
    check_mapping,
    check_parties,
    check_relation,
    check_top,
    is_inside,
    one_of,
    wrong,
)
from narrows.folder.format import (
    CatalogFile,
    DeclaredColumns,
    FederationFile,
    MappingFile,
    MemberFile,
    RelationFile,
)
from narrows.folder.policies import read_others, read_policy
from narrows.folder.words import in_words

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
    other_policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    """Older versions, and those to come, from `policies/`, by file."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every version that the folder has."""
        return (*self.other_policies.values(), self.policy)


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `node` is None for those that only ask."""

    name: MemberName
    title: str
    member_class: str
    country: str
    node: Node | None
    approvers: tuple[str, ...] = ()


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
    top, lines = _read(folder, TOP, FederationFile)
    check_top(folder, top, lines)
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
                _node(folder, (top, found), mappings[name], catalog) if found.node else None,
                tuple(found.approvers),
            )
            for name, found in members.items()
        },
        generator=None if top.generator is None else folder / top.generator,
        folder=folder,
    )


def _read(folder: Path, name: str, model: type[M]) -> tuple[M, Lines]:
    text = _text(folder, name)
    try:
        return read_document(text, model, name)
    except BadFederation as error:
        raise in_words(error, text) from error.__cause__


def _text(folder: Path, name: str) -> str:
    hint = "see docs/federation-folder.md"
    if not folder.is_dir():
        raise BadFederation("there is no such folder", hint="name the folder of a federation")
    try:
        return (folder / name).read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise BadFederation("the file is not text in UTF-8", hint=hint, file=name) from cause
    except OSError as cause:
        raise BadFederation("the file is missing", hint=hint, file=name) from cause


def _members(folder: Path, top: FederationFile) -> dict[MemberName, MemberFile]:
    found: dict[MemberName, MemberFile] = {}
    # A folder of a member without its file is a slip; what tools keep in hidden folders is not.
    for path in sorted((folder / "members").glob("[!._]*/")):
        file = (path / "member.yaml").relative_to(folder).as_posix()
        member, lines = _read(folder, file, MemberFile)
        place = (file, lines)
        if member.name != path.name:
            hint = f"call it `{path.name}`, or the folder `{member.name}`"
            raise wrong("the name differs from the folder's", hint, place, "name")
        if member.member_class not in top.classes:
            message = f"no class `{member.member_class}`"
            raise wrong(message, one_of(top.classes), place, "class")
        check_approvers(member, place)
        if member.node is not None and not is_inside(member.node.database):
            hint = "write it from there, without `..` and no `/` at the front"
            raise wrong(
                "the database is outside the folder of data", hint, place, "node", "database"
            )
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
    place = (f"members/{name}/mapping.yaml", lines)
    for relation, how in mapping.relations.items():
        known = relations.get(RelationName(relation))
        if known is None:
            message = f"no relation `{relation}`"
            raise wrong(message, one_of(relations), place, "relations", relation)
        check_mapping(known, how, place)
    return frozenset(RelationName(relation) for relation in mapping.relations)


def _node(
    folder: Path,
    whose: tuple[FederationFile, MemberFile],
    read: tuple[MappingFile, Lines],
    catalog: Catalog,
) -> Node:
    (top, member), (mapping, lines) = whose, read
    file = f"members/{member.name}/policy.yaml"
    policy, text = read_policy(folder / file, catalog, file)
    if policy.agency != member.name:
        hint = f"write `agency: {member.name}`"
        raise BadFederation("the policy is another agency's", hint=hint, file=file, line=1)
    check_parties(policy, top, file)
    assert member.node is not None
    return Node(
        engine=member.node.engine,
        database=member.node.database,
        mapping={RelationName(name): _select(how) for name, how in mapping.relations.items()},
        lines={RelationName(name): lines.of(("relations", name)) for name in mapping.relations},
        policy=policy,
        policy_text=text,
        other_policies=read_others(folder / "members" / member.name, policy, catalog),
    )


def _select(how: str | DeclaredColumns) -> str:
    """The SELECT of a mapping. The operator wrote it and is trusted with the own database."""
    if isinstance(how, str):
        return how.strip().rstrip(";")
    columns = ", ".join(f"{term} AS {column}" for column, term in how.columns.items())
    return f"SELECT {columns} FROM {how.table}"


def _relations(file: CatalogFile, lines: Lines) -> dict[RelationName, Relation]:
    for name, found in file.relations.items():
        check_relation(name, found, file, lines)
    return {RelationName(name): _relation(name, one) for name, one in file.relations.items()}


def _relation(name: str, found: RelationFile) -> Relation:
    columns = tuple(
        Column(
            ColumnName(column),
            ColumnType(one.type),
            is_id=one.is_id,
            codes=tuple(one.codes),
            meaning=one.meaning,
            same_as=tuple(ColumnName(name) for name in one.same_as),
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
