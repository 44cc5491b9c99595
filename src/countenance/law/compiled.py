"""A pack's policies as parsed Cedar handles: asked whole for the decision, atom by atom for the explanation."""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cedarpy import Entities, PolicySet, is_authorized, is_authorized_batch

from countenance.facts import GROUPS
from countenance.law.atoms import Atom
from countenance.law.tree import State
from countenance.vocabulary import Action

#: Cedar numbers the policies of a text in their order; the base permit is written first.
BASE: Final = "policy0"
#: How many of Cedar's answers a pack remembers.
_ANSWERS_KEPT: Final = 1024
#: How many sets of atoms stay parsed.
_ATOM_SETS_KEPT: Final = 512
#: How many findings a pack remembers before it begins anew.
_FOUND_MAX: Final = 8192
_PRINCIPAL: Final = {"type": "Operator", "id": "operator"}
_RESOURCE: Final = {"type": "Face", "id": "face"}
_FAILED_POLICY: Final = re.compile(r"error while evaluating policy `(policy[0-9]+)`: ")


class CedarDoubtError(Exception):
    """Cedar said something that this wrapper cannot read; `decide` turns it into a refusal."""


@dataclass(frozen=True, slots=True)
class Native:
    """Cedar's own answer to a whole pack: allowed, the policies that decided, and those it could not evaluate."""

    allowed: bool
    deciding: frozenset[str]
    failing: frozenset[str]


class Compiled:
    """The handles of one pack, parsed once and shared by threads; only what it remembers changes, and may be lost."""

    def __init__(
        self,
        base: str,
        rules: Sequence[tuple[str, str, frozenset[Action]]],
        atoms: Sequence[Atom],
        by_action: Mapping[Action, Sequence[int]],
    ) -> None:
        """Parse the pack (base permit; policy, text and actions of each rule) and the atoms, for each action by itself.

        A policy whose scope leaves an action out never speaks of it, so leaving it out of that action's set changes no
        answer and spares Cedar the looking.
        """
        self.text = "\n\n".join([base, *(text for _, text, _ in rules)]) + "\n"
        self.atoms = tuple(atoms)
        #: Worked out before, by question: the joint answers of atoms (see `outcome`), and findings (see `decide`).
        self.memo: dict[Hashable, Any] = {}
        self.found: dict[Hashable, Any] = {}
        self._entities = Entities.from_json_str("[]")
        self._whole = {}
        for action in Action:
            speaking = [(policy, text) for policy, text, actions in rules if action in actions]
            names = {f"policy{place}": policy for place, policy in enumerate([BASE, *(name for name, _ in speaking)])}
            self._whole[action] = (PolicySet.from_str("\n".join([base, *(text for _, text in speaking)])), names)
        # The same question has the same answer, and at a counter nearly every guest is the same question: no fact names
        # a person. What Cedar could not answer is not remembered.
        self.ask = lru_cache(maxsize=_ANSWERS_KEPT)(self._ask)
        self.atom_set = lru_cache(maxsize=_ATOM_SETS_KEPT)(self._atom_set)

        #: What the rules for an action look at: no more of the context is handed to Cedar, whose parsing of it is dear.
        self.reads = {action: _reads([self.atoms[index] for index in some]) for action, some in by_action.items()}

    def _atom_set(self, indexes: tuple[int, ...]) -> tuple[Any, "Reads"]:
        """Return a handle that asks these atoms, and what they look at."""
        atoms = [self.atoms[index] for index in indexes]
        return PolicySet.from_str("\n".join(atom.text for atom in atoms)), _reads(atoms)

    def remember(self, question: Hashable, finding: object) -> None:
        """Keep what an article found, for the next time the very same is asked; beyond a bound, begin anew."""
        if len(self.found) >= _FOUND_MAX:
            self.found.clear()
        self.found[question] = finding

    def _ask(self, action: Action, context: str) -> Native:
        """Return Cedar's answer of the whole pack to one act, whose context is given as JSON text."""
        handle, names = self._whole[action]
        result = is_authorized(_request(action, context), handle, self._entities)
        deciding, failing = frozenset(result.diagnostics.reasons), _failing(result.diagnostics.errors)
        if result.decision.value not in ("Allow", "Deny") or not (deciding | failing) <= names.keys():
            raise CedarDoubtError
        return Native(result.allowed, *(frozenset(names[each] for each in some) for some in (deciding, failing)))

    def states(
        self, action: Action, atoms: frozenset[int], parts: Mapping[str, Any], parameters: Mapping[str, int]
    ) -> dict[int, State]:
        """Return what each of these atoms is; a failing one as broken, for `decide` to look into."""
        if not atoms:
            return {}
        indexes = tuple(sorted(atoms))
        handle, reads = self.atom_set(indexes)
        numbers = {name: value for name, value in parameters.items() if name in reads.parameters}
        context = context_text(json.dumps(reads.of(parts)), numbers)
        result = is_authorized(_request(action, context), handle, self._entities)
        true, failing = frozenset(result.diagnostics.reasons), _failing(result.diagnostics.errors)
        made = {}
        for place, index in enumerate(indexes):
            policy = f"policy{place}"
            made[index] = State.BROKEN if policy in failing else State.TRUE if policy in true else State.FALSE
        if len(true | failing) > len(indexes) or true & failing:
            raise CedarDoubtError
        return made

    def tried(self, action: Action, atoms: Sequence[int], contexts: Sequence[str]) -> list[tuple[bool, ...]]:
        """Return which of these atoms are true in each context; raise `CedarDoubtError` where one fails."""
        handle, _ = self.atom_set(tuple(atoms))
        requests = [_request(action, context) for context in contexts]
        answers = []
        for result in is_authorized_batch(requests, handle, self._entities):
            if result.diagnostics.errors:
                raise CedarDoubtError
            true = frozenset(result.diagnostics.reasons)
            answers.append(tuple(f"policy{place}" in true for place in range(len(atoms))))
        return answers


