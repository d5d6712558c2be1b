"""Rules about what agreements give: what is matched, linked, shown, and in which order."""

from collections.abc import Iterator
from math import prod

from narrows.core.catalog import Catalog
from narrows.core.policy.checks.finding import Finding, Subject, warn
from narrows.core.policy.compare.order import accepts
from narrows.core.policy.model import Agreement, Form, Grant, KeyColumn, MaskKind, NeverColumns
from narrows.core.policy.subjects import field_of
from narrows.core.terms import ColumnType, RelationName

FEW_VALUES = 50
"""Who can try every value of a column browses."""
_TELLING_APART = (MaskKind.AS_IS, MaskKind.PSEUDONYM)


def unreached(subject: Subject) -> Iterator[Finding]:
    """What a grant shows or matches and nobody can come to."""
    for agreement, grant in _grants(subject):
        if grant.form is not Form.COUNT:
            yield from _unreached(agreement, grant)


def _unreached(agreement: Agreement, grant: Grant) -> Iterator[Finding]:
    if not grant.show:
        yield warn(agreement, "shows no column", "list under `show` what it gives", grant)
    keyed = {key.relation for key_set in grant.by for key in key_set}
    for relation in sorted(grant.show.keys() - grant.link):
        alone = [key_set for key_set in grant.by if {key.relation for key in key_set} == {relation}]
        if grant.by and not alone:
            message = f"shows `{relation}`, which cannot be reached"
            yield warn(agreement, message, "add it to `link`", grant)
        elif grant.link:
            message = f"shows `{relation}`, which can be asked alone only"
            yield warn(agreement, message, "add it to `link` if it may be joined", grant)
    for relation in sorted(keyed - grant.link - grant.show.keys()):
        message = f"matches `{relation}`, which is not linked"
        yield warn(agreement, message, "add it to `link`", grant)


def not_held(subject: Subject) -> Iterator[Finding]:
    """A relation that the holder does not hold."""
    policy, catalog = subject.policy, subject.catalog
    for agreement in policy.agreements:
        named: set[RelationName] = set()
        for grant in agreement.grants:
            keyed = {key.relation for key_set in grant.by for key in key_set}
            cube = policy.cube(grant.cube)
            named |= grant.show.keys() | grant.link | keyed | set(cube.relations if cube else ())
        for relation in sorted(named - catalog.holds.get(policy.agency, named)):
            yield warn(
                agreement,
                f"names `{relation}`, which `{policy.agency}` does not hold",
                "add it to the mapping, or take it out",
            )


def too_many_keys(subject: Subject) -> Iterator[Finding]:
    """A key set that needs more literals than one question may have."""
    for agreement, grant in _grants(subject):
        for key_set in grant.by:
            needed = sum(not key.optional for key in key_set)
            if needed > grant.literal_cap:
                yield warn(
                    agreement,
                    f"looks up by {needed} keys together, and takes {grant.literal_cap} literals",
                    f"write `literals: {needed}` or more under `at_most`",
                    grant,
                )


def few_values(subject: Subject) -> Iterator[Finding]:
    """A key set that can be tried through, value by value."""
    for agreement, grant in _grants(subject):
        for key_set in grant.by:
            required = [key for key in key_set if not key.optional]
            counts = [_value_count(subject.catalog, key) for key in required]
            if 0 < prod(counts) <= FEW_VALUES:
                names = " and ".join(f"`{key.relation}.{key.columns[0]}`" for key in required)
                yield warn(
                    agreement,
                    f"looks up by {names}, which has few values: all of them can be tried",
                    "require a key beside it that only one who knows whom they seek can name",
                    grant,
                )


def _value_count(catalog: Catalog, key: KeyColumn) -> int:
    """How many values the column can have; 0 for no known end."""
    column = catalog.relations[key.relation].column(key.columns[0])
    if column is None or column.type is ColumnType.BOOLEAN:
        return 2
    return len(column.codes)


def shown_and_never(subject: Subject) -> Iterator[Finding]:
    """A column or relation that a grant or cube uses and a `never` takes away."""
    for agreement, grant in _grants(subject):
        cube = subject.policy.cube(grant.cube)
        shown = grant.show if cube is None else cube.group
        for never in subject.policy.never_columns:
            for name in _taken(never, shown.get(never.relation, {})):
                yield warn(
                    agreement,
                    f"shows `{never.relation}.{name}`, which `{never.clause}` takes away",
                    "take one of the two out",
                    grant,
                )
            for key_set in grant.by:
                for key in key_set:
                    if key.relation == never.relation and _taken(never, key.columns):
                        yield warn(
                            agreement,
                            f"looks up by `{key.relation}.{key.columns[0]}`, which `{never.clause}` "
                            "takes away",
                            "take one of the two out",
                            grant,
                        )


def _taken(never: NeverColumns, names: object) -> list[str]:
    listed = list(names) if isinstance(names, tuple | dict) else []
    return [name for name in listed if never.covers(never.relation, name)]


def unordered(subject: Subject) -> Iterator[Finding]:
    """A pointer whose declared columns do not choose one row by themselves."""
    for agreement, grant in _grants(subject):
        if grant.form is not Form.POINTER:
            continue
        chosen = set(grant.first_by)
        relations = {relation for relation, _ in chosen}
        keys = [{(name, key) for key in subject.catalog.relations[name].key} for name in relations]
        if not any(key and key <= chosen for key in keys):
            yield warn(
                agreement,
                "chooses its row by columns of which two rows may have the same",
                "end `first_by` with the key of the relation",
                grant,
            )


def shadowed(subject: Subject) -> Iterator[Finding]:
    """A grant that never counts: one before it takes every question that it would give."""
    for agreement in subject.policy.agreements:
        for form in Form:
            grants = agreement.of_form(form)
            for place, grant in enumerate(grants):
                before = next((one for one in grants[:place] if accepts(one, grant)), None)
                if before is not None:
                    yield warn(
                        agreement,
                        f"has a `{form}` that never counts: the one in line {before.line} takes "
                        "every question first",
                        "put it before that one, or take it out",
                        grant,
                    )


def counted_unshown(subject: Subject) -> Iterator[Finding]:
    """A list with an entry for each subject that does not show which rows are of one subject."""
    for agreement, grant in _grants(subject):
        if grant.entry_for is None:
            continue
        field = field_of(subject.catalog, *grant.entry_for)
        told = {
            field_of(subject.catalog, relation, name)
            for relation, columns in grant.show.items()
            for name, mask in columns.items()
            if mask.kind in _TELLING_APART
        }
        if field not in told:
            name = ".".join(grant.entry_for)
            yield warn(
                agreement,
                f"enters each `{name}`, which it does not show: the number of entries, in every "
                "receipt, tells how many there are",
                f"show `{name}` as is or as a pseudonym, or leave `one_entry_for` out",
                grant,
            )


def _grants(subject: Subject) -> Iterator[tuple[Agreement, Grant]]:
    for agreement in subject.policy.agreements:
        for grant in agreement.grants:
            yield agreement, grant
