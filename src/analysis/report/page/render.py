"""Sections, charts, explorer and the chart library as one file of HTML that asks for nothing else.

The charts are Vega-Lite's, bundled by vl-convert; equations are written as MathML by latex2mathml. Both come with the
extra ``report``, which the rest of the project does without.
"""

import importlib
import json
import re
from importlib.resources import files
from typing import Any, get_args

import jinja2
import pandas as pd

from analysis.audit.specifications import CHOICES, PRIMARY_CELL
from analysis.audit.specificity import NEUROPATHY
from analysis.data.people.vocabulary import EXPOSURES, exposure_label, exposure_unit
from analysis.errors import AnalysisError
from analysis.report.page import charts
from analysis.report.page.content import NOT_FROM_FILES, Results, Section, sections
from analysis.report.page.explorer import packed
from analysis.report.words.audit import NAMES, level_words
from analysis.report.words.numbers import MODEL_NAMES, format_odds_ratio, list_words, rows_of_model, verdict_words
from analysis.report.words.study import VARIABLE_WORDS
from analysis.stats.arrays import Row, plain_number
from analysis.stats.shape.nadir import RANGE
from analysis.stats.shape.questions import BOTH_HIGHER
from analysis.stats.shape.verdict import Verdict
from analysis.study import COVARIATES, OUTCOMES, PRIMARY

TITLE = "Dietary magnesium and peripheral neuropathy: a reported U-shape, tested"
SCRIPTS = ("curves.js", "charts.js", "study.js", "explorer.js", "page.js")
"""The page's own scripts, in order; they become one."""

WEIGHTS = {
    "dietary": "each person counts for as many as the recalls of the first day stand for",
    "mec": "each person counts for as many as the examinations stand for",
    "none": "everybody counts once; strata and sampling units are kept",
}
"""What the weights of a specification mean."""

OPERATORS = {"&#x000B1;": "&#x000B1;", "&#x0007E;": "&#x0223C;"}
"""Plus-minus, and is distributed as: latex2mathml writes them as names, without room about them."""

EXTRA = "the extra `report` is not installed: run `make report`, or pip install 'magnesium-neuropathy[report]'."


class PageError(AnalysisError):
    """The page cannot be made."""

    exit_code = 3


def render_page(results: Results) -> str:
    """The page as HTML.

    Parameters
    ----------
    results : what is told.

    Raises
    ------
    PageError : the extra ``report`` is not installed.
    """
    return render(results, sections(results, math=equation), library=chart_library())


def equation(latex: str) -> str:
    """LaTeX as MathML.

    Raises
    ------
    PageError : the extra ``report`` is not installed.
    """
    written = str(_extra("latex2mathml.converter").convert(latex, display="block"))
    return re.sub(r"<mi>(&#x000B1;|&#x0007E;)</mi>", lambda found: f"<mo>{OPERATORS[found[1]]}</mo>", written)


