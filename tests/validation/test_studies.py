"""Replications on invented people: each kind by hand, the files' errors, the classes of agreement."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.data.people.conditions import ConditionError
from analysis.errors import AnalysisError
from analysis.provenance import Provenance
from analysis.report.figures.layout import Caption
from analysis.report.figures.published import plot_published, published_caption, shown
from analysis.validation.studies.agreement import agreement_of, compare_studies
from analysis.validation.studies.kinds import KINDS, recompute
from analysis.validation.studies.replication import (
    Replication,
    ReplicationError,
    parse_replications,
    read_replications,
)

HAND = 1e-9
"""Relative; the same sums in another order, or the same maximum by another path."""

ROUNDED = 1e-6
"""Relative; the fit of a column in other units stops at another iterate."""

BASE = Replication(study="A", citation="B", read_in="C", item="D", kind="count", weights="mec")
SAMPLE = "age_years >= 40 and examined"
SHARE = dataclasses.replace(BASE, kind="prevalence", outcome="pn_strict")
MODEL = dataclasses.replace(
    BASE,
    kind="odds_ratio",
    sample=SAMPLE,
    outcome="pn_strict",
    exposure="told_diabetes",
    covariates=("age_years", "sex"),
)


@pytest.fixture(scope="module")
def inside(participants):
    return participants.query("age_years >= 40 and examined")


def test_a_count_is_of_people_with_every_named_fact(participants, inside) -> None:
    row = dataclasses.replace(BASE, sample=SAMPLE, known=("hba1c_percent",), without="told_diabetes == 1")
    by_hand = inside[inside["hba1c_percent"].notna() & (inside["told_diabetes"] != 1)]
    assert inside["told_diabetes"].isna().any()  # the unknown stay
    assert recompute(participants, row).estimate == len(by_hand)


def test_a_mean_a_geometric_mean_and_a_median_are_the_weighted_ones(participants, inside) -> None:
    people = inside[inside["cycle"] == 1999].dropna(subset=["total_cholesterol_mg_dl"])
    x, w = people["total_cholesterol_mg_dl"], people["weight_mec_2yr"]
    ordered = pd.Series(w.to_numpy(), x.to_numpy()).sort_index().cumsum()
    expected = {
        "mean": np.average(x, weights=w),
        "geometric_mean": np.exp(np.average(np.log(x), weights=w)),
        "median": ordered.index[int(np.searchsorted(ordered, w.sum() / 2))],
    }
    for kind, value in expected.items():
        row = dataclasses.replace(BASE, kind=kind, sample=SAMPLE, cycles=(1999,), outcome="total_cholesterol_mg_dl")
        assert recompute(participants, row).estimate == pytest.approx(value, rel=HAND)


def test_a_prevalence_is_the_weighted_share_in_percent(participants, inside) -> None:
    people = inside.dropna(subset=["pn_lenient"])
    found = recompute(participants, dataclasses.replace(BASE, kind="prevalence", sample=SAMPLE, outcome="pn_lenient"))
    assert found.estimate == pytest.approx(100 * np.average(people["pn_lenient"], weights=people["weight_mec"]))
    assert found.cases == people["pn_lenient"].sum()
    assert found.conf_low < found.estimate < found.conf_high


@pytest.mark.parametrize(
    ("kind", "family"), [("odds_ratio", sm.families.Binomial()), ("risk_ratio", sm.families.Poisson())]
)
def test_a_ratio_is_that_of_the_weighted_regression(participants, inside, kind, family) -> None:
    people = inside.dropna(subset=["pn_strict", "told_diabetes"])
    X = np.column_stack([np.ones(len(people)), people["told_diabetes"], people["age_years"], people["sex"] == "female"])
    w = people["weight_mec"] / people["weight_mec"].mean()
    fit = sm.GLM(people["pn_strict"].to_numpy(), X.astype(float), family=family, var_weights=w.to_numpy()).fit(
        tol=1e-13
    )
    found = recompute(participants, dataclasses.replace(MODEL, kind=kind, exposure="told_diabetes"))
    assert found.estimate == pytest.approx(np.exp(fit.params[1]), rel=1e-7)
    assert found.n == len(people)


def test_a_crude_risk_ratio_is_the_ratio_of_two_prevalences(participants) -> None:
    ratio = dataclasses.replace(MODEL, kind="risk_ratio", covariates=(), exposure="age_years >= 70")
    shares = [
        recompute(
            participants, dataclasses.replace(BASE, kind="prevalence", outcome="pn_strict", sample=sample)
        ).estimate
        for sample in (f"{SAMPLE} and age_years >= 70", f"{SAMPLE} and age_years < 70")
    ]
    assert recompute(participants, ratio).estimate == pytest.approx(shares[0] / shares[1], rel=HAND)


def test_groups_are_cut_before_people_without_a_covariate_are_lost(participants, inside) -> None:
    row = dataclasses.replace(MODEL, exposure="magnesium_mg", groups=4, group=1, reference=4, covariates=("pir",))
    everybody = inside[inside["weight_mec"] > 0]["magnesium_mg"].dropna()
    cuts = np.quantile(everybody, [0.25, 0.5, 0.75])
    group = 1 + np.searchsorted(cuts, participants["magnesium_mg"], side="left")
    by_hand = participants.assign(q1=(group == 1) * 1.0, q2=(group == 2) * 1.0, q3=(group == 3) * 1.0)
    spelled = dataclasses.replace(MODEL, exposure="q1", covariates=("q2", "q3", "pir"), known=("magnesium_mg",))
    assert recompute(participants, row).estimate == pytest.approx(recompute(by_hand, spelled).estimate, rel=1e-7)


def test_a_category_is_told_against_its_first_level_with_the_others_beside(participants) -> None:
    row = dataclasses.replace(MODEL, exposure="smoking", level="current")
    spelled = dataclasses.replace(
        MODEL, exposure="smoking == 'current'", covariates=(*MODEL.covariates, "smoking == 'former'"),
        sample=f"{SAMPLE} and smoking in ('never', 'former', 'current')",
    )  # fmt: skip
    assert recompute(participants, row).estimate == pytest.approx(recompute(participants, spelled).estimate, rel=1e-7)


def test_a_condition_that_cannot_be_said_is_missing_unless_the_row_says_no(participants, inside) -> None:
    condition = "sbp_mmhg >= 160 or told_diabetes == 1"
    row = dataclasses.replace(BASE, kind="prevalence", sample=SAMPLE, outcome=condition)
    high, told = inside["sbp_mmhg"], inside["told_diabetes"]
    yes = (high >= 160) | (told == 1)
    known = yes | (high.notna() & told.notna())  # one that is true is enough, however little is known of the other
    assert (~known).sum() > 0
    assert (yes & (high.isna() | told.isna())).any()
    found = recompute(participants, row)
    assert (found.n, found.cases) == (known.sum(), yes.sum())
    assert found.estimate == pytest.approx(100 * np.average(yes[known], weights=inside["weight_mec"][known]))
    diluted = recompute(participants, dataclasses.replace(row, unknown="no"))
    assert (diluted.n, diluted.cases) == (len(inside), yes.sum())
    assert diluted.estimate == pytest.approx(100 * np.average(yes, weights=inside["weight_mec"]))


def test_an_unknown_condition_is_missing_as_covariate_and_exposure_too(participants, inside) -> None:
    unknown = inside["told_diabetes"].isna()
    assert unknown.any()
    for fields in ({"covariates": ("told_diabetes == 1",)}, {"exposure": "told_diabetes == 1", "covariates": ()}):
        row = dataclasses.replace(MODEL, **{"exposure": "age_years"} | fields)
        least = inside.dropna(subset=["pn_strict", "told_diabetes"])
        assert recompute(participants, row).n == len(least)
        assert recompute(participants, dataclasses.replace(row, unknown="no")).n == len(
            inside.dropna(subset=["pn_strict"])
        )


DOSE = dataclasses.replace(MODEL, exposure="magnesium_mg")


def test_a_ratio_is_per_as_many_units_as_the_row_says(participants, inside) -> None:
    one = recompute(participants, DOSE)
    hundred = recompute(participants, dataclasses.replace(DOSE, per=100))
    for field in ("estimate", "conf_low", "conf_high"):
        assert getattr(hundred, field) == pytest.approx(getattr(one, field) ** 100, rel=ROUNDED)
    assert (hundred.n, hundred.p_value) == (one.n, pytest.approx(one.p_value, rel=ROUNDED))
    known = inside.dropna(subset=["magnesium_mg"])
    x, w = known["magnesium_mg"], known["weight_mec"]
    weighted = np.sqrt(np.average((x - np.average(x, weights=w)) ** 2, weights=w))
    for cuts, sd in (("unweighted", x.std()), ("weighted", weighted)):
        found = recompute(participants, dataclasses.replace(DOSE, per="sd", cuts=cuts))
        assert found.estimate == pytest.approx(one.estimate**sd, rel=ROUNDED)


def test_a_logarithm_of_base_two_is_a_doubling(participants) -> None:
    row = dataclasses.replace(DOSE, sample=f"{SAMPLE} and magnesium_mg > 0", exposure="log(magnesium_mg)")
    natural = recompute(participants, row).estimate
    for text, base in (("log2(magnesium_mg)", 2.0), ("log10(magnesium_mg)", 10.0)):
        found = recompute(participants, dataclasses.replace(row, exposure=text)).estimate
        assert found == pytest.approx(natural ** np.log(base), rel=ROUNDED)


def test_the_ratio_of_two_columns_is_missing_where_the_other_is_zero(participants, inside) -> None:
    row = dataclasses.replace(BASE, kind="mean", sample=SAMPLE, outcome="calcium_mg / alcohol_g")
    known = inside[inside["alcohol_g"] > 0].dropna(subset=["calcium_mg"])
    assert (inside["alcohol_g"] == 0).any()
    found = recompute(participants, row)
    assert found.n == len(known)
    by_hand = np.average(known["calcium_mg"] / known["alcohol_g"], weights=known["weight_mec"])
    assert found.estimate == pytest.approx(by_hand, rel=HAND)


@pytest.mark.parametrize(
    "fields", [{"groups": 4}, {"groups": 4, "cuts": "weighted"}, {"boundaries": (200.0, 300)}], ids=str
)
def test_other_kinds_are_of_the_people_of_one_group(participants, inside, fields) -> None:
    known = inside.dropna(subset=["magnesium_mg"]).sort_values("magnesium_mg", kind="stable")
    x, share = known["magnesium_mg"], known["weight_mec"].cumsum() / known["weight_mec"].sum()
    cuts = {
        "unweighted": np.quantile(x, [0.25, 0.5, 0.75]),
        "weighted": [x[share >= p].iloc[0] for p in (0.25, 0.5, 0.75)],
    }[fields.get("cuts", "unweighted")]
    limits = fields.get("boundaries", cuts)
    second = known[(x > limits[0]) & (x <= limits[1])]
    group = {"sample": SAMPLE, "exposure": "magnesium_mg", "group": 2, **fields}
    expected = {
        ("count", ""): len(second),
        ("prevalence", "told_stroke == 1"): 100 * _weighted_mean(second, second["told_stroke"]),
        ("mean", "total_cholesterol_mg_dl"): _weighted_mean(second, second["total_cholesterol_mg_dl"]),
    }
    for (kind, outcome), value in expected.items():
        row = dataclasses.replace(BASE, kind=kind, outcome=outcome, **group)
        assert recompute(participants, row).estimate == pytest.approx(value, rel=HAND)
    middle = recompute(participants, dataclasses.replace(BASE, kind="median", outcome="magnesium_mg", **group)).estimate
    below = second["weight_mec"][second["magnesium_mg"] < middle].sum() / second["weight_mec"].sum()
    upto = second["weight_mec"][second["magnesium_mg"] <= middle].sum() / second["weight_mec"].sum()
    assert below < 0.5 <= upto


def _weighted_mean(people: pd.DataFrame, y: pd.Series) -> float:
    known = y.notna()
    return float(np.average(y[known], weights=people["weight_mec"][known]))


def test_a_ratio_between_fixed_groups_is_that_of_their_indicators(participants) -> None:
    row = dataclasses.replace(DOSE, boundaries=(200.0, 300.0), group=1, reference=3)
    spelled = dataclasses.replace(
        DOSE, exposure="magnesium_mg <= 200", covariates=(*MODEL.covariates, "200 < magnesium_mg <= 300")
    )
    assert recompute(participants, row).estimate == pytest.approx(recompute(participants, spelled).estimate, rel=1e-7)


def test_weights_are_those_of_the_interview_or_divided_by_the_number_of_cycles(participants, inside) -> None:
    row = dataclasses.replace(BASE, kind="mean", sample=SAMPLE, outcome="age_years")
    cases = {
        "joint": inside["weight_interview"],
        "divided": inside["weight_interview_2yr"] / 3,
    }
    for pooling, weights in cases.items():
        found = recompute(participants, dataclasses.replace(row, weights="interview", pooling=pooling))
        assert found.estimate == pytest.approx(np.average(inside["age_years"], weights=weights), rel=HAND)
    two = inside[inside["cycle"] != 2003]
    mec = recompute(participants, dataclasses.replace(row, pooling="divided", cycles=(1999, 2001)))
    assert mec.estimate == pytest.approx(np.average(two["age_years"], weights=two["weight_mec_2yr"]), rel=HAND)
    assert mec.n == len(two)


def test_every_kind_has_its_function() -> None:
    assert {row.kind for row in read_replications() if not row.not_recomputed} <= set(KINDS)


def test_an_unknown_column_is_refused_by_name(participants) -> None:
    with pytest.raises(ConditionError, match="shoe_size"):
        compare_studies(participants, (dataclasses.replace(BASE, known=("shoe_size",)),))


def test_what_cannot_be_estimated_is_not_reached_with_the_reason(participants) -> None:
    row = dataclasses.replace(
        MODEL, exposure="told_diabetes", outcome="pn_strict", sample=f"{SAMPLE} and pn_strict == 1", printed="2.0"
    )
    found = compare_studies(participants, (row,)).iloc[0]
    assert found["agreement"] == "not reached"
    assert "outcome" in found["how"]


def test_nothing_is_told_of_fewer_than_ten_people(participants, inside) -> None:
    oldest = sorted(inside["magnesium_mg"].dropna())[-5]
    found = compare_studies(participants, (dataclasses.replace(BASE, sample=f"{SAMPLE} and magnesium_mg >= {oldest}"),))
    assert pd.isna(found[["ours", "n"]]).all(axis=None)
    assert "fewer than 10" in found["how"].iloc[0]


@pytest.mark.parametrize(
    ("printed", "limits", "ours", "expected"),
    [
        ("4.5", ("3.4", "5.6"), 4.4909, "as printed"),
        ("4.5", ("3.4", "5.6"), 4.55, "close"),
        ("0.40", ("", ""), 0.395, "as printed"),
        ("1.00", ("0.99", "1.01"), 1.03, "not reached"),  # within 5 % and outside the printed interval
        ("1.08", ("0.73", "1.61"), 1.33, "not reached"),
        ("25", ("", ""), float("nan"), "not reached"),
        ("", ("", ""), 3.0, "none printed"),
        ("2.00", ("", ""), 1e300, "not reached"),
        ("2.00", ("", ""), float("inf"), "not reached"),
    ],
)
def test_classes_of_agreement(printed, limits, ours, expected) -> None:
    row = dataclasses.replace(SHARE, printed=printed, printed_low=limits[0], printed_high=limits[1])
    assert agreement_of(row, ours) == expected


def test_a_number_of_people_is_exact_or_not_reached() -> None:
    size = dataclasses.replace(BASE, kind="count", printed="7068")
    assert agreement_of(size, 7068.0) == "as printed"
    assert agreement_of(size, 7069.0) == "not reached"
    assert agreement_of(dataclasses.replace(SHARE, printed="7068"), 7069.0) == "close"


def test_a_ratio_without_a_degree_of_freedom_has_its_estimate_and_no_interval(participants, inside) -> None:
    """It needs the weights only; without an interval it counts as not reached, however near."""
    bands = tuple(f"{low} <= age_years < {low + 1}" for low in range(41, 85))
    row = dataclasses.replace(MODEL, kind="odds_ratio", outcome="pn_strict", exposure="magnesium_mg", covariates=bands)
    ours = recompute(participants, row)
    assert "no residual degree of freedom" in ours.why
    assert np.isnan([ours.conf_low, ours.conf_high, ours.p_value]).all()
    known = participants["pn_strict"].notna() & participants["magnesium_mg"].notna()
    rows = inside[known.loc[inside.index]]
    X = np.column_stack(
        [np.ones(len(rows)), rows["magnesium_mg"], *((rows["age_years"] == low) for low in range(41, 85))]
    ).astype(float)
    weights = rows[f"weight_{row.weights}"] / rows[f"weight_{row.weights}"].mean()
    model = sm.GLM(rows["pn_strict"].to_numpy(), X, family=sm.families.Binomial(), var_weights=weights.to_numpy())
    assert np.log(ours.estimate) == pytest.approx(model.fit(tol=1e-12).params[1], rel=1e-6)
    near = dataclasses.replace(row, printed=f"{ours.estimate:.4f}")
    found = compare_studies(participants, (near, dataclasses.replace(row, printed=""))).set_index("published")
    assert found.loc[near.printed, "ours"] == ours.estimate
    assert found["agreement"].tolist() == ["not reached", "none printed"]
    assert found["how"].str.contains("no interval").all()


def test_a_kind_that_nothing_recomputes_is_only_told() -> None:
    text = f'{HEAD}kind = "hazard_ratio"\n'
    with pytest.raises(ReplicationError, match="kind='hazard_ratio'"):
        parse_replications(text, name="a.toml")
    (row,) = parse_replications(f'{text}not_recomputed = "no linkage"\n', name="a.toml")
    assert row.kind == "hazard_ratio"


def test_a_number_that_many_definitions_reach_never_counts() -> None:
    size = dataclasses.replace(BASE, printed="5200", identifying=False)
    assert agreement_of(size, 5200.0) == "not identifying"
    assert agreement_of(size, 5900.0) == "not reached"


HEAD = 'study = "A"\ncitation = "B"\nread_in = "C"\nsample = "age_years >= 40"\n[[row]]\nitem = "D"\n'
RATIO = f'{HEAD}kind = "odds_ratio"\noutcome = "pad"\nexposure = "magnesium_mg"\n'
MEAN = f'{HEAD}kind = "mean"\noutcome = "pir"\nexposure = "zinc_mg"\n'
SMOKING = f'{HEAD}kind = "odds_ratio"\noutcome = "pad"\nexposure = "smoking"\n'


def test_a_row_adds_its_sample_to_the_studys() -> None:
    (row,) = parse_replications(f'{HEAD}kind = "count"\nsample = "sex == \'female\' or examined"\n', name="a.toml")
    assert row.sample == "(age_years >= 40) and (sex == 'female' or examined)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study = ", "a.toml"),
        ('study = "A"', "no [[row]]"),
        (f'{HEAD}kind = "count"\noutcom = "pad"\n', "outcome"),
        (HEAD, "kind"),
        (f'{HEAD}kind = "total"\n', "expected one of count"),
        (f'{HEAD}kind = "mean"\n', "no outcome"),
        (f'{HEAD}kind = "odds_ratio"\noutcome = "pad"\n', "no exposure"),
        (f'{HEAD}kind = "count"\nprinted = 4.50\n', "quotation marks"),
        (
            f'{HEAD}kind = "odds_ratio"\noutcome = "pad"\nexposure = "pir"\ngroups = 4\ngroup = 5\nreference = 1\n',
            "1 to 4",
        ),
        (f'{HEAD}kind = "count"\ncycles = [1988]\n', "1999"),
        # values of another type
        (f'{HEAD}kind = "count"\ncycles = 1999\n', "D: cycles = 1999: expected a list, each of it a whole number"),
        (f'{HEAD}kind = "count"\ncycles = ["1999"]\n', "each of it a whole number"),
        (f'{HEAD}kind = "count"\nsample = 3\n', "sample = 3: expected text in quotation marks"),
        (f'{HEAD}kind = "count"\nidentifying = "false"\n', "identifying = 'false': expected true or false"),
        (f'{HEAD}kind = "count"\nknown = "pir"\n', "known = 'pir': expected a list, each of it text"),
        (f"{HEAD}kind = 3\n", "kind = 3: expected text"),
        (f'{RATIO}groups = "4"\n', "groups = '4': expected a whole number"),
        (f"{RATIO}groups = true\n", "groups = True: expected a whole number"),
        (f'{RATIO}covariates = "age_years"\n', "covariates = 'age_years': expected a list, each of it text"),
        ("row = 3", "no [[row]]"),
        ("row = [3]", "no [[row]]"),
        # rows that do not hold together
        (f'{HEAD}kind = "count"\ncycles = [1999, 1999]\n', "each once"),
        (f'{HEAD}kind = "count"\ncycles = []\n', "expected some of (1999, 2001, 2003)"),
        (f'{HEAD}kind = "count"\nprinted = "1,5"\n', "with a decimal point"),
        (f'{HEAD}kind = "count"\nprinted = "about 5"\n', "as printed"),
        (f'{RATIO}printed = "1,560"\n', "a ratio with a decimal point"),
        (f'{RATIO}printed = "2.0"\nprinted_low = "3.0"\nprinted_high = "1.0"\n', "expected the lower first"),
        (f'{RATIO}printed = "2.0"\nprinted_low = "1.0"\n', "both limits or neither"),
        (f'{RATIO}level = "high"\n', "level='high' is of a categorical exposure"),
        (f"{RATIO}group = 2\n", "group=2 is one of groups"),
        (f"{RATIO}reference = 1\n", "reference=1 is one of groups"),
        (f"{RATIO}groups = 1\ngroup = 1\nreference = 1\n", "groups=1: expected 2 to 100"),
        (f"{RATIO}groups = 1000000000000\ngroup = 1\nreference = 2\n", "expected 2 to 100"),
        (f"{RATIO}per = 1{400 * '0'}\n", "expected a number above 0"),
        (f"{RATIO}boundaries = [1, 1{400 * '0'}]\ngroup = 1\nreference = 2\n", "expected numbers that rise"),
        (f"{RATIO}boundaries = [nan]\ngroup = 1\nreference = 2\n", "expected numbers that rise"),
        (f'{HEAD}kind = "count"\nprinted = "{400 * "9"}"\n', "as printed"),
        (f'{HEAD}kind = "count"\nprinted = "0.{40 * "9"}"\n', "as printed"),
        (f"{RATIO}groups = 4\ngroup = 2\nreference = 2\n", "expected two of 1 to 4"),
        (f'{RATIO}covariates = ["age_years", "age_years"]\n', "expected each once"),
        (f'{RATIO}covariates = ["magnesium_mg"]\n', "outcome, exposure or covariate twice"),
        (f'{RATIO}covariates = ["pad"]\n', "outcome, exposure or covariate twice"),
        (f"{SMOKING}", "no level: expected one of former, current, told against never"),
        (f'{SMOKING}level = "never"\n', "level='never': expected one of former, current"),
        (f'{SMOKING}level = "curent"\n', "level='curent': expected one of former, current"),
        (f'{SMOKING}level = "former"\ngroups = 4\ngroup = 1\nreference = 2\n', "groups=4 are of an exposure"),
        (f'{HEAD}kind = "mean"\noutcome = "pir"\nexposure = "zinc_mg"\n', "exposure='zinc_mg' is of a ratio"),
        (f'{HEAD}kind = "mean"\noutcome = "pir"\nclaim = "above 1"\n', "claim='above 1' is of a ratio"),
        (f'{HEAD}kind = "prevalence"\noutcome = "smoking"\n', "such as \"smoking == 'current'\""),
        (f'{HEAD}kind = "count"\n[[row]]\nitem = "D"\nkind = "count"\n', "two rows 'D'"),
        (f'{RATIO}per = "SD"\n', "per = 'SD': expected a number"),
        (f"{RATIO}per = 0\n", "per=0: expected a number above 0"),
        (f"{RATIO}per = 10\ngroups = 4\ngroup = 1\nreference = 2\n", "per=10 is of a ratio by a number"),
        (f'{SMOKING}level = "former"\nper = 10\n', "per=10 is of a ratio by a number"),
        (f"{RATIO}boundaries = [300, 200]\ngroup = 1\nreference = 2\n", "expected numbers that rise"),
        (f'{RATIO}boundaries = ["200"]\n', "each of it a number"),
        (f"{RATIO}boundaries = [200]\ngroup = 1\nreference = 3\n", "expected two of 1 to 2"),
        (
            f"{RATIO}boundaries = [200]\ngroups = 2\ngroup = 1\nreference = 2\n",
            "are of an exposure that is a number, w",
        ),
        (f"{MEAN}groups = 4\n", "group=0: expected one of 1 to 4"),
        (f"{MEAN}groups = 4\ngroup = 5\n", "group=5: expected one of 1 to 4"),
        (f"{MEAN}groups = 4\ngroup = 1\nreference = 2\n", "reference=2 is one of groups of a ratio"),
        (f'{HEAD}kind = "mean"\noutcome = "pir"\ngroups = 4\ngroup = 1\n', "groups=4 are of an exposure"),
        (f'{HEAD}kind = "count"\nweights = "fasting"\n', "expected one of dietary, mec, none, interview"),
        (f'{HEAD}kind = "count"\npooling = "half"\n', "expected one of joint, divided"),
        (f'{HEAD}kind = "count"\nunknown = "yes"\n', "expected one of missing, no"),
        (f'{HEAD}kind = "count"\nstudy = ""\n', "a row without study"),
    ],
)
def test_a_file_that_does_not_say_what_is_needed_is_refused(text, message) -> None:
    with pytest.raises(ReplicationError) as refused:
        parse_replications(text, name="a.toml")
    assert message in str(refused.value)
    assert str(refused.value).startswith("a.toml")


BY_CONDITION = {"kind": "odds_ratio", "outcome": "pn_strict", "exposure": "told_diabetes == 1"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "prevalence", "outcome": "bmi_kg_m2"}, "'bmi_kg_m2' is not yes or no"),
        ({"kind": "odds_ratio", "outcome": "bmi_kg_m2", "exposure": "told_diabetes"}, "is not yes or no"),
        ({"kind": "mean", "outcome": "log(smoking)"}, "smoking is no number"),
        ({"kind": "odds_ratio", "outcome": "pn_strict", "exposure": "shoe_size"}, "shoe_size"),
        ({"kind": "odds_ratio", "outcome": "pn_strict", "exposure": "pir", "covariates": ("log(sex)",)}, "sex is no"),
        ({**BY_CONDITION, "per": 10}, "per=10 of the condition"),
        ({"kind": "count", "sample": "age_years >= 'old'"}, "age_years is a number"),
    ],
)
def test_a_row_that_asks_of_people_what_they_do_not_have_is_refused_by_its_name(participants, fields, message) -> None:
    row = dataclasses.replace(BASE, **{"sample": SAMPLE} | fields)
    with pytest.raises(AnalysisError, match="^A, D: ") as refused:
        compare_studies(participants, (row,))
    assert message in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"exposure": "alcohol_g", "groups": 4, "group": 4, "reference": 1}, "group 2 of 4 of alcohol_g is empty"),
        ({"exposure": "zinc_mg", "boundaries": (1e7,), "group": 1, "reference": 2}, "nobody is between its limits"),
        (
            {"kind": "mean", "exposure": "magnesium_mg", "groups": 4, "group": 1, "sample": "age_years < 0"},
            "magnesium_mg is known of nobody in the sample",
        ),
        ({"exposure": "age_years >= 18"}, "is the same for all who are left"),
        (
            {"exposure": "smoking", "level": "current", "sample": f"{SAMPLE} and smoking != 'current'"},
            "smoking_current",
        ),
        ({"exposure": "log(alcohol_g)"}, "some of the sample have 0 or less"),
        ({"sample": "age_years > 200"}, "the domain is empty"),
    ],
)
def test_people_among_whom_nothing_can_be_compared_give_the_reason(participants, fields, reason) -> None:
    found = compare_studies(participants, (dataclasses.replace(MODEL, printed="1.0", **fields),)).iloc[0]
    assert found["agreement"] == "not reached"
    assert reason in found["how"]


def test_a_number_is_written_as_printed_with_thousands_sign_and_zero() -> None:
    assert dataclasses.replace(BASE, printed="7,726").printed == "7726"
    negative = dataclasses.replace(
        BASE, kind="mean", outcome="pir", printed="-0.12", printed_low="-1,200.5", printed_high="0"
    )
    assert negative.printed_low == "-1200.5"
    assert agreement_of(negative, -0.1204) == "as printed"
    assert agreement_of(negative, -0.127) == "not reached"
    nothing = dataclasses.replace(BASE, kind="mean", outcome="pir", printed="0")
    assert agreement_of(nothing, 0.4) == "as printed"
    assert agreement_of(nothing, 0.6) == "not reached"


def test_a_printed_standard_error_stands_beside_ours_and_is_counted_apart(participants, inside) -> None:
    row = dataclasses.replace(SHARE, sample=SAMPLE, printed="1.0", printed_se="0.01")
    known = inside["pn_strict"].notna() & (inside["weight_mec"] > 0)
    people, p = inside[known], recompute(participants, row).estimate
    scores = (people["weight_mec"] / people["weight_mec"].sum() * (100 * people["pn_strict"] - p)).groupby(
        [people["strata"], people["psu"]]
    ).sum()  # fmt: skip
    strata = scores.groupby(level=0)
    by_hand = np.sqrt((strata.count() / (strata.count() - 1) * strata.agg(lambda u: ((u - u.mean()) ** 2).sum())).sum())
    rows = [
        dataclasses.replace(row, item=text, printed_se=text)
        for text in (f"{by_hand:.4f}", f"{1.03 * by_hand:.4f}", "0.01")
    ]
    found = compare_studies(participants, (*rows, dataclasses.replace(row, printed_se="")))
    np.testing.assert_allclose(found["ours_se"], by_hand, rtol=HAND)
    assert found["se_agreement"].tolist() == ["as printed", "close", "not reached", ""]
    assert found["agreement"].tolist() == ["not reached"] * 4


def test_the_kinds_that_have_an_error_of_their_own_scale_have_one(participants) -> None:
    mean = dataclasses.replace(BASE, kind="mean", outcome="pir", sample=SAMPLE)
    found = [recompute(participants, row).std_error for row in (mean, SHARE, dataclasses.replace(BASE, kind="count"))]
    assert np.isfinite(found).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (dataclasses.replace(SHARE, printed="1"), {"printed_se": "0"}),
        (dataclasses.replace(SHARE, printed="1"), {"printed_se": "-1"}),
        (SHARE, {"printed_se": "1"}),
        (dataclasses.replace(SHARE, printed="1"), {"printed_se": "a"}),
        (dataclasses.replace(BASE, printed="1"), {"printed_se": "1"}),
        (dataclasses.replace(MODEL, printed="1"), {"printed_se": "1"}),
    ],
)
def test_a_standard_error_that_nothing_could_be_compared_with_is_refused(row, words) -> None:
    with pytest.raises(ReplicationError, match="printed_se="):
        dataclasses.replace(row, **words)


# ---- the files of the package
ROWS = read_replications()


def test_no_printed_number_of_a_model_is_counted_twice() -> None:
    """The same number with the same interval, as of a variation of a model, is one printed number."""
    printed = [(row.study, row.printed, row.printed_low, row.printed_high) for row in ROWS if row.printed_low]
    assert len(printed) == len(set(printed))


def test_two_versions_of_a_publication_are_one() -> None:
    versions = {row.study: row.publication or row.study for row in ROWS}
    assert {study for study, publication in versions.items() if publication == "Hicks 2020"} == {
        "Hicks 2020", "Hicks 2020, manuscript", "Hicks 2020 (mortality)"
    }  # fmt: skip
    assert "Hicks 2021" in versions.values()


def test_what_was_tried_is_a_row_and_no_citation_is_a_number_of_people() -> None:
    """A reason why nothing is recomputed is that something is missing, not that it was tried elsewhere."""
    assert not [row.item for row in ROWS if "tried" in row.not_recomputed]
    assert not [row.study for row in ROWS if row.printed and "people" in row.citation]
    assert [row.item for row in ROWS if row.study == "Mazidi 2017" and row.printed and not row.not_recomputed] == [
        "people", "PAD cases"
    ]  # fmt: skip


def test_items_that_are_drawn_fit_the_margin_of_the_figure() -> None:
    """The longest that a look at the figure showed to fit has 44 letters."""
    assert not [row.item for row in ROWS if row.printed and not row.not_recomputed and len(row.item) > 44]


def test_homocysteine_and_arterial_disease_is_among_them() -> None:
    printed = {row.item: row.printed for row in ROWS if row.study == "Guallar 2006" and row.printed}
    assert list(printed.values()) == ["4447", "1.92", "1.37", "0.89"]


def test_standard_errors_that_were_printed_are_kept() -> None:
    kept = {(row.study, row.item): row.printed_se for row in ROWS if row.printed_se}
    assert kept == {
        ("Tao 2008", "linolenic acid (18:3), with PN, g"): "0.07",
        ("Tao 2008", "linolenic acid (18:3), without PN, g"): "0.05",
        ("Hicks 2020", "PN, %"): "0.5",
        ("Hicks 2020", "PN, diabetes, %"): "1.4",
        ("Hicks 2020", "PN, no diabetes, %"): "0.5",
        ("Eraso 2014", "PAD, standardised, %"): "0.3",
    }


def test_figure_shows_every_recomputed_number_and_tells_misses_with_what_was_tried(participants) -> None:
    share = dataclasses.replace(BASE, kind="prevalence", sample=SAMPLE, outcome="pn_lenient", item="share, %")
    ours = recompute(participants, share).estimate
    rows = (
        dataclasses.replace(share, printed=f"{ours:.1f}", printed_low="1", printed_high="99"),
        dataclasses.replace(share, item="far, %", printed="1.0", how="with and without the unknown"),
        dataclasses.replace(share, item="other, %", printed="2.0", not_recomputed="no file"),
    )
    found = compare_studies(participants, rows)
    assert found["agreement"].tolist() == ["as printed", "not reached", "not recomputed"]
    caption = published_caption(found)
    figure = plot_published(found, caption=Caption(caption, ""), provenance=Provenance("invented", synthetic=True))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert len(shown(found)) == 2
    assert "with and without the unknown" in words
    assert any("not reached" in text for text in words)
    assert "as printed: 1; close: 0; not identifying: 0; not reached: 1" in caption.lower()
