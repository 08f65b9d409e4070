"""The invented survey, a server for it and a folder for its files."""

from pathlib import Path

import pytest

from analysis.data.source.nhanes import fetch
from analysis.data.source.registry import Registry
from tests.data.source.invented import AT_ONCE, frames, table_of, xport
from tests.fault_server import FaultServer


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    return {f"1999/DataFiles/{name}.xpt": xport(frame, folder / f"{name}.xpt") for name, frame in frames().items()}


@pytest.fixture(scope="module")
def registry():
    tables = {name: table_of(name, frame) for name, frame in frames().items()}
    return Registry("NHANES 1999-2000", False, "http://127.0.0.1:9/Public", tables)


@pytest.fixture
def server(files, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    server = FaultServer(files)
    yield server
    server.close()


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


@pytest.fixture
def get(registry, server, raw):
    """Fetch from the fault server without pauses."""

    def get(**options):
        return fetch(registry, raw, **{"url": server.url, "retry": AT_ONCE, "progress": False} | options)

    return get


@pytest.fixture
def placed(raw, files):
    """All files put into the raw folder by hand."""
    (raw / "1999").mkdir(parents=True)
    for path, body in files.items():
        (raw / "1999" / Path(path).name).write_bytes(body)
    return raw
