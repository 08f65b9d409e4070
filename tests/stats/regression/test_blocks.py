"""Passes over a matrix by blocks of rows: the same as over all rows at once."""

import numpy as np
import pytest

from analysis.stats.regression import blocks
from analysis.stats.regression.blocks import gram, solved, triangle_of, well_conditioned

ROUNDING = 1e-12


@pytest.fixture
def matrix(monkeypatch):
    """(50, 3) numbers whose last block of 7 is not full, and positive values."""
    monkeypatch.setattr(blocks, "BLOCK", 7)
    rng = np.random.default_rng(1)
    return rng.normal(size=(50, 3)) * [1, 1e4, 1e-4], rng.uniform(0.1, 1, 50)


def test_products_of_blocks_are_those_of_all_rows(matrix):
    X, v = matrix
    np.testing.assert_allclose(gram(X, v), X.T @ np.diag(v) @ X, rtol=ROUNDING)


def test_triangle_of_blocks_is_that_of_all_rows_but_for_signs(matrix):
    X, v = matrix
    whole = np.linalg.qr(X * v[:, None], mode="r")
    np.testing.assert_allclose(np.abs(triangle_of(X, v)), np.abs(whole), rtol=1e-10)


def test_a_triangle_keeps_the_digits_that_products_lose(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 7)
    X = np.column_stack([np.ones(40), 1 + 1e-9 * (np.arange(40) % 2), np.arange(40.0)])
    left = abs(triangle_of(X, np.ones(40))[1, 1])
    assert left == pytest.approx(np.linalg.norm(X[:, 1] - X[:, 1].mean()), rel=1e-6)
    assert not well_conditioned(gram(X, np.ones(40)))


@pytest.mark.parametrize("spoilt", [0.0, np.nan], ids=["nothing", "not a number"])
def test_a_column_of_nothing_is_not_well_conditioned(matrix, spoilt):
    X, v = matrix
    assert well_conditioned(gram(X, v))
    X[:, 1] = spoilt
    assert not well_conditioned(gram(X, v))


def test_solution_does_not_depend_on_units(matrix):
    X, v = matrix
    b = np.array([1.0, -2e4, 3e-4])
    np.testing.assert_allclose(gram(X, v) @ solved(gram(X, v), b), b, rtol=1e-9)
