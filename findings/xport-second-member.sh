#!/usr/bin/env bash
# pyreadstat 1.3.7 and pandas 3.1.1, SAS transport files (XPORT version 5) that hold two data sets.
#
# A transport file is a library: it may hold several data sets, each behind a member header of its own. R's foreign
# returns a list of them. Both Python readers return one table, without a warning: the first data set, then the second
# one's headers and numbers read as further rows of the first. Two data sets of 3 x 2 and 2 x 3 became 68 rows.
# Whoever reads survey files with them has to compare the number of rows with what the codebook says.
#
# Seen: "pyreadstat 68 rows of 3, pandas 68 rows of 3". Ends with 1 if that has changed.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 -m venv "$made/env"
"$made/env/bin/pip" install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==3.1.1
cd "$made"
env/bin/python - <<'PYTHON'
import pandas as pd
import pyreadstat

first = pd.DataFrame({"ID": [1.0, 2.0, 3.0], "A": [1.5, 2.5, 3.5]})
second = pd.DataFrame({"ID": [10.0, 20.0], "B": [7.0, 8.0], "C": [9.0, 9.0]})
for name, frame in (("FIRST", first), ("SECOND", second)):
    pyreadstat.write_xport(frame, f"{name}.xpt", file_format_version=5, table_name=name)
with open("FIRST.xpt", "rb") as one, open("SECOND.xpt", "rb") as two:
    library, member = one.read(), two.read()[240:]  # the library's own header is three records of 80 bytes
with open("both.xpt", "wb") as both:
    both.write(library + b" " * (-len(library) % 80) + member)

rows = {
    "pyreadstat": len(pyreadstat.read_xport("both.xpt")[0]),
    "pandas": len(pd.read_sas("both.xpt", format="xport")),
}
print(", ".join(f"{reader} {number} rows of {len(first)}" for reader, number in rows.items()))
raise SystemExit(rows != {"pyreadstat": 68, "pandas": 68})
PYTHON
