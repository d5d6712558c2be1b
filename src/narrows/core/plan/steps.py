"""A plan as steps that people read, in the order in which they are taken; no engine reads them.

What is asked of a holder is a chain (`fragment_steps`; bound to its policy, `policy/steps.py`), and
so is the merge, whose subqueries are chains below a step:

    read      f1
    filter    f1.t1_surname IN (query_1)
      query   query_1
        read  f2
        give  f2.t2_surname AS surname
    give      f1.t1_surname AS surname

Literals of the question are spelled out, since whoever reads the steps wrote them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from narrows.core.plan.fragment import Fragment
from narrows.core.plan.pushdown import conjuncts
from narrows.core.plan.render import TODAY_PARAMETER, render_filter, render_term
from narrows.core.plan.shape import Gather, Top, tell_gather, tell_top
from narrows.core.sql import tree
from narrows.core.sql.rebuild import rebuild

_SAID = re.compile(
    r"""('(?:[^']|'')*')|"([a-z_][a-z0-9_]*)"|\b(\d+(?:\.\d+)?)e0\b|\$""" + TODAY_PARAMETER
)
_WRAPPED = (
    tree.Binary,
    tree.And,
    tree.Or,
    tree.Not,
    tree.Negate,
    tree.IsNull,
    tree.InList,
    tree.Between,
)
"""What is rendered in parentheses, which nobody needs around the whole."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step: its name of `docs/commands.md`, what it is about, and the steps that lead to it."""

    name: str
    lines: tuple[str, ...] = ()
    inputs: tuple["PlanStep", ...] = ()


def fragment_steps(fragment: Fragment) -> tuple[PlanStep, ...]:
    """What a fragment asks of any holder, before a policy has its say."""
    links = (f"{one.left.alias}.{one.left.column} = {one.right.alias}.{one.right.column}"
             for one in fragment.links)  # fmt: skip
    return present(
        PlanStep("scan", tuple(f"{one.relation} {one.alias}" for one in fragment.scans)),
        PlanStep("link", tuple(links)),
        PlanStep("filter", tuple(render_filter(one) for one in fragment.filters)),
        *shape_steps(fragment.gather, fragment.top),
    )


def shape_steps(gather: Gather | None, top: Top | None) -> tuple[PlanStep, ...]:
    """What is made of the rows that are released, before they travel."""
    return present(
        PlanStep("gather", () if gather is None else (tell_gather(gather),)),
        PlanStep("rank", () if top is None else (tell_top(top),)),
    )


def present(*steps: PlanStep) -> tuple[PlanStep, ...]:
    """The steps that are about anything."""
    return tuple(step for step in steps if step.lines or step.inputs)


def merge_steps(merge: tree.Query) -> tuple[PlanStep, ...]:
    """What the merge does over the rows of the parts."""
    return _Telling().query(merge)


def tell_term(term: tree.Expr) -> str:
    """An expression of a merge as people read it.

    >>> tell_term(tree.Not(tree.IsNull(tree.Ref("f1", "t1_name"))))
    'NOT (f1.t1_name IS NULL)'
    """
    text = render_term(term)
    return _plain(text[1:-1] if isinstance(term, _WRAPPED) else text)


