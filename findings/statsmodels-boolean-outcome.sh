#!/usr/bin/env bash
# statsmodels 0.15.0, a binomial model by formula whose outcome is true or false, or yes or no.
#
# glm("y ~ x", family=Binomial()) takes an outcome of 0 and 1 as the probability of 1. Of the same outcome as booleans
# the formula makes two columns, y[False] and y[True], and the model takes the first as successes: every log odds ratio
# has the other sign, without a warning. Text "no" and "yes" goes the same way. logit("y ~ x") refuses both. Survey
# columns that were harmonised to booleans are such an outcome.
#
# Seen: "0/1 +0.897, boolean -0.897, no/yes -0.897, logit refuses". Ends with 1 if that has changed.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 -m venv "$made/env"
"$made/env/bin/pip" install --quiet --disable-pip-version-check statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1
cd "$made"
env/bin/python - <<'PYTHON'
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

rng = np.random.default_rng(1)
x = rng.normal(size=500)
ill = rng.random(500) < 1 / (1 + np.exp(-x))
people = pd.DataFrame({"x": x, "number": ill.astype(int), "boolean": ill, "word": np.where(ill, "yes", "no")})


def slope(outcome):
    return smf.glm(f"{outcome} ~ x", people, family=sm.families.Binomial()).fit().params["x"]


numbers, boolean, word = (slope(outcome) for outcome in ("number", "boolean", "word"))
try:
    smf.logit("boolean ~ x", people).fit(disp=0)
    refused = False
except ValueError:
    refused = True
print(f"0/1 {numbers:+.3f}, boolean {boolean:+.3f}, no/yes {word:+.3f}, logit {'refuses' if refused else 'fits'}")
raise SystemExit(not (numbers > 0 and np.isclose(boolean, -numbers) and np.isclose(word, -numbers) and refused))
PYTHON
