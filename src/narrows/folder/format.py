"""The layout of a federation's files; `docs/federation-folder.md` explains it to people.

Unknown keys are errors everywhere. `json_schema` gives the same layout to editors.
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

    federation: MemberNameText
    title: str
    zone: str
    purposes: dict[Name, str] = Field(min_length=1)
    classes: dict[Name, str] = Field(min_length=1)
    auditors: list[str] = []
    generator: str | None = None


class ColumnFile(_Strict):
    """One column of a relation; `codes` lists the values that it may take."""

    type: TypeName
    meaning: str
    is_id: bool = Field(default=False, alias="id")
    codes: list[str] = []


class ReferenceFile(_Strict):
    """Columns that name a row of another relation by its key, at the same holder."""

    columns: list[Name] = Field(min_length=1)
    relation: Name


class RelationFile(_Strict):
    """One relation; `holder` is implied as its first column."""

    meaning: str
    key: list[Name] = []
    references: list[ReferenceFile] = []
    columns: dict[Name, ColumnFile] = Field(min_length=1)


class CatalogFile(_Strict):
    """`catalog.yaml`."""

    version: Annotated[int, Field(ge=1)]
    relations: dict[Name, RelationFile] = Field(min_length=1)


class NodeFile(_Strict):
    """The node of a member that holds records."""

    engine: Literal["duckdb", "parquet", "sqlite"]
    database: str = Field(min_length=1)


class MemberFile(_Strict):
    """`members/<name>/member.yaml`."""

    name: MemberNameText
    title: str
    member_class: str = Field(alias="class")
    country: str = Field(pattern=r"^[A-Z]{3}$")
    node: NodeFile | None = None


class DeclaredColumns(_Strict):
    """A relation over one local table: for each canonical column an expression of the engine."""

    table: str
    columns: dict[Name, str] = Field(min_length=1)


class MappingFile(_Strict):
    """`members/<name>/mapping.yaml`: for each relation the engine's own SQL, or its columns."""

    relations: dict[Name, str | DeclaredColumns] = Field(min_length=1)


FILES: dict[str, type[BaseModel]] = {
    "federation": FederationFile,
    "catalog": CatalogFile,
    "member": MemberFile,
    "mapping": MappingFile,
}


def json_schema(name: str) -> dict[str, object]:
    """The JSON Schema of one kind of file, for editors. Needs: a name of `FILES`."""
    return FILES[name].model_json_schema(by_alias=True)
