"""What a node process is told: the common settings, whose node it is, and where its database is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from narrows.node.webhook import is_safe_url
from narrows.serving.settings import ProcessSettings


class WebhookSettings(BaseModel):
    """Where the holder's notices are pushed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """Taken by https, or by http on this machine (`http://127.0.0.1:9000/notices`)."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if not is_safe_url(url):
            raise ValueError("the URL is neither https nor http to 127.0.0.1 or ::1")
        return url


class NodeSettings(ProcessSettings):
    """The settings file of `narrows node serve`; `docs/operating.md` explains it."""

    member: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    database: Path
    """The database file or folder of Parquet files that the mapping reads; or, for PostgreSQL, a
    file that holds the connection URI."""
    connections: int = Field(default=4, ge=1, le=64)
    """How many questions the database works on at once."""
    webhook: WebhookSettings | None = None
    """Whither notices are pushed; without it the holder fetches them."""
