"""What the server refuses by itself, whatever the packs say."""

from typing import Final

from countenance.answer import Finding, Outcome, Text
from countenance.store.gathering import OnFile, Question
from countenance.vocabulary import TAKING_PART, Action, AttackChecking

#: What is done at a device that has to be registered.
AT_A_DEVICE: Final = frozenset(
    {Action.CAPTURE, Action.ENROL, Action.VERIFY, Action.IDENTIFY, Action.IDENTIFY_REMOTE, Action.ANALYSE}
)
#: What comes before a purpose is active.
_BEFORE: Final = frozenset({Action.ACTIVATE_PURPOSE, Action.REGISTER_DEVICE})
#: Nobody is looked for at a distance on fewer approvals, whatever packs are selected.
REMOTE_APPROVERS_MIN: Final = 2


def _finding(facts: tuple[str, ...], reason: Text, remedy: Text) -> Finding:
    return Finding(None, None, Outcome.FORBIDS, facts, reason, remedy)


_UNKNOWN_PURPOSE: Final = _finding(
    ("purpose.code",),
    Text("This purpose is not on file.", "该处理目的未登记。"),
    Text(
        "Choose one that GET /v1/purposes lists, or declare it in the site file.",
        "请选用已登记的目的，或在站点文件中声明。",
    ),
)
_INACTIVE_PURPOSE: Final = _finding(
    ("purpose.code",),
    Text("This purpose is not active.", "该处理目的尚未启用。"),
    Text(
        "Have an officer activate it: POST /v1/purposes/{code}/activate.",
        "请由保护负责人启用：POST /v1/purposes/{code}/activate。",
    ),
)
_UNKNOWN_ORIGIN: Final = _finding(
    ("origin_purpose.code",),
    Text("The purpose the data were collected for is not on file.", "收集数据时的目的未登记。"),
    Text("Name the purpose under which the data are held.", "请写明持有该数据所依据的目的。"),
)
_UNKNOWN_DEVICE: Final = _finding(
    ("device.registered",),
    Text("No registered, working device is named.", "未指定已登记且可用的设备。"),
    Text(
        "Call with the device's credential; have the officer register it where it stands now "
        "(POST /v1/devices/{device}/register), or lift its suspension.",
        "请使用设备凭证调用；由保护负责人就其现址登记（POST /v1/devices/{device}/register）或解除停用。",
    ),
)
_NO_AUTHORISATION: Final = _finding(
    ("authorisation.approvers", "authorisation.in_scope"),
    Text(
        "Nobody is looked for at a distance without an authorisation that names the persons, this device and this "
        "hour, approved by two other people.",
        "未经写明人员、设备与时段且由另外两人批准的授权，不得远距离查找任何人。",
    ),
    Text("Ask for one: POST /v1/authorisations.", "请先申请授权：POST /v1/authorisations。"),
)
_REVIEWED_BY_OPERATOR: Final = _finding(
    ("review.by_operator",),
    Text("Whoever ran the device may not review what it answered.", "操作设备者不得审核其结果。"),
    Text("Let another officer review it, with a credential of their own.", "请由另一名负责人以其本人凭证审核。"),
)
_NO_CHALLENGE: Final = _finding(
    ("measured.attack_suspected",),
    Text(
        "This server compares nobody before an active check for presentation attacks, and no challenge is answered.",
        "本服务器须先完成主动呈现攻击检测方可比对，而本次请求未应答挑战。",
    ),
    Text(
        "Ask for a challenge (POST /v1/challenges), show its steps, and send the pictures with `challenge`, `steps`.",
        "请先获取挑战（POST /v1/challenges），提示各步骤，并连同 challenge 与 steps 发送图片。",
    ),
)


def own_findings(question: Question, on_file: OnFile, checking: AttackChecking) -> tuple[Finding, ...]:
    """Return what the server refuses by itself about one question."""
    own: list[Finding] = []
    action, review = question.action, question.review
    if not on_file.purpose_known:
        own.append(_UNKNOWN_PURPOSE)
    elif action not in _BEFORE and not on_file.purpose_active:
        own.append(_INACTIVE_PURPOSE)
    if question.origin_purpose is not None and not on_file.origin_known:
        own.append(_UNKNOWN_ORIGIN)
    needed = on_file.device_known if action is Action.REGISTER_DEVICE else on_file.device_working
    if (action in AT_A_DEVICE or action is Action.REGISTER_DEVICE) and not needed:
        own.append(_UNKNOWN_DEVICE)
    if action is Action.IDENTIFY_REMOTE:
        under = on_file.facts.authorisation
        if under is None or not under.in_scope or (under.approvers or 0) < REMOTE_APPROVERS_MIN:
            own.append(_NO_AUTHORISATION)
    if checking is AttackChecking.REQUIRED and action in TAKING_PART and question.challenge is None:
        own.append(_NO_CHALLENGE)
    if review is not None and review.by_operator:
        own.append(_REVIEWED_BY_OPERATOR)
    return tuple(own)
