"""Downloads that end in a checked file or in one named fault: how often to try, how long to wait, when to stop.

pooch gives the temporary name, the clean-up and the final move; the check runs on the temporary file, before the
move. Its own HTTP downloader is not used: it takes every Content-Length for a number, and reads in blocks that a slow
server fills in minutes, without a look at the clock. What several downloads from one server must know together (that
it is down, that it asked for a rest, that the user stopped the run) lies in `Server`. Nothing here knows what the
files hold.
"""

import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, IncompleteRead, MaxRetryError, ReadTimeoutError

from analysis.data.source.addresses import certificate_setting, mistake_in, proxy_of
from analysis.data.source.receipts import digest_of
from analysis.data.source.refusals import DownloadError, Reason
from analysis.data.source.secrets import without_secret

USER_AGENT = "magnesium-neuropathy (research on public NHANES files; a few files at a time, each fetched once)"
CHUNK = 64 * 1024  # bytes; the most that is taken at once
LONGEST_CHAIN = 10  # redirects; a mirror needs one or two
LONGEST_REST = 366 * 24 * 3600.0  # seconds; a Retry-After beyond a year is a mistake, and read as none
LONGEST_PHRASE = 80  # characters told of what a server says of itself
LONGEST_REASON = 300  # characters told of an exception

# pooch announces each download and suggests a hash to pin; one progress bar says it better.
pooch.get_logger().setLevel("WARNING")

