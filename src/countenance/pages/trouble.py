"""What went wrong, as pages say it: the status of each kind of error, and words for what nobody else has words for."""

from typing import Final

from countenance.answer import Text
from countenance.errors import (
    ConflictError,
    CountenanceError,
    IntegrityError,
    LimitError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)

UNAVAILABLE: Final = 503
TOO_MANY: Final = 429
#: The status of each kind of error, as the table of the interface has it.
_STATUS: Final[dict[type[CountenanceError], int]] = {
    MalformedError: 400,
    NotAllowedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    LimitError: 413,
    UnavailableError: UNAVAILABLE,
    IntegrityError: UNAVAILABLE,
}

ADDRESS: Final = Text(
    "This page cannot be shown so. Begin again from the first page.", "无法这样打开此页面。请从首页重新开始。"
)
_DOWN: Final = Text(
    "A part of the server is down, and nothing was done. Try again in a moment, or go to the staff.",
    "服务器部分组件暂不可用，未执行任何操作。请稍后重试，或联系工作人员。",
)
_CHANGED: Final = Text(
    "Something that is stored was changed, so nothing is done until somebody has looked. Go to the staff.",
    "存储内容被改动，在查明之前不执行任何操作。请联系工作人员。",
)
_UNEXPECTED: Final = Text(
    "Something went wrong in the server. Begin again, or go to the staff with the number below.",
    "服务器出现错误。请重新开始，或凭下方编号联系工作人员。",
)
#: The problems that arise where no page answers, by their names in the interface's table.
_NOWHERE: Final[dict[str, tuple[int, Text]]] = {
    "not_found": (404, Text("There is no such page.", "没有此页面。")),
    "method": (405, ADDRESS),
    "too_many": (TOO_MANY, Text("The server is busy. Try again in a moment.", "服务器繁忙，请稍后重试。")),
    "unexpected": (500, _UNEXPECTED),
}


def status_of(error: CountenanceError) -> int:
    """Return the status that an error is shown with."""
    if isinstance(error, NotAllowedError) and not error.known:
        return 401
    if isinstance(error, LimitError) and error.limit == "rate":
        return TOO_MANY
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def words_of(error: CountenanceError) -> Text:
    """Return what a page says of an error; what only the operator can act on is not told to everybody."""
    if isinstance(error, IntegrityError):
        return _CHANGED
    return _DOWN if status_of(error) == UNAVAILABLE else Text(error.en, error.zh)


def nowhere(name: str) -> tuple[int, Text]:
    """Return status and words of a problem that arose where no page answers, by its name."""
    return _NOWHERE.get(name, (400, ADDRESS))
