"""What is told of the work itself: the method in equations, where numbers come from, the reporting guideline."""

import html
from collections.abc import Callable
from importlib.resources import files

import pandas as pd

EQUATIONS: tuple[tuple[str, str, str], ...] = (
    (
        "Model: log odds of neuropathy of person i at intake x with covariates z.",
        r"\operatorname{logit} \Pr(y_i = 1) = \beta_0 + \sum_{j=1}^{k-1} \beta_j s_j(x_i) + z_i^\top \gamma",
        "analysis.dose_response.problem.Problem",
    ),
    (
        "Restricted cubic spline with knots t, linear beyond the outer ones: s₁(x) = x, and for j = 1, ..., k - 2",
        r"s_{j+1}(x) = \frac{(x-t_j)_+^3 - (x-t_{k-1})_+^3 \frac{t_k-t_j}{t_k-t_{k-1}} + (x-t_k)_+^3 "
        r"\frac{t_{k-1}-t_j}{t_k-t_{k-1}}}{(t_k-t_1)^2}",
        "analysis.stats.curve.splines.RestrictedCubicSpline.basis",
    ),
    (
        "Estimate: the weighted score is zero; w are the survey weights.",
        r"\sum_i w_i X_i (y_i - p_i) = 0",
        "analysis.stats.regression.fit.fit_logistic",
    ),
    (
        "Covariance by Taylor linearisation: u are a sampling unit's weighted scores, h its stratum (Binder 1983), A "
        "the information.",
        r"\hat V = A^{-1} \Bigl[ \sum_h \frac{n_h}{n_h-1} \sum_{c} (u_{hc}-\bar u_h)(u_{hc}-\bar u_h)^\top \Bigr] "
        r"A^{-1}",
        "analysis.stats.regression.fit.fit_logistic",
    ),
    (
        "Information: the weighted cross products of the columns.",
        r"A = \sum_i w_i p_i (1-p_i) X_i X_i^\top",
        "analysis.stats.regression.fit.fit_logistic",
    ),
    (
        "Odds ratio at x against the reference r, with its interval; d are the residual degrees of freedom. This is "
        "what the explorer computes.",
        r"c = s(x) - s(r), \quad \mathrm{OR}(x) = \exp\bigl( c^\top \beta \pm t_{0.975,\,d} \sqrt{c^\top V c} \bigr)",
        "analysis.dose_response.association.contrast_frame",
    ),
    (
        "Degrees of freedom: sampling units less strata, less the p coefficients, of which the intercept costs none.",
        r"d = \#\mathrm{PSU} - \#\mathrm{strata} + 1 - p",
        "analysis.stats.regression.fit.Fit.residual_df",
    ),
    (
        "Wald F of q coefficients, for no association (all spline terms) and for a straight line (all but the first).",
        r"F = \frac{1}{q}\, \beta_q^\top V_q^{-1} \beta_q \sim F_{q,\,d}",
        "analysis.stats.regression.hypotheses.wald_test",
    ),
    (
        "End slopes: a fall at the 5th percentile and a rise at the 95th; the larger one-sided p is the test's.",
        r"t = \frac{s'(x)^\top \beta}{\sqrt{s'(x)^\top V s'(x)}}, \quad p = \max(p_{\mathrm{low}}, p_{\mathrm{high}})",
        "analysis.stats.shape.slopes.end_slopes",
    ),
    (
        "Standardised prevalence at x: everybody has that intake and keeps the covariates.",
        r"\hat\pi(x) = \frac{\sum_i w_i \operatorname{logit}^{-1}(\beta_0 + s(x)^\top \beta + z_i^\top \gamma)}"
        r"{\sum_i w_i}",
        "analysis.stats.regression.standardise.standardise",
    ),
)
"""Words, LaTeX, and what computes it."""


def method_html(math: Callable[[str], str]) -> str:
    """The method in equations, each with the code that computes it.

    Parameters
    ----------
    math : LaTeX -> MathML.
    """
    return "".join(
        f'<div class="equation"><p>{html.escape(words)}</p><div class="wide" role="region" tabindex="0" '
        f'aria-label="equation">{math(latex)}</div><p class="where"><code>{html.escape(where)}</code></p></div>'
        for words, latex, where in EQUATIONS
    )


def traceability_table() -> pd.DataFrame:
    """Number, results file, function, test, R's number: a row or more for every results file."""
    return _resource("traceability.csv")


FOLDERS = {"results file": "data/processed/", "test": "tests/", "R's number": "tests/reference/"}
"""Folders of what a traceability row names, which need not be read in every row."""


def short_traceability() -> tuple[pd.DataFrame, dict[str, str]]:
    """`traceability_table` in short names, which are told in the heads, and each short name's place in the project."""
    table = traceability_table()
    places = {short_place(name): source_of(name) for name in table["function"]}
    for column, folder in FOLDERS.items():
        places |= {name.removeprefix(folder): folder + name.removeprefix(folder) for name in table[column] if name}
        table[column] = table[column].str.removeprefix(folder)
    table["function"] = table["function"].map(short_place)
    heads = {column: f"{column}, in {folder}" for column, folder in FOLDERS.items()}
    return table.rename(columns=heads | {"function": "function, in src/analysis/"}), places


def short_place(where: str) -> str:
    """A dotted name as module:function, without the package all share: analysis.stats.fit.f is stats.fit:f."""
    names = where.split(".")
    cut = next((i for i, name in enumerate(names) if name[0].isupper()), len(names) - 1)
    return f"{'.'.join(names[1:cut])}:{'.'.join(names[cut:])}"


def source_of(where: str) -> str:
    """The file in which a dotted name is written."""
    return f"src/analysis/{short_place(where).partition(':')[0].replace('.', '/')}.py"


def strobe_table() -> pd.DataFrame:
    """Item, what it asks for in our words, where it is met."""
    return strobe_links().drop(columns="link")


def strobe_links() -> pd.DataFrame:
    """`strobe_table` with the file in which an item is met, from the folder docs, in the column ``link``."""
    return _resource("strobe_nut.csv")


def _resource(name: str) -> pd.DataFrame:
    with files(__package__).joinpath(name).open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype=str, keep_default_na=False)
