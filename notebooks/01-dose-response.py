# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Magnesium and peripheral neuropathy: the dose-response curve
#
# **Question.** A reported analysis of NHANES says that both low and high dietary magnesium go with more peripheral
# neuropathy than a moderate intake: a U-shape. Do the public files of 1999-2004 draw that curve?
#
# **Inputs.** The estimates that `make figures` wrote from the CDC's files. Every number in a
# sentence is read from those results; one cell computes the curve anew, from the people, so that it can be changed.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
from pathlib import Path

from IPython.display import Markdown, display

from analysis import Folders, drawings, estimate, read_estimates, read_participants, words

# %%
folders = Folders(Path(DATA_DIR), Path(DATA_DIR).parent / "figures")
estimates, provenance = read_estimates(folders)
figures = drawings(estimates, provenance)
display(Markdown(f"**Result** ({provenance.source}). {words.study.answer_sentence(estimates)}"))

# %% [markdown]
# ## Who is studied
#
# The monofilament examination was given to people aged 40 or older at the mobile examination center. A foot counts as
# assessed only if all of its three sites could be tested. Nobody is dropped from the survey design: those left out keep
# their place in strata and primary sampling units with no weight in the estimate, because the sampling error of a
# subgroup depends on how the whole sample was drawn.

# %%
figures["flow"].draw()

# %%
figures["flow"].caption

# %% [markdown]
# Weighted to the population, with 95 % intervals; p compares people with and without neuropathy (Rao-Scott F for
# categories, a difference of means for numbers):

# %%
words.study.characteristics_table(estimates["characteristics"])

# %% [markdown]
# The same by quintile of intake: who eats little and who eats much differ in more than magnesium.

# %%
words.study.characteristics_table(estimates["characteristics_by_quintile"])

# %% [markdown]
# ## The curve
#
# Logistic regression of neuropathy on magnesium from food and beverages on the recalled day. The intake enters as a
# restricted cubic spline: cubic between the knots, straight beyond the outer ones. Knots and reference follow a rule
# that does not look at the fit: knots at fixed quantiles of the cohort's intake, reference at its median, never at the
# lowest point of the curve, where every comparison would look like harm.

# %%
figures["dose_response"].draw()

# %%
figures["dose_response"].caption

# %% [markdown]
# The odds ratios behind the curve, at round intakes:

# %%
words.study.curve_table(estimates, model="1")

# %% [markdown]
# The same computed here, from the people. `estimate(people, Study(knots=3))` would ask another question; more of them
# are in the notebook [`00-your-own-analysis`](00-your-own-analysis.ipynb).

# %%
people, _ = read_participants(folders)
estimate(people)

# %% [markdown]
# ## Tests
#
# *Overall* asks whether the odds vary with intake at all, *nonlinear* whether they vary other than along a straight
# line. Both are given as Wald F and as Rao-Scott likelihood ratio, on the few degrees of freedom that the sample of
# counties leaves, not on the thousands of people.

# %%
words.study.tests_table(estimates)

# %% [markdown]
# ## Can the regression carry the curve?
#
# Observed against predicted prevalence, what the unequal weights leave of the sample along the intake, and what each
# single sampling unit adds:

# %%
figures["diagnostics"].draw()

# %%
figures["diagnostics"].caption

# %% [markdown]
# ## Are the standard errors right?
#
# For 1999-2000 the files carry 52 replicate weights that NCHS made before it gave out the masked strata and sampling
# units of today: a second variance, from groups that this analysis never saw. (No rows if the survey is invented.)

# %%
words.study.standard_errors_table(estimates)

# %% [markdown]
# Taylor linearisation, jackknife and bootstrap of the same sampling units agree, as they must. NCHS's replicates drop
# smaller groups and leave more degrees of freedom; their errors lie on either side. The intervals printed in 2004 are
# theirs, which is why Taylor's do not match them.
#
# ## Other covariate sets
#
# Models 2 and 3 add education, income, body mass index, smoking, alcohol, diabetes and hypertension, then energy. They
# rest on fewer people, those with every covariate known.

# %%
figures["models"].draw()

# %%
figures["models"].caption

# %% [markdown]
# ## Quintiles
#
# The same question without a spline: fifths of the cohort by intake, against the second as in the published analysis of
# phosphorus.

# %%
figures["quintiles"].draw()

# %%
figures["quintiles"].caption

# %% [markdown]
# ## What this says
#
# - The reported curve can be drawn from the public files. Where its band lies above the line at one, intakes go with
#   higher odds than the median intake does; the tests above say how well chance alone would explain such a bend.
# - The evidence is that of the tests above, on the degrees of freedom shown; it is not that of thousands of independent
#   people.
#
# ## What this does not say
#
# - **Not that magnesium does it.** This is one day's recall beside one examination. People who report eating very
#   little or very much differ in more than magnesium, and magnesium rises with everything that is eaten. Model 3 holds
#   energy constant along a straight line only; whether energy or another nutrient draws the same curve is a question of
#   its own.
# - **Not that there is a threshold.** The lowest point printed under the curve is a feature of one fitted line; its
#   interval tells how far it wanders from sample to sample, not that it is a cut-off between too little and too much.
# - **Not that it is a U.** A test of non-linearity is not a test of a U: that needs a falling left arm and a rising
#   right arm, each shown on its own. The next notebook, *Is it a U?*, asks for both.
# - **Nothing about supplements.** Intake is from food and beverages; tablets, antacids and plain water are not counted.
