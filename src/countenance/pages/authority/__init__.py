"""The pages of an authority's server, each a `.py` and a `.html` of the same name: the desk's, and those for anybody.

Behind each stands one method of the desk; a page reads a form, hands it over, and shows what came of it.
"""

import importlib
import pkgutil
import time
from collections.abc import Callable, Sequence
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countenance.authority.desk import Desk
from countenance.pages.authority.door import Behind, Front, Page, hung, nowhere
from countenance.pages.door import GUESSES_PER_MINUTE
from countenance.pages.files import file_route
from countenance.pages.taking import MINUTES_A_DAY
from countenance.reception.pace import Pace
from countenance.reception.threads import Threads

#: So many complaints, and questions what became of one, are taken from one address.
COMPLAINTS_PER_MINUTE: Final = 10
#: So many complaints are taken from one address in a row, and as many again over each day.
COMPLAINTS_PER_DAY: Final = 20
#: So many forms that anybody may send are in hand at once.
FORMS_AT_ONCE_MAX: Final = 16


def make_authority_pages(
    desk: Desk, front: Front, threads: Threads
) -> tuple[list[Route], Callable[[Request, str], Response]]:
    """Return the routes of all pages and of the files beside them, and what shows a problem where no page answers."""
    behind = Behind(
        desk,
        front,
        threads,
        Pace(COMPLAINTS_PER_MINUTE),
        Pace(GUESSES_PER_MINUTE),
        Pace(COMPLAINTS_PER_DAY, elapsed=lambda: time.monotonic() / MINUTES_A_DAY),
        anyio.CapacityLimiter(FORMS_AT_ONCE_MAX),
    )
    routes = [file_route(), *(hung(page, behind) for page in authority_pages())]
    return routes, lambda request, name: nowhere(behind, request, name)


def authority_pages() -> Sequence[Page]:
    """Return every page of this folder, in the order of their paths; what is fixed comes before what is named."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    found = [page for module in modules for page in getattr(module, "PAGES", ())]
    return sorted(found, key=lambda page: (page.path.count("{"), page.path, page.method))
