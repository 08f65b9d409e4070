"""What docs/many-machines.md says of a million specifications follows from what was measured."""

import pytest

from tests.benchmarks import needs

MEASURED = {
    needs.RATE.format(1): 100.0, needs.RATE.format(2): 180.0, needs.ALONE.format(1): 110.0, needs.OF_A_TASK: 10.0,
    needs.CLIENT: 5.0, needs.SCHEDULER: 2.0, needs.SENT: 8.0, needs.STORED: 4000.0, needs.WORKER: 300.0,
    needs.BEFORE: 200.0, needs.HELD: 6000.0,
}  # fmt: skip


def row_of(measured, cores):
    lines = needs.needs_of(measured).splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {cores} core")]
    (head,) = [line for line in lines if line.startswith("| a million specifications on")]
    return dict(zip(head.strip("| ").split(" | "), row.strip("| ").split(" | "), strict=True))


def test_workers_share_the_work_while_one_client_keeps_up():
    row = row_of(MEASURED, 16)  # 1e6 / 100 / 16 s = 625 s; the client needs 1e5 x 5 ms = 500 s
    assert (row["hours"], row["cores busy"], row["core hours"]) == ("0.17", "100%", "2.8")
    assert row["at 0.05 $ a core hour, as an example"] == "0.14 $"
    assert (row["memory of workers, GB"], row["of the client, GB"]) == ("4.8", "6.2")
    assert (row["sent, GB"], row["disk, GB"], row["results a second"]) == ("4.1", "4", "160.0")


@pytest.mark.parametrize(("slower", "who"), [(needs.CLIENT, "client"), (needs.SCHEDULER, "scheduler")])
def test_from_where_one_client_or_scheduler_takes_in_no_more_the_workers_wait_and_are_paid(slower, who):
    measured = MEASURED | {slower: 5.0, ({needs.CLIENT, needs.SCHEDULER} - {slower}).pop(): 2.0}
    row = row_of(measured, 256)  # 1e5 results x 5 ms = 500 s, in which the workers have 39 s to do
    assert (row["hours"], row["cores busy"], row["core hours"]) == ("0.14", "8%", "35.6")
    assert row["results a second"] == "200.0"
    assert f"one {who} takes in at most 200 a second, 2,000 specifications, and so keeps 20 cores busy" in (
        needs.needs_of(measured)
    )
