"""Report: somebody at the desk, or something, says that another way works or does not; the face path follows by itself.

Where the other way is down, articles on another way refuse the face path there; when it works again, they no longer do.
"""

from countenance.errors import NotFoundError
from countenance.operations.parts import Caller, House
from countenance.record import Entry, append
from countenance.store import sites


def report(house: House, caller: Caller, alternative_id: str, *, working: bool) -> bool:
    """Keep what is said of an alternative, and return whether that is a change; a change is recorded.

    Raises NotFoundError for an alternative that is not on file.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        try:
            if caller.device_id is not None and not sites.beside(
                tx, caller.operator_id, caller.device_id, alternative_id
            ):
                raise LookupError  # noqa: TRY301 — another venue's is no different from none
            before = sites.report(tx, caller.operator_id, alternative_id, at, working=working)
        except LookupError:
            raise NotFoundError(
                "No such alternative is on file. See GET /v1/alternatives.",
                "没有此替代方式。请查看 GET /v1/alternatives。",
            ) from None
        changed = before is not working
        if changed:
            append(
                tx,
                Entry(
                    operator_id=caller.operator_id,
                    at=at,
                    kind="alternative",
                    outcome="up" if working else "down",
                    by=caller.named,
                    details={"alternative": alternative_id},
                ),
            )
    return changed