def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets ``vegaEmbed``.

    Raises
    ------
    PageError : the extra ``report`` is not installed.
    """
    return str(_extra("vl_convert").javascript_bundle())


def _extra(name: str) -> Any:
    try:
        return importlib.import_module(name)  # optional: the README's commands do without
    except ModuleNotFoundError as error:
        raise PageError(f"the report page needs {error.name}, but {EXTRA}") from None


def render(results: Results, parts: dict[str, Section], *, library: str) -> str:
    """Sections and data in the template.

    Parameters
    ----------
    results, parts : what is told, and its sections.
    library : JavaScript of `chart_library`.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(_text("template.html.j2"))
    estimates = results.estimates
    row = rows_of_model(estimates, PRIMARY.model)
    explorer = packed(results.audit, conf_level=PRIMARY.conf_level)
    curve = {"rows": charts.chart_rows(estimates), "unit": row["unit"], "reference": row["reference"],
             "start": row["p05"]}  # fmt: skip
    return template.render(
        title=TITLE,
        lead=f"Made from {results.provenance.source}. Every number comes from a results file; the page asks nothing of "
        "the network.",
        synthetic=NOT_FROM_FILES if results.provenance.synthetic else "",
        sections=parts,
        models=[(model, MODEL_NAMES[model]) for model in estimates["models"]["model"]],
        primary=PRIMARY.model,
        unit=row["unit"],
        odds_label=_odds_label(results),
        risk_label="Risk of neuropathy by intake; the slider above tells it at each intake in words",
        curve_data=as_script(curve),
        explorer=as_script(explorer | explorer_words()) if explorer else "",
        meanings=meanings(results) if explorer else [],
        elsewhere=results.elsewhere,
        cells=f"{explorer['specifications']['n']:,}" if explorer else "",
        charts=as_script(
            {"odds-chart": charts.odds_chart(row["unit"]), "risk-chart": charts.risk_chart(row["unit"]),
             "explorer-chart": charts.explorer_chart(), "places-chart": charts.places_chart()}
        ),
        css=_text("page.css"),
        page_script="\n".join(map(_text, SCRIPTS)),
        library=library.replace("</script", "<\\/script"),
        footer=f"{results.provenance.source}. Code and estimates under the MIT licence; charts by Vega-Lite.",
    )  # fmt: skip


def explorer_words() -> Row:
    """What the explorer says of the primary study: its choices, exposures and their units, and the rule's ends."""
    exposures = {name: exposure_unit(name) for name in EXPOSURES}
    low, high = (f"{100 * share:g}th" for share in RANGE)
    return {
        "primary": {name: str(getattr(PRIMARY_CELL, name)) for name in CHOICES},
        "exposure": PRIMARY.exposure,
        "label": exposure_label(PRIMARY.exposure),
        "outcome": NEUROPATHY,
        "units": exposures,
        "ends": f"{low} and {high} percentile, as the protocol",
        "verdicts": {verdict: verdict_words(verdict) for verdict in get_args(Verdict)},
        "higher": BOTH_HIGHER,
    }


def meanings(results: Results) -> list[tuple[str, str, str]]:
    """Choice, level and meaning of what the explorer's names do not tell by themselves."""
    cells = results.audit["specifications"]
    forms = results.audit.get("energy_forms", pd.DataFrame({"form": [], "estimand": []}))
    told = {
        "weights": WEIGHTS,
        "outcome": {name: OUTCOMES[name] for name in cells["outcome"].unique()},
        "covariates": {str(name): _adjusted_for(str(name)) for name in cells["covariates"].unique()},
        "energy": dict(zip(forms["form"], forms["estimand"], strict=True)),
    }
    return [(NAMES[choice], level_words(choice, level), words) for choice, levels in told.items()
            for level, words in levels.items()]  # fmt: skip


def _adjusted_for(level: str) -> str:
    """Covariates of a model, and what stands beside it: of "2 + height", model 2 and the height."""
    model, _, more = level.partition(" + ")
    names = [VARIABLE_WORDS.get(name) or exposure_label(name) for name in COVARIATES.get(model, ())]  # type: ignore[call-overload]
    return f"adjusted for {list_words([*(name.partition(',')[0].lower() for name in names), *filter(None, [more])])}"


def _odds_label(results: Results) -> str:
    """The curve in a sentence, for who does not see it."""
    row = rows_of_model(results.estimates, PRIMARY.model)
    curve = results.estimates["odds_ratio_curve"].query("model == @PRIMARY.model and tabulated")
    ends = [curve.iloc[0], curve.iloc[-1]]
    told = " and ".join(f"{format_odds_ratio(point)} at {point['x']:g} {row['unit']}" for point in ends)
    return f"Curve of the odds ratio by intake: {told}, lowest at {row['nadir']:.0f} {row['unit']}; as a table below"


def as_script(value: object) -> str:
    """A value as JSON that can stand in a script element."""
    return json.dumps(value, allow_nan=False, default=plain_number, separators=(",", ":")).replace("<", "\\u003c")


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
