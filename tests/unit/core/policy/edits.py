"""Changes of the rich policy, one at a time: what is replaced, by what, and which way that goes."""

from dataclasses import dataclass

from narrows.core.policy.compare.effect import Effect

W, N, C = Effect.WIDENS, Effect.NARROWS, Effect.CHANGES


@dataclass(frozen=True, slots=True)
class Edit:
    """`said` is part of what the diff says; `back` is the effect of undoing it."""

    old: str
    new: str
    effect: Effect
    back: Effect
    said: str
    shown: bool = True
    """Whether a question shows it."""


EDITS = (
    Edit("effective: 2026-01-01", "effective: 2025-12-01", W, C, "in force from 2025-12-01", shown=False),
    # never
    Edit("[SEALED, SUSPENDED]", "[SEALED]", W, N, "no longer hidden: person where status is SEALED"),
    Edit("today - 30", "today - 10", W, N, "born is on or after 30 days before today"),
    Edit("stays: [visit]", "stays: [visit, paper]", W, N, "and visit stay"),
    Edit("because: Records Act s.6", "because: another Act", C, C, "another reason", shown=False),
    Edit("columns: {person: [score]}", "columns: {person: [score, seen]}", N, W,
         "score and seen of person"),
    Edit("  - relation: vault\n    because: kept for the archive\n", "", W, N, "kept out: vault",
         shown=False),
    # whom, for what, when
    Edit("classes: [municipal], c", "classes: [municipal, foreign], c", W, N, "classes foreign and", shown=False),
    Edit("country: CAN}", "country: [CAN, USA]}", W, N, "countries CAN and USA", shown=False),
    Edit("{classes: [municipal], country: CAN}", "{classes: [municipal]}", W, N, "nobody named",
         shown=False),
    Edit("{members: [bureau]}", "{}", N, W, "members nobody named, and was with bureau"),
    Edit("[aid, care]", "[aid, care, licensing]", W, N, "also for `licensing`"),
    Edit("requires: [officer, case_number]", "requires: [officer]", W, N, "requires `case_number`"),
    Edit("    signed_by: [approver]\n", "", W, N, "signature of the approver"),
    Edit("from: 2026-02-01", "from: 2026-01-15", W, N, "begins on 2026-01-15"),
    Edit(", to: 2026-12-31", "", W, N, "has no end, and ended on 2026-12-31"),
    Edit("to: 2026-12-31", "to: 2026-11-30", N, W, "ends on 2026-11-30"),
    Edit("    emergency: {requires: [officer], review_hours: 24}\n", "", N, W, "in an emergency"),
    Edit("emergency: {requires: [officer]", "emergency: {requires: [officer, grounds]", N, W,
         "`grounds` in an emergency"),
    Edit("review_hours: 24", "review_hours: 48", W, N, "reviewed within 48 hours", shown=False),
    # held
    Edit("    held: {by: duty officer, second: true, urgent_hours: 2, routine_hours: 72, "
         "collect_hours: 24}\n", "", W, N, "each request"),
    Edit("by: duty officer", "by: director", C, C, "the director decides", shown=False),
    Edit("second: true", "second: false", W, N, "one decides alone", shown=False),
    Edit("routine_hours: 72", "routine_hours: 48", C, C, "within 48 h", shown=False),
    Edit("collect_hours: 24", "collect_hours: 12", N, W, "collected within 12 h", shown=False),
    # what goes with it
    Edit("authority: Registry Act s.16", "authority: Registry Act s.17", C, C, "s.17", shown=False),
    Edit('["For this inquiry only"]', '["For this file only"]', C, C, "caveats", shown=False),
    Edit("keep_days: 30", "keep_days: 60", W, N, "kept for 60 days", shown=False),
    Edit("keep_days: 30", "keep_days: 30\n    named_columns_only: true", N, W,
         "takes columns by their names alone", shown=False),
    Edit("    keep_days: 30\n", "", W, N, "kept without end", shown=False),
    Edit("answer_ticks_ms: 1000", "answer_ticks_ms: 500", W, N, "ticks of 500 ms", shown=False),
    Edit("    answer_ticks_ms: 1000\n", "", W, N, "at once", shown=False),
    Edit("same_person: 1", "same_person: 2", W, N, "2 questions about the same subject", shown=False),
    Edit("requests: 100, ", "", W, N, "any number of requests", shown=False),
    Edit("per: [officer]", "per: [officer, purpose]", N, W, "officer and purpose", shown=False),
    Edit("per: [officer]", "per: []", W, N, "each nothing else", shown=False),
    Edit("    budget: {per: [officer], a_day: {requests: 100, literals: 200, same_person: 1}}\n", "",
         W, N, "any number of literals", shown=False),
    # keys
    Edit("{in: 3, normal", "{in: 5, normal", W, N, "up to five values of the number", shown=False),
    Edit("min_length: 4", "min_length: 5", N, W, "at least five characters"),
    Edit("normal: document", "normal: name", W, W, "without regard to case, accents"),
    Edit("within_days: 2", "within_days: 1", N, W, "at most two days apart"),
    Edit("at_least: 0.9", "at_least: 0.95", W, W, "to 95 in 100"),
    Edit("normal: name, optional: true", "normal: name", N, W, "and one surname of person"),
    Edit("- {person.born: {within_days: 0}}", "- {person.born: equal}", W, W, "one born of person"),
    Edit("{first: 3, in: 2}", "{first: 3}", N, W, "first three characters of up to two"),
    Edit("{first: 1}", "{first: 2}", W, W, "the first two characters"),
    Edit("by: [[paper.kind, paper.number]]", "by: [[paper.number]]", W, W, "one number of paper"),
    Edit("literals: 3", "literals: 2", N, W, "at most two literals"),
    # what is given
    Edit("rows: 5, literals", "rows: 6, literals", W, N, "at most six rows"),
    Edit("link: [person, paper]\n        show", "link: [person]\n        show", N, W, "`paper` may no"),
    Edit("born: year, age", "born: month, age", W, N, "only to its month"),
    Edit("bucket 10", "bucket 20", N, W, "in steps of 20"),
    Edit("bucket 10", "bucket 15", W, W, "in steps of 15"),
    Edit("round 100", "round 10", W, W, "rounded to 10"),
    Edit("pseudonym month", "pseudonym day", N, W, "within one day"),
    Edit("pseudonym month", "as is", W, N, "as it is"),
    Edit("home: null", "home: as is", W, N, "as it is"),
    Edit("postal: first 3", "postal: first 2", N, W, "first two characters"),
    Edit("seen: day", "seen: month", N, W, "only to its month"),
    Edit("seen: day", "seen: null", N, W, "as an empty column"),
    Edit("paper: {kind: as is}", "paper: {kind: as is, phone: as is}", W, N, "phone of paper is now"),
    Edit("age: {in: [1, 2]}", "age: {in: [1]}", N, W, "age is 1 now"),
    Edit("\n        rows: {person: {is_minor: {equal: false}, age: {in: [1, 2]}}}", "", W, N,
         "no longer only person where"),
    Edit("to: [archive]", "to: [archive, registry]", W, N, "merge at archive and registry"),
    Edit("      to: [archive]\n", "", W, W, "goes to whoever asks"),
    Edit("first_by: [person.born, person.person_id]", "first_by: [person.person_id]", W, W,
         "the first by the person id"),
    Edit("      duty: notify\n", "", W, N, "a hit tells nobody", shown=False),
    Edit("rows: 1000", "rows: 900", N, W, "at most 900 rows"),
    Edit("count: [by-desk, by-postal]", "count: [by-desk]", N, W, "no longer offered"),
    Edit("count: [by-desk, by-postal]", "count: [by-postal, by-desk]", W, W, "gives the cube", shown=False),
    # cubes
    Edit("at_least: 5\n", "at_least: 6\n", N, W, "fewest of a cell", shown=False),
    Edit("at_least: 10\n", "at_least: 5\n", W, N, "fewest of a cell", shown=False),
    Edit("    round: 5\n", "", W, N, "its rounding", shown=False),
    Edit("round: 5\n", "round: 10\n", W, W, "its rounding", shown=False),
    Edit("epsilon: 0.5", "epsilon: 0.4", N, W, "its noise", shown=False),
    Edit("    noise: {epsilon: 0.5, a_year: 2.0}\n", "", W, N, "its noise", shown=False),
    Edit("day: year}}\n    measure: {visit: {fee: }}", "day: year}}", N, W, "its measures", shown=False),
    Edit("desk: as is, day: year}", "desk: as is, day: month}", W, W,
         "its dimensions", shown=False),
    Edit("{day: {from: 2020-01-01}}", "{day: {from: 2021-01-01}}", W, W, "the rows", shown=False),
    Edit("units: persons\n    at_least: 5", "units: people\n    at_least: 5", C, C, "it counts",
         shown=False),
    # agreements
    Edit("id: own-list", "id: our-list", C, C, "`own-list` is now called `our-list`", shown=False),
)  # fmt: skip
