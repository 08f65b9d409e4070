from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from analysis.pipeline.results import read_claims
from analysis.provenance import Provenance
from analysis.report.catalogue import CLAIM_FIGURES, Drawing, claim_drawings

INVENTED = Provenance("SYNTHETIC survey", synthetic=True)


@pytest.fixture(scope="module")
def frames(demo) -> dict[str, pd.DataFrame]:
    """Answers about the invented survey, as the stage wrote them."""
    return read_claims(demo)[0]


@pytest.fixture(scope="module")
def drawings(frames) -> dict[str, Drawing]:
    return claim_drawings(frames, INVENTED)


def test_there_is_a_figure_of_each_claim_and_none_without_its_frames(frames, drawings):
    assert list(drawings) == list(CLAIM_FIGURES)
    assert list(claim_drawings({"adequacy_shares": frames["adequacy_shares"]}, INVENTED)) == []


def test_forest_shows_every_level_of_model_1_at_its_odds_ratio(drawings):
    figure = drawings["modifiers"].draw()
    arms = drawings["modifiers"].numbers[""]
    assert set(arms["model"]) == {"1"}
    for label, x in zip(("low", "high"), sorted(arms["x"].unique()), strict=True):
        axes = next(axes for axes in figure.axes if axes.get_label() == label)
        drawn = next(line for line in axes.lines if line.get_label() == "odds ratio")
        np.testing.assert_allclose(drawn.get_xdata(), arms.loc[arms["x"] == x, "odds_ratio"].dropna())


def test_forest_names_every_declared_modifier_also_the_untested(drawings):
    figure = drawings["modifiers"].draw()
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts).lower()
    assert all(label.lower() in words for label in drawings["modifiers"].numbers["_tests"]["label"])


@pytest.mark.parametrize("width", [1.0, 2.0, 3.0])
def test_labels_of_odds_ratios_do_not_touch_however_wide_the_intervals(drawings, frames, width):
    """Intervals of the invented survey, drawn out on their logarithms."""
    limits = ["conf_low", "conf_high"]
    arms = frames["modifiers_arms"]
    drawn_out = arms.assign(**{name: (arms["odds_ratio"] ** (1 - width)) * arms[name] ** width for name in limits})
    figure = claim_drawings(frames | {"modifiers_arms": drawn_out}, INVENTED)["modifiers"].draw()
    figure.draw_without_rendering()
    for axes in figure.axes:
        low, high = axes.get_xlim()
        labels = [
            label.get_window_extent() for label, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)
            if low <= at <= high
        ]  # fmt: skip
        assert len(labels) >= 2
        assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_small_multiples_have_a_panel_a_tested_modifier(drawings, frames):
    figure = drawings["modifier_curves"].draw()
    tested = (
        frames["modifiers_tests"]
        .query("model == '1' and exposure == 'magnesium_mg'")
        .dropna(subset="p_value")["modifier"]
    )
    assert [axes.get_label() for axes in figure.axes] == tested.tolist()


def test_adequacy_shows_its_shares_in_percent(drawings):
    figure = drawings["adequacy"].draw()
    shares = drawings["adequacy"].numbers[""].query("domain == 'age20' and quantity == 'usual_ear'")
    axes = next(axes for axes in figure.axes if axes.get_label() == "shares")
    drawn = next(line for line in axes.lines if line.get_label() == "usual intake")
    np.testing.assert_allclose(drawn.get_xdata(), 100 * shares["estimate"])


def test_an_unreliable_share_is_not_drawn(frames):
    marked = frames["adequacy_shares"].assign(unreliable="")
    marked.loc[marked["ages"] == "71+", "unreliable"] = "interval of 0.3 or wider"
    figure = claim_drawings(frames | {"adequacy_shares": marked}, INVENTED)["adequacy"].draw()
    axes = next(axes for axes in figure.axes if axes.get_label() == "shares")
    assert not any("71+" in label.get_text() for label in axes.get_yticklabels())
