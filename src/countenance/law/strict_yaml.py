"""YAML as this shelf reads it: no aliases, no doubled keys, and no word that turns into a date, a float or a `no`."""

import re
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode
from yaml.tokens import AliasToken, AnchorToken, TagToken

from countenance.law.files import refuse

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Characters that begin an alias, an anchor or a tag; only a text that has one is looked through for them.
_SUSPECT: Final = re.compile(r"(?:^|[\s\[{,:?-])[*&!]\S", re.MULTILINE)


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader without the guesses of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 — the name and shape are PyYAML's

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return the mapping, or raise where a key comes twice or is no text."""
        keys = [key.value for key, _ in node.value if key.tag == "tag:yaml.org,2002:str"]
        if len(keys) != len(node.value) or len(set(keys)) != len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key comes twice or is not text", node.start_mark)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made


for tag, pattern, first in (
    ("tag:yaml.org,2002:null", r"(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"(?:true|false)$", ["t", "f"]),
    ("tag:yaml.org,2002:int", r"(?:0|-?[1-9][0-9]{0,14})$", list("-0123456789")),
):
    _Loader.add_implicit_resolver(tag, re.compile(pattern), first)


def read_yaml(text: str, where: str, line: int = 1) -> Any:
    """Return the value of a YAML text at `line` of the file `where`; raise `MalformedError` naming the line."""
    try:
        if _SUSPECT.search(text) and any(
            isinstance(token, AliasToken | AnchorToken | TagToken) for token in yaml.scan(text, Loader=_Base)
        ):
            refuse(
                where,
                line,
                "YAML anchors, aliases and tags are not read; write it out",
                "不支持 YAML 锚点、别名与标签；请直接写出",
            )
        return yaml.load(text, Loader=_Loader)  # noqa: S506 — a safe loader, narrowed further
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = line + (mark.line if mark is not None else 0)
        refuse(
            where,
            at,
            "this is not YAML as the shelf reads it; see docs/concepts/law.md",
            "此处不是规则架可读取的 YAML；见 docs/concepts/law.md",
        )
