"""Invent the small survey sample of design_input.csv, on which design_reference.R checks R's domain rules.

Six strata of 2, 2, 3, 4, 2 and 3 PSUs, about 19 people in each PSU, a shift shared by the people of a PSU,
weights that depend on the outcome, and some weights of zero. Nobody in it is real.

    python make_design_input.py > design_input.csv
"""

import csv
import math
import random
import sys
from collections.abc import Iterator

SEED = 20240607
PSUS_IN_STRATUM = (2, 2, 3, 4, 2, 3)
LOST_PSU = (4, 3)
PARTNER_OF_LONE_PSU = (1, 2)
LOST_STRATUM = 2
DOMAINS = ("in_part", "in_part_less_psu", "in_part_lone_psu", "in_part_less_stratum")


def person(rng: random.Random, *, stratum: int, psu: int, psu_shift: float) -> tuple[float, ...]:
    """Draw one row; the four flags are the domains, the later ones parts of the first."""
    x = round(rng.lognormvariate(5.5, 0.5), 2)
    z = round(rng.gauss(50 + 2 * stratum, 10), 1)
    log_odds = -0.8 + psu_shift + 0.03 * (z - 55) + 1.2 * math.log(x / 240) ** 2
    y = int(rng.random() < 1 / (1 + math.exp(-log_odds)))
    weight = 0.0 if rng.random() < 0.06 else round(rng.uniform(500, 4000) * (1.4 - 0.4 * y), 3)
    in_part = int(rng.random() < 0.8)
    less_psu = int(in_part and (stratum, psu) != LOST_PSU)
    lone_psu = int(in_part and (stratum, psu) != PARTNER_OF_LONE_PSU)
    less_stratum = int(in_part and stratum != LOST_STRATUM)
    return stratum, psu, weight, x, z, y, in_part, less_psu, lone_psu, less_stratum


def people(rng: random.Random) -> Iterator[tuple[float, ...]]:
    """Walk through strata and PSUs; PSU numbers start again in every stratum."""
    for stratum, psus in enumerate(PSUS_IN_STRATUM, start=1):
        for psu in range(1, psus + 1):
            psu_shift = rng.gauss(0, 0.3)
            for _ in range(rng.randint(16, 22)):
                yield person(rng, stratum=stratum, psu=psu, psu_shift=psu_shift)


def main() -> None:
    """Write the sample to standard output."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("strata", "psu", "w", "x", "z", "y", *DOMAINS))
    writer.writerows(people(random.Random(SEED)))


if __name__ == "__main__":
    main()
