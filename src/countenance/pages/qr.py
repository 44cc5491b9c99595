"""QR codes in a page: drawn by the operation that draws them for everybody, and carried in the page itself."""

import base64

from markupsafe import Markup

from countenance.operations.receipts import qr


def svg(text: str, title: str) -> Markup:
    """Return the QR code of `text` as a picture with `title` for those who do not see it."""
    data = base64.b64encode(qr(text)).decode()
    return Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(data, title)
