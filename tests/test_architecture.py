"""What holds for the code as a whole: who may import whom, what importing costs, and how large things grow."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Package → siblings it may import.
MAY_IMPORT: dict[str, set[str]] = {
    "uplift": set(),
    "experiments": {"uplift"},
    "policies": {"uplift"},
    "cli": {"uplift", "experiments", "policies"},
}
# Importing these takes seconds or drags in a graphics stack: only the function that needs one imports it.
INSIDE_FUNCTIONS_ONLY = {"causalml", "econml", "xgboost", "shap", "matplotlib"}
HEAVY = {
    "causalml",
    "duckdb",
    "econml",
    "jinja2",
    "lightgbm",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "psycopg",
    "pyarrow",
    "rich",
    "scipy",
    "shap",
    "sklearn",
    "threadpoolctl",
    "vl_convert",
    "xgboost",
}
# Raised, they say nothing; caught, they hide bugs.
ANYTHING = {"Exception", "BaseException", "AssertionError"}
MAX_LINES = 400
MAX_CODE_LINES = 60

FILES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST, *, functions: bool) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported, and with `functions` also what runs when one is called."""
    for child in ast.iter_child_nodes(node):
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if is_type_checking(child) or (inside and not functions):
            continue
        yield child
        yield from statements(child, functions=functions)


def resolved(path: Path, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that a from-import names."""
    if not node.level:
        return node.module or ""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def imports(path: Path, *, functions: bool) -> set[str]:
    """Return the modules that a file imports, by their absolute names."""
    found: set[str] = set()
    for node in statements(parsed(path), functions=functions):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolved(path, node)
            # `from . import x` imports the module x, not the package that this file is a part of anyway.
            inner = {f"{source}.{alias.name}" for alias in node.names} & MODULES.keys()
            found.update(inner or {source})
    return found


def top(name: str) -> str:
    return name.partition(".")[0]


def at(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def test_there_is_something_to_look_at() -> None:
    assert {top(name) for name in MODULES} == set(MAY_IMPORT)
    assert len(FILES) > 80


def test_a_package_imports_only_the_siblings_it_may() -> None:
    for name, path in MODULES.items():
        others = {top(other) for other in imports(path, functions=True)} & MAY_IMPORT.keys() - {top(name)}
        assert others <= MAY_IMPORT[top(name)], name


def test_imports_are_relative_within_a_package_and_absolute_between_packages() -> None:
    wrong = []
    for path in FILES:
        package = top(module_of(path))
        for node in statements(parsed(path), functions=True):
            if isinstance(node, ast.Import) and package in {top(alias.name) for alias in node.names}:
                wrong.append(at(path, node))
            elif isinstance(node, ast.ImportFrom):
                inside = top(resolved(path, node)) == package
                wrong += [at(path, node)] if inside != bool(node.level) else []
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: imports(path, functions=True) & MODULES.keys() for name, path in MODULES.items()}
    finished: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name in finished:
            return
        for other in sorted(graph[name]):
            walk(other, (*trail, name))
        finished.add(name)

    for name in sorted(graph):
        walk(name, ())


def test_slow_libraries_are_imported_inside_functions_only() -> None:
    for path in FILES:
        at_once = {top(name) for name in imports(path, functions=False)}
        assert INSIDE_FUNCTIONS_ONLY.isdisjoint(at_once), module_of(path)


def output_of(program: str) -> str:
    """Return what a Python program prints, in a process of its own where nothing is loaded yet."""
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.parametrize("module", ["uplift", "policies", "experiments", "cli.main"])
def test_importing_a_package_loads_nothing_heavy(module: str) -> None:
    loaded = set(output_of(f"import sys, {module}; print(*sys.modules)").split())
    assert module in loaded
    assert HEAVY.isdisjoint(loaded)


def test_no_file_is_longer_than_an_idea() -> None:
    lengths = {module_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def code_lines(function: ast.AST) -> int:
    """Return the lines that a function's statements start or end on, its docstring left out."""
    lines: set[int] = set()
    for node in ast.walk(function):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt | ast.expr | ast.arg) and not docstring:
            lines.update((node.lineno, node.end_lineno or node.lineno))
    return len(lines)


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        at(path, function)
        for path in FILES
        for function in functions(path)
        if code_lines(function) > MAX_CODE_LINES
    ]
    assert long == []


def test_every_argument_and_result_is_annotated() -> None:
    wrong = []
    for path in FILES:
        for function in functions(path):
            given = function.args
            arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            bare = [a for a in arguments if a and not a.annotation and a.arg not in ("self", "cls")]
            wrong += [at(path, function)] if bare or function.returns is None else []
    assert wrong == []


def hides_the_reason(node: ast.AST) -> bool:
    """Whether a statement asserts, raises an error without a name, or catches every error and goes on."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.unparse(error) in ANYTHING
    if isinstance(node, ast.ExceptHandler):
        raised_again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
        return not raised_again and (node.type is None or ast.unparse(node.type) in ANYTHING)
    return isinstance(node, ast.Assert)


def test_nothing_is_asserted_and_no_error_is_nameless() -> None:
    assert [
        at(path, node) for path in FILES for node in ast.walk(parsed(path)) if hides_the_reason(node)
    ] == []


def public_names(door: Path) -> set[str]:
    for node in parsed(door).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_no_module_has_the_name_of_something_public_in_its_package() -> None:
    """Importing such a module would put it where the function was."""
    doors = [path for path in FILES if path.name == "__init__.py"]
    for door in doors:
        inside = {path.stem for path in FILES if path.parent == door.parent} | {
            path.parent.name for path in FILES if path.parent.parent == door.parent
        }
        assert inside.isdisjoint(public_names(door)), door.parent.name


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    missing = output_of(
        "import uplift, policies, experiments\n"
        "for package in (uplift, policies, experiments):\n"
        "    for name in package.__all__:\n"
        "        if not getattr(package, name).__doc__:\n"
        "            print(package.__name__, name)\n"
    )
    assert missing == ""
