"""What a door offers, from its own docstrings."""

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from types import ModuleType

EACH = 100
"""Letters a line of a signature."""

PLAIN = (bool, int, float, str)
SHORT = 30
"""Letters of a default whose value is told in the place of its name."""

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
_ITEM = re.compile(r"^(?P<name>[\w*][^:`]*?) : (?P<words>.*)$")
_CODE = re.compile(r"(`[^`]*`)")


def api_markdown(door: ModuleType) -> str:
    """Every name of a door's ``__all__``: its signature and its docstring.

    Parameters
    ----------
    door : a package that offers names, ``analysis`` or ``analysis.stats``.
    """
    held = getattr(door, "HELD_TO", {})
    names = list(door.__all__)
    told = [" · ".join(f"[{name}](#{name.lower()})" for name in names)]
    for name in names:
        offered = getattr(door, name)
        lines = [
            f"### {name}",
            "",
            f"`{home_of(name, offered)}`" + (f". Held to: {held[name][1]}." if name in held else ""),
        ]
        if signature := signature_of(offered):
            lines += ["", "```python", signature, "```"]
        if words := docstring_markdown(documentation_of(offered)):
            lines += ["", words]
        told.append("\n".join(lines))
    return "\n\n".join(told)


def docstring_markdown(docstring: str) -> str:
    """A numpy docstring as Markdown: sections as bold words, what they list as a list, examples as code."""
    first, *parts = _SECTION.split(docstring)
    told = [_prose(first)]
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        told.append(f"**{head}**")
        told.append(f"```python\n{body.strip()}\n```" if head == "Examples" else _listed(body))
    return "\n\n".join(part for part in told if part)


def _listed(body: str) -> str:
    """Lines "name : words", each with what is indented below it, as a list; anything else as it is."""
    lines: list[str] = []
    for line in body.strip("\n").splitlines():
        item = _ITEM.match(line)
        if item:
            lines.append(f"- `{item['name']}`: {_escaped(item['words'])}")
        elif line.startswith(" ") and lines:
            lines[-1] = f"{lines[-1].rstrip()} {_escaped(line.strip())}"
        else:
            lines.append(_escaped(line))
    return "\n".join(lines).strip()


def _prose(text: str) -> str:
    """Paragraphs; what is indented is a formula or code, and stays as it is."""
    blocks = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join(block if block.startswith("    ") else _escaped(block) for block in blocks)


def _escaped(text: str) -> str:
    """Words for Markdown: code between single marks, and no sign that could begin HTML or emphasis outside it."""
    parts = _CODE.split(text.replace("``", "`"))
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
        for part in parts
    )


def home_of(name: str, offered: object) -> str:
    """Where a name lives: module, or module:name."""
    if isinstance(offered, ModuleType):
        return offered.__name__
    if inspect.isclass(offered) or inspect.isfunction(offered):
        return f"{offered.__module__}:{offered.__qualname__}"
    return f"{type(offered).__module__}:{name}, of class {type(offered).__name__}"


def signature_of(offered: object) -> str:
    """How it is called, as it is written in the source; empty for what is not called.

    A default that has a name there is told by its value where that is a number, a text or a few of them.
    """
    if not (inspect.isclass(offered) or inspect.isfunction(offered)):
        return ""
    values = {name: one.default for name, one in inspect.signature(offered).parameters.items()}
    node = ast.parse(textwrap.dedent(inspect.getsource(offered))).body[0]
    if isinstance(node, ast.ClassDef):
        lines = [line for line in node.body if isinstance(line, ast.AnnAssign)]
        fields = [_argument(ast.arg(ast.unparse(line.target), line.annotation), line.value, values) for line in lines]
        return _wrapped(node.name, fields, "")
    assert isinstance(node, ast.FunctionDef)
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return _wrapped(node.name, _arguments(node.args, values), returned)


def _arguments(given: ast.arguments, values: Mapping[str, object]) -> list[str]:
    """Arguments one by one, with their defaults."""
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    told = [_argument(*pair, values) for pair in zip(positional, defaults, strict=True)]
    if given.vararg:
        told.append(f"*{ast.unparse(given.vararg)}")
    elif given.kwonlyargs:
        told.append("*")
    told += [_argument(*pair, values) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return told + ([f"**{ast.unparse(given.kwarg)}"] if given.kwarg else [])


def _argument(argument: ast.arg, default: ast.expr | None, values: Mapping[str, object]) -> str:
    if default is None:
        return ast.unparse(argument)
    value = values.get(argument.arg)
    plain = all(type(one) in PLAIN for one in (value if isinstance(value, tuple) else (value,)))
    short = plain and len(repr(value)) <= SHORT
    return f"{ast.unparse(argument)} = {value!r}" if short else f"{ast.unparse(argument)} = {ast.unparse(default)}"


def _wrapped(name: str, parts: list[str], returned: str) -> str:
    """A call on one line, or an argument a line."""
    line = f"{name}({', '.join(parts)}){returned}"
    return line if len(line) <= EACH else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"


def documentation_of(offered: object) -> str:
    """The docstring of a function, class or module; that of its class for a value."""
    owner = offered if isinstance(offered, ModuleType) or callable(offered) else type(offered)
    return inspect.getdoc(owner) or ""
