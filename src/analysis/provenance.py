"""Where results come from, said on every output."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

PROVENANCE = "provenance"
"""Name, among a frame's ``attrs``, of what its people are made of; copies and parts of a frame keep it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures are made of, printed on each: ``source`` in words, ``synthetic`` as a mark across the page."""

    source: str
    synthetic: bool

    def to_attrs(self) -> dict[Hashable, Any]:
        """As it goes into a frame's ``attrs``: plain values, which every writer of files can keep."""
        return {PROVENANCE: {"source": self.source, "synthetic": self.synthetic}}


def provenance_of(attrs: Mapping[Any, Any]) -> Provenance | None:
    """What people are made of, by their frame's ``attrs``; None where nobody has said it, or a merge has lost it."""
    return Provenance(**attrs[PROVENANCE]) if PROVENANCE in attrs else None
