"""The messages of the corpus at the doors of two real nodes, over DuckDB, SQLite and PostgreSQL.

The gateway is hostile, and where it helps, so is the member that signs. Both databases of the pair
are asked; what leaves a node is compared to the byte.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from narrows.core.ledger.entry import Kind
from tests.attacks.corpus import MESSAGES, Attack, read_family
from tests.attacks.node_door import Bringing, bring, brought, fragment_bytes, see, with_fragment
from tests.attacks.postgresql import on_postgresql
from tests.attacks.setting import BROKEN, CANARY, LEFT, RIGHT, SETTING
from tests.attacks.walk import Seen
from tests.postgresql import Server
from tests.system.federation import (
    Databases,
    Federation,
    LocalNode,
    Setting,
    embedded,
    federation,
)

FRAGMENTS = read_family("fragments", MESSAGES)
REQUESTS = read_family("requests", MESSAGES)
TELLING = [one for one in FRAGMENTS if one.expect == "harmless" and not one.control]
"""What would be answered otherwise over the two databases, if policy were broken."""
Ask = Callable[[Attack, Federation, LocalNode], Awaitable[Seen]]


async def _fragment(attack: Attack, all_of: Federation, node: LocalNode) -> Seen:
    request = with_fragment(fragment_bytes(attack), all_of)
    return await see(Bringing(brought(request, node)), node)


async def _request(attack: Attack, all_of: Federation, node: LocalNode) -> Seen:
    entered = node.parts.ledger.size
    found = await see(bring(attack, all_of, node), node)
    # What a gateway tried is in the ledger, also where it got nothing.
    assert node.parts.ledger.size > entered
    if found.verdict.startswith("refused"):
        assert node.parts.ledger.entry(node.parts.ledger.size - 1).kind is Kind.REFUSAL
    return found


async def _pairs(
    folder: Path,
    setting: Setting,
    attacks: list[Attack],
    ask: Ask,
    databases: Databases = embedded,
) -> dict[tuple[str, str], list[Seen]]:
    """What each attack comes to, by node, over both databases."""
    pairs: dict[tuple[str, str], list[Seen]] = {}
    for name, rows in (("left", LEFT), ("right", RIGHT)):
        (folder / name).mkdir()
        async with federation(folder / name, rows, setting, databases) as all_of:
            for attack in attacks:
                for holder, node in all_of.nodes.items():
                    seen = await ask(attack, all_of, node)
                    pairs.setdefault((str(attack), holder), []).append(seen)
    return pairs


async def _check(
    folder: Path, attacks: list[Attack], ask: Ask, databases: Databases = embedded
) -> None:
    expected = {str(attack): attack.expect for attack in attacks}
    pairs = await _pairs(folder, SETTING, attacks, ask, databases)
    wrong = [
        f"{attack} at {holder}: {left.verdict}: {left.text[:200]}"
        for (attack, holder), (left, right) in pairs.items()
        if left != right or left.verdict != expected[attack] or CANARY in left.text + right.text
    ]
    assert wrong == []


async def test_fragments_that_member_and_gateway_forge_together(tmp_path: Path) -> None:
    await _check(tmp_path, FRAGMENTS, _fragment)


async def test_what_a_gateway_changes_on_the_way(tmp_path: Path) -> None:
    await _check(tmp_path, REQUESTS, _request)


async def test_a_broken_policy_shows_in_what_leaves_a_node(tmp_path: Path) -> None:
    pairs = await _pairs(tmp_path, BROKEN["all is shown"], TELLING, _fragment)
    assert [name for name, (left, right) in pairs.items() if left == right] == []


async def test_fragments_that_are_answered_on_postgresql(tmp_path: Path, pg: Server) -> None:
    answered = [one for one in FRAGMENTS if one.expect == "harmless"]
    await _check(tmp_path, answered, _fragment, on_postgresql(pg))


async def test_a_broken_policy_shows_in_what_leaves_postgresql(tmp_path: Path, pg: Server) -> None:
    broken = BROKEN["all is shown"]
    pairs = await _pairs(tmp_path, broken, TELLING[:4], _fragment, on_postgresql(pg))
    assert [name for name, (left, right) in pairs.items() if left == right] == []
