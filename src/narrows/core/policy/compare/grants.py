"""What changed in the grants of one agreement, and in the cubes that they give."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from narrows.core.policy.compare.effect import Change, Effect
from narrows.core.policy.compare.order import (
    cube_gives_less,
    is_within,
    key_set_takes,
    mask_tells,
    only_implied,
)
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    Cube,
    Form,
    Grant,
    KeySet,
    Mask,
    OnlyRows,
    Policy,
)
from narrows.core.policy.wording import (
    count_of,
    key_set_words,
    listed,
    mask_words,
    number,
    path_words,
    rows_words,
)
from narrows.core.terms import ColumnName, RelationName

_Shown = Mapping[tuple[RelationName, ColumnName], Mask]


def grant_changes(old: Agreement, new: Agreement) -> Iterator[Change]:
    """The changes of every form, and one more where they do not show why more may be given."""
    for form in Form:
        olds, news = old.of_form(form), new.of_form(form)
        found = [
            change
            for place, (one, other) in enumerate(zip_longest(olds, news))
            for change in _pair(one, other, _Told(new.id, form, place, len(news)))
        ]
        yield from found
        shown = any(change.effect is Effect.WIDENS for change in found)
        if not shown and not all(is_within(olds, news, place) for place in range(len(news))):
            yield Change(
                Effect.WIDENS,
                f"`{new.id}`: the grants of form `{form}` give in another order or way, and it "
                "cannot be shown that they give no more",
                new.line,
                new.id,
                (form,),
            )


class _Told:
    """Makes the changes of one grant: whose they are, and how it is called."""

    def __init__(self, agreement: str, form: Form, place: int, count: int) -> None:
        self._agreement = agreement
        self._form = form
        self.name = form.value if count < 2 else f"{form.value} {place + 1}"

    def say(self, effect: Effect, message: str, line: int, *about: str) -> Change:
        text = f"`{self._agreement}`, {self.name}: {message}"
        return Change(effect, text, line, self._agreement, (*about, self._form))

    def grows(self, more: bool, message: str, line: int, *about: str) -> Change:
        return self.say(Effect.WIDENS if more else Effect.NARROWS, message, line, *about)


def _pair(old: Grant | None, new: Grant | None, told: _Told) -> Iterator[Change]:
    if new is None:
        yield told.say(Effect.NARROWS, "is no longer offered", 0)
    elif old is None:
        yield told.say(Effect.WIDENS, "is offered now", new.line)
    else:
        yield from _keys(old, new, told)
        yield from _sets(old, new, told)
        yield from _shown(_columns(old), _columns(new), new.line, told)
        yield from _caps(old, new, told)
        yield from _only(old.only, new.only, new.line, told)
        yield from _to(old, new, told)
        yield from _beside(old, new, told)


def _keys(old: Grant, new: Grant, told: _Told) -> Iterator[Change]:
    left = list(old.by)
    for key_set in new.by:
        # Paired by what is matched, so that a key which only takes less is told as one change.
        before = next((one for one in left if _columns_of(one) == _columns_of(key_set)), None)
        about = sorted(_columns_of(key_set))
        if before is None:
            message = f"may now be asked by {key_set_words(key_set)}"
            yield told.say(Effect.WIDENS, message, new.line, *about)
            continue
        left.remove(before)
        if before != key_set:
            message = f"is asked by {key_set_words(key_set)}; before, by {key_set_words(before)}"
            yield told.grows(not key_set_takes(before, key_set), message, new.line, *about)
    for key_set in left:
        message = f"may no longer be asked by {key_set_words(key_set)}"
        yield told.say(Effect.NARROWS, message, new.line, *sorted(_columns_of(key_set)))


def _columns_of(key_set: KeySet) -> set[str]:
    return {f"{key.relation}.{column}" for key in key_set for column in key.columns}


def _sets(old: Grant, new: Grant, told: _Told) -> Iterator[Change]:
    for name in sorted(new.link - old.link):
        yield told.say(Effect.WIDENS, f"`{name}` may now be joined", new.line, name)
    for name in sorted(old.link - new.link):
        yield told.say(Effect.NARROWS, f"`{name}` may no longer be joined", new.line, name)


def _columns(grant: Grant) -> _Shown:
    return {
        (name, column): mask for name, shown in grant.show.items() for column, mask in shown.items()
    }


def _shown(old: _Shown, new: _Shown, line: int, told: _Told) -> Iterator[Change]:
    for place in sorted(old.keys() | new.keys()):
        before, after = old.get(place), new.get(place)
        name = path_words(place)
        if before == after:
            continue
        if after is None:
            yield told.say(Effect.NARROWS, f"{name} is no longer shown", line, ".".join(place))
        elif before is None:
            how = "" if after == AS_IS else f" {mask_words(after)}"
            yield told.say(Effect.WIDENS, f"{name} is now shown{how}", line, ".".join(place))
        else:
            yield told.grows(
                not mask_tells(before, after),
                f"{name} is shown {mask_words(after)}, and was shown {mask_words(before)}",
                line,
                ".".join(place),
            )


def _caps(old: Grant, new: Grant, told: _Told) -> Iterator[Change]:
    for what, shown_by, before, after in (
        ("row", "SELECT", old.row_cap, new.row_cap),
        ("literal", " IN (", old.literal_cap, new.literal_cap),
    ):
        if before != after:
            message = f"at most {count_of(after, what)} instead of {number(before)}"
            yield told.grows(after > before, message, new.line, shown_by)


def _only(
    olds: Sequence[OnlyRows], news: Sequence[OnlyRows], line: int, told: _Told
) -> Iterator[Change]:
    for only in news:
        if not only_implied(olds, only):
            message = f"only {only.relation} where {rows_words(only.test)} now"
            yield told.say(Effect.NARROWS, message, line, only.relation)
    for only in olds:
        if not only_implied(news, only):
            message = f"no longer only {only.relation} where {rows_words(only.test)}"
            yield told.say(Effect.WIDENS, message, line, only.relation)


def _to(old: Grant, new: Grant, told: _Told) -> Iterator[Change]:
    if old.to == new.to:
        return
    places = f"a merge at {listed(new.to)}" if new.to else "whoever asks"
    before = f"a merge at {listed(old.to)}" if old.to else "whoever asks"
    more = bool(old.to) != bool(new.to) or not new.to <= old.to
    about = sorted(new.to ^ old.to)
    yield told.grows(more, f"goes to {places}, and went to {before}", new.line, *about)


def _beside(old: Grant, new: Grant, told: _Told) -> Iterator[Change]:
    if old.first_by != new.first_by:
        message = f"the one row is now the first by {listed(map(path_words, new.first_by))}"
        yield told.say(Effect.WIDENS, message, new.line)
    if old.notify != new.notify:
        message = "both units are told of a hit" if new.notify else "a hit tells nobody any more"
        yield told.grows(old.notify, message, new.line)
    if old.entry_for != new.entry_for:
        # A question that does not say of whom an entry is to be made is refused.
        whom = None if new.entry_for is None else path_words(new.entry_for)
        message = f"is entered once for each {whom}" if whom else "is entered once for all rows"
        yield told.grows(old.entry_for is not None, message, new.line)
    if old.cube != new.cube:
        message = f"gives the cube `{new.cube}` instead of `{old.cube}`"
        yield told.say(Effect.WIDENS, message, new.line)


def cube_changes(old: Policy, new: Policy) -> Iterator[Change]:
    """The changes of every cube; one that no agreement gives changes nothing."""
    for cube in new.cubes:
        before = old.cube(cube.id)
        if before is None:
            yield Change(Effect.CHANGES, f"the cube `{cube.id}` is new", cube.line)
        else:
            yield from _cube(before, cube)
    for cube in old.cubes:
        if new.cube(cube.id) is None:
            yield Change(Effect.CHANGES, f"the cube `{cube.id}` is gone")


def _cube(old: Cube, new: Cube) -> Iterator[Change]:
    parts = (
        ("its relations", old.relations, new.relations),
        ("what it counts", (old.unit, old.unit_name), (new.unit, new.unit_name)),
        (f"the fewest of a cell ({old.k} before, {new.k} now)", old.k, new.k),
        ("its dimensions", old.group, new.group),
        ("its measures", set(old.measures), set(new.measures)),
        ("the rows that it is of", old.only, new.only),
        ("its rounding", old.rounding, new.rounding),
        ("its noise", (old.epsilon, old.epsilon_a_year), (new.epsilon, new.epsilon_a_year)),
    )
    changed = [name for name, before, after in parts if before != after]
    if changed:
        effect = Effect.NARROWS if cube_gives_less(old, new) else Effect.WIDENS
        if cube_gives_less(new, old) and effect is Effect.NARROWS:
            effect = Effect.CHANGES
        yield Change(effect, f"the cube `{new.id}`: {listed(changed)} changed", new.line)
