"""Conditions on columns: what can be said, what unknown means, and that nothing is ever run."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.data.people.conditions import ConditionError, select_rows
from analysis.errors import AnalysisError
from tests.people import read_rows

PEOPLE = """
    SEQN age_years sex    pir  has_diabetes examined |
    1    40        male   0    0            yes      |
    2    59        female 1.5  1            yes      |
    3    60        female 5    .            yes      |
    4    85        male   .    1            no       |
    5    .         female 2.5  0            no       |
    6    72        .      1.5  0            yes      |
"""


@pytest.fixture
def frame() -> pd.DataFrame:
    """Six invented people; somebody's age, sex, income and diabetes are unknown."""
    people = pd.DataFrame(read_rows(PEOPLE)[0]).astype({"SEQN": int}).set_index("SEQN")
    return people.astype({"sex": pd.CategoricalDtype(["male", "female"])})


def selected(frame: pd.DataFrame, condition: str) -> list[int]:
    """SEQN of the people whom the condition selects."""
    return frame.index[select_rows(frame, condition)].tolist()


# ---- the grammar ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("age_years == 60", [3]),
        ("age_years != 60", [1, 2, 4, 6]),
        ("age_years < 60", [1, 2]),
        ("age_years <= 60", [1, 2, 3]),
        ("age_years > 60", [4, 6]),
        ("age_years >= 60", [3, 4, 6]),
        ("pir == 1.5", [2, 6]),
        ("pir >= -1", [1, 2, 3, 5, 6]),
        ("pir > +1.5", [3, 5]),
        ("sex == 'female'", [2, 3, 5]),
        ('sex == "female"', [2, 3, 5]),
        ("sex != 'female'", [1, 4]),
        ("has_diabetes == 1", [2, 4]),
        ("has_diabetes == True", [2, 4]),
    ],
)
def test_a_column_is_compared_with_a_value(frame: pd.DataFrame, condition: str, people: list[int]) -> None:
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    ("mirrored", "people"),
    [
        ("60 == age_years", [3]),
        ("60 != age_years", [1, 2, 4, 6]),
        ("60 < age_years", [4, 6]),
        ("60 <= age_years", [3, 4, 6]),
        ("60 > age_years", [1, 2]),
        ("60 >= age_years", [1, 2, 3]),
        ("'female' == sex", [2, 3, 5]),
        ("'female' != sex", [1, 4]),
    ],
)
def test_the_value_may_stand_first(frame: pd.DataFrame, mirrored: str, people: list[int]) -> None:
    assert selected(frame, mirrored) == people


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("40 <= age_years < 60", [1, 2]),
        ("40 < age_years <= 60", [2, 3]),
        ("60 > age_years >= 40", [1, 2]),
        ("59 < age_years < 60", []),
        ("40 < age_years != 60", [2, 4, 6]),
        ("0 <= pir <= 1.5", [1, 2, 6]),
        ("not 40 <= age_years < 60", [3, 4, 6]),
    ],
)
def test_comparisons_can_be_chained(frame: pd.DataFrame, condition: str, people: list[int]) -> None:
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("sex in ('female',)", [2, 3, 5]),
        ("sex in ('male', 'female')", [1, 2, 3, 4, 5]),
        ("sex in ['male']", [1, 4]),
        ("sex not in ('female',)", [1, 4]),
        ("age_years in (40, 85, 99)", [1, 4]),
        ("age_years in {40, 85}", [1, 4]),
        ("age_years not in (40, 85)", [2, 3, 6]),
        ("pir in (1.5, 5)", [2, 3, 6]),
        ("age_years in ()", []),
    ],
)
def test_a_column_can_be_looked_for_in_a_list(frame: pd.DataFrame, condition: str, people: list[int]) -> None:
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("examined", [1, 2, 3, 6]),
        ("not examined", [4, 5]),
        ("not not examined", [1, 2, 3, 6]),
        ("examined == True", [1, 2, 3, 6]),
        ("examined == False", [4, 5]),
        ("examined and age_years >= 60", [3, 6]),
        ("examined or age_years >= 60", [1, 2, 3, 4, 6]),
    ],
)
def test_a_flag_is_a_condition_by_itself(frame: pd.DataFrame, condition: str, people: list[int]) -> None:
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("age_years >= 60 and sex == 'female'", [3]),
        ("age_years >= 60 or sex == 'female'", [2, 3, 4, 5, 6]),
        ("age_years < 60 and examined and pir < 1", [1]),
        ("age_years < 50 or age_years > 80 or pir == 5", [1, 3, 4]),
    ],
)
def test_comparisons_are_joined_by_and_and_or(frame: pd.DataFrame, condition: str, people: list[int]) -> None:
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("age_years == 40 or examined and pir == 5", [1, 3]),
        ("(age_years == 40 or examined) and pir == 5", [3]),
        ("not examined and age_years == 85", [4]),
        ("not (examined and age_years == 85)", [1, 2, 3, 4, 5, 6]),
        ("not (not examined or age_years == 40)", [2, 3, 6]),
    ],
)
def test_not_binds_before_and_and_and_before_or_unless_parentheses_say_otherwise(
    frame: pd.DataFrame, condition: str, people: list[int]
) -> None:
    # 4 is not examined, so "examined and age_years == 85" is false for everybody whose age is known or unknown.
    assert selected(frame, condition) == people


