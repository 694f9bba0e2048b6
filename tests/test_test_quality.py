"""Rules for every test: it asserts content, never sleeps, and hardly patches our own code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
#: Our own packages, which a test controls through settings, parameters and failpoints.
OURS = ("assessments", "config", "integrations")
MOST_PATCHES = 10
#: Helpers that poll with a deadline, servers that answer slowly on purpose, and the fault machine's pace.
MAY_SLEEP = {
    "chaos/clock/sitecustomize.py",
    "chaos/driver.py",
    "chaos/injector.py",
    "chaos/hosts/injector.py",
    "chaos/hosts/load_balancer.py",
    "chaos/settle.py",
    "chaos/processes.py",
    "integrations/http/test_transport.py",
    "e2e/portal/processes.py",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _modules(containing: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules that contain the pattern: to parse all of them takes a second."""
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if re.search(containing, text):
            yield str(path.relative_to(TESTS)), ast.parse(text)


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the name of the called function, as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def _is_status_200(test: ast.expr) -> bool:
    """``answer.status_code == 200``, or several such comparisons in one."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    return "status" in ast.unparse(test.left) and _is_200(test.comparators[0])


def _is_200(node: ast.expr) -> bool:
    """200, ``[200, 200]`` or ``[200] * 3``."""
    if isinstance(node, ast.BinOp):
        return _is_200(node.left)
    if isinstance(node, ast.List | ast.Tuple):
        return all(map(_is_200, node.elts))
    return isinstance(node, ast.Constant) and node.value == 200


def only_asserts_200(function: Function) -> bool:
    """Whether a test proves only that a page opened. A helper whose name begins with assert proves more,
    and so does an expected error."""
    asserts = [node for node in ast.walk(function) if isinstance(node, ast.Assert)]
    if not asserts or not all(_is_status_200(node.test) for node in asserts):
        return False
    called = [name.split(".")[-1] for _, name in _calls(function)]
    return not any(name.startswith(("assert", "expect", "raises")) for name in called)


def is_patch_of_ours(call: ast.Call, name: str, imports: dict[str, str]) -> bool:
    """``setattr`` of a MonkeyPatch, or ``mock.patch``, on a module, class or object of ours. The standard
    library and other packages may be patched through their own names: the network, the clock."""
    if not call.args or not name.endswith((".setattr", "mock.patch", "patch.object")):
        return False
    target = call.args[0]
    if isinstance(target, ast.Constant):
        return str(target.value).startswith(OURS)
    # A name that is not imported, such as a loop's, counts as ours.
    module = imports.get(ast.unparse(target).split(".")[0], OURS[0])
    return module.startswith(OURS)


def _imports(tree: ast.Module) -> dict[str, str]:
    """Every imported name with its module."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node.module or "" for alias in node.names}
    return found


def test_no_test_asserts_only_a_status_200() -> None:
    assert [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in _modules("200")
        for node in ast.walk(tree)
        if isinstance(node, Function) and node.name.startswith("test_") and only_asserts_200(node)
    ] == []


def test_no_test_sleeps() -> None:
    """Wait with ``eventually``, which has a deadline."""
    assert [
        f"{name}:{call.lineno}"
        for name, tree in _modules("sleep")
        for call, called in _calls(tree)
        if called in ("time.sleep", "sleep") and name not in MAY_SLEEP
    ] == []


def test_few_tests_patch_our_own_code() -> None:
    """Settings, parameters, failpoints and ``responses`` come first."""
    found = [
        f"{name}:{call.lineno}"
        for name, tree in _modules("setattr|patch")
        for imports in [_imports(tree)]
        for call, called in _calls(tree)
        if is_patch_of_ours(call, called, imports)
    ]
    assert len(found) <= MOST_PATCHES, found


def test_names_make_sense_on_their_own() -> None:
    """A failing line in CI shows nothing else."""
    unclear = "test_(or|nor|so|not|the_same)_"
    assert [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in _modules(unclear)
        for node in ast.walk(tree)
        if isinstance(node, Function) and re.match(unclear, node.name)
    ] == []


def test_the_rules_find_what_they_forbid() -> None:
    weak = "def test_it(client):\n    answer = client.get('/')\n    assert answer.status_code == 200"
    for text, expected in ((weak, True), (f"{weak}\n    assert answer.content == b'x'", False)):
        (function,) = ast.parse(text).body
        assert isinstance(function, ast.FunctionDef)
        assert only_asserts_200(function) is expected
    tree = ast.parse("from integrations import http\nmonkeypatch.setattr(http, 'BATCH', 1)")
    ((call, called),) = _calls(tree)
    assert is_patch_of_ours(call, called, _imports(tree))
    assert not is_patch_of_ours(call, called, {"http": "http"})
