"""Why a question has no answer, for readers who did not write the program: one plain sentence a kind of error.

The messages as they were raised stand in the tables of failures.
"""

import re

PLAIN = {
    r"nothing is left of this column":
        "of what is adjusted for, something is the same for all of these people or says what the rest says already, so "
        "the model cannot be fitted",
    r"cannot be predicted by a finite estimate":
        "who was assessed can be told from the covariates without error, so people cannot be weighted for it",
    r"values are missing or infinite": "what the curve is drawn on is not known of all of these people",
    r"knots .*fall on": "so many people have the same amount that the knots of the curve coincide",
    r"in one PSU only":
        "in some strata all of these people are of one sampling unit, so no standard error can be computed",
    r"leave no residual degree of freedom": "there are too few sampling units for as much as the model adjusts for",
    r"\(separation\)": "in some of these people the outcome is sure, so no estimate is finite",
    r"expected two or more, to compare them": "these people are of one cycle, so there is nothing to compare",
    r"the domain is empty": "nobody of this study is left for it",
}  # fmt: skip
"""What a message means, by words that it holds; columns and options are named in none."""


def plain_reason(reason: str) -> str:
    """A reason as a reader may be told it, without the full stop; an unknown one as it is.

    >>> plain_reason("education_missing: nothing is left of this column once the others are known. Remove it.")[:24]
    'of what is adjusted for,'
    """
    for pattern, words in PLAIN.items():
        if re.search(pattern, reason):
            return words
    return reason.removesuffix(".")
