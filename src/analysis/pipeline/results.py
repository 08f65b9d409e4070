"""Results as files: written whole or not at all, read back with where they came from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.data.source.registry import SYNTHETIC
from analysis.files import replacing
from analysis.pipeline.folders import Folders, StageError, folders_at, place_of
from analysis.provenance import Provenance
from analysis.stats.arrays import Frames

FITTED = ("flow", "flow_reasons", "models", "fits", "tests", "odds_ratio_curve", "prevalence", "quintiles",
             "calibration", "influence", "collinearity", "weights", "distribution", "characteristics",
             "characteristics_by_quintile")  # fmt: skip
"""What the fit stage writes for every survey."""

SHAPES = ("shape", "threshold", "knots", "knot_curves")
"""What the shapes stage writes."""

ESTIMATES = (*FITTED, *SHAPES)
"""What the figures stage reads."""

OF_REAL_FILES = ("published_threshold", "variance", "variance_side_by_side", "published", "published_stands")
"""What the stages fit and published write for the real files only: replicate weights, the literature's numbers."""

ALWAYS_AUDITED = ("specifications", "verdict_shares", "verdict_ends", "verdict_sides", "decomposition", "joint_test",
                   "specificity", "specificity_place", "failures")  # fmt: skip
"""Tables that every audit has; those of a single task are missing if it failed."""

SIMULATED = ("coverage", "shapes", "nadirs", "energy_forms", "questions", "bands", "recall_error")
"""What the simulate stage writes."""

OF_ONE = ("distribution", "characteristics", "characteristics_by_quintile", "knots", "knot_curves")
"""Those about the cohort, which all models share, or about one model; the others name the model in each row."""

TESTS = {"overall": 2, "nonlinear": 2, "trend": 1, "goodness_of_fit": 1}
"""Tests of each model in tests.csv, and by how many methods."""

TEXT_OF_PUBLISHED = dict.fromkeys(("published", "published_low", "published_high", "published_se"), str)
"""Numbers as they were printed, to the last zero."""

TEXT = {"model": str, "covariates": str, "where": str, "cycles": str, "knots": str, "placed": str}
"""Columns of estimates that could be taken for numbers, or are empty."""

WORDS = ("unreliable", "reason", "replaced", "measure", "source", "why")
"""Columns of words that say something of some rows only."""

TEXT_OF_CLAIMS = {"model": str, **dict.fromkeys(WORDS, str)}

TEXT_OF_AUDIT = {"model": str, "covariates": str, "cycle": str}


MOST_TOLD = 450
"""Letters in which tables are told."""


class Tables(dict[str, pd.DataFrame]):
    """Tables by name, as a stage wrote them; in a cell it says which there are, and how long they are."""

    def __repr__(self) -> str:
        told = [f"{name} ({len(table):,})" for name, table in self.items()]
        while len(", ".join(told)) > MOST_TOLD:
            told.pop()
        left = f" and {len(self) - len(told)} more" if len(told) < len(self) else ""
        return f"{len(self)} tables (rows): {', '.join(told)}{left}"


def read_audit(folders: Folders | Path | str) -> tuple[Tables, Provenance]:
    """Tables of the audit stage as written, without the ``audit_`` of their names, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.

    Raises
    ------
    StageError : the audit stage has not been run.
    """
    return _read_stage(folders, "audit", TEXT_OF_AUDIT, needed=ALWAYS_AUDITED, again="`make audit`")


def read_referee(folders: Folders | Path | str) -> tuple[Tables, Provenance]:
    """Tables of the referee stage: ``referee``, ``rise``, ``band`` and ``under_reporter``, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.

    Raises
    ------
    StageError : the referee stage has not been run.
    """
    return _read_stage(folders, "referee", {}, needed=("referee",), again="`make audit`")


def read_claims(folders: Folders | Path | str, *, whole: bool = True) -> tuple[Tables, Provenance]:
    """Tables of the claims stage as written, without the ``claims_`` of their names, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.
    whole : refuse a stage that could not come to its verdicts; without, the tables of what it could answer will do.

    Raises
    ------
    StageError : the claims stage has not been run, no question had an answer, or, of the ``whole``, not every one.
    """
    needed = ("verdicts",) if whole else ()
    return _read_stage(folders, "claims", TEXT_OF_CLAIMS, needed=needed, again="`make claims`")


def read_published(folders: Folders | Path | str) -> tuple[Tables, Provenance]:
    """Tables of the published stage, numbers as they were printed in ``published``, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.

    Raises
    ------
    StageError : the published stage has not been run.
    """
    return _read_stage(folders, "published", TEXT_OF_PUBLISHED, needed=("published",), again="`make published`")


def _read_stage(
    where: Folders | Path | str, stage: str, text: Mapping[str, type[str]], *, needed: Sequence[str], again: str
) -> tuple[Tables, Provenance]:
    """Tables of a stage without the stage of their names, of which some must be there, and what they are made of."""
    folders = folders_at(where)
    try:
        read = _tables_of(folders, stage, text)
        if missing := [name for name in needed if name not in read]:
            raise LookupError(f"{stage}_{missing[0]}.csv")
        source = str(pd.concat([read[name]["data"] for name in needed[:1] or read]).iloc[0])
    except (OSError, ValueError, LookupError) as error:
        raise StageError(
            f"no readable tables of the stage {stage} in {place_of(folders.estimates)} ({error.__class__.__name__}): "
            f"run {again} or `python -m analysis {stage}` first."
        ) from None
    return Tables(read), Provenance(source, source.startswith(SYNTHETIC))


