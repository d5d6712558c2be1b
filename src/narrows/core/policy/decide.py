"""One policy over one fragment of one request: allowed, narrowed, or refused with every reason.

Everything here depends on the request alone, never on a row or on the value of a literal, so a
refusal may be explained in full: it is the same for every subject. Default refuse; a rule that
cannot be applied refuses.
"""

from collections import Counter
from dataclasses import dataclass

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Fragment, columns_of
from narrows.core.policy.anchors import Anchoring, find_anchorings, is_connected, spell_key_set
from narrows.core.policy.cascade import restricted_by
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    Circumstances,
    Decision,
    Mask,
    Policy,
    Requester,
    Verdict,
)
from narrows.core.terms import HOLDER_COLUMN


def decide(
    policy: Policy, catalog: Catalog, fragment: Fragment, circumstances: Circumstances
) -> Decision:
    """What the policy says to this fragment, with the clauses that say so."""
    agreement, reasons = applicable(policy, circumstances)
    if agreement is None:
        return _refused(policy, _concerned(policy, circumstances), reasons)
    reading = read_fragment(fragment, agreement)
    reasons = (*_missing_fields(agreement, circumstances), *_form(agreement, circumstances))
    reasons = (*reasons, *reading.reasons)
    if reasons:
        return _refused(policy, (agreement,), reasons)
    narrowed = tuple(
        f"{fragment.relation_of(column.alias)}.{column.column}: {mask}"
        for column, mask in reading.masks
        if mask != AS_IS
    )
    withheld = tuple(_spell(fragment, column) for column in reading.withheld)
    return Decision(
        verdict=Verdict.NARROWED if narrowed or withheld else Verdict.ALLOWED,
        policy_version=policy.version,
        policy_digest=policy.digest,
        agreement=agreement.id,
        clauses=(agreement.id, *restricted_by(policy, catalog, fragment.relations)),
        narrowed=tuple(dict.fromkeys(narrowed)),
        withheld=tuple(dict.fromkeys(withheld)),
        caveats=agreement.caveats,
        keep_days=agreement.keep_days,
    )


def applicable(
    policy: Policy, circumstances: Circumstances
) -> tuple[Agreement | None, tuple[str, ...]]:
    """The one agreement for this requester, purpose and day; or None, and why there is none."""
    if circumstances.day < policy.effective:
        return None, (f"the policy of `{policy.agency}` is not in force on that day",)
    named = _concerned(policy, circumstances)
    if not named:
        return None, (
            f"`{policy.agency}` has no agreement with `{circumstances.requester.member}` for the "
            f"purpose `{circumstances.purpose}`",
        )
    current = [one for one in named if one.covers(circumstances.day)]
    if not current:
        return None, tuple(_lapsed(one, circumstances) for one in named)
    if len(current) > 1:
        # `narrows check` refuses such a policy; were it in force all the same, nothing is granted.
        ids = ", ".join(f"`{one.id}`" for one in current)
        return None, (f"more than one agreement of `{policy.agency}` applies: {ids}",)
    return current[0], ()


def _concerned(policy: Policy, circumstances: Circumstances) -> tuple[Agreement, ...]:
    """The agreements with this requester for this purpose, on whatever day."""
    mine = (one for one in policy.agreements if covers_party(one, circumstances.requester))
    return tuple(one for one in mine if circumstances.purpose in one.purposes)


