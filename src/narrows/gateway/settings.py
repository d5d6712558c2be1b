"""What a gateway process is told: the common settings, its name, and how many merges at once."""

from pydantic import Field

from narrows.serving.settings import ProcessSettings


class GatewaySettings(ProcessSettings):
    """The settings file of `narrows gateway serve`; `docs/operating.md` explains it."""

    name: str = Field(default="gateway", pattern=r"^[a-z][a-z0-9-]{0,62}$")
    calls_at_work: int = Field(default=8, ge=1)
    """How many questions of one member are worked on at once; its others wait."""
    merge_workers: int = Field(default=2, ge=1, le=64)
