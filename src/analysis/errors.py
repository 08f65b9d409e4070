"""The one base class of every failure a user can act on.

Each module defines its own subclass next to the code that raises it; the command line catches this base, prints the
message without a traceback and leaves with the class's exit code.
"""

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from difflib import get_close_matches

MOST_SUGGESTED = 8
"""Names that hold what was typed as a word; if more do, it told too little and all names are given."""


class AnalysisError(Exception):
    """A failure whose message says what was got, what was expected and what to do."""

    exit_code = 1


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Begin the message of whatever is refused within by its part of a stage: "model 2: 21 coefficients on ..."."""
    try:
        yield
    except AnalysisError as error:
        error.args = (f"{what}: {error}",)
        raise


def kind_words(given: object) -> str:
    """What was given in place of something else, in words that tell no row: "the text 'abc'", "a DataFrame"."""
    if isinstance(given, str):
        return f"the text {given!r}"
    if isinstance(given, tuple) and given:
        return f"a tuple of {' and '.join(type(one).__name__ for one in given[:3])}"
    if isinstance(given, Sized) and len(given) == 0:
        return f"an empty {type(given).__name__}"
    return "nothing" if given is None else f"a {type(given).__name__}"


def expected_one_of(got: str, known: Sequence[str]) -> str:
    """What was expected in place of a name: those it resembles or is a word of, or all of them.

    Parameters
    ----------
    got : the name that is not known.
    known : the names that are, words joined by underscores.
    """
    near = get_close_matches(got, known, n=3, cutoff=0.7)
    holding = [name for name in known if got and f"_{got.lower()}_" in f"_{name}_" and name not in near]
    if len(holding) <= MOST_SUGGESTED:
        near += holding
    if near:
        return f"expected one of {len(known)} names; did you mean {' or '.join(near)}?"
    return f"expected one of {', '.join(known)}."
