"""What may appear nowhere in the product, or in one place only."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.shape.source import PACKAGE, Module, calls, complaints, dotted, imported, modules, planted

#: Loading one of these runs what its author wrote into it (a model, a cache, a message).
CODE_IN_DATA = {"pickle", "cPickle", "marshal", "shelve", "joblib", "dill", "cloudpickle", "torch", "jsonpickle"}
EVALUATING = {"eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec"}
SHELL = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
UNSAFE_YAML = {"yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all"}

#: Where every other error ends: the verb that turns any failure into a no, and the doors.
OUTERMOST = ("decide", "api", "reception", "app", "cli")


def code_from_data(each: Module) -> Iterator[tuple[int, str]]:
    """Find what would turn data into code (attack A7)."""
    for line, name in imported(each):
        if name.split(".")[0] in CODE_IN_DATA:
            yield line, f"imports {name}: data from outside never becomes code"
    safe = safe_loaders(each.tree)
    for call, name in calls(each):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if name in EVALUATING | SHELL | UNSAFE_YAML:
            yield call.lineno, f"calls {name}"
        elif name in {"yaml.load", "yaml.load_all"}:
            loader = keywords.get("Loader") or (call.args[1] if len(call.args) > 1 else None)
            used = dotted(loader) if loader is not None else ""
            if used not in safe:
                yield call.lineno, f"{name} with a loader that is not seen here to be a safe one"
        elif is_true(keywords.get("shell")):
            yield call.lineno, "starts a shell"
        elif is_true(keywords.get("allow_pickle")):
            yield call.lineno, "allows pickle inside an array file"


def safe_loaders(tree: ast.Module) -> set[str]:
    """Return the names of this module that are safe loaders of YAML, or are made of nothing else."""
    safe = {"yaml.SafeLoader", "yaml.CSafeLoader"}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("countenance."):
            safe |= {alias.name for alias in node.names} & safe_elsewhere(node.module)
        if isinstance(node, ast.ClassDef) and node.bases and {dotted(base) for base in node.bases} <= safe:
            safe.add(node.name)
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            named = {dotted(each) for each in ast.walk(node.value) if isinstance(each, ast.Attribute)}
            texts = {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
            if named and named <= safe and texts <= {"CSafeLoader"}:
                safe.add(target.id)
    return safe


@cache
def safe_elsewhere(name: str) -> frozenset[str]:
    """Return the safe loaders of another module of the product; each is read once, however many import it."""
    path = PACKAGE.parent / f"{name.replace('.', '/')}.py"
    return frozenset(safe_loaders(ast.parse(path.read_text("utf-8")))) if path.is_file() else frozenset()


def is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def blanket_handlers(each: Module) -> Iterator[tuple[int, str]]:
    """Find handlers that catch whatever comes."""
    if each.room in OUTERMOST:
        return
    for node in ast.walk(each.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {dotted(one) if one is not None else "" for one in caught}
            if names & {"", "Exception", "BaseException"} and not ends_in_raise(node):
                yield node.lineno, "catches everything; name what can happen"


def ends_in_raise(node: ast.ExceptHandler) -> bool:
    """Tell whether the handler cleans up and passes the same error on, which swallows nothing."""
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def printing(each: Module) -> Iterator[tuple[int, str]]:
    if each.room != "cli":
        yield from ((call.lineno, "prints") for call, name in calls(each) if name in {"print", "sys.stdout.write"})


def clocks(each: Module) -> Iterator[tuple[int, str]]:
    """Find clocks the linter cannot see: the database's, and switched-off warnings of the linter."""
    if each.room == "app":
        return
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in {"func.now", "func.current_timestamp", "sa.func.now"}:
            yield node.lineno, "reads the database's clock; app hands in the time"
    for number, line in enumerate(each.text.splitlines(), 1):
        if "noqa" in line and ("DTZ" in line or "TID251" in line):
            yield number, "switches the ban on clocks and unsafe loading off"


def spooling(each: Module) -> Iterator[tuple[int, str]]:
    """Find what would put a picture into a temporary file, as form parsers do with large parts."""
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Name | ast.alias | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.name if isinstance(node, ast.alias) else node.attr
            if name in {"UploadFile", "SpooledTemporaryFile", "MultiPartParser"}:
                yield node.lineno, f"uses {name}, which writes to disk"
    for call, name in calls(each):
        if name.endswith("request.form") or name == "File":
            yield call.lineno, f"calls {name}, which writes to disk"


RULES = {rule.__name__: rule for rule in (code_from_data, blanket_handlers, printing, clocks, spooling)}

PLANTED = {
    "code_from_data": [
        "import pickle",
        "from torch import load",
        "def f():\n    import joblib.numpy_pickle",
        "eval('1')",
        "exec(text)",
        "__import__(name)",
        "os.system('true')",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "class L(yaml.Loader): ...\nyaml.load(text, L)",
        "class L(yaml.SafeLoader, Mixed): ...\nyaml.load(text, L)",
        "L = getattr(yaml, 'Loader', yaml.SafeLoader)\nyaml.load(text, L)",
        "yaml.unsafe_load(text)",
        "subprocess.run('true', shell=True)",
        "numpy.load(file, allow_pickle=True)",
    ],
    "blanket_handlers": [
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (OSError, Exception) as e:\n    raise ValueError from e",
        "try:\n    f()\nexcept BaseException:\n    return_code = 1",
    ],
    "spooling": [
        "from fastapi import UploadFile",
        "def f(picture: fastapi.UploadFile): ...",
        "async def f(request): return await request.form()",
        "def f(picture=File()): ...",
    ],
    "printing": ["print('x')", "sys.stdout.write('x')"],
    "clocks": [
        "x = Column(server_default=func.now())",
        "datetime.now()  # noqa: DTZ005",
        "time.time()  # noqa: TID251",
    ],
}

HARMLESS = {
    "code_from_data": [
        "class L(yaml.SafeLoader): ...\nyaml.load(text, Loader=L)",
        "B: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\nclass L(B): ...\nyaml.load(text, Loader=L)",
        "yaml.safe_load(text)",
        "re.compile('x')",
    ],
    "blanket_handlers": [
        "try:\n    f()\nexcept OSError:\n    pass",
        "try:\n    f()\nexcept BaseException:\n    g()\n    raise",
    ],
    "spooling": ["from python_multipart import QuerystringParser", "def f(form): return form()"],
    "printing": ["log.info('x')"],
    "clocks": ["def f(now): return now"],
}


@pytest.mark.parametrize("name", RULES)
def test_nowhere_in_the_product(name):
    assert complaints(RULES[name], modules()) == []


@pytest.mark.parametrize("name, text", [(name, text) for name, texts in PLANTED.items() for text in texts])
def test_the_rule_sees_it(name, text):
    assert list(RULES[name](planted(text)))


@pytest.mark.parametrize("name, text", [(name, text) for name, texts in HARMLESS.items() for text in texts])
def test_the_rule_lets_it_pass(name, text):
    assert not list(RULES[name](planted(text)))


def test_only_decide_makes_permits():
    """`answer` keeps the mint and `decide` takes it; who else could read it could permit anything."""
    readers = {each.room for each in modules() if "MINT" in each.text}
    assert readers == {"answer", "decide"}
