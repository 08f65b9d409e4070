from analysis.pipeline.folders import Folders
from tests.reference_numbers import FOLDER

FOLDERS = Folders(FOLDER.parents[1] / "data", FOLDER.parents[1] / "figures")
REAL = FOLDER / "real"

RTOL = 1e-6
"""The independent derivation stops its iterations earlier than ours: its numbers have six to seven digits."""