def _tables_of(folders: Folders, stage: str, text: Mapping[str, type[str]]) -> Frames:
    """Every table of a stage that is there; words that some rows lack are empty."""
    paths = sorted(folders.estimates.glob(f"{stage}*.csv"))
    read = {path.stem.removeprefix(f"{stage}_"): pd.read_csv(path, dtype=dict(text)) for path in paths}
    words = [name for name in WORDS if name in text]
    return {name: frame.fillna({word: "" for word in words if word in frame}) for name, frame in read.items()}


def write_estimates(folders: Folders, results: Frames, provenance: Provenance) -> None:
    """Each result as a CSV of its name, with what it is made of in the column ``data``."""
    for name, result in results.items():
        write_csv(result.assign(data=provenance.source), folders.estimates / f"{name}.csv")


def read_estimates(folders: Folders | Path | str) -> tuple[Tables, Provenance]:
    """Results of the fit and shapes stages as written, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.

    Raises
    ------
    StageError : one of the stages has not been run.
    """
    folders = folders_at(folders)
    try:
        read = {name: _read_table(folders.estimates / f"{name}.csv") for name in ESTIMATES}
        _check_estimates(read)
        read["models"] = read["models"].fillna({"covariates": "", "where": ""})
        if "notes" in read["models"]:
            read["models"]["notes"] = read["models"]["notes"].fillna("")
        read["collinearity"] = read["collinearity"].fillna({"terms": "", "warning": ""})
        read["knots"] = read["knots"].fillna({"knot_quantiles": "", "placed": "", "verdict": "", "detail": ""})
        for table in ("characteristics", "characteristics_by_quintile"):
            read[table] = read[table].fillna({"level": ""})
    except (OSError, ValueError, LookupError) as error:
        raise StageError(
            f"no readable estimates in {place_of(folders.estimates)} ({error}): run `make "
            "figures` or `python -m analysis fit` and `shapes` first, or `make demo` for an invented survey."
        ) from None
    source = str(read["models"]["data"].iloc[0])
    provenance = Provenance(source, source.startswith(SYNTHETIC))
    for extra in ("planted",) if provenance.synthetic else OF_REAL_FILES:
        if (folders.estimates / f"{extra}.csv").exists():
            text = TEXT_OF_PUBLISHED if extra == "published" else None
            read[extra] = pd.read_csv(folders.estimates / f"{extra}.csv", dtype=text)
    return Tables(read), provenance


def read_simulation(folders: Folders | Path | str) -> tuple[Tables, Provenance]:
    """Tables of the simulate stage, and what they are made of.

    Parameters
    ----------
    folders : as `analysis.pipeline.participants.read_participants`.

    Returns
    -------
    coverage, shapes, nadirs, energy_forms, questions, bands and recall_error: each says how often an interval, a test
    or the verdict was right on invented surveys whose truth is known.

    Raises
    ------
    StageError : the simulate stage has not been run.
    """
    folders = folders_at(folders)
    try:
        read = {name: pd.read_csv(folders.simulation / f"{name}.csv") for name in SIMULATED}
        source = str(read[SIMULATED[0]]["data"].iloc[0])
    except (OSError, ValueError, LookupError) as error:
        raise StageError(
            f"no readable tables of the stage simulate in {place_of(folders.simulation)} ({error.__class__.__name__}): "
            "run `make simulate` or `python -m analysis simulate` first."
        ) from None
    return Tables(read), Provenance(source, synthetic=True)


def _read_table(path: Path) -> pd.DataFrame:
    """One table of estimates; what is wrong with it names its file."""
    try:
        return pd.read_csv(path, dtype=TEXT)
    except FileNotFoundError:
        raise ValueError(f"{path.name} is not there") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _check_estimates(read: Frames) -> None:
    """Refuse files that were cut or edited: every table has rows and its source, all name the same models."""
    models = set(read["models"]["model"])
    for name, frame in read.items():
        if frame.empty or frame["data"].isna().any():
            raise ValueError(f"{name}.csv has no rows, or rows without a source")
        if name not in OF_ONE and set(frame["model"]) != models:
            raise ValueError(f"{name}.csv is not about the models of models.csv")
    every = read["tests"].groupby("model")["test"].value_counts()
    if any(every[model].to_dict() != TESTS for model in models):
        raise ValueError(f"tests.csv does not hold each model's tests {', '.join(TESTS)}")


def refuse_mixing(folders: Folders, provenance: Provenance) -> None:
    """Real and invented results never take each other's place."""
    try:
        source = str(pd.read_csv(folders.estimates / "models.csv")["data"].iloc[0])
    except (OSError, ValueError, LookupError):
        return
    if source.startswith(SYNTHETIC) != provenance.synthetic:
        raise StageError(
            f"{folders.estimates} holds results of {source}, these would be of {provenance.source}: expected another "
            "folder. Name one with --data."
        )


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Ten significant digits: more than anyone reads, few enough to be the same on every machine."""
    write_text(path, frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text)
