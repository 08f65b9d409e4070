"""What a million specifications would need, by what was measured, as Markdown tables; and the names of the measured.

Workers share the work in proportion, until one client or one scheduler, whichever needs longer for a result, takes in
no more: from there on they wait, and are paid for.
"""

from collections.abc import Mapping

MILLION, MACHINES = 1_000_000, (1, 16, 256)
PRICE = 0.05
"""$ a core hour: an example, and nobody's offer."""

RATE = "specifications a second, worker processes: {}"
ALONE = "specifications a second, processes with nobody to talk to: {}"
OF_A_TASK = "specifications of a task"
CLIENT, SCHEDULER = "client's CPU for a result", "scheduler's CPU for a result"
SENT, STORED = "participants sent to each worker, once", "finished specification on disk"
WORKER, BEFORE = "memory of a worker process, at its peak", "memory of the client before any result"
HELD = "memory of the client for a finished specification"
UNITS = {OF_A_TASK: "", CLIENT: "ms", SCHEDULER: "ms", SENT: "MB", STORED: "bytes", WORKER: "MB", BEFORE: "MB",
         HELD: "bytes"}  # fmt: skip


def needs_of(measured: Mapping[str, float]) -> str:
    """Both tables and the words between them.

    Parameters
    ----------
    measured : what was measured by its name, rates by `RATE` and `ALONE` with a number, others in `UNITS`.
    """
    slower = max((CLIENT, SCHEDULER), key=measured.__getitem__)
    most = 1000 / measured[slower]
    busy = most * measured[OF_A_TASK] / measured[RATE.format(1)]
    who = slower.partition("'")[0]
    return "\n".join([
        *_table_of(measured),
        "",
        f"Results arrive one after the other: one {who} takes in at most {most:,.0f} a second, "
        f"{most * measured[OF_A_TASK]:,.0f} specifications, and so keeps {busy:.0f} cores busy.",
        "",
        f"| a million specifications on | hours | cores busy | core hours | at {PRICE:g} $ a core hour, as an example "
        "| memory of workers, GB | of the client, GB | sent, GB | disk, GB | results a second |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row_of(measured, cores, most) for cores in MACHINES),
        "",
    ])  # fmt: skip


def _table_of(measured: Mapping[str, float]) -> list[str]:
    lines = ["| measured on this machine | |", "|---|---|"]
    for rate in (RATE, ALONE):
        start, one = rate.format(""), measured[rate.format(1)]
        lines += [
            f"| {name} | {value:.0f} ({value / one:.2f} times one) |"
            for name, value in measured.items()
            if name.startswith(start)
        ]
    shown = {
        **{name: f"{measured[name]:.1f} ms" for name in (CLIENT, SCHEDULER)}, SENT: f"{measured[SENT]:.1f} MB",
        **{name: f"{measured[name]:,.0f} bytes" for name in (STORED, HELD)},
        **{name: f"{measured[name]:.0f} MB" for name in (WORKER, BEFORE)},
    }  # fmt: skip
    return [*lines, *(f"| {name} | {value} |" for name, value in shown.items())]


def _row_of(measured: Mapping[str, float], cores: int, most: float) -> str:
    results = MILLION / measured[OF_A_TASK]
    working = MILLION / measured[RATE.format(1)] / cores
    seconds = max(working, results / most)
    core_hours = cores * seconds / 3600
    stored = MILLION * measured[STORED]
    cells = (
        f"{cores} core{'s' if cores > 1 else ''}", f"{seconds / 3600:.2g}", f"{working / seconds:.0%}",
        f"{core_hours:.1f}", f"{PRICE * core_hours:.2f} $", f"{cores * measured[WORKER] / 1e3:.2g}",
        f"{measured[BEFORE] / 1e3 + MILLION * measured[HELD] / 1e9:.2g}",
        f"{(cores * measured[SENT] * 1e6 + stored) / 1e9:.2g}", f"{stored / 1e9:.2g}", f"{results / seconds:,.1f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
