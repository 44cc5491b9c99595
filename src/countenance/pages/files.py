"""The style sheets and scripts beside the pages: named by their content, so that a browser keeps them for a year."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


@cache
def _all() -> dict[str, tuple[bytes, str]]:
    """Return every file that may be fetched, read once, with its media type."""
    found = [path for path in sorted(FOLDER.rglob("*")) if path.suffix in _KINDS]
    return {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in found}


@cache
def address(name: str) -> str:
    """Return where a file is fetched; its name in a template that is not there is an error when the page is shown."""
    return f"/pages/{name}?v={hashlib.sha256(_all()[name][0]).hexdigest()[:16]}"


async def _file(request: Request) -> Response:
    request.scope["countenance.route"] = "GET /pages/{name}"
    found = _all().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    body, kind = found
    return Response(body, media_type=kind, headers={"Cache-Control": _FOR_A_YEAR})


def file_route() -> Route:
    """Return the one route that gives them out."""
    return Route("/pages/{name}", _file, methods=["GET"])
