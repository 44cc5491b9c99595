"""The Cedar schema that the facts' contract implies; every pack is checked against it when it is loaded."""

from collections.abc import Iterable

from countenance.facts import FACT_NAMES, GROUPS, OPTIONAL_GROUPS, Fact
from countenance.vocabulary import Action

#: Scalars of the record itself that policies may read; the action is the request's, and no policy reads a clock.
TOP_LEVEL = ("minor_rules", "statutory_basis", "statutory_basis_lifts")
#: Facts whose absence is an answer for every action, so that policies must ask for them with `has`.
ABSENCE_ANSWERS = ("statutory_basis", "session.last_refusal_days", *OPTIONAL_GROUPS)
#: The actions for which an absent `subject.age_class` is an answer.
AGE_MAY_BE_ABSENT = (Action.VERIFY, Action.IDENTIFY)

_CEDAR_TYPES = {"bool": "Bool", "int": "Long", "list": "Set<String>"}


def cedar_type(fact: Fact) -> str:
    """Return the Cedar type of a fact."""
    return _CEDAR_TYPES.get(fact.kind, "String")


def cedar_schema(parameters: Iterable[str]) -> str:
    """Return the schema, in Cedar's own notation, for a pack with these parameters (`context.law.…`, whole numbers)."""
    law = ", ".join(f"{name}: Long" for name in sorted(parameters))
    lines = ["entity Operator;", "entity Face;"]
    for action in Action:
        context = ",\n    ".join([*_attributes(action), f"law: {{ {law} }}"])
        lines.append(f'action "{action}" appliesTo {{\n  principal: Operator,\n  resource: Face,\n  context: {{')
        lines.append(f"    {context}\n  }}\n}};")
    return "\n".join(lines) + "\n"


def _attributes(action: Action) -> list[str]:
    """Return the attributes of the context of one action, optional where absence is an answer."""
    made = []
    for group in GROUPS:
        parts = [
            f"{name.partition('.')[2]}{_mark(name, action)}: {cedar_type(fact)}"
            for name, fact in FACT_NAMES.items()
            if name.startswith(f"{group}.")
        ]
        made.append(f"{group}{_mark(group, action)}: {{ {', '.join(parts)} }}")
    return made + [f"{name}{_mark(name, action)}: {cedar_type(FACT_NAMES[name])}" for name in TOP_LEVEL]


def _mark(name: str, action: Action) -> str:
    return "?" if absence_answers(name, (action,)) else ""


def absence_answers(name: str, actions: Iterable[Action]) -> bool:
    """Whether the absence of that fact or group is an answer for all these actions, so that `has` may ask for it."""
    if name == "subject.age_class":
        return all(action in AGE_MAY_BE_ABSENT for action in actions)
    return name in ABSENCE_ANSWERS
