"""Which foods belong to which group, by the USDA food codes of the files; and what people took in from each.

The first digit of the eight-digit code is the kind of food, each further one makes it narrower. A group is written down
as data in two small files: groups.csv (group, label, role, first_digits, but_not, members) for what the digits decide,
and codes.csv (group, code) for what only the description of a code tells, such as whether a bread is of whole grain. A
group of neither has no code in these surveys' lists: nobody could be recorded to have eaten it.

Roles: ``article``, a food that the article names as a source of magnesium; ``part`` of one of these; ``beside``, named
as no source; ``source``, what else magnesium comes from; ``union`` of other groups; ``digit``, one of the nine kinds.
Groups of different roles, and those of role source, may overlap: a whole-grain bread is bread too.

References
----------
USDA, Food Code Numbering System of the Food and Nutrient Database for Dietary Studies 2.0 (first digits).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import AnalysisError
from analysis.stats.arrays import Array, Bools
from analysis.stats.disclosure import Discreet

COMMITTED = Path(__file__).parent

ARTICLE = "article"
"""Name of the group of all foods that the article names, whose role is ``union``."""

GROUP_FIELDS = ("group", "label", "role", "first_digits", "but_not", "members")
CODE_FIELDS = ("group", "code")
CODE_DIGITS = 8

GroupRole = Literal["article", "part", "beside", "source", "union", "digit"]
NAMED: GroupRole = "article"
SOURCE: GroupRole = "source"
"""Roles of the foods that the article names, and of what else magnesium comes from."""


class FoodError(AnalysisError):
    """Foods that are not what the codebooks, or the totals of the same people, say."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class FoodGroup:
    """A group of foods.

    Attributes
    ----------
    name, label : as a column, and in words.
    role : what it is in the comparison.
    first_digits, but_not : beginnings of its codes, and of codes that are not its own though they begin so.
    codes : further codes, written out.
    members : groups it is the union of.
    """

    name: str
    label: str
    role: GroupRole
    first_digits: tuple[str, ...]
    but_not: tuple[str, ...]
    codes: frozenset[int]
    members: tuple[str, ...]

    def holds(self, code: int) -> bool:
        """Whether a code is among its own, those of its members left aside."""
        text = str(code)
        by_digits = text.startswith(self.first_digits) if self.first_digits else False
        excepted = text.startswith(self.but_not) if self.but_not else False
        return (by_digits and not excepted) or code in self.codes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupIntakes(Discreet):
    """What people took in from each group of foods on the recalled day.

    Attributes
    ----------
    groups : names of the k groups.
    magnesium_mg, grams : (n, k) float arrays; zero for people without such an item.
    ate : (n, k) boolean array, whether a person has an item of the group.
    total_mg : (n,) float array, magnesium of all items.
    items : (n,) int array, number of items.
    """

    shown = ("magnesium_mg",)

    groups: tuple[str, ...]
    magnesium_mg: Array
    grams: Array
    ate: Bools
    total_mg: Array
    items: npt.NDArray[np.int64]

    def column(self, group: str) -> int:
        """Position of a group."""
        return self.groups.index(group)


@cache
def food_groups() -> Mapping[str, FoodGroup]:
    """The committed groups by name."""
    return read_food_groups(COMMITTED)


def read_food_groups(folder: Path) -> dict[str, FoodGroup]:
    """Read groups.csv and codes.csv from a folder.

    Raises
    ------
    FoodError : a file is missing, lacks a field or holds what is no role, code or beginning of one; a code is of an
        unknown group; or a member is no group, or one with members itself.
    """
    try:
        codes: dict[str, set[int]] = {}
        for row in _rows(folder / "codes.csv", CODE_FIELDS):
            codes.setdefault(row["group"], set()).add(int(_digits(row["code"], exactly=CODE_DIGITS)))
        groups = {}
        for row in _rows(folder / "groups.csv", GROUP_FIELDS):
            groups[row["group"]] = _parse(row, frozenset(codes.pop(row["group"], ())))
        if codes:
            raise ValueError(f"codes.csv has codes of {', '.join(codes)}, which groups.csv lacks")
        for group in groups.values():
            wrong = [name for name in group.members if name not in groups or groups[name].members]
            if wrong:
                raise ValueError(f"{group.name} is made of {', '.join(wrong)}: expected groups without members")
    except (OSError, KeyError, ValueError) as error:
        raise FoodError(
            f"The food groups in {folder} cannot be read: {error}. data/foods/groups.py tells their form."
        ) from error
    return groups


