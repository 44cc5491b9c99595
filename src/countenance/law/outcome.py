"""What an article does where facts are unknown: exactly, over every value that the unknown facts could have.

Atoms that share an unknown fact are taken together as one *group*, whose cases are tried with the handful of values
that stand for all (see `atoms`); groups are independent of each other. A truth table over all groups then says
whether the article refuses in every case, in none, or in some, and which facts turn a case over.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from countenance.answer import Outcome
from countenance.facts import FACT_NAMES
from countenance.law.atoms import Atom
from countenance.law.tree import FALSE, TRUE, Node, State, Table, leaves, table

#: Cases in one truth table, and completions tried in one group; beyond them all unknown facts are named.
CASES_MAX: Final = 2**14
TRIED_MAX: Final = 512
MEMO_MAX: Final = 1024
_MENTIONED_MAX: Final = 6
_LARGEST: Final = 2**31 - 1

Value = bool | int | str | tuple[str, ...]
#: Asks Cedar which of the given atoms are true under each completion of the given facts.
Try = Callable[[Sequence[int], Sequence[Mapping[str, Value]]], list[tuple[bool, ...]]]


class TooManyCasesError(Exception):
    """The exact answer would take more cases than the shelf allows; `judge` then names every unknown fact."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of an article, None where it adds no finding; the unknown facts it needs; the rules that speak."""

    outcome: Outcome | None
    needed: frozenset[str]
    speaking: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """The possible joint answers of a group of atoms, and which fact alone leads from one answer to another."""

    atoms: tuple[int, ...]
    answers: tuple[tuple[bool, ...], ...]
    steps: Mapping[str, frozenset[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Unknowns:
    """What the judging of one article may ask: the atoms, which of their facts are unknown, known values, and Cedar."""

    atoms: Sequence[Atom]
    facts: Callable[[Atom], tuple[str, ...]]
    known: Callable[[str], object]
    parameters: Mapping[str, int]
    tried: Try
    memo: MutableMapping[Hashable, "Cases"]


def judge(folded: Sequence[Node], states: Sequence[State], unknowns: Unknowns) -> Judged:
    """Return what an article does whose rules, with every known atom put in (`fold`), are these."""
    forbidding = tuple(index for index, tree in enumerate(folded) if tree == TRUE)
    if forbidding:
        return Judged(Outcome.FORBIDS, frozenset(), forbidding)
    open_rules = tuple(index for index, tree in enumerate(folded) if tree != FALSE)
    if not open_rules:
        return Judged(None, frozenset(), ())
    atoms = sorted(frozenset().union(*(leaves(folded[index]) for index in open_rules)))
    unknown = [atom for atom in atoms if states[atom] is State.UNKNOWN]
    try:
        groups = [remembered(group, unknowns) for group in grouped(unknown, unknowns)]
        return _judge_cases([folded[index] for index in open_rules], open_rules, atoms, groups)
    except TooManyCasesError:
        named = frozenset(name for atom in unknown for name in unknowns.facts(unknowns.atoms[atom]))
        return Judged(Outcome.MISSING, named, open_rules)


def _judge_cases(trees: Sequence[Node], rules: tuple[int, ...], atoms: Iterable[int], groups: list[Cases]) -> Judged:
    """Return the outcome over all cases of the groups; atoms in no group are broken."""
    total = 1
    for group in groups:
        total *= len(group.answers)
    if total > CASES_MAX:
        raise TooManyCasesError
    full = (1 << total) - 1
    columns, masks = _columns(groups, total)
    columns = {atom: columns.get(atom, Table(0, full)) for atom in atoms}
    tables = [table(tree, columns, full) for tree in trees]
    refused = 0
    for part in tables:
        if part.broken:
            return Judged(Outcome.FAILED, frozenset(), rules)
        refused |= part.true
    if refused == full:
        return Judged(Outcome.FORBIDS, frozenset(), rules)
    if not refused:
        return Judged(None, frozenset(), ())
    return Judged(Outcome.MISSING, _needed(groups, masks, refused), rules)


def _columns(groups: Sequence[Cases], total: int) -> tuple[dict[int, Table], list[list[tuple[int, int]]]]:
    """Return each atom's column of the truth table, and for each answer of each group its (mask, shift)."""
    columns: dict[int, Table] = {}
    masks: list[list[tuple[int, int]]] = []
    stride = 1
    for group in groups:
        period = stride * len(group.answers)
        repeat = ((1 << total) - 1) // ((1 << period) - 1)
        masks.append(
            [
                ((((1 << stride) - 1) << (stride * digit)) * repeat, stride * digit)
                for digit in range(len(group.answers))
            ]
        )
        for place, atom in enumerate(group.atoms):
            true = 0
            for digit, answer in enumerate(group.answers):
                true |= masks[-1][digit][0] if answer[place] else 0
            columns[atom] = Table(true, 0)
        stride = period
    return columns, masks


def _needed(groups: Sequence[Cases], masks: Sequence[Sequence[tuple[int, int]]], refused: int) -> frozenset[str]:
    """Return the facts of which a change alone turns some case over."""
    needed = set()
    for group, places in zip(groups, masks, strict=True):
        for name, steps in group.steps.items():
            for one, other in steps:
                (mask_one, shift_one), (mask_other, shift_other) = places[one], places[other]
                if (refused & mask_one) >> shift_one != (refused & mask_other) >> shift_other:
                    needed.add(name)
                    break
    return frozenset(needed)


def grouped(atoms: Sequence[int], unknowns: Unknowns) -> list[tuple[int, ...]]:
    """Return the atoms in groups that share no unknown fact with each other."""
    groups: list[tuple[set[str], list[int]]] = []
    for atom in atoms:
        names, members = set(unknowns.facts(unknowns.atoms[atom])), [atom]
        apart = []
        for other in groups:
            if other[0] & names:
                names |= other[0]
                members = [*other[1], *members]
            else:
                apart.append(other)
        groups = [*apart, (names, members)]
    return [tuple(members) for _, members in groups]


def remembered(group: tuple[int, ...], unknowns: Unknowns) -> Cases:
    """Return the cases of a group, worked out once for the same unknown facts beside the same known values."""
    atoms = [unknowns.atoms[index] for index in group]
    names = tuple(dict.fromkeys(name for atom in atoms for name in unknowns.facts(atom)))
    beside = tuple((name, unknowns.known(name)) for atom in atoms for name in atom.facts if name not in names)
    numbers = tuple(unknowns.parameters[name] for atom in atoms for name in atom.parameters)
    key = (group, names, beside, numbers)
    found = unknowns.memo.get(key)
    if found is None:
        found = cases_of(group, names, unknowns)
        if len(unknowns.memo) >= MEMO_MAX:
            unknowns.memo.clear()
        unknowns.memo[key] = found
    return found


def cases_of(group: tuple[int, ...], names: tuple[str, ...], unknowns: Unknowns) -> Cases:
    """Return the possible joint answers of a group of atoms, by trying the values that stand for all."""
    atoms = [unknowns.atoms[index] for index in group]
    if len(group) == 1 and atoms[0].free:
        return Cases(group, ((False,), (True,)), dict.fromkeys(names, frozenset({(0, 1)})))
    domains = [_domain(name, names, atoms, unknowns) for name in names]
    tried = 1
    for domain in domains:
        tried *= len(domain)
    if tried > TRIED_MAX:
        raise TooManyCasesError
    completions = list(product(*domains))
    answers = unknowns.tried(group, [dict(zip(names, values, strict=True)) for values in completions])
    distinct = {answer: digit for digit, answer in enumerate(dict.fromkeys(answers))}
    steps: dict[str, set[tuple[int, int]]] = {name: set() for name in names}
    for place, name in enumerate(names):
        reached: dict[tuple[Value, ...], set[int]] = {}
        for values, answer in zip(completions, answers, strict=True):
            reached.setdefault((*values[:place], *values[place + 1 :]), set()).add(distinct[answer])
        for digits in reached.values():
            steps[name].update(combinations(sorted(digits), 2))
    return Cases(group, tuple(distinct), {name: frozenset(pairs) for name, pairs in steps.items()})


def _domain(name: str, unknown: Sequence[str], atoms: Sequence[Atom], unknowns: Unknowns) -> tuple[Value, ...]:
    """Return values of an unknown fact that stand for all its values, as far as these atoms can tell them apart."""
    fact = FACT_NAMES[name]
    if fact.kind == "bool":
        return (False, True)
    if fact.kind == "list":
        return _lists(name, atoms)
    if fact.values is not None:
        return tuple(value.value for value in fact.values)
    others = [value for atom in atoms for part in atom.facts if (value := unknowns.known(part)) is not None]
    literals = [*others, *(literal for atom in atoms for literal in atom.literals)]
    if fact.kind == "int":
        literals += [unknowns.parameters[part] for atom in atoms for part in atom.parameters]
        near = range(-len(unknown), len(unknown) + 1)
        tried = {0, _LARGEST, *(value + step for value in literals if type(value) is int for step in near)}
        return tuple(sorted(value for value in tried if 0 <= value <= _LARGEST))
    texts = dict.fromkeys(str(value) for value in literals if isinstance(value, str))
    fresh = "another/" + "x" * max((len(text) for text in texts), default=0)  # longer than any, so equal to none
    return (*texts, *(fresh + "x" * place for place in range(len(unknown))))


def _lists(name: str, atoms: Sequence[Atom]) -> tuple[Value, ...]:
    """Return every choice among the members that the atoms ask for, with and without one they do not."""
    values = FACT_NAMES[name].values
    every = [member.value for member in values] if values is not None else []
    asked = {str(literal) for atom in atoms if name in atom.facts for literal in atom.literals}
    members = [member for member in every if member in asked]
    members += [member for member in every if member not in asked][:1]
    if len(members) > _MENTIONED_MAX:
        raise TooManyCasesError
    return tuple(chosen for size in range(len(members) + 1) for chosen in combinations(members, size))
