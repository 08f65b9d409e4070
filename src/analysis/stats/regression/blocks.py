"""Products and triangles of a tall matrix, a block of rows after another.

A block and what is made of it stay in a processor's cache, and nothing of the size of the matrix is made.
"""

import numpy as np
from scipy.linalg.lapack import dpotrf

from analysis.stats.arrays import Array

BLOCK = 4096
"""Rows at a time."""

WELL_CONDITIONED = 1e-4
"""Share of each column's length left beside the others from which the normal equations show that none is redundant."""


def gram(X: Array, v: Array) -> Array:
    """Xᵀ diag(v) X, (p, p), of an (m, p) matrix and m values."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for at in range(0, len(X), BLOCK):
        rows = X[at : at + BLOCK]
        total += (rows * v[at : at + BLOCK, None]).T @ rows
    return total


def triangle_of(X: Array, root: Array) -> Array:
    """Triangle R of a QR decomposition of diag(root) X: each block of rows is put below the triangle before it.

    As exact as of all rows at once, since every step is a QR: RᵀR is Xᵀ diag(root²) X, without its loss of digits.
    """
    triangle = np.empty((0, X.shape[1]))
    for at in range(0, len(X), BLOCK):
        rows = X[at : at + BLOCK] * root[at : at + BLOCK, None]
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, rows]), mode="r"))
    return triangle


def solved(products: Array, b: Array) -> Array:
    """Products⁻¹ b, or the shortest such vector, of a `gram` scaled to unit diagonal; (p,)."""
    length = np.sqrt(products.diagonal())
    length = np.where(length > 0, length, 1.0)
    return np.asarray(np.linalg.lstsq(products / length / length[:, None], b / length)[0] / length)


def well_conditioned(products: Array) -> bool:
    """Whether every column of a `gram` keeps `WELL_CONDITIONED` of its length beside the ones before it."""
    length = np.sqrt(products.diagonal())
    if not np.all(np.isfinite(length) & (length > 0)):
        return False
    factor, failed = dpotrf(products / length / length[:, None])
    return bool(not failed and factor.diagonal().min() > WELL_CONDITIONED)
