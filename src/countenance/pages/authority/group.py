"""One group: its members, the bounds of their union and how they are computed, and the key for tighter ones."""

from typing import Annotated
from urllib.parse import quote

from pydantic import Field
from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.taking import Line
from countenance.reception.body import Form


class GroupKeyForm(Form):
    """The group whose members get its key."""

    name: Annotated[Line, Field(min_length=1, max_length=256)]


async def group(visit: Visit) -> Response:
    """Show a group."""
    name = visit.named("name")
    return visit.show("group.html", group=await visit.work(lambda: visit.desk.group(name)))


async def key_issued(visit: Visit) -> Response:
    """Send every member the key of the group."""
    name = visit.form(GroupKeyForm).name
    await visit.work(lambda: visit.desk.issue_group_key(name, visit.clerk.name))
    return visit.go(f"/desk/groups/{quote(name)}")


PAGES = (
    Page(method="GET", path="/desk/groups/{name:path}", endpoint=group, who=Clerks()),
    Page(method="POST", path="/desk/groups/key", endpoint=key_issued, who=Clerks()),
)
