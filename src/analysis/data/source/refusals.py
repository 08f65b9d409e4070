"""Why files could not be had, and one message for all of them.

The message says which file, what was got, what was expected, whether the CDC moved it, revised it, is down or the
download broke off, and what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

from analysis.data.source.secrets import without_secrets

DATA_PAGE = "https://wwwn.cdc.gov/nchs/nhanes/"
SHOWN_DETAILS = 3  # differences told of one file; the others are counted
SHOWN_NAMES = 12  # tables named in a list; the others are counted


class Reason(Enum):
    """Why a file could not be had; each has its own advice."""

    MOVED = auto()  # the server has no such file, or a web page in its place
    DENIED = auto()  # the server will not give it
    BUSY = auto()  # the server says so: 429 or 5xx
    UNREACHABLE = auto()  # no connection, no name, no answer
    PROXY = auto()  # the proxy between here and the server fails
    CERTIFICATE = auto()  # no connection that can be trusted
    REDIRECT = auto()  # sent on in a circle, or to an address that is none
    SLOW = auto()  # bytes come, but the file would take hours
    BROKEN = auto()  # an answer that broke off, or never the same answer twice
    DAMAGED = auto()  # the server's own copy is no whole file of its kind
    UNREADABLE = auto()  # a file, perhaps a sound one, of a form that would be read wrongly
    REVISED = auto()  # a sound file that holds something else than expected
    LOCAL = auto()  # this machine cannot store it


class DownloadError(Exception):
    """One failed try, or the last of several.

    Attributes
    ----------
    reason : Reason.
    got : str. What came instead of the file, as a noun phrase; empty if it was not even tried. Addresses in it are
        shown without their secrets.
    details : sentences on how the content differs.
    wait : seconds the server asked to be left alone.
    final : True if another try cannot help.
    setting : str. The setting of this machine that is at work between here and the server, as NAME=value.
    tries : how often the file was asked for.
    url : str. The address that was asked, empty if none was.
    """

    def __init__(
        self,
        reason: Reason,
        got: str,
        *,
        details: Sequence[str] = (),
        wait: float = 0.0,
        final: bool = False,
        setting: str = "",
    ) -> None:
        self.got = without_secrets(got)
        super().__init__(self.got)
        self.reason = reason
        self.setting = setting
        self.details = tuple(details)
        self.wait = wait
        self.final = final
        self.tries = 1
        self.url = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A table whose file could not be had.

    Attributes
    ----------
    table : str. Its NHANES name.
    url : str. Where it was looked for, without a secret.
    page : str. The CDC's documentation of it.
    file : Path. Where it belongs.
    expected : str. What a good file is, in words.
    fault : DownloadError. What happened instead.
    in_place : str. What is wrong with the file that lies there already; empty if there is none.
    """

    table: str
    url: str
    page: str
    file: Path
    expected: str
    fault: DownloadError
    in_place: str = ""


# Files told in full; the others are named. One tells all where the server is at fault; revised ones must be judged.
_SHOWN_FILES = {
    Reason.UNREACHABLE: 1,
    Reason.BUSY: 1,
    Reason.PROXY: 1,
    Reason.CERTIFICATE: 1,
    Reason.REDIRECT: 1,
    Reason.SLOW: 1,
    Reason.REVISED: 100,
}
_SHOWN_OTHERWISE = 3

_AGAIN = "run `make data` again, which goes on with what is missing"
_OTHER_SERVER = (
    "name another server, a mirror or a folder, up to and including .../Public: "
    "`make data NHANES_URL=https://server/.../Public` or `make data NHANES_URL=file:///folder/.../Public`"
)
_BY_HAND = "Or save the file yourself as {file}: `make data` checks it there."

_HEADINGS = {
    Reason.MOVED: (
        "The CDC has moved {names}, or NHANES_URL does not name the folder that holds 1999/DataFiles/ "
        "(names in .xpt and in .XPT were asked for)."
    ),
    Reason.DENIED: "{host} refuses to hand out {names}.",
    Reason.BUSY: "The server {host} is down or busy.",
    Reason.UNREACHABLE: "Could not reach {host}: is there no network, or is the address mistyped?",
    Reason.PROXY: "Could not reach {host} through the proxy that {setting_name} names.",
    Reason.CERTIFICATE: "No trusted connection to {host}: the certificates do not fit.",
    Reason.REDIRECT: "{host} sends requests for {names} on to where no file is.",
    Reason.SLOW: "{host} is too slow: a download below the stated rate was given up; nothing of it was kept.",
    Reason.BROKEN: "The download of {names} broke off; nothing of it was kept.",
    Reason.DAMAGED: "{host} holds a damaged copy of {names}: it came twice, alike byte for byte. It was not kept.",
    Reason.UNREADABLE: "{host} holds {names} in a form that would be read wrongly. It was not accepted.",
    Reason.REVISED: (
        "The CDC has revised {names}, or {host} holds a damaged copy: it came twice, alike byte for byte, and does "
        "not hold what was published. It was not accepted."
    ),
    Reason.LOCAL: "The files cannot be stored in {folder}.",
}

