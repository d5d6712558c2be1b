"""One hostile question walked through the pure core, and all that its asker gets to see."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache

from narrows.core.parameters import decode_parameters
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.plan.split import Split
from narrows.core.policy.bind import bind_cube
from narrows.core.policy.bound import BoundFragment, Edition
from narrows.core.policy.cubes import Earlier, freeze, layout_of, tally
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.definition import definition_of, why_unsound
from narrows.core.policy.edition import CubeEdition, Making, expand, make_edition
from narrows.core.policy.finish import give_rows
from narrows.core.policy.gaps import why_withheld
from narrows.core.policy.gather import rows_that_leave
from narrows.core.policy.model import Policy
from narrows.core.policy.rows import release_rows
from narrows.core.policy.together import decide_together
from narrows.core.terms import ColumnType, Holder, MemberName, Purpose, Scalar, TypedValue
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.frames import Frame
from narrows.engines.merge_pool import MergeLimits, _error
from narrows.engines.merge_run import fresh_connection, run_merge
from narrows.errors import NarrowsError
from tests.attacks.corpus import Attack
from tests.attacks.setting import CATALOG, tables
from tests.system.federation import GIVEN, Rows, Setting

CIRCUMSTANCES = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("sexual_crime_investigation"),
    "lookup",
    date(2026, 6, 1),
    frozenset(GIVEN),
)
Released = Mapping[tuple[int, Holder], list[tuple[Scalar, ...]]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the asker sees: in a word, and in full."""

    verdict: str
    text: str


def given(attack: Attack) -> dict[str, TypedValue]:
    """The parameters that go with the attack."""
    return decode_parameters((attack.given or "{}").encode())


def refused(error: NarrowsError) -> Seen:
    """What the asker sees of an error."""
    return Seen(f"refused: {error.reason}", f"{error} {sorted(error.metadata.items())}")


def ask(attack: Attack, setting: Setting, rows: Rows) -> Seen:
    """What comes of the attack over that database. Anything but our own errors is raised."""
    try:
        return _ask(attack, setting, rows)
    except NarrowsError as error:
        return refused(error)


def _ask(attack: Attack, setting: Setting, rows: Rows) -> Seen:
    values = given(attack)
    types = {name: value.type for name, value in values.items()}
    split = plan(attack.text, types, setting.catalog, attack.form)
    circumstances = replace(CIRCUMSTANCES, form=attack.form)
    values[TODAY_SLOT] = TypedValue(ColumnType.DATE, CIRCUMSTANCES.day)
    fragments = split.fill(values)
    policies = _policies(setting.policy)
    bounds: dict[tuple[int, Holder], BoundFragment] = {}
    told, refusing, asked = [], [], dict[Holder, list[int]]()
    for holder, policy in policies.items():
        concerned = [
            (index, fragment)
            for index, (part, fragment) in enumerate(zip(split.parts, fragments, strict=True))
            if part.asked(holder) is None
        ]
        if not concerned:
            continue
        asked[holder] = [index for index, _ in concerned]
        together = [fragment for _, fragment in concerned]
        judged = decide_together(policy, setting.catalog, together, circumstances)
        for index, (decision, bound) in zip(asked[holder], judged, strict=True):
            told.append(f"{holder} {index} {decision.verdict} {decision.reasons}")
            told.append(f"{decision.clauses} {decision.narrowed} {decision.withheld}")
            if bound is None:
                refusing.append(holder)
            else:
                bounds[index, holder] = bound
    because = why_withheld(split, asked, refusing, partial=False)
    if because:
        return Seen("refused by policy", f"{because} {told}")
    released = {key: _released(policies[key[1]], bound, rows) for key, bound in bounds.items()}
    # What leaves a node counts too, also where the merge drops it again.
    return Seen("harmless", f"{told} {released} {_merge(split, released, values, setting)}")


def _released(policy: Policy, bound: BoundFragment, rows: Rows) -> list[tuple[Scalar, ...]]:
    """What leaves a node: rows of its database, or those that stand for its cube's cells."""
    if isinstance(bound.guard, Edition):
        return rows_that_leave(
            bound, give_rows(bound, expand(_edition(policy, bound.guard.cube, rows), bound))
        )
    return release_rows(bound, tables(rows))


def _edition(policy: Policy, name: str, rows: Rows) -> CubeEdition:
    """The first edition of the cube over that database."""
    cube = policy.cube(name)
    assert cube is not None
    layout, made = layout_of(cube, CATALOG), datetime(2026, 6, 1, tzinfo=UTC)
    assert not list(why_unsound(policy, CATALOG, cube))
    raw = release_rows(bind_cube(policy, CATALOG, cube, CIRCUMSTANCES.day), tables(rows))
    kept = freeze(cube, tally(layout, raw, lambda unit: f"<{unit}>"), Earlier())
    making = Making(policy, CATALOG, 1, made, definition_of(policy, CATALOG, cube))
    return make_edition(making, cube, layout, kept)


@cache
def _policies(text: str) -> Mapping[Holder, Policy]:
    return Setting(CATALOG, text).policies()


def _merge(
    split: Split, released: Released, values: Mapping[str, TypedValue], setting: Setting
) -> str:
    """The answer over what was released, its columns and their types: the merge of a worker."""
    shapes, blobs = {}, list[bytes]()
    for index, part in enumerate(split.parts):
        columns = columns_of_fragment(part.fragment, setting.catalog)
        found = [
            batch
            for key, rows in released.items()
            if key[0] == index
            for batch in build_batches(rows, schema_of(columns))
        ]
        shapes[part.name] = {"columns": list(columns), "batches": len(found)}
        blobs += found
    typed = {name: [one.type.value, one.text] for name, one in values.items()}
    typed[TODAY_PARAMETER] = typed.pop(TODAY_SLOT)
    limits = MergeLimits()
    document = {
        "statement": split.statement,
        "parameters": typed,
        "tables": shapes,
        "max_rows": limits.max_rows,
        "max_bytes": limits.max_bytes,
    }
    with fresh_connection() as connection:
        reply = run_merge(connection, Frame(document, tuple(blobs)))
    if "error" in reply.document:
        raise _error(reply.document["error"])
    return f"{reply.document} {reply.blobs!r}"
