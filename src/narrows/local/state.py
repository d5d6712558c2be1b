"""The folder of a federation that runs on one machine: what lies where.

STATE/
  state.json              what runs: federation's folder, scale, seed, endpoints
  root/                   root key and certificate authority; in life they are kept offline
  directory.json          the signed member directory
  data/  truth/           example databases; which of their keys is which person
  members/<name>/         keys, certificates, and for a holder: settings, ledger, spans, log
  gateways/<name>/        the same for a gateway
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from narrows.core.terms import MemberName
from narrows.errors import BadFederation

GATEWAY = MemberName("gateway")
DEFAULT = Path(".narrows")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one process serves, and where its files are. `role` is `node` or `gateway`."""

    name: str
    role: str
    address: str
    home: Path

    @property
    def settings(self) -> Path:
        """The settings file of the process."""
        return self.home / "settings.yaml"

    @property
    def pid_file(self) -> Path:
        """Where the process's id is kept while it runs."""
        return self.home / "process.json"

    @property
    def log(self) -> Path:
        """Where the process's log goes."""
        return self.home / "log.jsonl"


@dataclass(frozen=True, slots=True)
class Running:
    """What `state.json` says: where everything is, and how the databases were made."""

    federation: str
    folder: str
    scale: str
    seed: int
    root_key: str
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class State:
    """The folder, by the meaning of its parts."""

    folder: Path

    @property
    def root(self) -> Path:
        """The root key and the certificate authority."""
        return self.folder / "root"

    @property
    def directory(self) -> Path:
        """The signed member directory."""
        return self.folder / "directory.json"

    @property
    def data(self) -> Path:
        """The example databases."""
        return self.folder / "data"

    @property
    def truth(self) -> Path:
        """Which key of which holder is which person; no process reads it."""
        return self.folder / "truth"

    def member(self, name: str) -> Path:
        """The home of a member."""
        return self.folder / "members" / name

    def gateway(self, name: str = GATEWAY) -> Path:
        """The home of a gateway."""
        return self.folder / "gateways" / name

    def read(self) -> Running:
        """What runs here. Raises: BadFederation where nothing was brought up."""
        path = self.folder / "state.json"
        try:
            return Running(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as cause:
            raise BadFederation(
                "no federation was brought up here",
                hint="run `narrows up FOLDER`, or name its state with --state",
                file=str(self.folder),
            ) from cause
        except (OSError, ValueError, TypeError) as cause:
            raise BadFederation("the state cannot be read", file=str(path)) from cause

    def write(self, running: Running) -> None:
        """Nothing, when `state.json` says so."""
        fresh = self.folder / "state.json.new"
        fresh.write_text(json.dumps(asdict(running), indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(self.folder / "state.json")

    def places(self, running: Running) -> tuple[Place, ...]:
        """Every process: the gateway first, then the nodes by name."""
        gateway = Place(GATEWAY, "gateway", running.addresses[GATEWAY], self.gateway())
        nodes = (
            Place(name, "node", address, self.member(name))
            for name, address in sorted(running.addresses.items())
            if name != GATEWAY
        )
        return (gateway, *nodes)

    def place(self, name: str) -> Place:
        """One process by name. Raises: BadFederation, naming those that there are."""
        places = {found.name: found for found in self.places(self.read())}
        if name not in places:
            raise BadFederation(
                f"nothing runs here as `{name}`", hint=f"one of {', '.join(places)}"
            )
        return places[name]