def membership(codes: npt.NDArray[np.integer], groups: Mapping[str, FoodGroup]) -> pd.DataFrame:
    """Which codes belong to which groups.

    Parameters
    ----------
    codes : (m,) distinct food codes.
    groups : by name.

    Returns
    -------
    (m, k) boolean frame: codes as index, groups as columns.
    """
    own = {name: [group.holds(int(code)) for code in codes] for name, group in groups.items()}
    frame = pd.DataFrame(own, index=pd.Index(codes, name="food_code"), dtype=bool)
    for name, group in groups.items():
        if group.members:
            frame[name] |= frame[list(group.members)].any(axis="columns")
    return frame


def group_intakes(items: pd.DataFrame, people: pd.Index) -> GroupIntakes:
    """Magnesium, grams and whether eaten, by person and committed group.

    Parameters
    ----------
    items : of `analysis.data.foods.items.food_items`; a missing amount counts as 0.
    people : (n,) their SEQN, in the order wanted; nobody else may have items.

    Returns
    -------
    GroupIntakes; people without items are all zero.

    Raises
    ------
    FoodError : an item is of somebody else.
    """
    groups = food_groups()
    person = people.get_indexer(items.index)
    if (person < 0).any():
        raise FoodError(
            f"{int(np.sum(person < 0)):,} food items are of people whom the demographic files lack: expected none. "
            "Fetch the tables again, and rebuild the participants."
        )
    code, position = np.unique(items["food_code"].to_numpy(), return_inverse=True)
    belongs = membership(code, groups).to_numpy()
    magnesium, grams = (np.nan_to_num(items[name].to_numpy(dtype=float)) for name in ("magnesium_mg", "grams"))
    n = len(people)
    summed = [_by_person(person, belongs[position, column], (magnesium, grams), n) for column in range(len(groups))]
    return GroupIntakes(
        groups=tuple(groups),
        magnesium_mg=np.column_stack([one[0] for one in summed]),
        grams=np.column_stack([one[1] for one in summed]),
        ate=np.column_stack([one[2] for one in summed]),
        total_mg=np.bincount(person, magnesium, n).astype(float),
        items=np.bincount(person, minlength=n),
    )


def _by_person(
    person: npt.NDArray[np.integer], rows: Bools, amounts: tuple[Array, Array], n: int
) -> tuple[Array, Array, Bools]:
    """Sums of both amounts over some rows by person, and who has any of these rows."""
    chosen = person[rows]
    first, second = (np.bincount(chosen, amount[rows], n).astype(float) for amount in amounts)
    return first, second, np.bincount(chosen, minlength=n) > 0


def _parse(row: Mapping[str, str], codes: frozenset[int]) -> FoodGroup:
    role = next((known for known in get_args(GroupRole) if known == row["role"]), None)
    if role is None:
        raise ValueError(
            f"{row['group']} has the role {row['role']!r}: expected one of {', '.join(get_args(GroupRole))}"
        )
    first, but_not = (tuple(_digits(text) for text in row[name].split()) for name in ("first_digits", "but_not"))
    return FoodGroup(row["group"], row["label"], role, first, but_not, codes, tuple(row["members"].split()))


def _digits(text: str, *, exactly: int | None = None) -> str:
    if not (text.isascii() and text.isdecimal()) or len(text) > CODE_DIGITS or exactly not in (None, len(text)):
        raise ValueError(f"{text!r} is no food code or beginning of one: expected up to {CODE_DIGITS} digits")
    return text


def _rows(path: Path, fields: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != fields:
            raise ValueError(f"{path.name} has the columns {reader.fieldnames}, expected {list(fields)}")
        return list(reader)
