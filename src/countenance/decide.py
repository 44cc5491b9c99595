"""Ask the law: the same facts and the same packs always give the same permit or refusal, and doubt refuses.

Cedar alone is not fail-closed: a prohibition that it cannot evaluate is skipped and the act is allowed. So each pack
is asked twice. First whole, by Cedar itself; where that answer is a clean yes, it stands. Otherwise each rule is
explained from Cedar's answers to its atoms, exactly over all values that the unknown facts could have, and the two
answers must agree. Whatever goes wrong on the way becomes a finding of its own kind, `failed`, which refuses.
"""

import json
import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from countenance.answer import MINT, Duty, Finding, Outcome, PackUsed, Permit, Refusal, Text
from countenance.facts import OPTIONAL_GROUPS, Facts, as_context
from countenance.law.compiled import BASE, CedarDoubtError, Native, context_text
from countenance.law.outcome import Judged, Unknowns, Value, judge
from countenance.law.pack import Article, DutyRule, Pack, Packs, Reach, Rule
from countenance.law.tree import FALSE, TRUE, Constant, Node, State, decisive, fold, leaves

_log = logging.getLogger(__name__)

#: Stands for a finding that nobody has worked out yet; None is a finding of its own, that there is nothing to say.
_NEW: Final = object()
_NO_LAW: Final = Finding(
    pack=None,
    article=None,
    outcome=Outcome.FORBIDS,
    facts=(),
    reason=Text(
        "No selected pack of law binds on that day; no law, no permit.", "所选规则包在该日均无约束力；无法律即无许可。"
    ),
    remedy=Text("Select a pack that binds on the day of the act.", "请选择在行为当日有约束力的规则包。"),
)
_FAILED_REASON: Final = Text(
    "This law could not be evaluated, so nothing is permitted.", "无法评估该法律，因此不予许可。"
)
_FAILED_REMEDY: Final = Text(
    "Tell the protection officer; run `countenance law test` to find the fault.",
    "请告知保护负责人，并运行 `countenance law test` 查找故障。",
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One pack asked of one act: its numbers on the day, and Cedar's context as parts and as text."""

    facts: Facts
    pack: Pack
    parameters: Mapping[str, int]
    parts: Mapping[str, Any]
    context: str

    def unknown(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the facts that nobody established."""
        return tuple(name for name in names if self.facts.unknown(name, self.pack.name))

    def seen(self, names: Sequence[str]) -> tuple[Hashable, ...]:
        """Return what these facts are, None where unknown; of an optional group, whether it is there."""
        return tuple(
            getattr(self.facts, name) is not None if name in OPTIONAL_GROUPS else self.facts.value(name, self.pack.name)
            for name in names
        )


def decide(facts: Facts, packs: Packs) -> Permit | Refusal:
    """Return the answer of the packs to one act: a permit with its duties, or a refusal with every finding.

    Packs that do not bind on the local day of `facts.at` in their own place add nothing; if none binds, the answer is
    a refusal. The findings are in order of pack and article.
    """
    used: dict[str, PackUsed] = {}
    findings: list[Finding] = []
    asked: list[_Asked] = []
    for pack in packs:
        try:
            day = pack.day(facts.at)
            used[pack.name] = pack.used(day)
            if used[pack.name].binds:
                asked.append(_asked(facts, pack, day))
                findings += _findings(asked[-1])
        except Exception as error:  # noqa: BLE001 — the fail-closed wrapper: whatever it is, it refuses
            findings.append(_failed(pack.name, None, type(error).__name__))
    if not findings and not asked:
        findings.append(_NO_LAW)
    duties = [] if findings else _duties(asked, findings)
    purpose = facts.purpose.code if facts.purpose else None
    if findings:
        return Refusal(facts.action, facts.at, purpose, used, tuple(findings))
    measured = facts.measured is not None
    return Permit(facts.action, facts.at, purpose, used, tuple(duties), measured, MINT)


def _asked(facts: Facts, pack: Pack, day: date) -> _Asked:
    reads = pack.compiled.reads[facts.action]
    parts = reads.of(as_context(facts, pack.name))
    parameters = {name: value for name, value in pack.parameters(day).items() if name in reads.parameters}
    return _Asked(facts, pack, parameters, parts, context_text(json.dumps(parts), parameters))


def _findings(asked: _Asked) -> list[Finding]:
    """Return the findings of one pack that binds."""
    native = asked.pack.compiled.ask(asked.facts.action, asked.context)
    reached = asked.pack.rules[asked.facts.action]
    expected = {rule.policy for reach in reached for rule in reach.rules}
    decided = native.deciding == {BASE} if native.allowed else set() < native.deciding <= expected
    if not decided or not native.failing <= expected - native.deciding:
        raise CedarDoubtError  # a yes not of the base permit alone, a no of nobody, a policy that has no business here
    spoken = native.deciding | native.failing
    asking = [reach for reach in reached if _asks(asked, reach, spoken)]
    if not asking and native.allowed:
        return []
    found = _explained(asked, asking, native)
    made = [finding for finding in found if finding is not None]
    if not made and not native.allowed:
        raise CedarDoubtError
    return made


def _asks(asked: _Asked, reach: Reach, spoken: frozenset[str]) -> bool:
    """Whether an article has to be explained: Cedar spoke of a policy of it, or a fact that it requires is unknown.

    Where Cedar evaluated all policies of an article, and none of them refuses, that stands, as a clean yes does.
    """
    return any(rule.policy in spoken or (rule.requires and asked.unknown(rule.requires)) for rule in reach.rules)


def _explained(asked: _Asked, reached: Sequence[Reach], native: Native) -> list[Finding | None]:
    """Return what each article finds; the same facts, numbers and answer of Cedar find the same as last time."""
    compiled = asked.pack.compiled
    questions = [_question(asked, reach, native) for reach in reached]
    known: list[Finding | object | None] = [compiled.found.get(question, _NEW) for question in questions]
    unanswered = [reach for reach, finding in zip(reached, known, strict=True) if finding is _NEW]
    states = _states(asked, [atom for reach in unanswered for rule in reach.rules for atom in rule.atoms])
    made: list[Finding | None] = []
    for reach, question, kept in zip(reached, questions, known, strict=True):
        if isinstance(kept, Finding) or kept is None:
            made.append(kept)
            continue
        finding = _finding(asked, reach.article, reach.rules, states, native)
        if finding is None or finding.outcome is not Outcome.FAILED:
            compiled.remember(question, finding)
        made.append(finding)
    return made


def _question(asked: _Asked, reach: Reach, native: Native) -> Hashable:
    """Return all that the finding of an article depends on: facts, numbers, and what Cedar said of its policies."""
    said = tuple((rule.policy in native.deciding, rule.policy in native.failing) for rule in reach.rules)
    numbers = tuple(asked.parameters.get(name) for name in reach.parameters)
    return asked.facts.action, reach.article.number, said, asked.seen(reach.reads), numbers


def _states(asked: _Asked, atoms: Iterable[int]) -> list[State]:
    """Return the state of these atoms; one that reads an unknown fact is unknown, whatever Cedar says of it."""
    compiled = asked.pack.compiled
    states = [State.BROKEN] * len(compiled.atoms)
    for index, state in compiled.states(asked.facts.action, frozenset(atoms), asked.parts, asked.parameters).items():
        states[index] = State.UNKNOWN if asked.unknown(compiled.atoms[index].facts) else state
    return states


def _finding(
    asked: _Asked, article: Article, rules: Sequence[Rule], states: Sequence[State], native: Native
) -> Finding | None:
    """Return what one article finds, None where it has nothing to say."""
    folded = [fold(rule.tree, states) for rule in rules]
    if not all(_agree(rule, left, states, native) for rule, left in zip(rules, folded, strict=True)):
        return _failed(asked.pack.name, article.number, "disagreement")
    requiring = tuple(index for index, rule in enumerate(rules) if asked.unknown(rule.requires))
    if not requiring and all(left == FALSE for left in folded):
        return None
    judged = judge(folded, states, _unknowns(asked))
    if judged.outcome is Outcome.FAILED:
        return _failed(asked.pack.name, article.number, "broken")
    if judged.outcome is None and not requiring:
        return None
    if judged.outcome is Outcome.FORBIDS:
        return _forbidding(asked, article, rules, states, judged)
    speaking = [rule for index, rule in enumerate(rules) if index in judged.speaking or index in requiring]
    required = (name for index in requiring for name in asked.unknown(rules[index].requires))
    facts = tuple(sorted(judged.needed | set(required)))
    listed = ", ".join(facts)
    reason = _joined([rule.reason for rule in speaking])
    return Finding(
        asked.pack.name,
        article.number,
        Outcome.MISSING,
        facts,
        Text(f"Not established: {listed}. {reason.en}", f"尚未确定：{listed}。{reason.zh}"),
        _joined([rule.remedy for rule in speaking]),
    )


def _agree(rule: Rule, folded: Node, states: Sequence[State], native: Native) -> bool:
    """Whether Cedar's answer to the whole rule is the one its parts explain."""
    satisfied, failing = rule.policy in native.deciding, rule.policy in native.failing
    if not isinstance(folded, Constant):
        return failing
    if failing:
        return any(states[atom] is State.UNKNOWN for atom in rule.atoms)
    return satisfied is folded.value


def _unknowns(asked: _Asked) -> Unknowns:
    """Return what `judge` may ask about the unknown facts of one act."""
    compiled, name = asked.pack.compiled, asked.pack.name

    def tried(atoms: Sequence[int], completions: Sequence[Mapping[str, Value]]) -> list[tuple[bool, ...]]:
        _, reads = compiled.atom_set(tuple(atoms))
        parts = reads.of(asked.parts)
        numbers = {name: asked.parameters[name] for name in sorted(reads.parameters)}
        contexts = [context_text(json.dumps(_completed(parts, some)), numbers) for some in completions]
        return compiled.tried(asked.facts.action, atoms, contexts)

    return Unknowns(
        atoms=compiled.atoms,
        facts=lambda atom: asked.unknown(atom.facts),
        known=lambda fact: asked.facts.value(fact, name),
        parameters=asked.parameters,
        tried=tried,
        memo=compiled.memo,
    )


def _completed(parts: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the context with values for facts that are unknown."""
    made = {name: dict(part) if isinstance(part, dict) else part for name, part in parts.items()}
    for name, value in values.items():
        group, _, attribute = name.rpartition(".")
        (made[group] if group else made)[attribute] = value
    return made


def _forbidding(
    asked: _Asked, article: Article, rules: Sequence[Rule], states: Sequence[State], judged: Judged
) -> Finding:
    """Return the finding of an article that refuses whatever the unknown facts are, and by which known ones."""
    speaking = [rules[index] for index in judged.speaking]
    atoms = {atom for rule in speaking for atom in decisive(rule.tree, states, want=True)}
    names = {name for atom in atoms for name in asked.pack.compiled.atoms[atom].facts}
    facts = tuple(sorted(name for name in names if asked.facts.value(name, asked.pack.name) is not None))
    return Finding(
        asked.pack.name,
        article.number,
        Outcome.FORBIDS,
        facts,
        _joined([rule.reason for rule in speaking]),
        _joined([rule.remedy for rule in speaking]),
    )


def _joined(texts: Sequence[Text]) -> Text:
    """Return the texts one after another, each once."""
    return Text(" ".join(dict.fromkeys(text.en for text in texts)), "".join(dict.fromkeys(text.zh for text in texts)))


def _failed(pack: str, article: str | None, kind: str) -> Finding:
    """Return the finding of law that could not be evaluated, and raise the alarm; the log repeats no fact."""
    _log.critical("law could not be evaluated", extra={"pack": pack, "article": article, "kind": kind})
    return Finding(pack, article, Outcome.FAILED, (), _FAILED_REASON, _FAILED_REMEDY)


def _duties(asked: Sequence[_Asked], findings: list[Finding]) -> list[Duty]:
    """Return the duties that a permit carries; one whose condition is not known to be false is carried."""
    made: dict[Duty, None] = {}
    for one in asked:
        try:
            owed = [
                (article, duty)
                for article in one.pack.articles
                for duty in article.duties
                if one.facts.action in duty.actions
            ]
            for article, duty in owed:
                if duty.tree == TRUE or _carried(one, duty):
                    made[Duty(one.pack.name, article.number, duty.duty)] = None
        except Exception as error:  # noqa: BLE001 — a permit whose duties are not known is no permit
            findings.append(_failed(one.pack.name, None, type(error).__name__))
    return list(made)


def _carried(asked: _Asked, duty: DutyRule) -> bool:
    """Whether a duty's condition is not known to be false, remembered by the facts it reads."""
    compiled = asked.pack.compiled
    numbers = tuple(asked.parameters.items())
    question = ("duty", asked.facts.action, duty.article, duty.duty, asked.seen(duty.reads), numbers)
    kept = compiled.found.get(question, _NEW)
    if not isinstance(kept, bool):
        kept = fold(duty.tree, _states(asked, leaves(duty.tree))) != FALSE
        compiled.remember(question, kept)
    return kept
