"""Where results come from, said on every output."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures are made of, printed on each: ``source`` in words, ``synthetic`` as a mark across the page."""

    source: str
    synthetic: bool
