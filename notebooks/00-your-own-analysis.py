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
# # Your own analysis
#
# **Question.** Yours. The other notebooks tell one study; this one is to be changed. Another nutrient, another group of
# people, another outcome, a curve for each level of a factor, a plot, a table to paste, and an audit of what comes out.
#
# **Inputs.** One row per person, which `make cohort` writes from the CDC's files and `make demo` for an invented
# survey. To try it on the latter, say `"../data/demo"` in the first cell.
#
# **What you change is kept.** `make notebooks` writes this notebook anew; if its cells are not those that were written,
# yours is put aside as `00-your-own-analysis.changed-1.ipynb` beside it, and that is said.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
from IPython.display import Markdown, display

from analysis import (Study, audit_study, effect_modification, estimate, modifier_of, quintiles,
                      read_participants, shape_of)  # fmt: skip

# %%
people, provenance = read_participants(DATA_DIR)
display(Markdown(f"{len(people):,} people interviewed, {provenance.source}."))

# %% [markdown]
# ## The study that the others begin from
#
# `Study()` is the protocol: magnesium from food and beverages, model 1, four knots. Nobody is dropped from `people`,
# whatever is asked: the design needs them all, and who is meant is said in the study.

# %%
primary = estimate(people)
display(primary)

# %% [markdown]
# Odds ratios at intakes of your own choice, with the interval of each and that of the whole curve; `.to_frame()` has
# all digits. A test by itself is `primary.tests["nonlinear", "wald"]`.

# %%
primary.curve([150, 250, 350])

# %% [markdown]
# ## Another nutrient, other covariates
#
# Every exposure that `python -m analysis estimate --help` lists. Model 3 adjusts for energy too.

# %%
estimate(people, Study(exposure="calcium_mg", model="3"))

# %% [markdown]
# ## A subgroup
#
# A condition in the columns of [`data/processed/README.md`](../data/processed/README.md). Knots and reference are those
# of the group: read the two curves each by its own reference.

# %%
women = estimate(people, Study(where="age_years >= 60 and sex == 'female'"))
display(women)

# %% [markdown]
# ## Another outcome
#
# Two insensate sites instead of one. `"pad"` would ask for arterial disease of the legs.

# %%
estimate(people, Study(outcome="two_sites"))

# %% [markdown]
# ## A column of one's own
#
# Added to `people`, it can be a covariate, part of a condition, or the exposure.

# %%
mine = people.assign(tall=(people["height_cm"] >= 175).astype(float).where(people["height_cm"].notna()))
estimate(mine, Study(extra_covariates=("tall",)))

# %% [markdown]
# Or it is the exposure, if it holds amounts; its name then gives the label and, in square brackets, the unit.

# %%
density = "magnesium density [mg/1,000 kcal]"
energy = people["energy_kcal"].where(people["energy_kcal"] > 0)
estimate(people.assign(**{density: 1000 * people["magnesium_mg"] / energy}), Study(exposure=density))

# %% [markdown]
# ## Does the curve differ between people?
#
# Not by comparing a p in one group with a p in the other, but by the test that the curves are one. On the command line
# this is `estimate --by`; `.plot()` draws the curve of each level.

# %%
effect_modification(people, modifier_of(people, "sex"))

# %% [markdown]
# ## By quintile
#
# As most papers tell it. Another `reference_quintile` than the second makes other odds ratios of the same numbers.

# %%
quintiles(people)

# %% [markdown]
# ## A plot
#
# Into axes of one's own, which can then be changed like any others. Several curves in the same axes share one legend,
# if each is named: `women.plot(ax=axes[0], label="Women")`, with `color=` if the next one will not do.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
primary.plot(ax=axes[0]).set_title("Everybody aged 40 or older")
women.plot(ax=axes[1]).set_title("Women aged 60 or older")
plt.show()

# %% [markdown]
# ## Is it a U?
#
# The verdict by the rule of the protocol. Fewer replicates of the bootstrap are quicker and rougher.

# %%
shape_of(women, replicates=200)

# %% [markdown]
# ## A table to paste
#
# A frame of numbers: `.to_csv("mine.csv")` writes it, and what is shown can be copied into a document. The tables of
# the project itself come as `python -m analysis table characteristics -o table1.docx` (`make tables` installs what that
# needs); `tables.characteristics(*read_estimates(DATA_DIR)).cells` has the same here.

# %%
women.to_frame().round(2)

# %% [markdown]
# ## How much of it stands?
#
# An audit of your own study: is the curve the same in every cycle, and does one sampling unit carry it? Without
# `questions` all are asked that can be asked of a single study, energy and a second day among them.

# %%
audit_study(people, women.study, questions=("cycle curves", "cycle heterogeneity", "sampling units"))

# %% [markdown]
# ## Before you tell anybody
#
# A study found by trying many is one look among many: say how many. One recalled day beside one examination has no
# order in time. And *not shown* is not shown to be absent.
