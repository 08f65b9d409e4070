"""The CDC's own server still serves the files under the registered addresses. Run with `-m network`."""

import pytest

from analysis.data.source.nhanes import fetch
from analysis.data.source.registry import COMMITTED, read_registry


@pytest.mark.network
@pytest.mark.parametrize("table", ["ALQ", "L10_B", "LEXPN_C"])
def test_the_cdc_serves_the_registered_file(table, tmp_path):
    (receipt,) = fetch(read_registry(COMMITTED), tmp_path, tables=[table], progress=False)
    assert receipt.url.startswith("https://wwwn.cdc.gov/")
    assert not receipt.revised
