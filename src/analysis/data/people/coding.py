"""Where content lies in the three cycles' files, and the error for a value that the codebooks do not define."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.errors import AnalysisError


class CodingError(AnalysisError):
    """A raw variable holds a code that its codebook does not define."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Source:
    """Where one kind of content lies in the three cycles.

    Attributes
    ----------
    tables : table of each cycle, or None where the cycle has none.
    columns : common raw name to its name in each cycle, or None where the cycle lacks it.
    """

    tables: tuple[str | None, ...]
    columns: Mapping[str, tuple[str | None, ...]]


def same(*names: str) -> dict[str, tuple[str | None, ...]]:
    """Columns that have one name in all cycles."""
    return {name: (name, name, name) for name in names}
