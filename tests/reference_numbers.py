"""Compare our results with the numbers that R wrote, study by study."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.dose_response.association import Association, estimate
from analysis.dose_response.quintiles import quintiles
from analysis.study import Study

FOLDER = Path(__file__).parent / "reference"

RTOL = 1e-8
"""Both sides solve the same equations in double precision; what is left is rounding in another order of summation."""


def read_studies() -> pd.DataFrame:
    """Studies that R was given, indexed by study_id; every field as text."""
    return pd.read_csv(FOLDER / "studies.csv", dtype=str, keep_default_na=False).set_index("study_id")


def study_of(row: pd.Series) -> Study:
    """The same study in our words."""
    return Study(
        exposure=row["exposure"],
        outcome=row["outcome"],
        weights=row["weights"],
        knots=int(row["knots"]),
        model=row["model"],
        cycles=tuple(int(cycle) for cycle in row["cycles"].split()),
        where=row["where"] or None,
    )


@dataclass(frozen=True)
class Reference:
    """R's numbers for one sample: a folder of CSV files with a study_id column."""

    folder: Path

    def table(self, name: str, study_id: str) -> pd.DataFrame:
        """Rows of one study."""
        every = pd.read_csv(self.folder / f"{name}.csv", dtype={"study_id": str})
        return every[every["study_id"] == study_id].drop(columns="study_id").reset_index(drop=True)

    def check(self, participants: pd.DataFrame, study_id: str) -> None:
        """Assert that a study's sample, fit, covariance, tests, curve and quintiles are R's."""
        study = study_of(read_studies().loc[study_id])
        found = estimate(participants, study)
        self._check_sample(found, study_id)
        self._check_fit(found, study_id)
        self._check_tests(found, study_id)
        self._check_curve(found, study_id)
        self._check_quintiles(participants, study, study_id)

    def _check_sample(self, found: Association, study_id: str) -> None:
        sample = self.table("samples", study_id).iloc[0]
        fit = found.fit
        ours = (fit.n, fit.cases, fit.n_psu, fit.n_strata, fit.design_df, fit.residual_df)
        assert ours == tuple(sample[["n", "cases", "n_psu", "n_strata", "design_df", "residual_df"]])
        np.testing.assert_allclose(found.reference, sample["reference"], rtol=1e-12)
        np.testing.assert_allclose(found.spline.knots, self.table("knots", study_id)["knot"], rtol=1e-12)

    def _check_fit(self, found: Association, study_id: str) -> None:
        fits = self.table("fits", study_id)
        ours = found.fit.to_frame()
        assert ours["term"].tolist() == fits["term"].tolist()
        for column in ("estimate", "std_error", "statistic", "conf_low", "conf_high"):
            # an interval's end can fall on zero: compare on the scale of the standard error
            np.testing.assert_allclose(ours[column], fits[column], rtol=RTOL, atol=RTOL * fits["std_error"].min())
        np.testing.assert_allclose(ours["p_value"], fits["p_value"], rtol=RTOL)
        vcov = self.table("vcov", study_id)
        position = {term: i for i, term in enumerate(found.fit.terms)}
        rows, columns = vcov["row"].map(position), vcov["col"].map(position)
        assert len(vcov) == len(position) * (len(position) + 1) // 2
        scale = np.sqrt(np.diag(found.fit.vcov))
        difference = (found.fit.vcov[rows, columns] - vcov["value"]) / (scale[rows] * scale[columns])
        assert np.max(np.abs(difference)) < RTOL

    def _check_tests(self, found: Association, study_id: str) -> None:
        both = found.tests_frame().merge(self.table("tests", study_id), on=["test", "method"], suffixes=("", "_r"))
        assert len(both) == 4
        np.testing.assert_array_equal(both[["df_num", "df_den"]], both[["df_num_r", "df_den_r"]])
        np.testing.assert_allclose(both["statistic"], both["statistic_r"], rtol=RTOL)
        np.testing.assert_allclose(both["p_value"], both["p_value_r"], rtol=RTOL)

    def _check_curve(self, found: Association, study_id: str) -> None:
        curve = self.table("curve", study_id)
        ours = found.curve(curve["x"].to_numpy(), extrapolate=True).frame
        np.testing.assert_allclose(ours["log_or"], curve["log_or"], rtol=RTOL, atol=RTOL * curve["std_error"].max())
        for column in ("std_error", "odds_ratio", "conf_low", "conf_high"):
            np.testing.assert_allclose(ours[column], curve[column], rtol=RTOL)

    def _check_quintiles(self, participants: pd.DataFrame, study: Study, study_id: str) -> None:
        every = self.table("quintiles", study_id)
        assert not every.empty
        for quintile, theirs in every.groupby("reference_quintile"):
            ours = quintiles(participants, study, reference_quintile=int(quintile))
            np.testing.assert_array_equal(ours[["quintile", "n", "cases"]], theirs[["quintile", "n", "cases"]])
            for column in ("lower", "upper", "odds_ratio", "conf_low", "conf_high", "std_error"):
                np.testing.assert_allclose(ours[column], theirs[column], rtol=RTOL)
