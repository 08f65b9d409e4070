"""Memory that was freed is kept for the next array.

glibc gives what is free at the top of its heap back to the system from some hundred kilobytes on, and the next array of
people has it given again, page by page and zeroed: a sixteenth of what a specification of the audit takes.
"""

import ctypes
import os
import sys

KEPT = 2**27
"""Bytes that may lie free at the top of the heap, the most: joblib ends a worker that has grown by 300 megabytes."""

APART = 2**25
"""Bytes of the smallest array that has memory of its own, which is given back at once."""

SETTINGS = (("MALLOC_TRIM_THRESHOLD_", -1, KEPT), ("MALLOC_MMAP_THRESHOLD_", -3, APART))
"""Of each setting its name, which processes to come read, its number for ``mallopt`` in this one, and its value."""

TOLD_OTHERWISE = "GLIBC_TUNABLES"
"""Variable in which somebody may have told glibc how to keep memory; so may one of the names above."""


def keep_freed_memory() -> None:
    """Keep it in this process and in those that it starts, unless they are told otherwise; without glibc, do nothing.

    References
    ----------
    mallopt(3), Linux Programmer's Manual; the numbers are those of glibc's malloc.h.
    """
    if sys.platform != "linux" or "malloc" in os.environ.get(TOLD_OTHERWISE, ""):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, or none to ask
        return
    for name, number, value in SETTINGS:
        if os.environ.setdefault(name, str(value)) == str(value):
            mallopt(number, value)
