"""One policy over one fragment of one request: allowed, narrowed, held, or refused with reasons.

Everything here depends on the request alone, never on a row, so a refusal may be explained in
full: it is the same for every subject. Default refuse; a rule that cannot be applied refuses.
"""

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.cascade import restricted_by
from narrows.core.policy.decision import Circumstances, Decision, Requester, Verdict
from narrows.core.policy.grants import Reading, read_grant, spell
from narrows.core.policy.model import AS_IS, Agreement, Cube, Form, Grant, Policy


def decide(
    policy: Policy, catalog: Catalog, fragment: Fragment, circumstances: Circumstances
) -> Decision:
    """What the policy says to this fragment, with the clauses that say so."""
    agreement, reasons = applicable(policy, circumstances)
    if agreement is None:
        return _refused(policy, _concerned(policy, circumstances), reasons)
    grant, reading = choose_grant(policy, catalog, fragment, agreement, circumstances)
    reasons = (*_missing(agreement, circumstances), *reading.reasons)
    if grant is None or reasons:
        return _refused(policy, (agreement,), reasons)
    verdict = Verdict.ALLOWED
    narrowed = tuple(
        f"{fragment.relation_of(column.alias)}.{column.column}: {mask}"
        for column, mask in reading.masks
        if mask != AS_IS
    )
    withheld = tuple(spell(fragment, column) for column in reading.withheld)
    if agreement.hold is not None and not circumstances.has_ticket:
        verdict, reasons = Verdict.HELD, (_held(agreement, circumstances),)
    elif narrowed or withheld:
        verdict = Verdict.NARROWED
    cube = policy.cube(grant.cube)
    return Decision(
        verdict=verdict,
        policy_version=policy.version,
        policy_digest=policy.digest,
        agreement=agreement.id,
        clauses=(agreement.id, *restricted_by(policy, catalog, fragment.relations)),
        reasons=reasons,
        narrowed=tuple(dict.fromkeys(narrowed)),
        withheld=tuple(dict.fromkeys(withheld)),
        caveats=(*agreement.caveats, *(() if cube is None else (_of_cells(cube),))),
        keep_days=agreement.keep_days,
    )


def choose_grant(
    policy: Policy,
    catalog: Catalog,
    fragment: Fragment,
    agreement: Agreement,
    circumstances: Circumstances,
) -> tuple[Grant | None, Reading]:
    """The first grant of the request's form that gives the fragment, and how it reads it.

    Without one, None and the reasons of the one that has the fewest.
    """
    grants = [
        grant for grant in agreement.of_form(circumstances.form) if _goes_to(grant, circumstances)
    ]
    if not grants:
        return None, Reading(reasons=(_not_offered(agreement, circumstances),))
    readings = [
        (grant, read_grant(policy, catalog, fragment, agreement, grant)) for grant in grants
    ]
    grant, reading = min(readings, key=lambda one: len(one[1].reasons))
    return (None if reading.reasons else grant), reading


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


def _missing(agreement: Agreement, circumstances: Circumstances) -> tuple[str, ...]:
    """What the request lacks: fields, another person's approval, signatures."""
    required = agreement.requires
    reasons: list[str] = []
    if circumstances.emergency:
        if agreement.emergency is None:
            reasons.append(f"`{agreement.id}` knows no emergency use")
        else:
            required = agreement.emergency.requires
    reasons += [
        f"`{agreement.id}` requires `{name}`" for name in sorted(required - circumstances.given)
    ]
    wants_approver = "approver" in required or "approver" in agreement.signed_by
    if wants_approver and circumstances.self_approved:
        reasons.append(f"`{agreement.id}` requires an approver who is not the officer")
    reasons += [
        f"`{agreement.id}` requires the signature of the {role}"
        for role in sorted(agreement.signed_by - circumstances.signed_by)
    ]
    return tuple(reasons)


def _goes_to(grant: Grant, circumstances: Circumstances) -> bool:
    """Whether the grant gives to the place where the merge runs."""
    if circumstances.merge_at is None:
        return not grant.to
    return circumstances.merge_at in grant.to


def _not_offered(agreement: Agreement, circumstances: Circumstances) -> str:
    form = circumstances.form
    places = sorted({holder for grant in agreement.of_form(form) for holder in grant.to})
    if places:
        named = ", ".join(f"`{holder}`" for holder in places)
        return f"`{agreement.id}` gives a `{form}` to a merge at {named} only"
    forms = [one for one in Form if agreement.of_form(one)]
    offered = ", ".join(f"`{one}`" for one in forms)
    if circumstances.merge_at is not None and form in forms:
        return f"`{agreement.id}` gives nothing to a merge at `{circumstances.merge_at}`"
    return f"`{agreement.id}` offers no `{form}`, but {offered}"


def _held(agreement: Agreement, circumstances: Circumstances) -> str:
    hold = agreement.hold
    assert hold is not None  # INVARIANT: asked for agreements that hold
    hours = hold.urgent_hours if circumstances.emergency else hold.routine_hours
    return (
        f"held for the {hold.role} of this holder, who decides within {hours} h: ask again with "
        "the id of this request as the ticket"
    )


def _of_cells(cube: Cube) -> str:
    return (
        f"`{cube.id}`: figures are of shown cells, each of at least {cube.k} {cube.unit_name}; "
        "totals are sums of shown cells"
    )


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
