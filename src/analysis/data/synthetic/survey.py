"""Invent a whole survey with a known truth, and write it as the same SAS transport files as NHANES 1999-2004.

The survey has the design, names, codes, skips and gaps of the three real cycles, so that the pipeline reads it by the
very same code; nobody in it exists. Constants come from published aggregates or are plausible; no participant's record
was used. Planted is a curve of neuropathy against the magnesium of the recalled day (or, on request, energy), with a
known lowest point, and a straight line of arterial disease against magnesium. Every draw comes from a seeded PCG64
stream and every written number is rounded, so that the same seed and scale give the same frames on every machine.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
from scipy.special import expit
from tqdm import tqdm

from analysis.data.source.content import describe
from analysis.data.source.registry import SYNTHETIC, Registry, Table, write_registry
from analysis.data.synthetic.clinic import clinic
from analysis.data.synthetic.files import CODES, CONTENTS
from analysis.data.synthetic.history import history
from analysis.data.synthetic.people import pick, sample_people
from analysis.data.synthetic.supplements import supplement_use
from analysis.data.synthetic.traits import (
    BREAST_FED,
    RELIABLE,
    day_intake,
    dietary_weights,
    first_recall,
    habits,
    health,
    second_recall,
    usual_diet,
)
from analysis.data.synthetic.truth import PLANTED, TRUTH_FILE, SyntheticError, Truth
from analysis.files import replacing
from analysis.study import CYCLES

SMALLEST_SCALE = 0.02
URL = "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"
TIMESTAMP = re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d")
FIXED_TIME = b"01JAN00:00:00:00"
HEADER_BYTES = 640
# Shares among the examined of 40 and older, from the codebooks of LEXPN, LEXPN_B and LEXPN_C.
UNTESTABLE_LEFT: Mapping[int, float] = {1999: 137 / 2875, 2001: 109 / 3184, 2003: 87 / 3086}
UNTESTABLE_RIGHT: Mapping[int, float] = {1999: 65 / 2875, 2001: 86 / 3184, 2003: 73 / 3086}
BOTH_MISSING: Mapping[int, float] = {1999: 241 / 2875, 2001: 319 / 3184, 2003: 336 / 3086}
RIGHT_ONLY_MISSING: Mapping[int, float] = {1999: 70 / 2875, 2001: 12 / 3184, 2003: 6 / 3086}
ONE_FOOT_SITES = (0.76, 0.15, 0.09)
BOTH_FEET_SITES = (0.48, 0.27, 0.25)


def tables_of(people: pd.DataFrame, *, seed: int) -> dict[str, pd.DataFrame]:
    """The survey's tables as they are read from files.

    Parameters
    ----------
    people : everyone, of `invent`.
    seed : that of `invent`; with the same people it gives the same tables.

    Returns
    -------
    dict, table name -> frame with NHANES columns and codes, sorted by SEQN, which is the index where a table has it.
    """
    frames = {name: frame for name, _, _, frame in _tables(people, seed=seed)}
    return {name: frame.set_index("SEQN") if "SEQN" in frame else frame for name, frame in frames.items()}


def write_survey(
    folder: Path, *, seed: int = 1, scale: float = 1.0, truth: Truth = PLANTED, progress: bool = False
) -> Registry:
    """Write the survey as SAS transport files with a registry of its own.

    Files go to ``folder/<year>/<TABLE>.xpt``, the registry and the truth to ``folder/registry``. The files of an
    earlier invented survey are replaced, any others are left alone and stop it.

    Parameters
    ----------
    folder : where the raw files of the invented survey are to lie.
    seed, scale, truth : as for `invent`.
    progress : show a progress bar on standard error.

    Returns
    -------
    Registry of what was written: rows, columns, code counts and column totals.

    Raises
    ------
    SyntheticError : as `invent`, or the folder holds files that are not invented.
    """
    people = invent(seed=seed, scale=scale, truth=truth)
    total = sum(bool(name) for _, _, names in CONTENTS for name in names)
    tables = {}
    bar = tqdm(
        _tables(people, seed=seed), total=total, desc="inventing", unit="file", disable=not progress, leave=False
    )
    for name, cycle, content, frame in bar:
        table = _describe_table(frame, name=name, cycle=cycle, content=content)
        write_transport(frame, table.file(folder))
        tables[name] = table
    registry = Registry(source=f"{SYNTHETIC} survey, seed {seed}", synthetic=True, url=URL, tables=tables)
    write_registry(registry, folder / "registry")
    (folder / TRUTH_FILE).write_text(json.dumps(asdict(truth), indent=2) + "\n", encoding="utf-8")
    return registry


def write_transport(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as a SAS transport file (version 5) whose bytes depend on the frame alone.

    The library stamps the header with the time of writing; here it is set to a fixed one. The receipt of an earlier
    file goes, because it vouched for other bytes.

    Parameters
    ----------
    frame : columns of numbers and of text with names of at most eight letters.
    path : its stem is the table's name; the folder is made.

    Raises
    ------
    SyntheticError : there is a file already, and it is not an invented one.
    """
    if path.exists() and SYNTHETIC.encode() not in path.read_bytes()[:HEADER_BYTES]:
        message = f"{path} is not a file of an invented survey: it was left alone. Choose another folder."
        raise SyntheticError(message)
    path.with_suffix(".json").unlink(missing_ok=True)
    with replacing(path) as draft:
        numbers = {name: float for name, dtype in frame.dtypes.items() if pd.api.types.is_numeric_dtype(dtype)}
        try:
            pyreadstat.write_xport(
                frame.astype(numbers), str(draft), file_label=SYNTHETIC, table_name=path.stem, file_format_version=5
            )
        except pyreadstat.ReadstatError as error:
            message = f"{path} cannot be written ({error}): expected a writable folder with 70 MB of space."
            raise SyntheticError(message) from error
        with draft.open("r+b") as file:
            header = TIMESTAMP.sub(FIXED_TIME, file.read(HEADER_BYTES))
            file.seek(0)
            file.write(header)