@pytest.mark.parametrize(
    "condition",
    ["  age_years >= 60  ", "age_years>=60", "\n age_years >= 60 \n", "(age_years\n >= 60)", "age_years >= 60 # old"],
)
def test_white_space_and_comments_do_not_matter(frame: pd.DataFrame, condition: str) -> None:
    assert selected(frame, condition) == [3, 4, 6]


def test_the_answer_is_a_boolean_for_every_row_of_the_frame(frame: pd.DataFrame) -> None:
    answer = select_rows(frame, "age_years >= 60")
    pd.testing.assert_index_equal(answer.index, frame.index)
    assert answer.dtype == bool


def test_the_frame_is_left_as_it_was(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    select_rows(frame, "not (60 <= age_years) or sex in ('male',) and examined")
    pd.testing.assert_frame_equal(frame, before)


def test_a_condition_on_nobody_selects_nobody(frame: pd.DataFrame) -> None:
    assert selected(frame.iloc[:0], "age_years >= 60 and sex == 'female'") == []


# ---- unknown -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        "age_years >= 0",
        "age_years < 1000",
        "age_years != 60",
        "not age_years == 60",
        "age_years not in (60,)",
        "not age_years in (60,)",
        "0 <= age_years <= 1000",
        "0 <= age_years",
    ],
)
def test_somebody_whose_value_is_unknown_is_not_selected(frame: pd.DataFrame, condition: str) -> None:
    assert 5 not in selected(frame, condition)
    assert 1 in selected(frame, condition)


@pytest.mark.parametrize(
    "condition", ["sex != 'male'", "sex not in ('male',)", "not sex == 'male'", "sex in ('female',)"]
)
def test_somebody_whose_category_is_unknown_is_not_selected(frame: pd.DataFrame, condition: str) -> None:
    assert selected(frame, condition) == [2, 3, 5]


# a and b are each true, false or unknown; 1 selected, 0 not. Only a condition that is true for certain selects.
TRUTH = """
    a b | and or not_and not_or not_a
    1 1 | 1   1  0       0      0
    1 0 | 0   1  1       0      0
    1 . | 0   1  0       0      0
    0 1 | 0   1  1       0      1
    0 0 | 0   0  1       1      1
    0 . | 0   0  1       0      1
    . 1 | 0   1  0       0      0
    . 0 | 0   0  1       0      0
    . . | 0   0  0       0      0
"""


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("and", "a == 1 and b == 1"),
        ("or", "a == 1 or b == 1"),
        ("not_and", "not (a == 1 and b == 1)"),
        ("not_or", "not (a == 1 or b == 1)"),
        ("not_a", "not a == 1"),
        ("and", "not (not a == 1 or not b == 1)"),
        ("or", "not (not a == 1 and not b == 1)"),
    ],
)
def test_unknown_is_combined_as_in_sql(name: str, condition: str) -> None:
    inputs, expected = read_rows(TRUTH)
    assert select_rows(pd.DataFrame(inputs), condition).tolist() == [row[name] == 1 for row in expected]


# ---- what is refused -----------------------------------------------------------------------------------------------

EXPECTED = r"Expected comparisons of columns with values, such as \"age_years >= 60 and sex == 'female'\"\."


