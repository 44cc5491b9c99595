"""Rich text of the PIA tool to plain text and back; what could run somewhere is refused and not merely dropped."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

from countenance.errors import LimitError, MalformedError

#: No answer of a person is longer, tags and all.
RICH_MAX: Final = 100_000
_RUNS: Final = frozenset(
    {"script", "iframe", "frame", "object", "embed", "applet", "svg", "math", "link", "meta", "base"}
)
_RUNNING: Final = re.compile(rf"<\s*/?\s*(?:{'|'.join(sorted(_RUNS))})\b", re.IGNORECASE)
_LINE_AFTER: Final = frozenset({"p", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_ADDRESSES: Final = frozenset({"href", "src", "action", "formaction", "xlink:href", "data"})


class _Plain(HTMLParser):
    """Collects the words of a rich text, a line for each block."""

    def __init__(self, where: str) -> None:
        super().__init__(convert_charrefs=True)
        self._where = where
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hold(tag, attrs)
        if tag == "br":
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _LINE_AFTER:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))

    def _hold(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            address = "".join((value or "").split()).lower() if name in _ADDRESSES else ""
            if name.startswith("on") or address.startswith(("javascript:", "vbscript:", "data:")):
                raise _active(self._where)
        if tag in _RUNS:
            raise _active(self._where)


def plain(rich: str, where: str) -> str:
    """Return the words of a rich text; raises MalformedError for one that holds a script, LimitError for a long one."""
    if len(rich) > RICH_MAX:
        raise LimitError(
            f"The text at {where} is longer than {RICH_MAX} characters. Shorten it.",
            f"{where} 处的文字超过 {RICH_MAX} 字符，请缩短。",
        )
    reader = _Plain(where)
    reader.feed(rich)
    reader.close()
    lines = ("".join(reader.parts)).replace("\xa0", " ").split("\n")
    return "\n".join(line.strip() for line in lines).strip()


def unformatted(text: str, where: str) -> str:
    """Return a text that the tool keeps without tags; raises as `plain` does."""
    if len(text) > RICH_MAX or _RUNNING.search(text):
        plain(text, where)
        raise _active(where)
    return text.replace("\r\n", "\n").strip()


def rich(text: str) -> str:
    """Return a plain text as rich text: one paragraph, its lines kept."""
    return f"<p>{escape(text, quote=False).replace(chr(10), '<br>')}</p>" if text else ""


def _active(where: str) -> MalformedError:
    return MalformedError(
        f"The text at {where} holds a script or something else that runs. Take it out, and find out how it came in.",
        f"{where} 处的文字含有脚本或其他可执行内容。请删除，并查明其来源。",
    )
