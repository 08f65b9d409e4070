#!/usr/bin/env bash
# pyreadstat 1.3.7 and pandas 3.1.1, SAS transport files (XPORT version 5) whose last rows are blank text.
#
# The last record of a transport file is filled with blanks to 80 bytes, and the format does not say how many rows there
# are. A row of blank text looks like filling. pyreadstat, which wrote 13 rows of which the last 12 are blank, reads 1
# row of its own file: blank rows go although they fill whole records, where nothing is in doubt. pandas keeps those
# of whole records and reads 10. Nobody warns. A table of texts has to be counted against its codebook.
#
# Seen: "written 13, pyreadstat reads 1, pandas reads 10". Ends with 1 if that has changed.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 -m venv "$made/env"
"$made/env/bin/pip" install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==3.1.1
cd "$made"
env/bin/python - <<'PYTHON'
import pandas as pd
import pyreadstat

written = pd.DataFrame({"ANSWER": ["eightchr"] + [""] * 12})
pyreadstat.write_xport(written, "blank.xpt", file_format_version=5)
read = {
    "pyreadstat": len(pyreadstat.read_xport("blank.xpt")[0]),
    "pandas": len(pd.read_sas("blank.xpt", format="xport", encoding="ISO-8859-1")),
}
print(f"written {len(written)}, " + ", ".join(f"{reader} reads {rows}" for reader, rows in read.items()))
raise SystemExit(read != {"pyreadstat": 1, "pandas": 10})
PYTHON
