"""The paired databases on PostgreSQL: for each holder a schema of its own, and a role that reads."""

from pathlib import Path

from narrows.core.catalog import Catalog
from narrows.core.terms import Holder
from narrows.engines.protocol import Engine
from tests.attacks.setting import tables
from tests.postgresql import Server
from tests.proof.stores import PostgreSQLStore
from tests.system.federation import NSOR, OSOR, Databases, Rows


def on_postgresql(server: Server) -> Databases:
    """The databases of both holders on that server."""

    def databases(folder: Path, rows: Rows, catalog: Catalog) -> dict[Holder, Engine]:
        assert folder.is_dir()
        held = {
            name: [{str(column): value for column, value in row.items()} for row in found]
            for name, found in tables(rows).items()
        }
        stores = {holder: PostgreSQLStore(server) for holder in (NSOR, OSOR)}
        for store in stores.values():
            store.fill(held, catalog)
        return {holder: store.engine for holder, store in stores.items()}

    return databases
