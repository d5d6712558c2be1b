"""The policies of the worked federation, which the golden cases quote."""

from collections.abc import Sequence
from pathlib import Path

from narrows.core.policy.model import Policy
from narrows.core.terms import MemberName
from narrows.folder.load import Node, load_folder

CANADA = load_folder(Path(__file__).parents[2] / "examples" / "canada")


def policies_of(holder: str) -> Sequence[Policy]:
    """Every version of a holder's policy."""
    node = CANADA.members[MemberName(holder)].node
    assert isinstance(node, Node)
    return node.policies