def _describe_table(frame: pd.DataFrame, *, name: str, cycle: int, content: str) -> Table:
    found = describe(frame, codes={column: CODES[column] for column in frame if column in CODES})
    return Table(
        name=name,
        cycle=cycle,
        content=content,
        path=f"{cycle}/DataFiles/{name}.xpt",
        rows=found.rows,
        columns=frame.shape[1],
        living=False,
        codes=found.codes,
        column_totals=found.column_totals,
    )


def _streams(seed: int) -> Mapping[str, np.random.Generator]:
    """One stream a stage, so that a change in one stage, or another truth, leaves the others' draws alone."""
    names = ("people", "traits", "diet", "files", "outcome", "clinic", "arteries", "supplements", "history")
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(names, children, strict=True)}


def invent(*, seed: int, scale: float, truth: Truth) -> pd.DataFrame:
    """Everyone of the three cycles with all they are, ate and have, before any file's gaps.

    Parameters
    ----------
    seed : any non-negative integer; the same seed and scale give the same people.
    scale : sample size as a share of the real survey's; 1 gives 31,126 people.
    truth : what to plant. Only the examinations of feet and of leg arteries depend on it.

    Raises
    ------
    SyntheticError : the seed is negative or the scale too small to fill 87 PSUs.
    """
    if seed < 0:
        raise SyntheticError(f"seed {seed}: expected 0 or a larger whole number.")
    if scale < SMALLEST_SCALE:
        message = f"scale {scale:g}: expected at least {SMALLEST_SCALE:g}, or some of the 87 PSUs stay empty."
        raise SyntheticError(message)
    streams = _streams(seed)
    people = sample_people(streams["people"], scale=scale)
    people = habits(streams["traits"], health(streams["traits"], people))
    people = second_recall(streams["diet"], first_recall(streams["diet"], usual_diet(streams["diet"], people)))
    day = day_intake(streams["diet"], people, weekday=people["weekday"].to_numpy())
    people = pd.concat([_with_dietary_weights(people), day.add_prefix("day1_")], axis=1)
    people = supplement_use(streams["supplements"], history(streams["history"], clinic(streams["clinic"], people)))
    return examine_arteries(streams["arteries"], examine_feet(streams["outcome"], people, truth=truth), truth=truth)


def _with_dietary_weights(people: pd.DataFrame) -> pd.DataFrame:
    usable = (RELIABLE, BREAST_FED)
    first = people["recall_status"].isin(usable).to_numpy()
    both = first & people["second_status"].isin(usable).to_numpy()
    return people.assign(
        weight_diet=dietary_weights(people, people["weekday"].to_numpy(), first),
        weight_two_days=dietary_weights(people, people["weekday"].to_numpy(), both),
    )


def _tables(people: pd.DataFrame, *, seed: int) -> Iterator[tuple[str, int, str, pd.DataFrame]]:
    """Name, cycle, content and frame of each table in turn; only one frame is held at a time."""
    rng = _streams(seed)["files"]
    interviewed = {cycle: people[people["cycle"] == cycle].reset_index(drop=True) for cycle in CYCLES}
    for content, write, names in CONTENTS:
        for name, cycle in zip(names, CYCLES, strict=True):
            if name:
                frame = write(rng, interviewed[cycle])
                yield name, cycle, content, frame.reset_index(drop=True)


