"""The Boolean shape of a rule: and, or, not over atoms, each atom one question that Cedar answers.

An atom is true, false, unknown (it reads a fact nobody established) or broken (Cedar could not evaluate it although
nothing it reads is unknown). Broken atoms are harmless behind a guard that is false, as Cedar's own left-to-right
evaluation has it; anywhere else they make the article fail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class State(Enum):
    """What Cedar said of one atom."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Constant:
    """A truth value that needs no question."""

    value: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """The atom of that index."""

    atom: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its part."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """True when both are; the right one is not looked at where the left one is false."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Or:
    """True when either is; the right one is not looked at where the left one is true."""

    left: "Node"
    right: "Node"


Node = Constant | Leaf | Not | And | Or
TRUE: Final = Constant(value=True)
FALSE: Final = Constant(value=False)


def fold(node: Node, states: Sequence[State]) -> Node:
    """Return the tree with every known atom put in; what is left reads unknown or broken atoms only."""
    match node:
        case Constant():
            return node
        case Leaf(atom):
            state = states[atom]
            return TRUE if state is State.TRUE else FALSE if state is State.FALSE else node
        case Not(part):
            inner = fold(part, states)
            if isinstance(inner, Constant):
                return FALSE if inner.value else TRUE
            return Not(inner)
        case And(left, right):
            return _fold_pair(node, fold(left, states), right, states, absorbing=False)
        case Or(left, right):
            return _fold_pair(node, fold(left, states), right, states, absorbing=True)


def _fold_pair(node: And | Or, left: Node, right: Node, states: Sequence[State], *, absorbing: bool) -> Node:
    """Fold an And (`absorbing` false) or an Or (`absorbing` true) whose left side is folded already."""
    if isinstance(left, Constant):
        return left if left.value is absorbing else fold(right, states)
    folded = fold(right, states)
    if isinstance(folded, Constant) and not _breakable(left, states):
        return folded if folded.value is absorbing else left
    return type(node)(left, folded)


def _breakable(node: Node, states: Sequence[State]) -> bool:
    return any(states[atom] is State.BROKEN for atom in leaves(node))


def leaves(node: Node) -> frozenset[int]:
    """Return the atoms a tree reads."""
    match node:
        case Constant():
            return frozenset()
        case Leaf(atom):
            return frozenset((atom,))
        case Not(part):
            return leaves(part)
        case And(left, right) | Or(left, right):
            return leaves(left) | leaves(right)


def decisive(node: Node, states: Sequence[State], *, want: bool) -> frozenset[int]:
    """Return the known atoms that make the tree `want`: all parts that had to be so, each that alone was enough."""
    match node:
        case Constant():
            return frozenset()
        case Leaf(atom):
            return frozenset((atom,)) if states[atom] is (State.TRUE if want else State.FALSE) else frozenset()
        case Not(part):
            return decisive(part, states, want=not want)
        case And(left, right) | Or(left, right):
            all_of = isinstance(node, And) is want
            found: frozenset[int] = frozenset()
            for part in (left, right):
                if all_of or fold(part, states) == Constant(want):
                    found |= decisive(part, states, want=want)
            return found


@dataclass(frozen=True, slots=True)
class Table:
    """A truth table as two whole numbers, one bit for each case: where it is true, and where it breaks."""

    true: int
    broken: int


def table(node: Node, columns: Mapping[int, Table], full: int) -> Table:
    """Return the truth table of a tree from those of its atoms; `full` has one bit set for each case."""
    match node:
        case Constant(value):
            return Table(full if value else 0, 0)
        case Leaf(atom):
            return columns[atom]
        case Not(part):
            inner = table(part, columns, full)
            return Table(full & ~inner.true & ~inner.broken, inner.broken)
        case And(left, right):
            first, second = table(left, columns, full), table(right, columns, full)
            broken = first.broken | (first.true & second.broken)
            return Table(first.true & second.true, broken)
        case Or(left, right):
            first, second = table(left, columns, full), table(right, columns, full)
            reached = full & ~first.true & ~first.broken
            return Table(first.true | (reached & second.true), first.broken | (reached & second.broken))
