"""What invented people were told, take and have lost: answers that published definitions of disease ask for.

Rates are about those of the public files' codebooks, told by age alone; nothing of it depends on diet or neuropathy.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.data.synthetic.files import asked_if, with_gaps

TOLD = {"MCQ160C": -4.6, "MCQ160E": -4.5, "MCQ160F": -4.8}
"""Log odds at 40 of having been told of coronary disease, a heart attack, a stroke."""

LOSS = 0.004
"""Share of examined feet that lost a toe or more."""


def history(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Everybody with the raw answers RIDEXPRG, LEALAMP, LEARAMP, DIQ090, BPQ080, BPQ100D, MCQ160C, MCQ160E, MCQ160F.

    Parameters
    ----------
    people : frame with age, female and examined.
    """
    n, age = len(people), people["age"].to_numpy()

    def answers(share: np.ndarray | float, *, asked: np.ndarray, odd: float) -> np.ndarray:
        said = np.where(rng.random(n) < share, 1, 2)
        return with_gaps(rng, asked_if(asked, said), odd={9: odd}, missing=0.0)

    fertile = people["female"].to_numpy() & (age >= 8) & (age < 60) & people["examined"].to_numpy()
    unsure = np.where(rng.random(n) < 0.09, 3, np.where(rng.random(n) < 0.25 * ((age >= 18) & (age < 45)), 1, 2))
    feet = people["examined"].to_numpy() & (age >= 40)
    losses = {
        name: asked_if(
            feet, np.where(rng.random(n) < LOSS, rng.integers(2, 7, n), np.where(rng.random(n) < 0.002, 8, 1))
        )
        for name in ("LEALAMP", "LEARAMP")
    }
    high = answers(expit(-0.9 + 0.012 * (age - 40)), asked=age >= 20, odd=0.008)
    return people.assign(
        RIDEXPRG=asked_if(fertile, unsure),
        **losses,
        DIQ090=answers(0.04, asked=age >= 40, odd=0.001),
        BPQ080=high,
        BPQ100D=answers(0.8, asked=(high == 1) & (rng.random(n) < 0.5), odd=0.0005),
        **{name: answers(expit(at + 0.06 * (age - 40)), asked=age >= 20, odd=0.005) for name, at in TOLD.items()},
    )
