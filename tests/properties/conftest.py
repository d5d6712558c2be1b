"""What the proofs share: databases on every engine, opened once."""

from collections.abc import Iterator

import pytest

from tests.postgresql import Server
from tests.proof.stores import Stores


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, pg: Server) -> Iterator[Stores]:
    """Stores that are kept, filled anew by whoever uses them."""
    found = Stores(tmp_path_factory.mktemp("stores"), lambda: pg)
    yield found
    found.close()
