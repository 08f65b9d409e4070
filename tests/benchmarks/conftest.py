"""What the benchmarks measured beside R is written to results.csv, so that a reader sees it without running them."""

import os
import platform
from pathlib import Path

import pandas as pd
import pytest

RESULTS = Path(__file__).with_name("results.csv")


@pytest.fixture(scope="session")
def results():
    """Rows of what, unit, r, here; written when all benchmarks are done, with the date and the machine's cores."""
    rows = []
    yield rows
    if rows:
        table = pd.DataFrame(rows)
        table["times"] = table["times"].fillna(table["r"] / table["here"])
        table = table.assign(
            date=pd.Timestamp.now().date().isoformat(), cores=os.cpu_count(), python=platform.python_version()
        )
        table.to_csv(RESULTS, index=False, float_format="%.4g", lineterminator="\n")
