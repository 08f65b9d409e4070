"""The one base class of every failure a user can act on.

Each module defines its own subclass next to the code that raises it; the command line catches this base, prints the
message without a traceback and leaves with the class's exit code.
"""


class AnalysisError(Exception):
    """A failure whose message says what was got, what was expected and what to do."""

    exit_code = 1
