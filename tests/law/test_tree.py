"""The Boolean tree by itself: broken atoms are harmless behind a false guard and nowhere else."""

from itertools import product

import pytest

from countenance.answer import Outcome
from countenance.law.outcome import Unknowns, judge
from countenance.law.tree import (
    FALSE,
    TRUE,
    And,
    Constant,
    Leaf,
    Node,
    Not,
    Or,
    State,
    Table,
    decisive,
    fold,
    leaves,
    table,
)

T, F, U, B = State.TRUE, State.FALSE, State.UNKNOWN, State.BROKEN
A, C = Leaf(0), Leaf(1)


@pytest.mark.parametrize(
    "tree, states, folded",
    [
        (And(A, C), [F, B], FALSE),
        (And(A, C), [B, F], And(A, FALSE)),
        (Or(A, C), [T, B], TRUE),
        (Or(A, C), [B, T], Or(A, TRUE)),
        (And(A, C), [U, F], FALSE),
        (Or(A, C), [U, T], TRUE),
        (And(A, C), [T, U], C),
        (Or(A, C), [U, F], A),
        (Not(A), [U], Not(A)),
        (Not(A), [T], FALSE),
    ],
)
def test_folding_puts_in_what_is_known(tree, states, folded):
    assert fold(tree, states) == folded


TREES: list[Node] = [And(A, C), Or(A, C), And(Not(A), C), Or(Not(A), Not(C)), And(Or(A, C), Not(And(A, C)))]


@pytest.mark.parametrize("tree", TREES)
def test_a_table_is_what_folding_gives_in_each_case(tree):
    cases = list(product((F, T), repeat=2))
    columns = {
        atom: Table(sum(1 << place for place, case in enumerate(cases) if case[atom] is T), 0) for atom in leaves(tree)
    }
    expected = sum(1 << place for place, case in enumerate(cases) if fold(tree, case) == TRUE)
    assert table(tree, columns, (1 << len(cases)) - 1) == Table(expected, 0)


@pytest.mark.parametrize(
    "tree, states, outcome",
    [
        (And(A, C), [B, F], Outcome.FAILED),
        (Or(A, C), [B, T], Outcome.FAILED),
        (Not(A), [B, F], Outcome.FAILED),
        (And(A, C), [F, B], None),
        (Or(A, C), [T, B], Outcome.FORBIDS),
    ],
)
def test_a_broken_atom_that_is_reached_fails_the_article(tree, states, outcome):
    nothing = Unknowns(
        atoms=(), facts=lambda _: (), known=lambda _: None, parameters={}, tried=lambda _, __: [], memo={}
    )
    assert judge([fold(tree, states)], states, nothing).outcome is outcome


def test_the_decisive_atoms_are_those_that_had_to_be_so():
    tree = And(Or(A, C), Not(Leaf(2)))
    assert decisive(tree, [T, F, F], want=True) == {0, 2}
    assert decisive(tree, [T, T, F], want=True) == {0, 1, 2}
    assert decisive(tree, [T, U, F], want=True) == {0, 2}
    assert decisive(tree, [F, F, F], want=False) == {0, 1}
    assert decisive(Constant(value=True), [], want=True) == set()
