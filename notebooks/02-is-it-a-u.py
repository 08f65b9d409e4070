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
# # Is it a U?
#
# **Question.** The curve of neuropathy by magnesium bends. Does it fall *and* rise, so that it may be called a U? A
# small p for non-linearity says only that a straight line does not do: a J, a plateau and a U all give one. And every
# fitted curve has a lowest point somewhere.
#
# **Inputs.** The estimates that `make figures` wrote from the CDC's files, and the tables of `make simulate`, which
# come from invented surveys of known truth. Sentences are read from those; one cell computes the shape anew.
#
# **The rule** of the protocol. *U*: both end slopes and both of two lines have p < 5 %, and the lowest point lies
# inside the range in at least 95 % of bootstrap samples. Else *non-linear, U not shown*, if the non-linear test has
# p < 5 %. Else *no departure shown*: from a straight line.
#
# Knots, tests and rule were fixed in the analysis plan before these tests were computed, but after a first look at the
# curve, which had shown the bend, its low point and how it depends on the knots. Nothing was preregistered.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
from pathlib import Path

from IPython.display import Markdown, display

from analysis import Folders, drawings, estimate, read_estimates, read_participants, read_simulation, shape_of, words

# %%
folders = Folders(Path(DATA_DIR), Path(DATA_DIR).parent / "figures")
estimates, provenance = read_estimates(folders)
simulation, _ = read_simulation("../data")  # of surveys that were invented, whoever is read above
figures = drawings(estimates, provenance)
display(Markdown(f"**Result** ({provenance.source}). {words.study.answer_sentence(estimates)}"))
display(Markdown(words.shape.shape_sentence(estimates)))

# %% [markdown]
# ## One curve, four questions
#
# From the top: does the curve slope as a U's at both ends; do two straight lines; where is its lowest point; is there a
# break, and where.

# %%
figures["shape"].draw()

# %%
figures["shape"].caption

# %% [markdown]
# The same computed here, from the people, in some seconds; another study would go into `estimate`.

# %%
people, _ = read_participants(folders)
shape_of(estimate(people))

# %% [markdown]
# ## End slopes
#
# A U falls at the low end of the intakes and rises at the high end. Each slope is tested on its own, one-sided, and a U
# is shown only if both are: the p of the two together is the larger one. The ends are the 5th and 95th percentile of
# intake. Slopes are changes of the log odds for 100 mg/day more.
#
# Most papers fit a quadratic instead. It stands beside the spline here because it is a warning: a parabola has to bend
# as much on the left as on the right, so a few people with very high intakes can tell it where to turn.

# %%
words.shape.end_slopes_table(estimates)

# %% [markdown]
# ## Two lines
#
# The test that leans least on a form: one straight line up to a break, another one beyond it, with the break placed on
# the fitted curve by a rule that never looks at the p-values to be reported. A U needs a falling and a rising line,
# both with p < 5 %.

# %%
words.shape.two_lines_table(estimates)

# %% [markdown]
# ## The lowest point, and how well it is known
#
# Two intervals. *Normal draws* take the knots as given and draw the coefficients from their distribution. The
# *bootstrap* draws sampling units anew, places the knots anew on each sample and fits again, so it also knows that the
# knots are estimates. *No worse than the lowest* is the stretch of intakes whose odds cannot be told from those at the
# lowest point.
#
# Both are intervals given the number of knots: with another number the point may move further than either admits, as is
# seen below.

# %%
words.shape.low_points_table(estimates)

# %% [markdown]
# ## A threshold is another thing
#
# A breakpoint is where two straight pieces meet best: where the slope *changes* most. The lowest point is where a curve
# *stops falling*. A smooth curve has a lowest point and no break; a curve that falls steeply and then gently has a
# break and no lowest point. A p for the break that treats its place as known is too small, because the place was
# searched for; the other p pays for the search.

# %%
words.shape.breaks_table(estimates)

# %% [markdown]
# How much the two differ is seen in the published threshold of phosphorus for the same outcome in the same surveys:

# %%
display(Markdown(words.shape.threshold_sentence(estimates)))

# %% [markdown]
# ## Other knots, other forms
#
# The protocol has four knots on unweighted quantiles. What would have been said with others?

# %%
figures["knots"].draw()

# %%
figures["knots"].caption

# %%
display(Markdown(words.shape.knots_sentence(estimates)))
words.shape.knots_table(estimates)

# %% [markdown]
# A verdict that turns with the number of knots is a reason to say less. With three knots the spline has, as a parabola
# has, one number for its bend: what it does on the right is borrowed from what it does on the left, and the other way
# round.
#
# ## How often do such rules err?
#
# On invented surveys with this survey's design and a curve that is known. *Usual practice* is what many papers do: a
# small p for non-linearity and a lowest point inside the range. A *plateau* falls and then stays flat, a *J* stays flat
# and then rises; neither is a U.

# %%
display(Markdown(words.simulation.rules_sentence(simulation)))
words.simulation.rules_table(simulation)

# %% [markdown]
# How often the intervals of the lowest point, and those of the odds ratio, hold the truth:

# %%
words.simulation.nadirs_table(simulation)

# %%
words.simulation.coverage_table(simulation)

# %% [markdown]
# Not every rate is the one on the label, and the reasons can be told:

# %%
display(Markdown(words.simulation.misfits_sentence(simulation)))

# %% [markdown]
# ## Verdict

# %%
words.shape.verdicts_table(estimates)

# %% [markdown]
# ## What this does not say
#
# - **Not that there is no U.** *Not shown* is not *shown not to be*. The table of the simulation tells how often the
#   rule misses a true one.
# - **Not which intake is best.** The lowest point of a fitted line, with whatever interval, is a feature of one day's
#   recall in people who differ in more than magnesium.
# - **Not that the low end is about magnesium.** Intake rises with everything that is eaten; whether energy or another
#   nutrient draws the same curve is a question of its own.