@dataclass(frozen=True, slots=True)
class Reads:
    """What some rules look at: attributes by group, scalars, and numbers of the law."""

    groups: Mapping[str, frozenset[str]]
    scalars: frozenset[str]
    parameters: frozenset[str]

    def of(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return no more of a context than the rules look at; a group that is there stays, even if empty."""
        made: dict[str, Any] = {}
        for name, part in context.items():
            if name in self.groups:
                wanted = self.groups[name]
                made[name] = {each: value for each, value in part.items() if each in wanted}
            elif name in self.scalars:
                made[name] = part
        return made


def _reads(atoms: Sequence[Atom]) -> Reads:
    """Return what these atoms look at."""
    groups: dict[str, set[str]] = {}
    scalars = set()
    for atom in atoms:
        for root in atom.roots:
            if root in GROUPS:
                groups.setdefault(root, set())
        for name in atom.facts:
            group, _, attribute = name.rpartition(".")
            if group:
                groups[group].add(attribute)
            else:
                scalars.add(name)
    parameters = frozenset(name for atom in atoms for name in atom.parameters)
    return Reads({group: frozenset(names) for group, names in groups.items()}, frozenset(scalars), parameters)


def _request(action: Action, context: str) -> dict[str, Any]:
    # Names as parts, since Cedar would parse them from text on every call.
    called = {"type": "Action", "id": action.value}
    return {"principal": _PRINCIPAL, "action": called, "resource": _RESOURCE, "context": context}


def _failing(errors: Sequence[str]) -> frozenset[str]:
    """Return the policies that Cedar could not evaluate, or raise where its sentence is not the one known."""
    found = [_FAILED_POLICY.match(error) for error in errors]
    if not all(found):
        raise CedarDoubtError
    return frozenset(match.group(1) for match in found if match is not None)


def context_text(facts: str, parameters: Mapping[str, int]) -> str:
    """Return the context of one pack: the facts as JSON text, never empty, with the numbers of the law beside them."""
    return f'{facts[:-1]}{"," if facts != "{}" else ""}"law":{json.dumps(parameters)}}}'
