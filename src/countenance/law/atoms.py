"""Rules taken apart: Cedar's own syntax tree becomes a Boolean tree over atoms of a few known shapes.

The shapes are a closed list, because for exactly these the handful of values that `outcome` tries for an unknown
fact stand for all its values: a fact by itself, compared with a literal, a parameter or another fact, a list asked
for a member, and `has` where absence is an answer.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cedarpy import policies_from_json_str

from countenance.facts import FACT_NAMES, GROUPS, OPTIONAL_GROUPS
from countenance.law.schema import TOP_LEVEL, absence_answers
from countenance.law.tree import TRUE, And, Constant, Leaf, Node, Not, Or
from countenance.vocabulary import Action

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_MEMBERSHIPS = ("contains", "containsAll", "containsAny")
_CLOSED_KINDS = ("closed", "list", "filing")


class UnreadableRule(ValueError):  # noqa: N818 — it is caught where the file and line are known, and never leaves the shelf
    """A rule uses something that the shelf does not allow; the message says what, in English and Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Atom:
    """One question put to Cedar: its text, the facts and parameters it reads, and the literals it names."""

    text: str
    facts: tuple[str, ...]
    parameters: tuple[str, ...]
    literals: tuple[str | int, ...]
    #: Two open texts compared with each other, so that either answer is possible while one of them is unknown.
    free: bool
    #: The groups and scalars of the context that it looks at.
    roots: frozenset[str]


class AtomIndex:
    """The atoms of one pack, each text once."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self._seen: dict[str, int] = {}

    def tree(self, conditions: Sequence[dict[str, Any]], actions: Sequence[Action]) -> Node:
        """Return the tree of a policy's `when` and `unless` clauses; raise `UnreadableRule` for what is not allowed."""
        made: Node = TRUE
        for clause in conditions:
            body = self._node(clause["body"], actions)
            part = body if clause["kind"] == "when" else Not(body)
            made = part if made == TRUE else And(made, part)
        return made

    def _node(self, body: dict[str, Any], actions: Sequence[Action]) -> Node:
        (kind, inner), *_ = body.items()
        if kind in ("&&", "||"):
            left, right = self._node(inner["left"], actions), self._node(inner["right"], actions)
            return And(left, right) if kind == "&&" else Or(left, right)
        if kind == "!":
            return Not(self._node(inner["arg"], actions))
        if kind == "if-then-else":
            asked = self._node(inner["if"], actions)
            then, other = self._node(inner["then"], actions), self._node(inner["else"], actions)
            return Or(And(asked, then), And(Not(asked), other))
        if kind == "Value" and isinstance(inner, bool):
            return Constant(inner)
        return Leaf(self._index(read_atom(body, actions)))

    def reads(self, indexes: Iterable[int]) -> tuple[str, ...]:
        """Return the facts that these atoms look at, and the optional groups whose presence they ask for."""
        some = [self.atoms[index] for index in sorted(indexes)]
        names = [name for atom in some for name in (*sorted(atom.roots & set(OPTIONAL_GROUPS)), *atom.facts)]
        return tuple(dict.fromkeys(names))

    def _index(self, atom: Atom) -> int:
        if atom.text not in self._seen:
            self._seen[atom.text] = len(self.atoms)
            self.atoms.append(atom)
        return self._seen[atom.text]


def policy_text(policy: dict[str, Any]) -> str:
    """Return one policy of Cedar's JSON form as Cedar text."""
    return policies_from_json_str(
        json.dumps({"templates": {}, "staticPolicies": {"policy0": policy}, "templateLinks": []})
    ).strip()


def _atom_text(body: dict[str, Any]) -> str:
    """Return the policy that is satisfied exactly when the atom is true."""
    everything = {"op": "All"}
    return policy_text(
        {
            "effect": "permit",
            "principal": everything,
            "action": everything,
            "resource": everything,
            "conditions": [{"kind": "when", "body": body}],
        }
    )