_ADVICE = {
    Reason.MOVED: f"look up the new address at {DATA_PAGE}, then {_OTHER_SERVER}. {_BY_HAND}",
    Reason.DENIED: f"{_AGAIN}; or {_OTHER_SERVER}. {_BY_HAND}",
    Reason.BUSY: f"wait a while and {_AGAIN}; or {_OTHER_SERVER}.",
    Reason.UNREACHABLE: (
        f"once there is network, {_AGAIN}; or {_OTHER_SERVER}. "
        "`make demo` runs the whole analysis on an invented survey and needs no NHANES file."
    ),
    Reason.PROXY: (
        "look at {setting}: correct it, unset it if this network needs no proxy, or list {hostname} in NO_PROXY; then "
        f"{_AGAIN}."
    ),
    Reason.CERTIFICATE: (
        "look at {certificates}: it must be a PEM file that can be read and holds the certificate behind {host} or "
        f"behind your network's own filter; then {_AGAIN}."
    ),
    Reason.REDIRECT: (
        f"look at the address, http or https, host and folder; then {_AGAIN}; or {_OTHER_SERVER}. {_BY_HAND}"
    ),
    Reason.SLOW: f"when the line is faster, {_AGAIN}; or {_OTHER_SERVER}. {_BY_HAND}",
    Reason.BROKEN: f"{_AGAIN}; or {_OTHER_SERVER}.",
    Reason.DAMAGED: f"run `make data` again another day; or {_OTHER_SERVER}. {_BY_HAND}",
    Reason.UNREADABLE: (
        "have it written anew as a SAS transport file (version 5) of one data set, its numbers 3 to 8 bytes wide, save "
        f"that as {{file}}, and {_AGAIN} and checks what is there; or {_OTHER_SERVER}."
    ),
    Reason.REVISED: (
        "see what the CDC says of it at {page}. To go on with what the server holds, "
        "`make data ACCEPT_REVISED='{accept}'` (`fetch --accept-revised {accept}`); every output will then say so. "
        f"Otherwise {_OTHER_SERVER}."
    ),
    Reason.LOCAL: (
        f"make room there or make it writable, then {_AGAIN}. If it or a folder in it is a link, look where that leads."
    ),
}


def explain(refusals: Sequence[Refusal], *, n_good: int) -> str:
    """Write the message for all refused files of one run, one paragraph per reason.

    Parameters
    ----------
    refusals : at least one.
    n_good : number of files that are in place.

    Returns
    -------
    str without a final line break.
    """
    order = list(Reason)
    ranked = sorted(refusals, key=lambda refusal: order.index(refusal.fault.reason))
    paragraphs = [_paragraph(list(group)) for _, group in groupby(ranked, key=lambda refusal: refusal.fault.reason)]
    return "\n\n".join([*paragraphs, f"{n_good} of {n_good + len(refusals)} files are in place."])


def explain_unusable(folder: Path, *, synthetic: bool, wrong: Mapping[str, str]) -> str:
    """Write the message for files that cannot be read as they are.

    Parameters
    ----------
    folder : where the files lie.
    synthetic : whether they are of an invented survey, which is not fetched but invented anew.
    wrong : table -> what is wrong with its file.
    """
    told = "\n".join(
        f"  {_listing([name for name in wrong if wrong[name] == why])}: {why}" for why in dict.fromkeys(wrong.values())
    )
    if synthetic:
        return f"The invented survey in {folder} is not complete.\n{told}\nWhat to do: `make demo` invents it anew."
    return (
        f"The survey files in {folder} are not complete.\n{told}\nWhat to do: run `make data`, which fetches what is "
        "missing and checks what is there; NHANES_URL names another server, a mirror or a folder to fetch from. "
        "`make demo` runs the whole analysis on an invented survey and needs no NHANES file."
    )


def _paragraph(group: Sequence[Refusal]) -> str:
    first = next((refusal for refusal in group if refusal.fault.got), group[0])
    names = [refusal.table for refusal in group if refusal.fault.got] or [refusal.table for refusal in group]
    words = {
        "names": _listing(names),
        "accept": " ".join(names),
        "host": urlsplit(first.url).netloc or "the folder",
        "hostname": urlsplit(first.url).hostname,
        "setting": first.fault.setting,
        "setting_name": first.fault.setting.partition("=")[0],
        "certificates": first.fault.setting or "the variable REQUESTS_CA_BUNDLE, which is not set",
        "page": first.page,
        "file": first.file,
        "folder": first.file.parent.parent,
    }
    heading = _HEADINGS[first.fault.reason].format(**words)
    advice = _ADVICE[first.fault.reason].format(**words)
    lines = [heading[0].upper() + heading[1:] if heading.startswith("the ") else heading]
    return "\n".join([*lines, *(f"  {case}" for case in _cases(group)), f"What to do: {advice}"])


def _cases(group: Sequence[Refusal]) -> list[str]:
    n_shown = _SHOWN_FILES.get(group[0].fault.reason, _SHOWN_OTHERWISE)
    tried = sorted((refusal for refusal in group if refusal.fault.got), key=lambda refusal: -refusal.fault.tries)
    lines = [_case(refusal) for refusal in tried[:n_shown]]
    if tried[n_shown:]:
        lines.append(f"Likewise {_listing([refusal.table for refusal in tried[n_shown:]])}.")
    untried = [refusal.table for refusal in group if not refusal.fault.got]
    if untried:
        lines.append(f"Not tried after that: {_listing(untried)}.")
    return lines


def _case(refusal: Refusal) -> str:
    fault = refusal.fault
    if fault.reason is Reason.LOCAL:
        return f"{refusal.table}: {fault.got}."
    times = f" ({fault.tries} tries)" if fault.tries > 1 else ""
    way = f" with {fault.setting}" if fault.setting else ""
    text = f"{refusal.table}: got {fault.got}{times} from {refusal.url}{way}, expected {refusal.expected}."
    if fault.details:
        text += f" It differs in: {_differences(fault.details)}."
    if refusal.in_place:
        text += f" The file that is there, {refusal.file}, cannot be used: {refusal.in_place}."
    return text


def _differences(details: Sequence[str]) -> str:
    told = "; ".join(details[:SHOWN_DETAILS])
    more = len(details) - SHOWN_DETAILS
    return f"{told}; and {more} more" if more > 0 else told


def _listing(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_NAMES
    if more > 1:
        names = [*names[:SHOWN_NAMES], f"{more} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
