"""Makes the HTML of a page: both languages stand side by side in the template, and everything is escaped.

A template says `{{ t("English", "中文") }}`, so no sentence can be there in one language and missing in the other.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from countenance.answer import Text
from countenance.law.pack import Packs
from countenance.pages.files import FOLDER, address
from countenance.store.gathering import PLACE

LANGUAGES: Final = ("en", "zh")
TAGS: Final = {"en": "en", "zh": "zh-Hans"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is made: the language, the path of the page, the mark of its forms, and what it may use."""

    language: str
    here: str
    csrf: str | None = field(repr=False)
    camera: bool
    packs: Packs

    def say(self, text: Text) -> str:
        """Return a text in the reader's language."""
        return text.zh if self.language == "zh" else text.en


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.globals["file"] = address
    return made


def page(reader: Reader, template: str, status: int, values: dict[str, Any]) -> HTMLResponse:
    """Return the page that `template` makes of `values`, in the reader's language."""

    def t(en: str, zh: str) -> str:
        return reader.say(Text(en, zh))

    def say(text: Text | dict[str, str]) -> str:
        return reader.say(text) if isinstance(text, Text) else t(text["en"], text["zh"])

    html = (
        _environment()
        .get_template(template)
        .render(
            {
                "t": t,
                "say": say,
                "when": lambda at: _when(at, reader.language),
                "law": lambda name: _law(reader, name),
                "language": reader.language,
                "tag": TAGS[reader.language],
                "other": {"en": "zh", "zh": "en"}[reader.language],
                "here": reader.here,
                "csrf": reader.csrf,
            }
            | values
        )
    )
    return HTMLResponse(html, status, headers=_headers(reader))


def _law(reader: Reader, name: str) -> str:
    """Return the title of a pack with its id; the id alone where the pack is no longer on the shelf."""
    titles = {pack.name: pack.title for pack in reader.packs}
    return f"{reader.say(titles[name])} ({name})" if name in titles else name


def _headers(reader: Reader) -> dict[str, str]:
    camera = "camera=(self)" if reader.camera else "camera=()"
    return {
        "Content-Security-Policy": _POLICY,
        "Permissions-Policy": f"{camera}, microphone=(), geolocation=(), payment=(), usb=()",
        # Without a referrer a browser says of its own form that it comes from nowhere.
        "Referrer-Policy": "same-origin",
        "Content-Language": TAGS[reader.language],
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _local(at: datetime | str) -> datetime:
    """Return an instant as the clock at the venue shows it; records hold theirs as text."""
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(PLACE)


def _when(at: datetime | str | None, language: str) -> str:
    """Return an instant as people write it, to the minute."""
    if at is None:
        return "—"
    local = _local(at)
    return f"{local:%Y年%-m月%-d日 %H:%M}" if language == "zh" else f"{local:%-d %B %Y, %H:%M}"
