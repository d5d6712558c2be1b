"""The layout of a federation's files; `docs/federation-folder.md` explains it to people.

Unknown keys are errors everywhere. `schema.py` gives the same layout to editors, descriptions
included.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
MemberNameText = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
TypeName = Literal["text", "boolean", "integer", "bigint", "double", "date", "timestamp"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FederationFile(_Strict):
    """`federation.yaml`."""

    federation: MemberNameText = Field(description="The name of the federation")
    title: str = Field(description="Its name for people")
    zone: str = Field(
        description="Zone in which the day of a request is told, as America/Toronto",
    )
    purposes: dict[Name, str] = Field(
        min_length=1, description="What one may ask for: each purpose and its meaning"
    )
    classes: dict[Name, str] = Field(
        min_length=1, description="Kinds of members: each class and its meaning"
    )
    auditors: list[str] = Field(default=[], description="Classes that may read ledgers")
    generator: str | None = Field(
        default=None, description="A program beside this file that makes example databases"
    )


class ColumnFile(_Strict):
    """One column of a relation; `codes` lists the values that it may take."""

    type: TypeName = Field(description="Its canonical type; docs/catalog.md says what each means")
    meaning: str = Field(description="What it holds, in words")
    is_id: bool = Field(
        default=False,
        alias="id",
        description="Whether it is a holder's own number, which leaves as holder:number",
    )
    codes: list[str] = Field(default=[], description="The values that it may take, where few")
    same_as: list[Name] = Field(
        default=[],
        description="Two columns of days of which this is the first less the second, in days",
    )


class ReferenceFile(_Strict):
    """Columns that name a row of another relation by its key, at the same holder."""

    columns: list[Name] = Field(
        min_length=1, description="Columns here, one for each column of the other's key"
    )
    relation: Name = Field(description="The relation whose key they are")


class RelationFile(_Strict):
    """One relation; `holder` is implied as its first column."""

    meaning: str = Field(description="What one row stands for")
    key: list[Name] = Field(default=[], description="Columns unique within one holder")
    references: list[ReferenceFile] = Field(
        default=[],
        description="Rows of other relations that a row belongs to; `never` follows them",
    )
    columns: dict[Name, ColumnFile] = Field(min_length=1, description="All columns but `holder`")


class CatalogFile(_Strict):
    """`catalog.yaml`."""

    version: Annotated[int, Field(ge=1, description="Goes up with every change")]
    relations: dict[Name, RelationFile] = Field(
        min_length=1, description="The relations that all members agree on"
    )


class NodeFile(_Strict):
    """The node of a member that holds records."""

    engine: Literal["duckdb", "parquet", "postgresql", "sqlite"] = Field(
        description="What reads the records; parquet is a folder of Parquet files"
    )
    database: str = Field(
        min_length=1,
        description="File or folder, from the folder of data of this state; for postgresql a file "
        "with the connection URI",
    )


class MemberFile(_Strict):
    """`members/<name>/member.yaml`."""

    name: MemberNameText = Field(description="That of the folder")
    title: str = Field(description="Its name for people")
    member_class: str = Field(alias="class", description="One of the classes of federation.yaml")
    country: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 3166, three letters, as CAN")
    approvers: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default=[], description="Named persons who approve for it, each with a key of their own"
    )
    node: NodeFile | None = Field(
        default=None, description="Where its records are; left out by members that only ask"
    )


class DeclaredColumns(_Strict):
    """A relation over one local table: for each canonical column an expression of the engine."""

    table: str = Field(description="The local table, or a join of local tables")
    columns: dict[Name, str] = Field(
        min_length=1, description="For each column of the catalog an expression of the engine"
    )


class MappingFile(_Strict):
    """`members/<name>/mapping.yaml`: for each relation the engine's own SQL, or its columns."""

    relations: dict[Name, str | DeclaredColumns] = Field(
        min_length=1, description="For each relation held one SELECT, or a table and its columns"
    )