# After these the server as a whole may be at fault, and the next file may fare no better.
_OUTAGES = (Reason.BUSY, Reason.UNREACHABLE, Reason.BROKEN)
_ABSENT = (Reason.MOVED, Reason.DENIED, Reason.UNREACHABLE, Reason.PROXY, Reason.SLOW)
# A second copy tells whether these are the server's own.
_PERHAPS_SPOILT = (Reason.DAMAGED, Reason.UNREADABLE, Reason.REVISED)
# These lie between here and every file of the server.
_ON_THE_WAY = (Reason.PROXY, Reason.CERTIFICATE)
# What OpenSSL says where the other side does not speak its language, whatever the certificates.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "UNEXPECTED_EOF")
LOST_IN_A_ROW = 4  # files without a good one between them; the next are asked for only once
QUIET = 5.0  # seconds without a sign of life, after which a server that fails is taken to be down

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How patient a download is.

    Attributes
    ----------
    attempts : tries per file when the server is busy or the transfer breaks.
    attempts_if_absent : tries when the file is not there or the server cannot be reached.
    first_delay : seconds before the second try; doubles with each further one, less a random part.
    longest_delay : seconds; the longest pause, and the longest Retry-After that is waited for.
    connect_timeout, read_timeout : seconds without a connection, without a byte.
    slowest_rate : bytes per second. A try is given up once its average over a whole `rate_window` falls below. An old
        telephone line brings five times as much; below it the largest file would take most of a day.
    rate_window : seconds; long enough for a network to recover from a fault of its own.
    """

    attempts: int = 4
    attempts_if_absent: int = 2
    first_delay: float = 1.0
    longest_delay: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    slowest_rate: float = 1024.0
    rate_window: float = 60.0


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """A file that passed its check and lies at its place.

    Attributes
    ----------
    verdict : what the check returned.
    sha256 : hexadecimal digest of the bytes.
    last_modified : the server's Last-Modified header, empty if it sent none.
    url : the address it came from.
    """

    verdict: T = field(repr=False)
    sha256: str
    last_modified: str
    url: str


class Server:
    """What parallel downloads from one server know together.

    Parameters
    ----------
    retry : how patient to be.
    bar : progress bar in bytes, common to all files.
    """

    def __init__(self, retry: Retry, bar: "tqdm[Any]") -> None:
        self.retry = retry
        self._bar = bar
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._reason = Reason.LOCAL
        self._interrupted = False
        self._rest_until = 0.0
        self._heard = float("-inf")
        self._lost = 0

    def close(self, reason: Reason) -> None:
        """Begin no further download; those not yet tried fail for this reason, those under way may end well."""
        with self._lock:
            if not self._closed.is_set():
                self._reason = reason
            self._closed.set()

    def interrupt(self) -> None:
        """End all downloads at their next step."""
        self._interrupted = True
        self.close(Reason.LOCAL)

    def turn(self) -> None:
        """Wait until the server may be asked again; raise DownloadError if it is closed."""
        if self._wait(self._rest_until - time.monotonic()):
            raise DownloadError(self._reason, "", final=True)

    def hear(self, response: requests.Response) -> None:
        """Note an answer that shows the server to be at work."""
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and response.status_code != 429:
            self._heard = time.monotonic()

    def receive(self, n_bytes: int) -> None:
        """Note arriving bytes; raise DownloadError if the downloads were interrupted."""
        if self._interrupted:
            raise DownloadError(self._reason, "", final=True)
        self._heard = time.monotonic()
        self.show(n_bytes)

    def show(self, n_bytes: int, *, more: int = 0) -> None:
        """Advance the progress bar, back if negative, and add to its total."""
        with self._lock:
            self._bar.total = (self._bar.total or 0) + more
            self._bar.update(n_bytes)

    def deliver(self) -> None:
        """Note a good file."""
        self._lost = 0

    def reconsider(self, faults: Sequence[DownloadError], *, begun: float) -> None:
        """Wait as long as the faults of one file ask for, or raise the last of them if it is time to give up."""
        last = faults[-1]
        if _is_last(faults, self.retry, patient=self._lost < LOST_IN_A_ROW):
            raise self._lose(_summary(faults), begun=begun)
        if last.wait:
            self._rest_until = max(self._rest_until, time.monotonic() + last.wait)
        delay = min(self.retry.longest_delay, self.retry.first_delay * 2.0 ** (len(faults) - 1))
        if self._wait(delay * random.uniform(0.5, 1.0)):
            raise _summary(faults)

    def _lose(self, fault: DownloadError, *, begun: float) -> DownloadError:
        """Count a lost file; begin no other if the server gave no sign of life while it was tried."""
        self._lost += fault.reason in (*_OUTAGES, *_ABSENT)
        silent = self._heard < min(begun, time.monotonic() - QUIET)
        # A single file may be beyond the server's power: one that can be reached is asked for a second one.
        down = silent and (fault.reason is Reason.UNREACHABLE or (fault.reason in _OUTAGES and self._lost > 1))
        slow = fault.reason is Reason.SLOW and self._lost > 1
        if down or slow or fault.reason in _ON_THE_WAY:
            self.close(fault.reason)
        return fault

    def _wait(self, seconds: float) -> bool:
        return self._closed.wait(max(0.0, seconds))


def retrieve(
    urls: Sequence[str], target: Path, *, check: Callable[[Path, bool], T], server: Server, expected_bytes: int = 0
) -> Delivery[T]:
    """Download one file, check it, and only then give it its name.

    Parameters
    ----------
    urls : http, https or file addresses that the file may have; in each try the next is asked if there is no file at
        the one before.
    target : where the file goes; must not exist yet.
    check : called with the temporary file and whether these very bytes came before; returns what is to be known of a
        good file, or raises DownloadError.
    server : state shared by the downloads of one run.
    expected_bytes : rough size, already counted in the server's progress bar.

    Returns
    -------
    Delivery with what `check` returned.

    Raises
    ------
    DownloadError : no try gave a good file; nothing is left behind.
    OSError : this machine cannot store the file.
    """
    deliveries: list[Delivery[T]] = []

    def download(_url: str, temporary: str, _pooch: object) -> None:
        meter = _Meter(server, expected_bytes)
        deliveries.append(_persist(urls, Path(temporary), check=check, server=server, meter=meter))

    pooch.retrieve(urls[0], known_hash=None, fname=target.name, path=target.parent, downloader=download)
    return deliveries[0]


class _Meter:
    """What has come of one file: advances the common bar and ends a try that is too slow."""

    def __init__(self, server: Server, expected_bytes: int) -> None:
        self._server = server
        self._total = expected_bytes
        self._n = 0
        self._begin_window()

    def expect(self, n_bytes: int) -> None:
        """Correct the size of the file, if it is known, and begin to watch the rate."""
        if n_bytes:
            self._server.show(0, more=n_bytes - self._total)
            self._total = n_bytes
        self._begin_window()

    def update(self, n_bytes: int) -> None:
        """Note arriving bytes; raise DownloadError if too few came within the last window."""
        self._n += n_bytes
        self._server.receive(n_bytes)
        retry, seconds = self._server.retry, time.monotonic() - self._window_began
        if seconds >= retry.rate_window:
            rate = (self._n - self._n_before) / seconds
            if rate < retry.slowest_rate:
                got = (
                    f"{rate:,.0f} bytes a second over the last {seconds:,.0f} s, with less than "
                    f"{retry.slowest_rate:,.0f} given up"
                )
                raise DownloadError(Reason.SLOW, got)
            self._begin_window()

    def reset(self) -> None:
        """Take back what came of a try that failed."""
        self._server.show(-self._n)
        self._n = 0

    def _begin_window(self) -> None:
        self._window_began, self._n_before = time.monotonic(), self._n


def _persist(
    urls: Sequence[str], copy: Path, *, check: Callable[[Path, bool], T], server: Server, meter: _Meter
) -> Delivery[T]:
    faults: list[DownloadError] = []
    seen: set[str] = set()
    begun = time.monotonic()
    while True:
        server.turn()
        tried: list[DownloadError] = []
        for url in urls:
            try:
                return _try(url, copy, check=check, server=server, meter=meter, seen=seen)
            except DownloadError as fault:
                tried.append(fault)
            if tried[-1].reason is not Reason.MOVED:
                break
        faults.append(next((fault for fault in tried if fault.reason is not Reason.MOVED), tried[0]))
        server.reconsider(faults, begun=begun)


def _try(
    url: str, copy: Path, *, check: Callable[[Path, bool], T], server: Server, meter: _Meter, seen: set[str]
) -> Delivery[T]:
    """Download and check once; `seen` gathers the digests of what was no good."""
    sha256 = ""
    try:
        last_modified = _transfer(url, copy, server=server, meter=meter)
        sha256 = digest_of(copy)
        delivery = Delivery(check(copy, sha256 in seen), sha256, last_modified, url)
    except DownloadError as fault:
        fault.url = url
        seen.add(sha256)
        meter.reset()
        raise
    server.deliver()
    return delivery


def _is_last(faults: Sequence[DownloadError], retry: Retry, *, patient: bool) -> bool:
    last = faults[-1]
    if last.final or last.wait > retry.longest_delay or len(faults) >= retry.attempts:
        return True
    if last.reason in _PERHAPS_SPOILT:
        return False
    limit = retry.attempts_if_absent if last.reason in _ABSENT else retry.attempts
    return not patient or sum(fault.reason is last.reason for fault in faults) >= limit


def _summary(faults: Sequence[DownloadError]) -> DownloadError:
    """Return the fault to report after the last try."""
    last = faults[-1]
    if last.reason in _PERHAPS_SPOILT and not last.final:
        # The server never gave the same wrong bytes twice: they were spoilt on the way.
        last.reason, last.got = Reason.BROKEN, f"no sound copy, at last {last.got}"
    last.tries = len(faults)
    return last


def _transfer(url: str, copy: Path, *, server: Server, meter: _Meter) -> str:
    """Bring the bytes of one address into a file and return the Last-Modified header."""
    if url.lower().startswith("file:"):
        return _copy(url, copy, meter=meter)
    answers: list[requests.Response] = []
    try:
        answer = _ask(url, answers, server=server)
        answer.raise_for_status()
        meter.expect(_length_of(answer))
        with copy.open("wb") as target:
            # read1 returns what is there: only so is a trickle seen for what it is.
            while block := answer.raw.read1(CHUNK, decode_content=True):
                target.write(block)
                meter.update(len(block))
        return answer.headers.get("Last-Modified", "")
    except (requests.RequestException, HTTPError) as error:
        raise _fault_of(error, server.retry, url=answers[-1].url if answers else url) from error
    finally:
        for answer in answers:
            answer.close()


def _ask(url: str, answers: list[requests.Response], *, server: Server) -> requests.Response:
    """Return the last answer of a chain of redirects, its body unread; `answers` gathers them all."""

    def listen(answer: requests.Response, *_args: object, **_options: object) -> None:
        server.hear(answer)
        answers.append(answer)
        if answer.is_redirect:
            answer.close()  # requests would read its body to the end, if it has one
            # Twice may be a cookie that was set in between.
            if len(answers) > LONGEST_CHAIN or [other.url for other in answers].count(answer.url) > 2:
                raise requests.TooManyRedirects

    name, proxy = proxy_of(url)
    mistake = mistake_in(proxy if "://" in proxy else f"http://{proxy}") if proxy else ""
    if mistake:
        setting = f"{name}={without_secret(proxy)}"
        raise DownloadError(Reason.PROXY, f"no connection: the proxy {mistake}", final=True, setting=setting)
    try:
        return requests.get(
            url,
            stream=True,
            timeout=(server.retry.connect_timeout, server.retry.read_timeout),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            hooks={"response": listen},
        )
    except (requests.RequestException, HTTPError):
        raise
    except OSError as error:  # requests looks for the file of certificates itself
        setting = certificate_setting()
        raise DownloadError(Reason.CERTIFICATE, f"no connection ({error})", final=True, setting=setting) from error
    except ValueError as error:  # the address itself was looked at before
        raise DownloadError(Reason.REDIRECT, "a redirect to no address", final=True) from error


def _length_of(answer: requests.Response) -> int:
    """Return the Content-Length, 0 if there is none that is a number; a server may say it twice."""
    first = answer.headers.get("Content-Length", "").partition(",")[0].strip()
    return int(first) if _is_number(first) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # fits into 64 bits


def _copy(url: str, copy: Path, *, meter: _Meter) -> str:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        source = path.open("rb")
    except OSError as error:
        raise DownloadError(Reason.MOVED, f"no readable file ({error.strerror})", final=True) from error
    with source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK)
    size = copy.stat().st_size
    meter.expect(size)
    meter.update(size)
    return ""


def _fault_of(error: requests.RequestException | HTTPError, retry: Retry, *, url: str) -> DownloadError:
    """Tell from the exception what went wrong between here and the server; `url` was the last to answer."""
    name, proxy = proxy_of(url)
    fault = _fault_on_the_way(error) or _fault_of_connection(error, retry)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        fault = _fault_of_status(error.response)
    if fault.reason is Reason.CERTIFICATE:
        fault.setting = certificate_setting()
    elif proxy:
        fault.setting = f"{name}={without_secret(proxy)}"
    return fault


def _fault_on_the_way(error: requests.RequestException | HTTPError) -> DownloadError | None:
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return DownloadError(Reason.PROXY, f"no connection ({_last_words(error)})")
    if isinstance(error, requests.exceptions.SSLError) and any(word in str(error) for word in _NO_TLS):
        got = f"no secure connection ({_last_words(error)}): does the server speak http:// only?"
        return DownloadError(Reason.UNREACHABLE, got)
    if isinstance(error, requests.exceptions.SSLError):
        return DownloadError(Reason.CERTIFICATE, f"no connection ({_last_words(error)})", final=True)
    if isinstance(error, requests.TooManyRedirects):
        return DownloadError(Reason.REDIRECT, "redirects that go round in a circle", final=True)
    if isinstance(error, requests.exceptions.InvalidHeader):
        return DownloadError(Reason.BROKEN, f"an answer that contradicts itself ({_last_words(error)})")
    if isinstance(error, ValueError):  # InvalidURL, InvalidSchema and their like
        return DownloadError(Reason.REDIRECT, f"a redirect to no address ({_last_words(error)})", final=True)
    return None


def _fault_of_connection(error: requests.RequestException | HTTPError, retry: Retry) -> DownloadError:
    if isinstance(error, requests.ConnectTimeout):
        return DownloadError(Reason.UNREACHABLE, f"no connection within {retry.connect_timeout:g} s")
    if isinstance(error, requests.ReadTimeout):
        return DownloadError(Reason.UNREACHABLE, f"no answer within {retry.read_timeout:g} s")
    causes = [error, *(cause for level in error.args[:2] for cause in (level, *getattr(level, "args", ())))]
    for cause in causes:
        if isinstance(cause, IncompleteRead):
            return DownloadError(Reason.BROKEN, _share_of_bytes(cause))
        if isinstance(cause, ReadTimeoutError):
            return DownloadError(Reason.BROKEN, f"a transfer that stood still for {retry.read_timeout:g} s")
        if isinstance(cause, MaxRetryError):
            return DownloadError(Reason.UNREACHABLE, f"no connection ({_last_words(error)})")
    return DownloadError(Reason.BROKEN, f"a closed connection ({causes[-1] if error.args else type(error).__name__})")


def _last_words(error: Exception) -> str:
    """Return what the innermost of nested exceptions says, without the objects and numbers around it."""
    cause: object = error
    while inner := getattr(cause, "reason", None) or next(
        (arg for arg in getattr(cause, "args", ())[::-1] if isinstance(arg, Exception)), None
    ):
        if not isinstance(inner, Exception):
            break
        cause = inner
    return str(cause).rpartition("] ")[2].partition(" (_ssl.c")[0].rstrip(")'\"")[:LONGEST_REASON]


def _share_of_bytes(cause: IncompleteRead) -> str:
    if cause.partial is None or cause.expected is None:
        return "an answer that broke off"
    return f"{cause.partial:,} of {cause.partial + cause.expected:,} bytes"


def _fault_of_status(response: requests.Response) -> DownloadError:
    status = response.status_code
    phrase = "".join(filter(str.isprintable, response.reason or ""))
    got = f"HTTP {status} {phrase[:LONGEST_PHRASE]}"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return DownloadError(Reason.MOVED, got)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return DownloadError(Reason.PROXY, got, final=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (408, 429):
        wait = _seconds(response.headers.get("Retry-After", ""))
        return DownloadError(Reason.BUSY, f"{got}, please come back in {wait:,.0f} s" if wait else got, wait=wait)
    return DownloadError(Reason.DENIED, got)


def _seconds(retry_after: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or an HTTP date; 0 if it makes no sense."""
    text = retry_after.strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = float(text)
        else:
            moment = parsedate_to_datetime(text)
            # A date of the year 1 or 9999 cannot be brought to another zone; two can be subtracted all the same.
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):  # no header, or nothing that can be understood
        return 0.0
    return seconds if 0 < seconds <= LONGEST_REST else 0.0
