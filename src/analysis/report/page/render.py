"""Sections, charts, explorer and the chart library as one file of HTML that asks for nothing else.

The charts are Vega-Lite's, bundled by vl-convert; equations are written as MathML by latex2mathml. Both come with the
extra ``report``, which the rest of the project does without.
"""

import importlib
import json
from importlib.resources import files
from typing import Any

import jinja2

from analysis.audit.specifications import CHOICES, PRIMARY_CELL
from analysis.audit.specificity import NEUROPATHY
from analysis.data.people.vocabulary import EXPOSURES, exposure_label, exposure_unit
from analysis.errors import AnalysisError
from analysis.report.page import charts
from analysis.report.page.content import NOT_FROM_FILES, Results, Section, sections
from analysis.report.page.explorer import packed
from analysis.report.words.numbers import MODEL_NAMES, format_odds_ratio, rows_of_model
from analysis.stats.arrays import Row
from analysis.stats.shape.nadir import RANGE
from analysis.study import PRIMARY

TITLE = "Dietary magnesium and peripheral neuropathy: a reported U-shape, tested"
SCRIPTS = ("curves.js", "charts.js", "study.js", "explorer.js", "page.js")
"""The page's own scripts, in order; they become one."""

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
    return str(_extra("latex2mathml.converter").convert(latex, display="block"))


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
    curve = {"rows": charts.curve_rows(estimates), "unit": row["unit"], "reference": row["reference"],
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
    }


def _odds_label(results: Results) -> str:
    """The curve in a sentence, for who does not see it."""
    row = rows_of_model(results.estimates, PRIMARY.model)
    curve = results.estimates["odds_ratio_curve"].query("model == @PRIMARY.model and tabulated")
    ends = [curve.iloc[0], curve.iloc[-1]]
    told = " and ".join(f"{format_odds_ratio(point)} at {point['x']:g} {row['unit']}" for point in ends)
    return f"Curve of the odds ratio by intake: {told}, lowest at {row['nadir']:.0f} {row['unit']}; as a table below"


def as_script(value: object) -> str:
    """A value as JSON that can stand in a script element."""
    return json.dumps(value, allow_nan=False, default=_plain, separators=(",", ":")).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    """Numpy scalars as the numbers they are."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