@dataclass(slots=True)
class _Telling:
    """Tells one merge; its subqueries are numbered."""

    names: dict[tree.Query, str] = field(default_factory=dict)
    queries: list[PlanStep] = field(default_factory=list)

    def query(self, query: tree.Query) -> tuple[PlanStep, ...]:
        before = tuple(PlanStep("with", (cte.name,), self.query(cte.query)) for cte in query.ctes)
        return (*before, *self._body(query.body), *self._ranked(query))

    def _body(self, body: tree.Select | tree.SetOperation) -> Iterator[PlanStep]:
        if isinstance(body, tree.SetOperation):
            sides = tuple(PlanStep("side", (), self.query(side)) for side in _sides(body))
            yield PlanStep(f"{body.op} all" if body.every else body.op, (), sides)
            return
        if body.source is not None:
            yield self._source(body.source)
        yield from present(self._conditions("filter", body.where))
        yield from present(self._step("group", [self._told(term) for term in body.group]))
        yield from present(self._conditions("having", body.having))
        yield self._step("give", [self._item(item) for item in body.items])
        if body.distinct:
            yield PlanStep("distinct", ("each row once",))

    def _ranked(self, query: tree.Query) -> tuple[PlanStep, ...]:
        keys = [self._told(key.term) + (" DESC" if key.descending else "") for key in query.order]
        skipped = f" after the first {query.offset}" if query.offset else ""
        rows = () if query.limit is None else (f"{query.limit} rows{skipped}",)
        if query.limit is None and query.offset:
            rows = (f"all rows{skipped}",)
        return present(self._step("sort", keys), PlanStep("first", rows))

    def _source(self, source: tree.Source) -> PlanStep:
        if not isinstance(source, tree.Join):
            return self._step("read", [self._leaf(source)])
        return self._step("join", list(self._joined(source)))

    def _joined(self, source: tree.Source) -> Iterator[str]:
        """The first leaf, and then each with the join that brings it in."""
        if not isinstance(source, tree.Join):
            yield self._leaf(source)
            return
        yield from self._joined(source.left)
        right = " ".join(self._joined(source.right))
        right = f"({right})" if isinstance(source.right, tree.Join) else right
        tied = " and ".join(self._told(one) for one in conjuncts(source.on))
        yield f"{source.kind} join {right}{' on ' if tied else ''}{tied}"

    def _leaf(self, source: tree.Source) -> str:
        match source:
            case tree.Derived(alias, query):
                self._below(alias, query)
                return alias
            case tree.CteScan(alias, cte):
                return f"{cte} AS {alias}"
            case _:
                # INVARIANT: a merge reads fragments, and no relation.
                assert isinstance(source, tree.FragmentScan)
                return source.alias

    def _item(self, item: tree.Item) -> str:
        return f"{self._told(item.term)} AS {item.name}"

    def _conditions(self, name: str, condition: tree.Expr | None) -> PlanStep:
        return self._step(name, [self._told(one) for one in conjuncts(condition)])

    def _step(self, name: str, lines: list[str]) -> PlanStep:
        """The step, with the subqueries that were told since the last one."""
        queries, self.queries = tuple(self.queries), []
        return PlanStep(name, tuple(lines), queries)

    def _told(self, term: tree.Expr) -> str:
        return tell_term(self._without_queries(term))

    def _without_queries(self, term: tree.Expr) -> tree.Expr:
        match term:
            case tree.Exists(query):
                return tree.Call("exists", (self._named(query),))
            case tree.InQuery(inner, query):
                return tree.InList(self._without_queries(inner), (self._named(query),))
            case tree.ScalarQuery(query):
                return self._named(query)
        return rebuild(term, self._without_queries)

    def _named(self, query: tree.Query) -> tree.Name:
        """The name of a subquery, which is told where it first stands."""
        if query not in self.names:
            self.names[query] = f"query_{len(self.names) + 1}"
            self._below(self.names[query], query)
        return tree.Name(None, self.names[query])

    def _below(self, name: str, query: tree.Query) -> None:
        """Nothing; what is told inside a subquery stands below it, and not beside it."""
        queries, self.queries = self.queries, []
        found = PlanStep("query", (name,), self.query(query))
        self.queries = [*queries, found]


def _sides(body: tree.SetOperation) -> Iterator[tree.Query]:
    """The sides of a set operation; of a chain of one kind, which runs from left to right, all."""
    first = body.left.body
    is_chain = (
        isinstance(first, tree.SetOperation)
        and body.left == tree.Query(first)
        and (first.op, first.every) == (body.op, body.every)
    )
    if isinstance(first, tree.SetOperation) and is_chain:
        yield from _sides(first)
    else:
        yield body.left
    yield body.right


def _plain(sql: str) -> str:
    """The text without quotes around plain names and the like; a literal stays as it is."""
    return _SAID.sub(lambda found: found[1] or found[2] or found[3] or "CURRENT_DATE", sql)
