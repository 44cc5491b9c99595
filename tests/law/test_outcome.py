"""The judging of what is unknown by itself: exact up to its bounds, and beyond them every unknown fact is named."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import pytest

from countenance.answer import Outcome
from countenance.facts import FACT_NAMES
from countenance.law.atoms import Atom
from countenance.law.outcome import Cases, Judged, Unknowns, grouped, judge, remembered
from countenance.law.tree import And, Constant, Leaf, Node, Not, Or, State

FLAGS = [name for name, fact in FACT_NAMES.items() if fact.kind == "bool"]
U = State.UNKNOWN
#: A question: the facts it reads, its answer from their values, and what its text names.
Question = tuple[tuple[str, ...], Callable[..., bool], dict[str, Any]]


def question(*facts: str, answer: Callable[..., bool], **named: Any) -> Question:
    return facts, answer, named


def flag(name: str) -> Question:
    return question(name, answer=lambda value: value)


def asked(questions: Sequence[Question], known: dict[str, Any] | None = None, **parameters: int) -> Unknowns:
    """Return the unknowns of an act of which only `known` was established, each question answered by its function."""
    told = known or {}
    atoms = [
        Atom("", facts, named.get("parameters", ()), named.get("literals", ()), named.get("free", False), frozenset())
        for facts, _, named in questions
    ]

    def tried(indexes, completions):
        return [
            tuple(questions[index][1](*((told | some)[name] for name in questions[index][0])) for index in indexes)
            for some in completions
        ]

    return Unknowns(
        atoms=atoms,
        facts=lambda atom: tuple(name for name in atom.facts if name not in told),
        known=told.get,
        parameters=parameters,
        tried=tried,
        memo={},
    )


def every(nodes: Sequence[Node]) -> Node:
    return reduce(And, nodes)


def judged(tree: Node, unknowns: Unknowns) -> Judged:
    return judge([tree], [U] * len(unknowns.atoms), unknowns)


def missing(*names: str, speaking: tuple[int, ...] = (0,)) -> Judged:
    return Judged(Outcome.MISSING, frozenset(names), speaking)


@pytest.mark.parametrize("count, exact", [(14, True), (15, False)])
def test_up_to_16384_cases_are_told_apart_and_beyond_them_every_unknown_fact_is_named(count, exact):
    unknowns = asked([flag(name) for name in FLAGS[:count]])
    tree = every([Or(Leaf(0), Not(Leaf(0))), *(Leaf(index) for index in range(1, count))])
    assert judged(tree, unknowns) == missing(*FLAGS[exact:count])


@pytest.mark.parametrize("count, exact", [(9, True), (10, False)])
def test_up_to_512_completions_of_a_group_are_tried_and_beyond_them_every_unknown_fact_is_named(count, exact):
    unknowns = asked([question(*FLAGS[:count], answer=lambda first, *_: first)])
    assert judged(Leaf(0), unknowns) == missing(*FLAGS[: 1 if exact else count])


def test_only_the_rules_that_speak_are_named():
    unknowns = asked([flag(FLAGS[0])])
    true, false = Constant(value=True), Constant(value=False)
    assert judge([false, Leaf(0)], [U], unknowns) == missing(FLAGS[0], speaking=(1,))
    assert judge([Leaf(0), true], [U], unknowns) == Judged(Outcome.FORBIDS, frozenset(), (1,))
    assert judge([false, false], [U], unknowns) == Judged(None, frozenset(), ())


def test_what_is_remembered_is_bounded():
    group = (0,)
    for full, kept in ((1023, 1024), (1024, 1)):
        unknowns = asked([flag(FLAGS[0])])
        unknowns.memo.update({number: Cases((), (), {}) for number in range(full)})
        first = remembered(group, unknowns)
        assert len(unknowns.memo) == kept
        assert remembered(group, unknowns) is first


def test_atoms_that_share_an_unknown_fact_are_grouped_and_no_others():
    one, two, three, four = FLAGS[:4]
    atoms = [question(*facts, answer=all) for facts in ((one,), (two,), (three, four), (four, one), (two, FLAGS[5]))]
    assert {frozenset(group) for group in grouped(range(5), asked(atoms))} == {frozenset({0, 2, 3}), frozenset({1, 4})}
    known = asked(atoms, {four: True})
    assert {frozenset(group) for group in grouped(range(5), known)} == {
        frozenset({0, 3}), frozenset({2}), frozenset({1, 4}),
    }  # fmt: skip
