"""The examples of a pack as cases to be asked: each as it is told, and again on every edge of a date."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from countenance.answer import Finding, Outcome, Permit, Refusal
from countenance.facts import Facts, parse_one
from countenance.law.pack import Article, Example, Pack

_DAY = timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Case:
    """One act to be judged by one pack alone, and what its article must answer."""

    pack: Pack
    article: Article
    example: Example
    facts: Facts
    #: What the day is: `told` for the example's own, else which edge of which date.
    when: str
    binds: bool
    #: Whether the numbers of the law are the same as on the example's own day, so that its outcome must be too.
    same_law: bool


def cases(pack: Pack) -> Iterator[Case]:
    """Yield each example on its own day, on each edge of the pack, and on each edge of its article's numbers."""
    for article in pack.articles:
        edges = [*_pack_edges(pack), *_parameter_edges(article)]
        for example in article.examples:
            told = parse_one(json.dumps(example.facts), (pack.name,))
            yield _case(pack, article, example, told, "told")
            for when, day, clock in edges:
                moved = told.at_instant(datetime.combine(day, clock, pack.zone))
                yield _case(pack, article, example, moved, when, told)


def _case(pack: Pack, article: Article, example: Example, facts: Facts, when: str, told: Facts | None = None) -> Case:
    day = pack.day(facts.at)
    same = told is None or pack.parameters(day) == pack.parameters(pack.day(told.at))
    return Case(pack, article, example, facts, when, pack.binds(day), same)


def _pack_edges(pack: Pack) -> list[tuple[str, date, time]]:
    """Return the last second before the pack binds, the first it does, and the same at its end."""
    edges = [
        ("day before the pack", pack.first_day - _DAY, _LAST_SECOND),
        ("first day of the pack", pack.first_day, time.min),
    ]
    if pack.in_force_until is not None:
        edges += [
            ("last day of the pack", pack.in_force_until, _LAST_SECOND),
            ("day after the pack", pack.in_force_until + _DAY, time.min),
        ]
    return edges


def _parameter_edges(article: Article) -> list[tuple[str, date, time]]:
    """Return the edges of each value that a number of this article has had."""
    edges = []
    for parameter in article.parameters:
        for since, _ in parameter.values:
            edges.append((f"day before {parameter.name}", since - _DAY, _LAST_SECOND))
            edges.append((f"first day of {parameter.name}", since, time.min))
    return edges


def check(case: Case, answer: Permit | Refusal) -> str | None:
    """Return what is wrong with the answer to a case, None where nothing is."""
    findings = answer.findings if isinstance(answer, Refusal) else ()
    if any(finding.outcome is Outcome.FAILED for finding in findings):
        return "the law could not be evaluated"
    if not case.binds:
        nothing = len(findings) == 1 and findings[0].pack is None and not answer.packs[case.pack.name].binds
        return None if nothing else "a pack that does not bind gave an answer"
    return _wrong(case, {finding.article: finding for finding in findings}) if case.same_law else None


def _wrong(case: Case, found: dict[str | None, Finding]) -> str | None:
    """Return in what the findings differ from the example."""
    expected = {"refuse": Outcome.FORBIDS, "missing": Outcome.MISSING}.get(case.example.outcome)
    own = found.get(case.article.number)
    if (own.outcome if own else None) is not expected:
        return f"expected {case.example.outcome}, found {own.outcome if own else 'permit'}"
    if own is not None and expected is Outcome.MISSING and set(own.facts) != set(case.example.named):
        return f"expected {', '.join(case.example.named)} missing, found {', '.join(own.facts)}"
    lacking = [number for number in case.example.articles if number not in found]
    return f"articles that did not refuse: {', '.join(lacking)}" if lacking else None
