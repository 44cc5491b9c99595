"""Tells a page's own form from another site's: by the mark it carries, and by where the browser says it is from.

The mark can be made by whoever holds the session's cookie, and no other site can read or set that.
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from countenance.errors import NotAllowedError
from countenance.reception.body import Sent


def mark_of(token: str) -> str:
    """Return the mark that forms of a session carry: only whoever holds the session's cookie can make it."""
    return hashlib.sha256(b"form " + token.encode()).hexdigest()[:32]


def check_mark(request: Request, sent: Sent, mark: str) -> None:
    """Refuse a form without its session's mark: it comes in a header where a script sent it, else in a hidden field."""
    carried = request.headers.get("x-csrf") or sent.mark()
    if not hmac.compare_digest(carried.encode(), mark.encode()):
        raise _not_own()


def check_site(request: Request, public_url: str, *, secure: bool) -> None:
    """Refuse a form that another site's page sent; every browser that sends one says from where.

    Its own site is the one that the request names, or where the operator says that people reach the server: a proxy
    between may have put another name into the request.
    """
    headers, public = request.headers, urlsplit(public_url.lower())
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    schemes = ("https",) if secure else ("https", "http")
    own = {f"{scheme}://{headers.get('host', '')}" for scheme in schemes} | {f"{public.scheme}://{public.netloc}"}
    if (site is not None and site not in {"same-origin", "none"}) or (origin is not None and origin not in own):
        raise _not_own()


def cookie(request: Request, name: str) -> str | None:
    """Return a cookie; one that comes twice is none, because a neighbour under the same name set one of the two."""
    sent = [part.partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    values = [value.strip() for named, _, value in sent if named.strip() == name]
    return values[0] if len(values) == 1 else None


def _not_own() -> NotAllowedError:
    return NotAllowedError(
        "This form did not come from this page. Open the page again and repeat.",
        "此表单并非来自本页面。请重新打开页面后再试。",
    )