@pytest.mark.parametrize(
    "condition",
    ["", "   ", "age_years >=", "age_years >= 60 and", "age_years => 60", "(age_years >= 60", "age_years >= 60)",
     "age_years >= 60; examined", "age_years = 60", "age years > 60", "sex == 'female", "age_years >= 60\nexamined",
     "import os", "age_years >= 60 AND examined", "examined && examined", "!examined", "\x00", "age_years == \ud800",
     "age_years == " + "9" * 5000],
)  # fmt: skip
def test_a_condition_with_a_syntax_error_is_refused_with_an_example(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match=rf"^condition .*: .+ {EXPECTED}$"):
        select_rows(frame, condition)


@pytest.mark.parametrize(
    ("condition", "piece"),
    [
        ("60", "60"),
        ("True", "True"),
        ("'female'", "'female'"),
        ("age_years", "age_years"),
        ("has_diabetes", "has_diabetes"),
        ("not age_years", "age_years"),
        ("examined and sex", "sex"),
        ("1 < 2", "1"),
        ("40 < 60 < age_years", "40"),
        ("age_years > 60 > 40", "60"),
        ("age_years == pir", "pir"),
        ("age_years <= age_years", "age_years"),
        ("age_years == nan", "nan"),
        ("age_years == None", "None"),
        ("age_years == ...", "..."),
        ("age_years == 1j", "1j"),
        ("sex == b'male'", "b'male'"),
        ("age_years == 30 + 30", "30 + 30"),
        ("age_years + 1 > 60", "age_years + 1"),
        ("-age_years < -60", "-age_years"),
        ("age_years >= -(-60)", "-(-60)"),
        ("~examined", "~examined"),
        ("examined & examined", "examined & examined"),
        ("(age_years > 60) | (pir > 1)", "(age_years > 60) | (pir > 1)"),
        ("(age_years, pir) == 60", "(age_years, pir)"),
        ("(age_years > 60) == True", "age_years > 60"),
        ("'male' in sex", "'male'"),
        ("age_years in ((40, 50), 60)", "((40, 50), 60)"),
        ("age_years in [[40]]", "[[40]]"),
        ("age_years in {}", "{}"),
        ("age_years in {40: 1}", "{40: 1}"),
        ("age_years in {[40]}", "{[40]}"),
        ("age_years in (*[40],)", "(*[40],)"),
        ("age_years in (None,)", "(None,)"),
        ("age_years is 60", "age_years"),
        ("examined is True", "examined"),
    ],
)
def test_anything_but_a_column_and_a_literal_is_refused_by_name(
    frame: pd.DataFrame, condition: str, piece: str
) -> None:
    with pytest.raises(ConditionError) as refusal:
        select_rows(frame, condition)
    assert f"condition {condition!r}: cannot read {piece!r}. Expected comparisons of columns" in str(refusal.value)


@pytest.mark.parametrize(
    "condition", ["weight_kg > 80", "80 < weight_kg", "weight_kg in (80,)", "examined and weight_kg == 1"]
)
def test_an_unknown_column_is_refused_with_the_columns_there_are(frame: pd.DataFrame, condition: str) -> None:
    columns = "age_years, sex, pir, has_diabetes, examined"
    with pytest.raises(ConditionError, match=rf"^unknown column 'weight_kg': expected one of {columns}\.$"):
        select_rows(frame, condition)


@pytest.mark.parametrize(
    ("condition", "level"),
    [
        ("sex == 'woman'", "'woman'"),
        ("sex != 'woman'", "'woman'"),
        ("'Female' == sex", "'Female'"),
        ("sex in ('male', 'x')", "'x'"),
        ("sex not in ('x',)", "'x'"),
        ("sex == ''", "''"),
        ("sex == 2", "2"),
        ("sex == True", "True"),
    ],
)
def test_a_level_the_category_does_not_have_is_refused_with_its_levels(
    frame: pd.DataFrame, condition: str, level: str
) -> None:
    with pytest.raises(ConditionError, match=rf"^sex has no level {level}: expected one of male, female\.$"):
        select_rows(frame, condition)


@pytest.mark.parametrize(
    ("condition", "column", "text"),
    [
        ("age_years > '60'", "age_years", "'60'"),
        ("'60' < age_years", "age_years", "'60'"),
        ("age_years in (40, 'x')", "age_years", "'x'"),
        ("has_diabetes == 'yes'", "has_diabetes", "'yes'"),
    ],
)
def test_a_number_is_not_compared_with_text(frame: pd.DataFrame, condition: str, column: str, text: str) -> None:
    message = rf"^{column} is a number: expected a number to compare it with, got {text}\.$"
    with pytest.raises(ConditionError, match=message):
        select_rows(frame, condition)


