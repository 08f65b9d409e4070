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
# # Every claim of the article
#
# **Question.** The article says nine things about magnesium and nerves. What do these files say of each?
#
# **Inputs.** The tables of `make claims` (`claims_*.csv`), made from the CDC's files. Sentences are read from
# those; one cell computes a curve anew.
#
# **How to read it.** Each row is one comparison that a claim would have us expect. *Supported*: its interval lies on
# the side that the claim says. *Contradicted*: on the other side. *Not shown*: it holds both. *Described*: a share or
# an amount. *Cannot be answered*: the files do not hold what it takes. All of it is association: one recalled day,
# one examination, at the same time.

# %% tags=["parameters"]
DATA_DIR = "../data"

# %%
# %matplotlib inline
from pathlib import Path

from IPython.display import Markdown, display

from analysis import Folders, Study, claim_drawings, estimate, read_claims, read_participants, words

# %%
folders = Folders(Path(DATA_DIR), Path(DATA_DIR).parent / "figures")
claims, provenance = read_claims(folders)
figures = claim_drawings(claims, provenance)
said = words.claims.balance_sentences(claims["verdicts"])
display(Markdown(f"**In sum** ({provenance.source}). {said}"))

# %% [markdown]
# ## 1. The U-shape
#
# The first three notebooks are about this claim. Here are its two questions side by side: whether both ends have more
# neuropathy than the middle, and whether the curve falls and then rises.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 1)))

# %% [markdown]
# ## 2. Deficiency
#
# The files hold no magnesium in blood. What can be said is how many people eat less than the average requirement, on
# one day and usually, and whether they have more neuropathy.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 2)))

# %%
figures["adequacy"].draw()

# %%
figures["adequacy"].caption

# %% [markdown]
# ## 3. Excess
#
# Supplements and antacids were reported for thirty days, food for one. Amounts from antacids can be trusted in
# 2003-2004 only, whether one was taken in all years.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 3)))

# %% [markdown]
# The curve over all sources, computed here from the people: food, supplements and antacids in one amount.

# %%
people, _ = read_participants(folders)
estimate(people, Study(exposure="magnesium_total_mg"))

# %% [markdown]
# ## 4 and 5. Diabetes and kidneys
#
# Whether the curve differs between people with and without is a question of interaction. Twelve modifiers were
# declared beforehand, so their p-values are adjusted for being twelve.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 4)))

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 5)))

# %%
figures["modifiers"].draw()

# %%
figures["modifiers"].caption

# %%
figures["modifier_curves"].draw()

# %%
figures["modifier_curves"].caption

# %% [markdown]
# ## 6. What depletes it
#
# The score counts diuretics, proton-pump inhibitors, kidney function and heavy drinking. People who take a drug are
# ill in other ways too, so that a score made of drugs goes with neuropathy says little about magnesium.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 6)))

# %%
display(Markdown(words.causes.depletion_words(claims["depletion"])))

# %% [markdown]
# ## 7. Foods
#
# Per 100 g, nuts and seeds hold most. But what people eat much of gives them more, and what is inside mixed dishes is
# not counted to its ingredients: the shares are lower bounds.

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 7)))

# %%
figures["foods"].draw()

# %%
figures["foods"].caption

# %% [markdown]
# ## 8. Other causes

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 8)))

# %%
figures["causes"].draw()

# %%
figures["causes"].caption

# %%
display(Markdown(words.causes.causes_words(claims["causes"])))

# %% [markdown]
# ## Arteries
#
# Not one of the nine, but the same files: arterial disease of the legs, which a published analysis relates to
# magnesium.

# %%
display(Markdown(words.causes.arteries_words(claims["arteries"])))

# %% [markdown]
# ## 9. Balance

# %%
display(Markdown(words.claims.findings_markdown(claims["verdicts"], 9)))

# %% [markdown]
# ## What this does not say
#
# - **Not that magnesium does nothing**, and not that a supplement is safe: few took much, so that much could be missed.
# - **Not what anybody should eat.** No comparison here follows a change of diet.
