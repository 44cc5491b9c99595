"""How a recorded no leaves the door: a refusal with whom to contest it, anything else with what to do."""

from fastapi import Response

from countenance.api import problems
from countenance.api.door import Call
from countenance.errors import CountenanceError
from countenance.operations.parts import AttackSuspected, NoAnalyser, NotAcquired, Refused
from countenance.store import sites


def told(call: Call, result: Refused | NotAcquired | AttackSuspected | NoAnalyser) -> Response:
    """Return the answer to a no that is on record already, whatever else fails now."""
    if isinstance(result, NoAnalyser):
        return problems.no_analyser(call.request, result)
    if isinstance(result, NotAcquired):
        return problems.not_acquired(call.request, result)
    if isinstance(result, AttackSuspected):
        return problems.attack_suspected(call.request, result)
    return problems.refused(call.request, result, _contest(call))


def _contest(call: Call) -> dict[str, str | None]:
    """Return how to contest a refusal: the operator, its officer, and the sentence that says so."""
    said: dict[str, str | None] = {
        "en": "You can ask a person to decide, or complain: write to the contact and name the record.",
        "zh": "您可要求人工处理或投诉：请联系以下联系人并提供记录编号。",
        "contact": None,
        "officer_contact": None,
    }
    try:
        with call.house.database.transaction() as tx:
            for row in sites.read(tx, call.caller.operator_id, "operator"):
                said |= {"contact": row["contact"], "officer_contact": row["officer_contact"]}
    except CountenanceError:  # the refusal stands on record; the answer must leave even if this cannot be read now
        return said
    return said
