"""Who performs the tasks of a stage is who was asked to on the command line."""

import pytest

from analysis.__main__ import main
from analysis.audit.tasks import AuditError

ADDRESS = "tcp://10.0.0.1:8786"
CALLERS = ("pipeline.audit", "pipeline.referee", "simulation.surveys")


@pytest.fixture
def asked(monkeypatch):
    """Tasks and options of every run of tasks, which are not performed."""
    runs = []

    def record(tasks, frame, **options):
        runs.append((tasks, options))
        raise AuditError("recorded")

    for module in CALLERS:
        monkeypatch.setattr(f"analysis.{module}.run_tasks", record)
    return runs


@pytest.mark.parametrize(
    "stage",
    [("audit",), ("audit", "--exposure", "phosphorus_mg"), ("referee",), ("simulate", "--surveys", "2")],
    ids=" ".join,
)
def test_scheduler_jobs_and_fresh_reach_the_tasks_of_every_stage(demo, asked, tmp_path, capsys, stage):
    where = ("--out", str(tmp_path)) if stage[0] == "simulate" else ("--data", str(demo.data))
    code = main([*stage, *where, "--scheduler", ADDRESS, "--jobs", "3", "--fresh"])
    assert (code, "recorded" in capsys.readouterr().err) == (AuditError.exit_code, True)
    ((tasks, options),) = asked
    assert len(tasks) > 5
    assert (options["scheduler"], options["jobs"], options["fresh"]) == (ADDRESS, 3, True)
    assert options["folder"] is not None
