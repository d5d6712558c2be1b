"""What tests of several floors stand on."""

from collections.abc import Iterator

import pytest

from tests.postgresql import Server, postgresql


@pytest.fixture(scope="session")
def pg() -> Iterator[Server]:
    """One PostgreSQL server for all tests; each takes a schema of its own."""
    with postgresql() as server:
        yield server