@pytest.mark.parametrize("condition", ["sex < 'male'", "sex >= 'female'", "'male' <= sex", "'female' <= sex < 'male'"])
def test_categories_have_no_order(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match=r"^sex has no order: expected == or `in`, got the condition ") as refusal:
        select_rows(frame, condition)
    assert repr(condition) in str(refusal.value)


@pytest.mark.parametrize(
    "condition",
    [
        "sex in 'male'",
        "age_years in 60",
        "age_years not in 60",
        "age_years == (40, 60)",
        "age_years < [60]",
        "sex != {'male'}",
    ],
)
def test_in_takes_a_list_and_other_comparisons_take_one_value(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match=r"`in` takes a list such as \('a', 'b'\), other comparisons one value\."):
        select_rows(frame, condition)


def test_a_word_of_a_column_is_answered_with_the_column(frame: pd.DataFrame) -> None:
    with pytest.raises(ConditionError, match=r"^unknown column 'age': expected .* did you mean age_years\?$"):
        select_rows(frame, "age > 60")


def test_one_bad_part_refuses_the_whole_condition(frame: pd.DataFrame) -> None:
    with pytest.raises(ConditionError, match="weight_kg"):
        select_rows(frame, "age_years >= 60 or weight_kg > 80")


def test_a_number_too_large_to_compare_with_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ConditionError, match="^condition"):
        select_rows(frame, "age_years < 1" + "0" * 400)


def test_a_condition_error_is_one_the_command_line_shows_without_a_traceback() -> None:
    assert issubclass(ConditionError, AnalysisError)
    assert ConditionError.exit_code == 2


# ---- nothing is run ------------------------------------------------------------------------------------------------

TOUCH = "__import__('pathlib').Path({path!r}).touch()"

