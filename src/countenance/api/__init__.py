"""The REST door: one file per resource, each found by the routes it declares.

Nothing here decides anything: a request is let in or not, read, handed to one operation, and its answer written.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response

from countenance import __version__
from countenance.api import document, problems
from countenance.api.door import Door, Route, hang
from countenance.operations.parts import House
from countenance.reception.metrics import Metrics
from countenance.reception.outermost import Answering, Outermost
from countenance.reception.threads import Threads
from countenance.settings import Settings


def by_problem(request: Request, name: str) -> Response:
    """Return the answer of a problem of the table, by its name."""
    return problems.by_name(name).response(request)


def make_api(
    house: House,
    settings: Settings,
    *,
    ready: Callable[[], Mapping[str, bool]],
    metrics: Metrics | None = None,
    threads: Threads | None = None,
    answer: Answering = by_problem,
) -> FastAPI:
    """Return the application that serves `house`; `ready` says which parts stand ready, `metrics` counts.

    `answer` gives the answer of a problem where no route answers. No redirects, no other origin.
    """
    counted = metrics or Metrics()
    counted.watch_references(
        lambda: len(house.projection) + len(house.encrypted),
        lambda: house.projection.memory() + house.encrypted.memory(),
    )
    found = routes()
    app = _application(found)
    app.state.door = Door(house, settings, ready, counted, threads or Threads(settings))
    problems.handle(app, answer)
    app.add_middleware(
        Outermost,
        metrics=counted,
        requests_at_once_max=settings.requests_at_once_max,
        answer=answer,
        strict=settings.tls_certificate_file is not None,
    )
    described: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not described:
            described.update(document.describe(app, found))
        return described

    # The framework's own way to replace it.
    app.openapi = openapi  # type: ignore[method-assign]
    return app


def description() -> dict[str, Any]:
    """Return the description of the interface (OpenAPI), for which no house has to stand."""
    found = routes()
    return document.describe(_application(found), found)


def _application(found: Sequence[Route]) -> FastAPI:
    app = FastAPI(
        title="Countenance",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for route in found:
        hang(app, route, document.described(route))
    return app


def routes() -> tuple[Route, ...]:
    """Return the routes of every resource in this folder, in the order of their paths."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    found = [route for module in modules for route in getattr(module, "ROUTES", ())]
    return tuple(sorted(found, key=lambda route: (route.path, route.method)))
