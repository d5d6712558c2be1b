"""What a node process is told: the common settings, whose node it is, and where its database is."""

from pathlib import Path

from pydantic import Field

from narrows.serving.settings import ProcessSettings


class NodeSettings(ProcessSettings):
    """The settings file of `narrows node serve`; `docs/operating.md` explains it."""

    member: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    database: Path
    """The database file or folder of Parquet files that the mapping reads; or, for PostgreSQL, a
    file that holds the connection URI."""
    connections: int = Field(default=4, ge=1, le=64)
    """How many questions the database works on at once."""
