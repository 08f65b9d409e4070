"""Dietary magnesium and peripheral neuropathy in NHANES 1999-2004: a reported U-shape, reproduced and tested.

What a researcher types stands here; each name is loaded when it is first used, so that importing the package takes no
time and ``python -m analysis --help`` loads no library of numbers.

>>> from analysis import PRIMARY, Study
>>> Study(knots=3) == PRIMARY
False
"""

import importlib

PLACES = {
    "PRIMARY": "study",
    "Study": "study",
    "Folders": "pipeline.folders",
    "read_participants": "pipeline.participants",
    "read_estimates": "pipeline.results",
    "read_audit": "pipeline.results",
    "read_claims": "pipeline.results",
    "read_referee": "pipeline.results",
    "read_simulation": "pipeline.results",
    "estimate": "report.views",
    "quintiles": "report.group_views",
    "shape_of": "report.views",
    "audit_study": "report.audit_view",
    "effect_modification": "report.group_views",
    "modifier_of": "dose_response.modifiers",
    "tables": "report.tables",
    "drawings": "report.catalogue",
    "audit_drawings": "report.catalogue",
    "claim_drawings": "report.catalogue",
    "referee_drawing": "report.catalogue",
    "words": "report.words",
}
"""Where each name lives; a module that has nothing of its own name stands for itself."""

__all__ = list(PLACES)


def __getattr__(name: str) -> object:
    """A name of `__all__`, loaded now."""
    if name not in PLACES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}: it offers {', '.join(sorted(__all__))}")
    module = importlib.import_module(f"analysis.{PLACES[name]}")
    found: object = getattr(module, name, module) if PLACES[name].endswith(f".{name}") else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
