"""The pages: what guests, staff and subjects see in a browser; each is a `.py` and a `.html` of the same name.

Rendered here, with no build step and nothing from elsewhere. A page decides nothing: it reads a form, hands it to one
operation, and shows what came of it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countenance.operations.parts import House
from countenance.pages.door import GUESSES_PER_MINUTE, Behind, Page, hung, nowhere
from countenance.pages.files import file_route
from countenance.reception.pace import Pace
from countenance.reception.threads import Threads
from countenance.settings import Settings


def make_pages(
    house: House, settings: Settings, threads: Threads
) -> tuple[list[Route], Callable[[Request, str], Response]]:
    """Return the routes of all pages and of the files beside them, and what shows a problem where no page answers."""
    pace, guesses = Pace(settings.receipt_requests_per_minute), Pace(GUESSES_PER_MINUTE)
    behind = Behind(house, settings, threads, pace, guesses)
    routes = [file_route(), *(hung(page, behind) for page in pages())]
    return routes, lambda request, name: nowhere(behind, request, name)


def pages() -> Sequence[Page]:
    """Return every page of this folder, in the order of their paths; what is fixed comes before what is named."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    found = [page for module in modules for page in getattr(module, "PAGES", ())]
    return sorted(found, key=lambda page: (page.path.count("{"), page.path, page.method))
