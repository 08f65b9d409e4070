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
# # How much of it stands?
#
# **Question.** The curve bends. Would it have bent in other hands, and is it the curve of magnesium? A published curve
# is one path through many choices, and magnesium is eaten with everything else. So here every defensible choice is
# varied, every other nutrient is put in magnesium's place, and the sample is taken apart.
#
# **Inputs.** The estimates of `make figures` and the tables of `make audit`, both from the CDC's files. Sentences
# are read from those; one cell computes a curve anew. Which table under `data/processed/estimates` holds
# which number, and which column it is, stands in [`data/processed/README.md`](../data/processed/README.md).
#
# **How to read it.** *Bends* means that a straight line does not do (non-linear test). *U* means that the rule of the
# second notebook is met: a fall, a rise, and a lowest point between them; here the probability that this point lies
# inside the range comes from draws of the coefficients, there from a bootstrap. *No departure shown* is from a straight
# line. *Not shown* never means *shown not to be*.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
from pathlib import Path

from IPython.display import Markdown, display

from analysis import (Folders, Study, audit_drawings, estimate, read_audit, read_claims, read_estimates,
                      read_participants, read_simulation, words)  # fmt: skip

# %%
folders = Folders(Path(DATA_DIR), Path(DATA_DIR).parent / "figures")
estimates, _ = read_estimates(folders)
audit, provenance = read_audit(folders)
simulation, _ = read_simulation("../data")  # of surveys that were invented, whoever is read above
figures = audit_drawings(audit, provenance)
display(Markdown(f"**The curve** ({provenance.source}). {words.study.answer_sentence(estimates)}"))
display(Markdown(f"**How much of it stands.** {words.bottom_line.bottom_line(estimates, audit, simulation)}"))
display(Markdown(words.audit.failures_sentence(audit)))

# %% [markdown]
# ## Every choice at once
#
# Six choices, each with the levels that a careful analyst could defend: weights, definition of the outcome, who is
# analysed, covariates, what is done about energy, number of knots. Every combination is fitted and judged by the same
# rule.

# %%
figures["specification_curve"].draw()

# %%
figures["specification_curve"].caption

# %%
display(Markdown(words.audit.verdicts_sentence(audit)))
display(Markdown(words.audit.u_verdicts_sentence(audit)))
display(Markdown(words.audit.choices_sentence(audit)))
display(Markdown(words.audit.grid_sentence(audit)))
words.audit.verdicts_by_choice_table(audit)

# %% [markdown]
# The rule asks whether the curve falls at its low end and rises at its high end. Where the ends are is a choice of its
# own, which needs no new fit: a spline is linear beyond its outer knots, and its slope out there is that of few people.
# Whether both ends are *higher* than the middle is another question, and a weaker one. Both were asked after the first
# results were known.

# %%
display(Markdown(words.audit.ends_sentence(audit)))
display(Markdown(words.audit.sides_sentence(audit)))
words.audit.verdicts_by_ends_table(audit)

# %% [markdown]
# A share of specifications is not a probability. The grid has as many cells as somebody thought of, and they are all
# looks at the same people. Two questions can be asked of it: *which choice does the answer hang on*, told above; and
# *is there more agreement than the same people would show by chance alone*, told here. Several statistics are looked
# at, so one small p among them is no finding: the adjusted p pays for their number.

# %%
display(Markdown(words.audit.joint_test_sentence(audit)))
words.audit.joint_test_table(audit)

# %% [markdown]
# ## Energy
#
# Whoever eats, or reports, more of everything takes in more magnesium. Each way of adjusting for energy asks another
# question: what it adds to a diet, what it replaces there at the same energy, or what the diet is made of.

# %%
display(Markdown(words.energy.estimands_markdown(audit)))

# %% [markdown]
# Two outcomes have to be kept apart. If the odds ratio stays and only its interval widens, the data cannot separate
# magnesium from energy. If the odds ratio itself goes to one, that exposure draws no curve that these data can show.
# But the forms differ in power: one that takes most of what varies in magnesium would lose a bend that is truly
# magnesium's. So the same forms were tried on invented surveys in which magnesium, energy or nothing draws the curve.

