"""A pack's policies as parsed Cedar handles: asked whole for the decision, atom by atom for the explanation."""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cedarpy import Entities, PolicySet, is_authorized, is_authorized_batch

from countenance.law.atoms import Atom
from countenance.law.tree import State
from countenance.vocabulary import Action

#: Cedar numbers the policies of a text in their order; the base permit is written first.
BASE: Final = "policy0"
#: How many of Cedar's answers a pack remembers.
_ANSWERS_KEPT: Final = 1024
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
        self, text: str, policies: int, atoms: Sequence[Atom], by_action: Mapping[Action, Sequence[int]]
    ) -> None:
        """Parse `text`, the whole pack of `policies` policies, and a small policy set for the atoms of each action."""
        self.text = text
        self.policies = frozenset(f"policy{index}" for index in range(policies))
        self.atoms = tuple(atoms)
        self.memo: dict[Hashable, Any] = {}
        self._whole = PolicySet.from_str(text)
        self._entities = Entities.from_json_str("[]")
        self._by_action = {action: self._atom_set(indexes) for action, indexes in by_action.items()}
        # The same question has the same answer, and at a counter nearly every guest is the same question: no fact names
        # a person. What Cedar could not answer is not remembered.
        self.ask = lru_cache(maxsize=_ANSWERS_KEPT)(self._ask)

        #: What the rules for an action look at: no more of the context is handed to Cedar, whose parsing of it is dear.
        self.roots = {
            action: frozenset[str]().union(*(self.atoms[index].roots for index in indexes))
            for action, indexes in by_action.items()
        }

    def _atom_set(self, indexes: Sequence[int]) -> tuple[tuple[int, ...], Any]:
        return tuple(indexes), PolicySet.from_str("\n".join(self.atoms[index].text for index in indexes))

    def _ask(self, action: Action, context: str) -> Native:
        """Return Cedar's answer of the whole pack to one act, whose context is given as JSON text."""
        result = is_authorized(_request(action, context), self._whole, self._entities)
        native = Native(result.allowed, frozenset(result.diagnostics.reasons), _failing(result.diagnostics.errors))
        if result.decision.value not in ("Allow", "Deny") or not (native.deciding | native.failing) <= self.policies:
            raise CedarDoubtError
        return native

    def states(self, action: Action, context: str) -> dict[int, State]:
        """Return what each atom of the rules for this action is; a failing one as broken, for `decide` to look into."""
        indexes, handle = self._by_action[action]
        if not indexes:
            return {}
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
        _, handle = self._atom_set(atoms)
        requests = [_request(action, context) for context in contexts]
        answers = []
        for result in is_authorized_batch(requests, handle, self._entities):
            if result.diagnostics.errors:
                raise CedarDoubtError
            true = frozenset(result.diagnostics.reasons)
            answers.append(tuple(f"policy{place}" in true for place in range(len(atoms))))
        return answers


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
