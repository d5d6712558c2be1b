"""Editions that cannot be compared with the last one: refused, or said to be afresh."""

from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from narrows.core.ledger.receipt import verify_receipt
from narrows.errors import BadFederation
from narrows.wire.calls import CubeCalls
from narrows.wire.v1 import cube_pb2
from tests.unit.core.policy.counting import counting
from tests.unit.node.cube_home import KEY, Home, files


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.people(("CAN", range(5)), ("USA", range(5, 7)))
    return found


OTHER = counting(more="rows: {person: {age: {null: true}}}")
RENAMED = replace(counting(), cubes=(replace(counting().cubes[0], id="folk"),))


async def test_what_cannot_be_compared_is_built_only_where_its_holder_says_so(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
        home.given = replace(OTHER, cubes=(replace(OTHER.cubes[0], id="folk"),))
        with pytest.raises(BadFederation, match="counts otherwise than edition 1 of `people`"):
            await cubes.build("folk")
        home.given = OTHER
        with pytest.raises(BadFederation, match="counts otherwise"):
            await cubes.build("people")
        assert cubes.ledger.size == 1
        home.people(("CAN", range(6)))
        built = await cubes.build("people", is_afresh=True)
        assert verify_receipt(built.receipt, KEY.verifier).open["afresh"] is True
        assert (built.edition.number, built.edition.cells[0].count) == (2, 6)
        # Back to what it was: what was shown then still holds.
        home.given = counting()
        with pytest.raises(BadFederation, match="than edition 2 of `people`"):
            await cubes.build("people")
        back = await cubes.build("people", is_afresh=True)
        assert (back.edition.number, back.edition.cells[0].count) == (3, 5)
        assert "people.1.private" not in files(home)
        same = await cubes.build("people", is_afresh=True)
        assert verify_receipt(same.receipt, KEY.verifier).open["afresh"] is False


async def test_a_cube_by_another_name_stays_frozen(home: Home) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
    home.given = RENAMED
    home.people(("CAN", range(6)))
    async with home.open() as cubes:
        (cell,) = (await cubes.build("folk")).edition.cells
        assert cell.count == 5
    assert files(home) == ["folk.1.private", "folk.1.public", "key", "people.1.public"]


class Stub:
    """The stub of a node's cubes, which remembers how a build was asked for."""

    asked: tuple[str, bool] | None = None

    def BuildCube(
        self, message: cube_pb2.BuildCubeRequest, **_: float
    ) -> cube_pb2.BuildCubeResponse:
        self.asked = (message.cube, message.afresh)
        raise BadFederation("it was asked")


@pytest.mark.parametrize("is_afresh", [False, True])
async def test_what_the_holder_says_reaches_its_node(is_afresh: bool) -> None:
    stub = Stub()
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        calls = CubeCalls(channel)
        calls._stub = stub  # type: ignore[assignment]
        with pytest.raises(BadFederation, match="it was asked"):
            await calls.build("people", is_afresh=is_afresh)
    assert stub.asked == ("people", is_afresh)
