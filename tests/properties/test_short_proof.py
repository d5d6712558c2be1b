"""The proofs in little, on the engines that are embedded: what `make mutants` asks first."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from tests.postgresql import Server
from tests.proof.stores import Stores
from tests.proof.worlds import found_by
from tests.properties.test_declassification import told_apart
from tests.properties.test_utility import check, compared

EMBEDDED = ("duckdb", "sqlite")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Stores of the embedded engines."""
    found = Stores(tmp_path_factory.mktemp("embedded"), _no_server)
    yield found
    found.close()


def _no_server() -> Server:
    pytest.fail("no server is needed here")


def test_pairs_look_alike(embedded: Stores) -> None:
    assert found_by(embedded, 60, lambda drawn: replace(drawn, engines=EMBEDDED), seed=1) == ""


def test_matches_reveal_their_bits(embedded: Stores) -> None:
    for number in range(60):
        told_apart(embedded, Random(number), Random(-number), EMBEDDED)


def test_what_is_allowed_is_answered(embedded: Stores) -> None:
    for number in range(8):
        for sql, heard, expected in compared(embedded, Random(number), Random(-number), EMBEDDED):
            check(sql, heard, expected)