def neuropathy_log_odds(people: pd.DataFrame, truth: Truth) -> np.ndarray:
    """Planted log-odds of neuropathy, PSU effect included.

    Parameters
    ----------
    people : frame with age, female, race, has_diabetes, ever_smoked, smokes, drinks_heavily, depletion_points,
        day1_MAGN, day1_KCAL.
    truth : the planted model.

    Returns
    -------
    (n,) float array.
    """
    by_race = (truth.mexican_american, truth.other_hispanic, 0.0, truth.non_hispanic_black, truth.other_race)
    race = np.array(by_race)[people["race"].to_numpy() - 1]
    current = people["ever_smoked"] & (people["smokes"] < 3)
    fixed = (
        truth.intercept + truth.age_per_year * (people["age"] - 60) + truth.female * people["female"] + race
        + truth.has_diabetes * people["has_diabetes"] + truth.smokes * current
        + truth.drinks_heavily * people["drinks_heavily"] + truth.psu_sd * people["psu_outcome"]
        + truth.depletion_per_point * people["depletion_points"]
    )  # fmt: skip
    magnesium = truth.log_odds_ratio(people["day1_MAGN"], truth.nadir_mg)
    return fixed.to_numpy() + magnesium + truth.energy_log_odds_ratio(people["day1_KCAL"], truth.nadir_kcal)


def examine_feet(rng: np.random.Generator, people: pd.DataFrame, *, truth: Truth) -> pd.DataFrame:
    """Draw neuropathy and what the monofilament examination recorded of it.

    A case has insensate sites on the left foot, the right or both (more of them then). Whether a foot was assessed
    does not depend on intake or neuropathy, so that the planted odds ratios hold among the assessed. (The strict rule
    knows a case from one foot but needs both for a non-case: that moves the intercept only.)

    Parameters
    ----------
    rng : numpy Generator.
    people : frame with everything of ``neuropathy_log_odds``, cycle and stays.
    truth : the planted model.

    Returns
    -------
    people with left_sites and right_sites: 0-3, -1 (not enough information) or missing.
    """
    n = len(people)
    case = rng.random(n) < expit(neuropathy_log_odds(people, truth))
    side = pick(rng, np.tile([0.35, 0.25, 0.40], (n, 1)))
    shares = np.where(side[:, None] == 2, BOTH_FEET_SITES, ONE_FOOT_SITES)
    sites = {foot: 1 + pick(rng, shares) for foot in (0, 1)}
    left = np.where(case & (side != 1), sites[0], 0).astype(float)
    right = np.where(case & (side != 0), sites[1], 0).astype(float)
    untestable_left, untestable_right, missing, missing_right = (
        people["cycle"].map(rate).to_numpy()
        for rate in (UNTESTABLE_LEFT, UNTESTABLE_RIGHT, BOTH_MISSING, RIGHT_ONLY_MISSING)
    )
    u = rng.random((n, 5))
    shared = 0.8 * np.minimum(untestable_left, untestable_right)
    left[(u[:, 0] < shared) | (u[:, 1] < untestable_left - shared)] = -1
    right[(u[:, 0] < shared) | (u[:, 2] < untestable_right - shared)] = -1
    # Most of the missing left early: 9.5 % of the over-forties do, and four in five of them before this test.
    absent = u[:, 3] < np.where(people["stays"], (missing - 0.8 * 0.095) / 0.905, 0.8)
    left[absent] = np.nan
    right[absent | (u[:, 4] < missing_right)] = np.nan
    return people.assign(left_sites=left, right_sites=right)


def examine_arteries(rng: np.random.Generator, people: pd.DataFrame, *, truth: Truth) -> pd.DataFrame:
    """Draw peripheral arterial disease and the ankle-brachial index of both legs.

    Disease narrows both legs, so that a leg that was not measured hides no case. Few legs are too stiff to tell, with
    an index above 1.4.

    Parameters
    ----------
    rng : numpy Generator.
    people : frame with age, day1_MAGN and stays.
    truth : the planted model.

    Returns
    -------
    people with abi_left and abi_right, missing where not measured.
    """
    n = len(people)
    magnesium = np.clip(people["day1_MAGN"].to_numpy(), *truth.range_mg)
    age = people["age"].to_numpy() - 60
    log_odds = truth.pad_intercept + truth.pad_age_per_year * age + truth.pad_per_100_mg * (magnesium - 240) / 100
    case = rng.random(n) < expit(log_odds)
    level, legs, stiff = rng.standard_normal(n), rng.standard_normal((n, 2)), rng.random(n) < 0.015
    usual = np.where(stiff, 1.55, np.clip(1.12 + 0.07 * level, 0.96, 1.3))
    index = np.where(case, np.clip(0.74 + 0.09 * level, 0.35, 0.84), usual)[:, None] + np.clip(0.02 * legs, -0.05, 0.05)
    u = rng.random((n, 3))
    # Most of the missing left early; a leg by itself is missing for a sore or a cast.
    absent = u[:, 0] < np.where(people["stays"], 0.08, 0.8)
    index[absent[:, None] | (u[:, 1:] < 0.04)] = np.nan
    return people.assign(abi_left=index[:, 0], abi_right=index[:, 1])
