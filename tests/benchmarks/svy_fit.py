"""Seconds of CPU of svy's fit of one model with its covariance, as JSON; run by a Python that has svy and polars.

    python svy_fit.py MODEL_CSV TIMES

The columns are those of `tests.benchmarks.test_speed.to_frame`. Imports, reading and declaring the design are not
timed; the domain is given to the fit, as R's subset of a design is.
"""

import json
import statistics
import sys
import time
from importlib import metadata

import polars
import svy

data = polars.read_csv(sys.argv[1])
terms = [name for name in data.columns if name.startswith("x")]
sample = svy.Sample(data, svy.Design(stratum="strata", psu="psu", wgt="w"))


def fit():
    """The fit, and CPU seconds it took."""
    started = time.process_time()
    found = sample.glm.fit("y", x=terms, family="binomial", where=svy.col("inside") == 1, tol=1e-11)
    return found, time.process_time() - started


found, _ = fit()  # warm up
spent = [fit()[1] for _ in range(int(sys.argv[2]))]
table = found.fitted.to_polars()
json.dump(
    {
        "seconds": statistics.median(spent),
        "version": metadata.version("svy"),
        "estimate": table["estimate"].to_list(),
        "std_error": table["std_err"].to_list(),
    },
    sys.stdout,
)
