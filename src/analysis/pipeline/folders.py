"""Where everything is, and what a stage says when it cannot go on."""

from dataclasses import dataclass
from pathlib import Path

from analysis.data.source.registry import Registry, registry_for
from analysis.errors import AnalysisError, kind_words


class StageError(AnalysisError):
    """A stage is asked for before the one it needs, or on a folder that is another survey's."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a run reads and writes: ``data`` holds raw/ and processed/, ``figures`` the drawings; a string will do."""

    data: Path
    figures: Path

    def __post_init__(self) -> None:
        for name in ("data", "figures"):
            object.__setattr__(self, name, Path(getattr(self, name)))

    @property
    def raw(self) -> Path:
        """Registered files as downloaded, with their receipts."""
        return self.data / "raw"

    @property
    def processed(self) -> Path:
        """Everything built from them."""
        return self.data / "processed"

    @property
    def participants(self) -> Path:
        """One row per interviewed person."""
        return self.processed / "participants.parquet"

    @property
    def foods(self) -> Path:
        """One row per food or drink that a person recalled."""
        return self.processed / "foods.parquet"

    @property
    def estimates(self) -> Path:
        """Aggregate results."""
        return self.processed / "estimates"

    @property
    def simulation(self) -> Path:
        """What the simulate stage found on surveys of known truth."""
        return self.processed / "simulation"

    @property
    def is_synthetic(self) -> bool:
        """Whether the raw folder holds an invented survey, which brings a registry of its own."""
        return (self.raw / "registry").is_dir()

    def registry(self) -> Registry:
        """The registry that lies with the files, as a synthetic survey's does, or the committed one."""
        return registry_for(self.raw)


def folders_at(where: Folders | Path | str) -> Folders:
    """Folders as they are given, or those of a data folder that is named.

    Raises
    ------
    StageError : it is neither.
    """
    if isinstance(where, Folders):
        return where
    if not isinstance(where, Path | str):
        raise StageError(
            f"folders: got {kind_words(where)}, expected Folders(data, figures) or the name of a data folder, such as "
            "'data/demo'."
        )
    return folders_of(Path(where), None)


def place_of(folder: Path) -> str:
    """A folder in full, since a name such as ../data depends on where the reader stands."""
    where = str(folder.resolve())
    if folder.parts[:1] == ("..",) and not folder.exists():
        where += " (the notebooks name their data from the folder notebooks/: open and run them there)"
    return where


def folders_of(data: Path, figures: Path | None) -> Folders:
    """Where a command reads and writes; the figures of an invented survey go beside it, unless a folder is named."""
    folders = Folders(data, figures or Path("figures"))
    return Folders(data, data / "figures") if folders.is_synthetic and not figures else folders
