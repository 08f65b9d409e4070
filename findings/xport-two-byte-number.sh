#!/usr/bin/env bash
# pyreadstat 1.3.7, SAS transport files (XPORT version 5) with numbers stored in two bytes.
#
# A numeric variable of a transport file may be cut to between 2 and 8 bytes (LENGTH in SAS), its last bytes then being
# zero. pyreadstat reads lengths of 3 to 8 rightly; of 2 bytes it returns every value as missing, without an error or a
# warning, so that a variable seems to be one that nobody answered. pandas 3.1.1 and R's foreign read 1 and 2.
#
# Seen: "2 bytes: pyreadstat [nan, nan], pandas [1.0, 2.0]; 3 bytes: both [1.0, 2.0]". Ends with 1 if that has changed.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 -m venv "$made/env"
"$made/env/bin/pip" install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==3.1.1
cd "$made"
env/bin/python - <<'PYTHON'
import struct

import pandas as pd
import pyreadstat

NAMESTR, RECORD = 140, 80
pyreadstat.write_xport(pd.DataFrame({"ID": [1.0, 2.0], "A": [1.0, 2.0]}), "whole.xpt", file_format_version=5)
with open("whole.xpt", "rb") as file:
    whole = file.read()
variables = whole.index(b"HEADER RECORD*******NAMESTR") + RECORD
observations = whole.index(b"HEADER RECORD*******OBS") + RECORD


def cut(length):
    """Path of the same data set with the second variable's numbers in so many bytes."""
    header = bytearray(whole[:observations])
    struct.pack_into(">h", header, variables + NAMESTR + 4, length)
    rows = [whole[start : start + 16] for start in (observations, observations + 16)]
    body = b"".join(row[: 8 + length] for row in rows)
    with open(f"{length}.xpt", "wb") as file:
        file.write(bytes(header) + body + b" " * (-len(body) % RECORD))
    return f"{length}.xpt"


def values(length):
    path = cut(length)
    return pyreadstat.read_xport(path)[0]["A"].tolist(), pd.read_sas(path, format="xport")["A"].tolist()


(two, two_of_pandas), three = values(2), values(3)
print(f"2 bytes: pyreadstat {two}, pandas {two_of_pandas}; 3 bytes: both {three[0]}")
missing = all(value != value for value in two)
raise SystemExit(not (missing and two_of_pandas == [1.0, 2.0] and three == ([1.0, 2.0], [1.0, 2.0])))
PYTHON
