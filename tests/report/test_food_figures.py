"""The figure of foods draws what the table says, in its order, and nothing that is not told."""

import numpy as np
import pandas as pd
import pytest

from analysis.claims.foods import foods
from analysis.provenance import Provenance
from analysis.report.figures.foods import foods_caption, plot_foods, ranked_groups
from analysis.report.figures.layout import Caption, save_figure

INVENTED = Provenance("SYNTHETIC survey, seed 1", synthetic=True)


@pytest.fixture(scope="module")
def frame(participants: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    return foods(participants, items)


@pytest.fixture(scope="module")
def figure(frame):
    return plot_foods(frame, caption=Caption(foods_caption(frame), "Alternative."), provenance=INVENTED)


def test_the_article_stands_above_groups_ranked_by_their_share(frame):
    ranked = ranked_groups(frame)
    assert ranked["group"].iloc[0] == "article"
    assert ranked["share_estimate"].iloc[1:].is_monotonic_decreasing
    assert set(ranked["role"]) == {"union", "article", "source"}
    assert not ranked["group"].isin(["nuts_seeds", "digit_1", "spinach"]).any()


def test_bars_and_points_are_the_tables_numbers(frame, figure):
    shares, densities = figure.axes
    adults = frame[frame["domain"] == "adults"].set_index(["what", "group"])["estimate"]
    ranked = ranked_groups(frame)
    widths = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in shares.patches}
    for place, group in enumerate(ranked["group"]):
        assert widths[place] == pytest.approx(100 * adults["share", group])
    (points,) = [one for one in densities.collections if one.get_label() == "_densities"]
    np.testing.assert_allclose(points.get_offsets()[:, 0], [adults["mg_per_100g", group] for group in ranked["group"]])
    texts = [text.get_text() for text in densities.texts]
    assert texts[:-1] == [f"{100 * adults['ate', group]:.1f}" for group in ranked["group"]]


def test_what_few_ate_or_nobody_is_not_drawn(frame):
    hidden = frame.copy()
    of_beer = (hidden["group"] == "beer") & (hidden["domain"] == "adults")
    hidden.loc[of_beer, ["estimate", "std_error", "conf_low", "conf_high", "eaters"]] = np.nan
    assert "beer" in set(ranked_groups(frame)["group"])
    assert "beer" not in set(ranked_groups(hidden)["group"])
    assert "tea" not in set(ranked_groups(frame)["group"])  # nobody in the invented survey drank any


def test_the_caption_says_that_shares_are_lower_bounds(frame):
    caption = foods_caption(frame)
    adults = frame[frame["domain"] == "adults"].set_index(["what", "group"])
    assert "lower bounds" in caption
    assert f"n = {adults.loc[('share', 'article'), 'n']:,}" in caption
    assert f"{100 * adults.loc[('share', 'mixed_27_58'), 'estimate']:.1f} %" in caption


def test_no_label_is_cut_and_the_page_says_synthetic(figure, tmp_path):
    save_figure(figure, tmp_path / "foods")
    width = figure.bbox.width
    renderer = figure.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in figure.axes[0].get_yticklabels()]
    assert min(box.x0 for box in boxes) >= 0
    assert max(text.get_window_extent(renderer).x1 for text in figure.axes[1].texts) <= width
    assert "SYNTHETIC" in {text.get_text() for text in figure.texts}
