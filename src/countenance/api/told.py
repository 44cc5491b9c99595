"""How a recorded no leaves the door: a refusal with whom to contest it, anything else with what to do."""

from typing import Any

from fastapi import Response

from countenance.api import problems
from countenance.api.door import Call
from countenance.errors import CountenanceError
from countenance.operations.parts import AttackSuspected, NoAnalyser, NotAcquired, Refused
from countenance.store import sites
from countenance.vocabulary import RequestKind


def told(call: Call, result: Refused | NotAcquired | AttackSuspected | NoAnalyser) -> Response:
    """Return the answer to a no that is on record already, whatever else fails now."""
    if isinstance(result, NoAnalyser):
        return problems.no_analyser(call.request, result)
    if isinstance(result, NotAcquired):
        return problems.not_acquired(call.request, result)
    if isinstance(result, AttackSuspected):
        return problems.attack_suspected(call.request, result)
    return problems.refused(call.request, result, _contest(call, result))


def _contest(call: Call, result: Refused) -> dict[str, Any]:
    """Return how to contest a refusal: what to ask for, the operator, its officer, and the sentence that says so."""
    said: dict[str, Any] = {
        "en": "You can ask a person to decide, or complain: open a request about the record, or write to the contact.",
        "zh": "您可要求人工处理或投诉：就该记录提出请求，或联系以下联系人。",
        "request": {
            "address": "/v1/requests",
            "kind": RequestKind.HUMAN_REVIEW.value,
            "about_record": str(result.recorded.record_id),
        },
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