ATTACKS = {
    "a call": "{touch}",
    "a call compared": "{touch} == age_years",
    "a call as value": "age_years == {touch}",
    "a call on the left of in": "{touch} in (1, 2)",
    "a call in a tuple": "age_years in (1, {touch})",
    "a call in a list": "age_years in [{touch}]",
    "a call in a set": "age_years in {{{touch}}}",
    "a call in a dictionary": "age_years in {{1: {touch}}}",
    "a call after and": "examined and {touch}",
    "a call after or": "not examined or {touch}",
    "a call after not": "not {touch}",
    "a call in a chain": "0 <= age_years <= {touch}",
    "a call in arithmetic": "age_years >= 1 + ({touch} or 1)",
    "a call under a minus": "age_years >= -({touch} or 1)",
    "a lambda": "(lambda: {touch})()",
    "an f-string": 'sex == f"""{{{touch}}}"""',
    "an f-string format": 'sex == f"""{{1:{{{touch}}}}}"""',
    "a walrus": "(examined := {touch})",
    "a comprehension": "[{touch} for x in (1,)]",
    "a generator": "age_years in list({touch} for x in (1,))",
    "a subscript": "(1, 2)[{touch} or 0] == age_years",
    "a slice": "(1, 2)[{touch} or 0:] == age_years",
    "an attribute": "{touch}.__class__",
    "a conditional": "examined if {touch} else examined",
    "a starred call": "age_years in (*[{touch}],)",
    "a keyword": "dict(x={touch})",
    "eval": "eval({touch!r})",
    "exec": "exec({touch!r})",
    "a shell": "__import__('subprocess').run(['touch', {path!r}])",
    "a file": "open({path!r}, 'w').close()",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_code_in_a_condition_is_refused_and_not_run(frame: pd.DataFrame, tmp_path: Path, attack: str) -> None:
    trace = tmp_path / "trace"
    code = attack.format(touch=TOUCH.format(path=str(trace)), path=str(trace))
    with contextlib.suppress(TypeError, ValueError):  # some stumble after they have run
        eval(code, {"age_years": 60, "sex": "male", "examined": True})
    assert trace.exists(), "the attack is harmless, so it would prove nothing"
    trace.unlink()

    with pytest.raises(ConditionError, match="cannot read"):
        select_rows(frame, code)
    assert not trace.exists()


@pytest.mark.parametrize(
    "condition",
    [
        "age_years.max() > 60",
        "age_years.values == 60",
        "age_years.__class__ == 1",
        "sex.__class__.__base__.__subclasses__()",
        "().__class__.__bases__[0].__subclasses__()",
        "age_years['x'] == 1",
        "age_years[0] > 60",
        "frame.index == 1",
        "__builtins__",
        "__builtins__ == 1",
        "__class__ == 1",
        "__import__ == 1",
        "lambda: 1",
        "lambda age_years: examined",
        "(age_years := 60) == 60",
        "[age_years for age_years in (1,)]",
        "{**{}}",
        "await examined",
        "(yield)",
        "sex == f'male'",
        "sex == f'{sex}'",
        "sex == '%s' % sex",
        "sex == 'ma' + 'le'",
        "age_years == 10 ** 10",
        "age_years == 10 ** 10 ** 10",
        "age_years == 1 << 99999999",
        "sex == 'x' * 10 ** 10",
        "@age_years > 60",
        "`age_years` > 60",
        "age_years in range(60)",
    ],
)
def test_nothing_but_columns_and_literals_is_looked_at(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match="cannot read|invalid syntax|unknown column"):
        select_rows(frame, condition)


@pytest.mark.parametrize(
    "condition",
    ["not " * 1_500 + "examined", "not " * 100_000 + "examined", "(" * 5_000 + "examined" + ")" * 5_000,
     "[" * 5_000 + "]" * 5_000, "age_years == " + "-" * 2_000 + "1", "age_years == " + "-" * 100_000 + "1",
     "age_years == 1" + " + 1" * 2_000, "age_years == 1" + " + 1" * 100_000, "age_years" + ".x" * 100_000,
     "age_years" + "[0" * 5_000 + "]" * 5_000],
    ids=["not 1500", "not 100000", "parentheses", "lists", "minus 2000", "minus 100000", "sum 2000", "sum 100000",
         "attributes", "subscripts"],
)  # fmt: skip
def test_a_condition_nested_too_deeply_is_refused(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match="^condition"):
        select_rows(frame, condition)


def test_a_long_condition_that_is_not_nested_is_read(frame: pd.DataFrame) -> None:
    assert selected(frame, " or ".join(f"age_years == {age}" for age in range(60, 500))) == [3, 4, 6]


# ---- properties ----------------------------------------------------------------------------------------------------

Row = Mapping[str, object]
Truth = bool | None
Condition = tuple[str, Callable[[Row], Truth]]
"""A condition as text and, written without the parser, as a function of one person: true, false or None, unknown."""

NUMBERS: dict[str, list[float]] = {"age_years": [40, 41, 59, 60, 85], "pir": [0, 0.5, 2.5, 5]}
SEXES = ["male", "female"]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda x, value: x == value,
    "!=": lambda x, value: x != value,
    "<": lambda x, value: x < value,
    "<=": lambda x, value: x <= value,
    ">": lambda x, value: x > value,
    ">=": lambda x, value: x >= value,
}


def known(name: str, test: Callable[[object], bool]) -> Callable[[Row], Truth]:
    """A test of one column that is unknown where the column is."""
    return lambda row: None if row[name] is None else test(row[name])


def both(left: Truth, right: Truth) -> Truth:
    """Conjunction of two truths of which either may be unknown."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def negation(truth: Truth) -> Truth:
    """The opposite of a truth that may be unknown."""
    return None if truth is None else not truth


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    """One comparison of a number, a category or a flag, in every way the grammar has."""
    form = draw(st.sampled_from(["plain", "mirrored", "chain", "in", "not in", "flag", "level", "levels", "not level"]))
    if form == "flag":
        return "examined", lambda row: row["examined"]
    if form in ("level", "levels", "not level"):
        level = draw(st.sampled_from(SEXES))
        text = {"level": f"sex == {level!r}", "levels": f"sex in ({level!r},)", "not level": f"{level!r} != sex"}[form]
        return text, known("sex", lambda sex: (sex == level) == (form != "not level"))
    name = draw(st.sampled_from(sorted(NUMBERS)))
    value, other = draw(st.sampled_from(NUMBERS[name])), draw(st.sampled_from(NUMBERS[name]))
    sign, sign2 = draw(st.sampled_from(sorted(COMPARE))), draw(st.sampled_from(sorted(COMPARE)))
    if form == "plain":
        return f"{name} {sign} {value}", known(name, lambda x: COMPARE[sign](x, value))
    if form == "mirrored":
        return f"{value} {sign} {name}", known(name, lambda x: COMPARE[sign](value, x))
    if form == "chain":
        text = f"{value} {sign} {name} {sign2} {other}"
        return text, known(name, lambda x: COMPARE[sign](value, x) and COMPARE[sign2](x, other))
    return f"{name} {form} ({value}, {other})", known(name, lambda x: (x in (value, other)) == (form == "in"))


def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Conditions made of smaller ones."""
    pairs = st.tuples(parts, parts)
    return st.one_of(
        parts.map(lambda a: (f"not ({a[0]})", lambda row: negation(a[1](row)))),
        pairs.map(lambda ab: (f"({ab[0][0]}) and ({ab[1][0]})", lambda row: both(ab[0][1](row), ab[1][1](row)))),
        pairs.map(
            lambda ab: (
                f"({ab[0][0]}) or ({ab[1][0]})",
                lambda row: negation(both(negation(ab[0][1](row)), negation(ab[1][1](row)))),
            )
        ),
    )


