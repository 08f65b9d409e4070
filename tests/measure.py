"""How large the package is, how much of it is explained, and what is too long to be read: ``make check`` prints it."""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeGuard

PACKAGE = Path(__file__).parents[1] / "src" / "analysis"

LONGEST_MODULE = 500
"""Lines of a module, all counted."""

LONGEST_BODY = 50
"""Lines of a function, without its head and its docstring."""

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Size(NamedTuple):
    """What is measured of one module, or of all.

    Attributes
    ----------
    lines : all lines.
    code : lines with anything but blanks, comments and docstrings on them.
    public, explained : the module itself, its public classes, functions and methods, and those with a docstring.
    bodies : each function's name and the lines of its body.
    """

    lines: int
    code: int
    public: int
    explained: int
    bodies: list[tuple[str, int]]


@cache
def measure(source: str) -> Size:
    """Measure a module's text."""
    tree = ast.parse(source)
    public = [tree, *public_definitions(tree)]
    explained = [one for one in public if ast.get_docstring(one)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    bodies = [(node.name, body_lines(node)) for node in functions]
    return Size(len(source.splitlines()), len(code_lines(source, tree)), len(public), len(explained), bodies)


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Public classes and functions of a module, and the public methods of those classes."""
    for one in node.body:
        if isinstance(one, Definition) and not one.name.startswith("_"):
            yield one
            if isinstance(one, ast.ClassDef):
                yield from public_definitions(one)


def code_lines(source: str, tree: ast.Module) -> set[int]:
    """Numbers of the lines that hold code; text that stands alone as an expression documents, whatever it follows."""
    lines = (line.strip() for line in source.split("\n"))
    found = {number for number, line in enumerate(lines, start=1) if line and not line.startswith("#")}
    nodes = list(ast.walk(tree))
    for node in nodes:  # a text over several lines has all of them, blank or not
        if isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(range(node.lineno, node.end_lineno + 1))
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found -= set(range(node.lineno, node.end_lineno + 1))
    return found


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from the first statement after its docstring to the last."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return node.end_lineno - first.lineno + 1


def top_imports(sources: dict[str, str]) -> set[tuple[str, str]]:
    """Pairs of what stands at the top of the package, the first of which imports from the second.

    Parameters
    ----------
    sources : texts of the modules by path within the package.
    """
    pairs = set()
    for path, source in sources.items():
        for module, names in imported_names(ast.walk(ast.parse(source))):
            if module.partition(".")[0] == PACKAGE.name:
                inner = module.split(".")[1:2] or names
                pairs |= {(path.partition("/")[0].removesuffix(".py"), name) for name in inner}
    return {(one, other) for one, other in pairs if one != other}


def imported_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """Modules that a syntax tree imports, each with the names it takes from there; none for the module itself.

    Read are ``from module import name``, ``import module``, and ``import_module("module")``.
    """
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield str(node.module), [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif loads_by_name(node) and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value, []


def loads_by_name(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it is a call of `importlib.import_module`."""
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "attr", getattr(called, "id", "")) == "import_module"


def report(sources: dict[str, str]) -> tuple[str, list[str]]:
    """The measures of a package in words, and what in it is too long.

    Parameters
    ----------
    sources : texts of the modules by path within the package.
    """
    sizes = {path: measure(source) for path, source in sources.items()}
    public, explained = (sum(getattr(size, name) for size in sizes.values()) for name in ("public", "explained"))
    bodies = [(f"{path}: {name}", lines) for path, size in sizes.items() for name, lines in size.bodies]
    module = max(sizes, key=lambda path: sizes[path].lines)
    body, longest = max(bodies, key=lambda one: one[1], default=("none", 0))
    words = (
        f"src/{PACKAGE.name}: {sum(size.code for size in sizes.values()):,} lines of code in {len(sizes)} modules; "
        f"{explained:,} of {public:,} public objects have a docstring ({100 * explained / public:.1f} %); "
        f"{len(top_imports(sources))} imports between what stands at its top; longest module {module} "
        f"({sizes[module].lines} lines), longest body {body} ({longest} lines)"
    )
    modules = [f"{path}: {size.lines} lines, expected at most {LONGEST_MODULE}"
               for path, size in sizes.items() if size.lines > LONGEST_MODULE]  # fmt: skip
    functions = [f"{name}: a body of {lines} lines, expected at most {LONGEST_BODY}"
                 for name, lines in bodies if lines > LONGEST_BODY]  # fmt: skip
    return words, modules + functions


def main(package: Path) -> int:
    """Print the measures; 1 if something is too long."""
    sources = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in sorted(package.rglob("*.py"))}
    words, too_long = report(sources)
    print(words)
    for line in too_long:
        print(line, file=sys.stderr)
    return int(bool(too_long))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE))