def read_atom(body: dict[str, Any], actions: Sequence[Action]) -> Atom:
    """Return the atom of an expression, or raise `UnreadableRule` where it has none of the shapes allowed."""
    (kind, inner), *_ = body.items()
    if kind == "has":
        return _has(body, inner, actions)
    if kind == ".":
        name = _fact(body)
        _demand(FACT_NAMES[name].kind == "bool", f"{name} is not a yes or no", f"{name} 不是是非值")
        return Atom(_atom_text(body), (name,), (), (), free=False, roots=_roots((name,)))
    if kind in ("==", "in") and inner["left"] == {"Var": "action"}:
        return Atom(_atom_text(body), (), (), (), free=False, roots=frozenset())
    if kind in _COMPARISONS:
        return _compared(body, [inner["left"], inner["right"]])
    if kind in _MEMBERSHIPS:
        return _compared(body, [inner["left"], inner["right"]], membership=True)
    if kind == "isEmpty":
        return _compared(body, [inner["arg"]], membership=True)
    raise UnreadableRule(
        f"the operator {kind} is not among those a rule may use; see docs/concepts/law.md",
        f"规则不得使用运算符 {kind}；见 docs/concepts/law.md",
    )


def _compared(body: dict[str, Any], sides: Sequence[dict[str, Any]], *, membership: bool = False) -> Atom:
    """Return the atom of a comparison or a membership, once its literals are in the closed lists of its facts."""
    facts: list[str] = []
    parameters: list[str] = []
    literals: list[str | int] = []
    for side in sides:
        _side(side, facts, parameters, literals)
    _demand(bool(facts), "a comparison reads no fact", "比较未读取任何事实")
    _demand(len(facts) == 1 or not membership, "a list is asked for another fact", "列表不得与另一事实比对")
    for name in facts:
        fact = FACT_NAMES[name]
        if fact.kind in _CLOSED_KINDS and fact.values is not None:
            allowed = {value.value for value in fact.values}
            for literal in literals:
                _demand(
                    literal in allowed, f"a literal beside {name} is not in its list", f"{name} 旁的字面值不在其列表中"
                )
    kinds = {FACT_NAMES[name].kind for name in facts}
    free = not membership and len(set(facts)) > 1 and kinds <= {"text"}
    names = tuple(dict.fromkeys(facts))
    return Atom(_atom_text(body), names, tuple(parameters), tuple(literals), free, _roots(names))


def _roots(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in names)


def _side(side: dict[str, Any], facts: list[str], parameters: list[str], literals: list[str | int]) -> None:
    """Sort one side of a comparison into facts, parameters and literals."""
    (kind, inner), *_ = side.items()
    if kind == "Value" and isinstance(inner, str | int):
        literals.append(inner)
    elif kind == "Set":
        for part in inner:
            _side(part, facts, parameters, literals)
    elif (path := _path(side)) is not None and path[:1] == ["law"]:
        parameters.append(".".join(path[1:]))
    else:
        facts.append(_fact(side))


def _has(body: dict[str, Any], inner: dict[str, Any], actions: Sequence[Action]) -> Atom:
    """Return the atom of a `has`, allowed only where the absence it asks for is an answer."""
    path = _path({".": inner})
    name = ".".join(path or [])
    _demand(
        absence_answers(name, actions),
        f"`has {name}` is refused, since an unknown fact is not an answer; read the fact itself",
        f"不得使用 `has {name}`：未知并非答案；请直接读取该事实",
    )
    return Atom(_atom_text(body), (name,) if name in FACT_NAMES else (), (), (), free=False, roots=_roots((name,)))


def _path(body: dict[str, Any]) -> list[str] | None:
    """Return the attributes after `context` of an expression that is such a path, else None."""
    if body == {"Var": "context"}:
        return []
    inner = body.get(".")
    before = None if inner is None else _path(inner["left"])
    return None if inner is None or before is None else [*before, inner["attr"]]


def _fact(body: dict[str, Any]) -> str:
    """Return the dotted name of the fact that an expression reads, or raise `UnreadableRule`."""
    path = _path(body)
    _demand(
        path is not None,
        "an expression is neither a fact, a parameter nor a literal",
        "表达式既非事实、参数，也非字面值",
    )
    name = ".".join(path or [])
    known = name in FACT_NAMES and (name in TOP_LEVEL or name.partition(".")[0] in GROUPS)
    shown = name[:80]
    _demand(known, f"context.{shown} is not a fact that rules may read", f"context.{shown} 不是规则可读取的事实")
    return name


def _demand(holds: bool, en: str, zh: str) -> None:  # noqa: FBT001 — reads as a sentence
    if not holds:
        raise UnreadableRule(en, zh)
