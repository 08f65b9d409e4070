"""Conditions on harmonised columns, parsed and interpreted, never evaluated as code.

The grammar is comparisons (==, !=, <, <=, >, >=, in, not in) between a column and a literal, joined by ``and``,
``or``, ``not`` and parentheses: ``age_years >= 60 and sex == 'female'``. A comparison with a missing value is
unknown, and unknown is combined as in SQL; a person is selected only where the whole condition is true.
"""

import ast
import operator
from collections.abc import Callable, Iterable

import pandas as pd

from analysis.errors import AnalysisError, expected_one_of

_COMPARE: dict[type[ast.cmpop], Callable[..., pd.Series]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_MIRROR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq, ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


LONGEST_ECHO = 200
"""Characters of a condition that a message repeats."""


class ConditionError(AnalysisError):
    """A condition that cannot be read, or that names what the data do not have."""

    exit_code = 2


def all_of(conditions: Iterable[str | None]) -> str | None:
    """One condition that asks for all of them; None where none of them asks for anything.

    >>> all_of(["age_years >= 60", None, "sex == 'male' or pir < 1"])
    "(age_years >= 60) and (sex == 'male' or pir < 1)"
    """
    told = [condition for condition in conditions if condition]
    return " and ".join(f"({condition})" for condition in told) if len(told) > 1 else "".join(told) or None


def select_rows(people: pd.DataFrame, condition: str) -> pd.Series:
    """People of whom the condition is true.

    Parameters
    ----------
    people : harmonised participants.
    condition : for example ``age_years >= 60 and sex == 'female'``.

    Returns
    -------
    (n,) boolean series; false where the condition is false or unknown.

    Raises
    ------
    ConditionError : a syntax error, anything but comparisons of columns with literals, an unknown column, or a level
        that a categorical column does not have.
    """
    return truth_of(people, condition).fillna(False).astype(bool)


def truth_of(people: pd.DataFrame, condition: str) -> pd.Series:
    """Truth of a condition: (n,) series of pandas' ``boolean``, NA where it is unknown; otherwise as `select_rows`."""
    tree = _parse(condition)
    try:
        return _evaluate(tree.body, people, condition)
    except (RecursionError, OverflowError) as error:  # too deeply nested; a whole number beyond every float
        raise ConditionError(f"condition {shorten(condition)}: {error}. {_EXPECTED}") from None


def _parse(condition: str) -> ast.Expression:
    try:
        return ast.parse(condition.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ConditionError(f"condition {shorten(condition)}: {reason}. {_EXPECTED}") from None


def columns_of(condition: str) -> tuple[str, ...]:
    """Columns that a condition names, each once, in the order of their names; errors as `select_rows`."""
    return tuple(sorted({node.id for node in ast.walk(_parse(condition)) if isinstance(node, ast.Name)}))


_EXPECTED = "Expected comparisons of columns with values, such as \"age_years >= 60 and sex == 'female'\"."


def _evaluate(node: ast.expr, people: pd.DataFrame, condition: str) -> pd.Series:
    """Truth of a node for every row, as pandas' three-valued boolean (NA is unknown)."""
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(value, people, condition) for value in node.values]
        combine = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        result = parts[0]
        for part in parts[1:]:
            result = combine(result, part)
        return result
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_evaluate(node.operand, people, condition)
    if isinstance(node, ast.Compare):
        return _chain(node, people, condition)
    if isinstance(node, ast.Name) and node.id in people and people[node.id].dtype == bool:
        return people[node.id].astype("boolean")
    raise _refuse(node, condition)


def _chain(node: ast.Compare, people: pd.DataFrame, condition: str) -> pd.Series:
    """``40 <= age_years < 60`` is the conjunction of its links."""
    operands = [node.left, *node.comparators]
    links = [
        _compare(left, op, right, people, condition)
        for left, op, right in zip(operands[:-1], node.ops, operands[1:], strict=True)
    ]
    result = links[0]
    for link in links[1:]:
        result = result & link
    return result


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, people: pd.DataFrame, condition: str) -> pd.Series:
    if not isinstance(left, ast.Name):
        if type(op) not in _MIRROR or not isinstance(right, ast.Name):
            raise _refuse(left, condition)
        left, op, right = right, _MIRROR[type(op)](), left
    column = _column(left.id, people)
    value = _literal(right, condition)
    _check_kind(column, value, op, condition)
    if isinstance(op, ast.In | ast.NotIn):
        true = column.isin(list(value))  # type: ignore[call-overload]
        true = ~true if isinstance(op, ast.NotIn) else true
    elif type(op) in _COMPARE:
        true = _COMPARE[type(op)](column, value)
    else:
        raise _refuse(left, condition)
    return true.astype("boolean").mask(column.isna(), pd.NA)


def _column(name: str, people: pd.DataFrame) -> pd.Series:
    if name not in people:
        raise ConditionError(f"unknown column {name!r}: {expected_one_of(name, list(map(str, people.columns)))}")
    return people[name]


def _literal(node: ast.expr, condition: str) -> object:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        raise _refuse(node, condition) from None
    values = value if isinstance(value, tuple | list | set) else [value]
    if not all(isinstance(item, str | int | float | bool) for item in values):
        raise _refuse(node, condition)
    return value


def _check_kind(column: pd.Series, value: object, op: ast.cmpop, condition: str) -> None:
    """Refuse a text level that does not exist and a comparison of numbers with text: both would select nobody."""
    several = isinstance(value, tuple | list | set)
    if several != isinstance(op, ast.In | ast.NotIn):
        one = (
            f" A list of one value has a comma at its end: ({value!r},)." if isinstance(op, ast.In | ast.NotIn) else ""
        )
        raise ConditionError(
            f"condition {shorten(condition)}: `in` takes a list such as ('a', 'b'), other comparisons one value.{one}"
        )
    categories = list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else None
    for item in value if several else [value]:  # type: ignore[attr-defined]
        if categories is not None and item not in categories:
            raise ConditionError(f"{column.name} has no level {item!r}: expected one of {', '.join(categories)}.")
        if column.dtype == bool and isinstance(item, str):
            raise ConditionError(
                f"{column.name} is yes or no: write {column.name} or not {column.name} by itself, without a value such "
                f"as {item!r}."
            )
        if categories is None and isinstance(item, str):
            raise ConditionError(f"{column.name} is a number: expected a number to compare it with, got {item!r}.")
    if categories is not None and type(op) not in (ast.Eq, ast.NotEq, ast.In, ast.NotIn):
        raise ConditionError(
            f"{column.name} has no order: expected == or `in`, got the condition {shorten(condition)}."
        )


def shorten(text: str) -> str:
    """Quote what was typed, its middle left out if it is long."""
    return repr(text if len(text) <= LONGEST_ECHO else f"{text[: LONGEST_ECHO // 2]} ... {text[-LONGEST_ECHO // 2 :]}")


def _refuse(node: ast.expr, condition: str) -> ConditionError:
    piece = shorten(ast.get_source_segment(condition.strip(), node) or type(node).__name__)
    return ConditionError(f"condition {shorten(condition)}: cannot read {piece}. {_EXPECTED}")