CONDITIONS = st.recursive(comparisons(), joined, max_leaves=6)


def rows(*, unknown: bool) -> st.SearchStrategy[list[Row]]:
    """Up to twelve people whose values are often exactly those that conditions name."""

    def column(values: list[object]) -> st.SearchStrategy[object]:
        return st.sampled_from([*values, None] if unknown else values)

    person = {name: column(list(values)) for name, values in NUMBERS.items()}
    return st.lists(
        st.fixed_dictionaries({**person, "sex": column(list(SEXES)), "examined": st.booleans()}),
        min_size=1,
        max_size=12,
    )


def as_frame(people: list[Row]) -> pd.DataFrame:
    """The people as a frame with the types that harmonised participants have."""
    types = {"age_years": float, "pir": float, "sex": pd.CategoricalDtype(SEXES), "examined": bool}
    return pd.DataFrame(people, columns=list(types)).astype(types)


@given(people=rows(unknown=False), condition=CONDITIONS)
def test_where_everything_is_known_the_selection_is_that_of_pandas_query(
    people: list[Row], condition: Condition
) -> None:
    frame = as_frame(people)
    assert selected(frame, condition[0]) == frame.query(condition[0], engine="python").index.tolist()


@given(people=rows(unknown=True), condition=CONDITIONS)
def test_where_something_is_unknown_the_selection_is_that_of_three_valued_logic(
    people: list[Row], condition: Condition
) -> None:
    text, truth = condition
    assert select_rows(as_frame(people), text).tolist() == [truth(row) is True for row in people]


@given(people=rows(unknown=True), condition=CONDITIONS, seed=st.integers(0, 9))
def test_who_is_selected_does_not_depend_on_the_order_of_the_rows(
    people: list[Row], condition: Condition, seed: int
) -> None:
    frame = as_frame(people)
    shuffled = frame.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(select_rows(shuffled, condition[0]).sort_index(), select_rows(frame, condition[0]))


@given(text=st.text(max_size=30) | st.text(alphabet="age_yrsx()[]{}'\"=<>!&|~+-*/.,: 019notadrif\n\\@`", max_size=40))
def test_any_text_is_either_a_condition_or_refused_as_one(text: str) -> None:
    frame = as_frame([{"age_years": 60, "pir": 1, "sex": "male", "examined": True}])
    with contextlib.suppress(ConditionError):
        assert select_rows(frame, text).dtype == bool


def test_a_long_condition_is_repeated_shortened() -> None:
    with pytest.raises(ConditionError) as caught:
        select_rows(pd.DataFrame({"age_years": [40.0]}), "age_years == " + "'x' * " * 1000 + "2")
    assert len(str(caught.value)) < 1000
    assert " ... " in str(caught.value)


# ---- how to write it


@pytest.mark.parametrize("condition", ["examined == 'yes'", "examined in ('yes', 'no')", "'no' != examined"])
def test_a_column_of_yes_and_no_says_how_it_is_asked_for(frame: pd.DataFrame, condition: str) -> None:
    with pytest.raises(ConditionError, match=r"^examined is yes or no: write examined or not examined by itself"):
        select_rows(frame, condition)


def test_a_list_of_one_says_where_its_comma_is_missing(frame: pd.DataFrame) -> None:
    with pytest.raises(ConditionError, match=r"A list of one value has a comma at its end: \('female',\)\."):
        select_rows(frame, "sex in ('female')")
    assert selected(frame, "sex in ('female',)") == [2, 3, 5]
