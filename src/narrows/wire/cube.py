"""Editions of cubes: messages of `cube.proto` and values."""

from narrows.core.exchange import ShownEdition
from narrows.wire.request import from_receipt, to_receipt
from narrows.wire.v1 import cube_pb2 as pb


def to_built(found: ShownEdition) -> pb.BuildCubeResponse:
    """The message of an edition that was just built; `from_shown` undoes it."""
    return pb.BuildCubeResponse(edition=found.edition, receipt=to_receipt(found.receipt))


def to_shown(found: ShownEdition) -> pb.ShowCubeResponse:
    """The message of the current edition; `from_shown` undoes it."""
    return pb.ShowCubeResponse(edition=found.edition, receipt=to_receipt(found.receipt))


def from_shown(message: pb.BuildCubeResponse | pb.ShowCubeResponse) -> ShownEdition:
    """The edition; neither it nor its receipt is verified. Raises: ProofInvalid."""
    return ShownEdition(message.edition, from_receipt(message.receipt))
