"""Invented surveys of full size, each made once a run for all tests of the simulations."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from analysis.simulation import surveys
from analysis.simulation.surveys import Base, base_survey
from tests.shared import Shared, unmeasured


@pytest.fixture(scope="module", autouse=True)
def invented_once(shared: Shared) -> Iterator[None]:
    """Simulations take their surveys from the disk; processes that they start invent them, and must find the same."""

    def kept(seed: int) -> Base:
        with unmeasured():  # the demo has invented one
            return shared.answer(base_survey, seed)

    with patch.object(surveys, "base_survey", kept):
        yield
