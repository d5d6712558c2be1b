"""Federations that several tests ask, each brought up once; tests that break one bring up their own."""

from collections.abc import Iterator

import pytest

from tests.system.processes import CANADA, LIBRARY, Running, running


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Three libraries and a gateway, in processes of their own. Not to be broken."""
    with running(LIBRARY, tmp_path_factory.mktemp("library") / "state") as found:
        yield found


@pytest.fixture(scope="session")
def canada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The worked federation: six nodes and a gateway. Not to be broken."""
    with running(CANADA, tmp_path_factory.mktemp("canada") / "state") as found:
        yield found


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Three libraries and a gateway for one test alone, to stop and kill."""
    with running(LIBRARY, tmp_path_factory.mktemp("fragile") / "state") as found:
        yield found


@pytest.fixture
def canada_fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The worked federation for one test alone, to stop and kill."""
    with running(CANADA, tmp_path_factory.mktemp("canada-fragile") / "state") as found:
        yield found