# %%
figures["energy_forms"].draw()

# %%
figures["energy_forms"].caption

# %%
display(Markdown(words.energy.energy_sentence(audit)))
words.energy.energy_table(audit)

# %% [markdown]
# One of these choices computed here, from the people: model 3, energy as a straight line.

# %%
people, _ = read_participants(folders)
estimate(people, Study(model="3"))

# %%
display(Markdown(words.simulation.energy_power_markdown(simulation)))

# %% [markdown]
# The surface assumes least: odds by magnesium and energy together. Cut at one energy, it shows the curve of magnesium
# among people who ate about as much.

# %%
figures["energy_surface"].draw()

# %%
figures["energy_surface"].caption

# %% [markdown]
# ## Other nutrients, and controls
#
# If the bend belonged to magnesium, magnesium should stand out among the nutrients. *Positive controls* are exposures
# known to go with neuropathy: a method that misses them is worth nothing. *Negative controls* are outcomes older than
# the recalled day, which therefore cannot have caused them.

# %%
figures["specificity"].draw()

# %%
figures["specificity"].caption

# %%
display(Markdown(words.specificity.specificity_sentence(audit)))
words.specificity.specificity_table(audit)

# %% [markdown]
# Nutrients that many people had none of are left out above: several of their knots fall on zero. Here they are with
# knots by Hmisc's rule for ties. That was chosen after the others were known, so none of them is counted.

# %%
words.specificity.heaped_table(audit)

# %%
display(Markdown(words.specificity.controls_sentence(audit)))
display(Markdown(words.specificity.controls_markdown(audit)))

# %% [markdown]
# ## Cycles and sampling units
#
# Pooling takes for granted that three surveys, two years apart, with other interviewers and other tables of nutrients,
# draw one curve. And a finding that one of the survey's counties carries is not one about a country.

# %%
figures["heterogeneity"].draw()

# %%
figures["heterogeneity"].caption

# %%
display(Markdown(words.audit.cycles_sentence(audit)))
display(Markdown(words.units.sampling_units_sentence(audit)))
words.audit.cycles_table(audit)

# %% [markdown]
# ## One day is not a diet
#
# In the last cycle people told of a second day. How alike the two days are says how much of one day's intake is that
# person's. Random error flattens curves, so it can hide a U; error that differs between people who eat little and
# people who say they eat little can also make one.

# %%
display(Markdown(words.audit.recall_sentence(audit)))
words.audit.recall_table(audit)

# %% [markdown]
# ## What it can mean
#
# A bend in the odds of neuropathy by one day's magnesium may come from at least four sources, and the tables above are
# what each of them would have us expect.
#
# - **Magnesium itself.** Then it should bend after energy is adjusted for, as far as that form would keep a true bend,
#   more than other nutrients, and in each cycle. If it does not, the effect may be absent, or smaller than this sample
#   and one recalled day can show.
# - **How much people eat.** People who eat little and people who eat much may each have more neuropathy for reasons of
#   their own, such as illness or body size. Then energy and all that goes with it should draw the same curve.
# - **How much people say they ate.** If some people leave out more of what they eat than others, and they differ in
#   neuropathy, the same is seen, and no adjustment for reported energy tells the two apart.
# - **How people live.** Then outcomes that intake cannot cause should bend with it too.
#
# ## The claims, one by one
#
# Those of the article that brought up the question, each with what was compared and a verdict by one rule. *Supported*
# means that the interval lies on the side the claim says, as an association of one recalled day. The fourth notebook
# has every comparison.

# %%
claims, _ = read_claims(folders)
display(Markdown(words.claims.claims_markdown(claims["verdicts"])))

# %% [markdown]
# ## What this does not say
#
# - **Not that magnesium does nothing.** A survey of one day's food beside one examination is a poor witness either way.
# - **Not that low intake is harmless, or high intake safe.** Both ends were looked at in food alone.
# - **Not what anybody should eat.** No comparison here follows a change of diet.
