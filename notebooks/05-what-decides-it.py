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
# # What decides it
#
# **Question.** The verdict of the second notebook rests on choices that the protocol fixed and another protocol could
# have made otherwise. A hostile referee would ask about each. Which of them decide?
#
# **Inputs.** The tables of `make audit` (`referee*.csv`), made from the CDC's files. One cell computes a curve anew.
#
# **How to read it.** Two questions are asked of every curve. *Falls, then rises* is about slopes and is the
# protocol's. *Both ends higher than the middle* is about levels at the 5th and 95th percentile against the median; it
# asks less, and it is what the article says. It and all that follows were added after the first results were known.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
from pathlib import Path

from IPython.display import Markdown, display

from analysis import Folders, Study, estimate, read_participants, read_referee, read_simulation, referee_drawing, words

# %%
folders = Folders(Path(DATA_DIR), Path(DATA_DIR).parent / "figures")
asked, provenance = read_referee(folders)
answers = asked["referee"]
display(Markdown(f"**In sum** ({provenance.source}). {words.referee.changes_sentence(answers)}"))

# %%
figure = referee_drawing(asked, provenance)
figure.draw()

# %%
figure.caption

# %% [markdown]
# ## Where the ends are
#
# The outer knots lie at the 5th and 95th percentile, and the spline is straight beyond them. The slope "at the high
# end" is therefore that of a tail of few people. Moved inward, the same curve meets the same rule.

# %%
display(Markdown(words.referee.question_sentence(answers, "ends")))
words.referee.question_table(answers, "ends")

# %%
display(Markdown(words.referee.rise_sentence(asked["rise"])))

# %% [markdown]
# ## Levels
#
# Two comparisons against the median, one at each end; the larger p counts.

# %%
words.referee.question_table(answers, "levels")

# %% [markdown]
# ## Who reports too little
#
# Some people report less energy than a resting body spends. Limits for one recalled day are Goldberg's. Leaving people
# out costs range and power, so two controls leave out as many by chance.

# %%
display(Markdown(words.referee.under_reporter_sentence(asked["under_reporter"])))
display(Markdown(words.referee.question_sentence(answers, "under-reporting")))
words.referee.question_table(answers, "under-reporting")

# %% [markdown]
# ## What one recalled day can show
#
# A day is not a habit. The second recall of 2003-2004 says how much of a day's difference lasts. Calibration puts the
# expected second day in the first one's place; the calibration itself is uncertain, so it is redone in every bootstrap
# sample. SIMEX adds error and looks back to none.
#
# A single recall can show that people who report different days differ. It cannot show at which usual intake they do.
# The NCI method would model usual intake itself, from repeats that one of three cycles has; it would change the scale
# of the axis more than the order of people on it.

# %%
display(Markdown(words.referee.question_sentence(answers, "recall error")))
words.referee.question_table(answers, "recall error")

# %% [markdown]
# ## Scale and form
#
# Logarithm, square root, round knots, and tails drawn in or left out. With three knots, computed here:

# %%
display(Markdown(words.referee.question_sentence(answers, "form")))
words.referee.question_table(answers, "form")

# %%
people, _ = read_participants(folders)
estimate(people, Study(knots=3))

# %% [markdown]
# ## Missing, unassessed, selected
#
# Covariates imputed; people weighted for having been assessed and having a recall; and the bounds, with everybody
# unassessed taken as ill, then as healthy.

# %%
display(Markdown(words.referee.question_sentence(answers, "missing")))
words.referee.question_table(answers, "missing")

# %% [markdown]
# ## What should change nothing
#
# One of these does: days said to be as usual. It was asked after the fact.

# %%
display(Markdown(words.referee.question_sentence(answers, "rows")))
words.referee.question_table(answers, "rows")

# %% [markdown]
# ## What would have been found
#
# "Not shown" is worth as much as the chance that it would have been shown, had it been there.

# %%
simulation, _ = read_simulation("../data")  # of surveys that were invented, whoever is read above
display(Markdown(words.simulation.rules_sentence(simulation)))