def covers_party(agreement: Agreement, requester: Requester) -> bool:
    """Whether the agreement is with this requester; one with nobody named is with nobody."""
    parties = agreement.parties
    if not (parties.classes or parties.countries or parties.members):
        return False
    return (
        (not parties.classes or requester.member_class in parties.classes)
        and (not parties.countries or requester.country in parties.countries)
        and (not parties.members or requester.member in parties.members)
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """How an agreement's lookup reads a fragment.

    `masks` are those of the columns that filters and outputs read, sorted; `withheld` the output
    columns that only a star brought and that are not shown.
    """

    anchoring: Anchoring | None
    masks: tuple[tuple[ColumnOf, Mask], ...]
    withheld: tuple[ColumnOf, ...]
    reasons: tuple[str, ...]


def read_fragment(fragment: Fragment, agreement: Agreement) -> Reading:
    """The anchor, the masks, and every reason why the agreement does not give this fragment.

    Of several key sets that match, the first counts under which nothing stands in the way.
    """
    anchorings = find_anchorings(fragment, agreement.lookup) or (None,)
    readings = [_read_by(fragment, agreement, anchoring) for anchoring in anchorings]
    return next((found for found in readings if not found.reasons), readings[0])


def _read_by(fragment: Fragment, agreement: Agreement, anchoring: Anchoring | None) -> Reading:
    taken = () if anchoring is None else tuple(match.conjunct for match in anchoring.matches)
    read = {
        column
        for conjunct in fragment.filters
        if conjunct not in taken
        for column in columns_of(conjunct)
    }
    withheld: list[ColumnOf] = []
    hidden: set[ColumnOf] = set()
    for output in fragment.outputs:
        if _shown(fragment, agreement, output.column) is not None:
            read.add(output.column)
        elif output.star:
            withheld.append(output.column)
        else:
            hidden.add(output.column)
    hidden |= {column for column in read if _shown(fragment, agreement, column) is None}
    masks = tuple(
        (column, mask)
        for column in sorted(read - hidden)
        if (mask := _shown(fragment, agreement, column)) is not None
    )
    reasons = (
        *_unlinked(fragment, agreement, anchoring),
        *_unanchored(fragment, agreement, anchoring),
        *(
            f"`{_spell(fragment, column)}` is not shown under `{agreement.id}`"
            for column in sorted(hidden)
        ),
    )
    return Reading(anchoring, masks, tuple(withheld), reasons)


def _shown(fragment: Fragment, agreement: Agreement, column: ColumnOf) -> Mask | None:
    if column.column == HOLDER_COLUMN:
        return AS_IS
    shown = agreement.lookup.show.get(fragment.relation_of(column.alias), {})
    return shown.get(column.column)


def _unanchored(
    fragment: Fragment, agreement: Agreement, anchoring: Anchoring | None
) -> tuple[str, ...]:
    lookup = agreement.lookup
    if anchoring is None:
        ways = "; or ".join(
            spell_key_set(key_set)
            for key_set in lookup.by
            if {key.relation for key in key_set} <= fragment.relations
        )
        ways = ways or "; or ".join(spell_key_set(key_set) for key_set in lookup.by)
        return (f"nothing is matched that `{agreement.id}` looks up by: match {ways}",)
    reasons = [
        f"`{agreement.id}` takes at most {match.at_most} literals for "
        f"`{_spell(fragment, match.column)}`, and the question has {len(match.values)}"
        for match in anchoring.matches
        if len(match.values) > match.at_most
    ]
    if anchoring.literal_count > lookup.literal_cap:
        reasons.append(
            f"`{agreement.id}` takes at most {lookup.literal_cap} literals, "
            f"and the question has {anchoring.literal_count}"
        )
    return tuple(reasons)


def _unlinked(
    fragment: Fragment, agreement: Agreement, anchoring: Anchoring | None
) -> tuple[str, ...]:
    """A single relation needs no link; several may be linked only where every one is listed."""
    if not is_connected(fragment):
        return (f"`{agreement.id}` gives no relations that nothing ties together",)
    repeated = [
        name
        for name, count in Counter(scan.relation for scan in fragment.scans).items()
        if count > 1
    ]
    if repeated:
        # A second use leads on: from a suspect to the file, and from the file to everybody in it.
        return tuple(
            f"`{name}` may stand once in what `{agreement.id}` gives: a second use leads to others "
            "than the one who is looked up"
            for name in repeated
        )
    allowed = agreement.lookup.link
    if len(fragment.scans) == 1:
        keys = () if anchoring is None else anchoring.key_set
        allowed = allowed | {key.relation for key in keys} | set(agreement.lookup.show)
    return tuple(
        f"`{relation}` may not be linked under `{agreement.id}`"
        for relation in sorted(fragment.relations - allowed)
    )


def _missing_fields(agreement: Agreement, circumstances: Circumstances) -> tuple[str, ...]:
    return tuple(
        f"`{agreement.id}` requires `{name}`"
        for name in sorted(agreement.requires - circumstances.given)
    )


def _form(agreement: Agreement, circumstances: Circumstances) -> tuple[str, ...]:
    if circumstances.form == "lookup":
        return ()
    return (f"`{agreement.id}` offers no `{circumstances.form}`, but `lookup`",)


def _lapsed(agreement: Agreement, circumstances: Circumstances) -> str:
    if circumstances.day < agreement.valid_from:
        return f"`{agreement.id}` is in force only from {agreement.valid_from}"
    return f"`{agreement.id}` lapsed on {agreement.valid_to}"


def _refused(
    policy: Policy, concerned: tuple[Agreement, ...], reasons: tuple[str, ...]
) -> Decision:
    return Decision(
        verdict=Verdict.REFUSED,
        policy_version=policy.version,
        policy_digest=policy.digest,
        agreement=concerned[0].id if len(concerned) == 1 else None,
        clauses=tuple(one.id for one in concerned) or ("default",),
        reasons=reasons,
    )


def _spell(fragment: Fragment, column: ColumnOf) -> str:
    return f"{fragment.relation_of(column.alias)}.{column.column}"
