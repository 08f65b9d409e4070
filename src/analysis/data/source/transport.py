"""Downloads that end in a checked file or in one named fault: how often to try, how long to wait, when to stop.

pooch gives the temporary name, the clean-up and the final move; the check runs on the temporary file, before the
move. What several downloads from one server must know together (that it is down, that it asked for a rest, that the
user stopped the run) lies in `Server`. Nothing here knows what the files hold.
"""

import os
import random
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

from analysis.data.source.receipts import digest_of
from analysis.data.source.refusals import DownloadError, Reason, without_password

USER_AGENT = "magnesium-neuropathy (research on public NHANES files; a few files at a time, each fetched once)"
CHUNK = 64 * 1024  # bytes
REDIRECTS = 5  # the CDC's move of its files needs one
SECONDS_BETWEEN_LINES = 10.0  # of progress, where there is no terminal for a bar
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# pooch announces each download and suggests a hash to pin; one progress bar says it better.
pooch.get_logger().setLevel("WARNING")

# After these the server as a whole may be at fault, and the next file may fare no better.
_OUTAGES = (Reason.BUSY, Reason.UNREACHABLE, Reason.BROKEN)
_ABSENT = (Reason.MOVED, Reason.DENIED, Reason.UNREACHABLE)
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
    slowest, slow_for : a transfer that brings fewer than ``slowest`` bytes a second over ``slow_for`` seconds is given
        up: at 1 kB a second the needed files would take a day.
    """

    attempts: int = 4
    attempts_if_absent: int = 2
    first_delay: float = 1.0
    longest_delay: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    slowest: float = 1000.0
    slow_for: float = 60.0


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """A file that passed its check and lies at its place.

    Attributes
    ----------
    verdict : what the check returned.
    sha256 : hexadecimal digest of the bytes.
    last_modified : the server's Last-Modified header, empty if it sent none.
    """

    verdict: T
    sha256: str
    last_modified: str


class Server:
    """What parallel downloads from one server know together.

    Parameters
    ----------
    retry : how patient to be.
    bar : progress bar in bytes, common to all files.
    lines : report progress in lines on standard error, because no bar is shown.
    """

    def __init__(self, retry: Retry, bar: "tqdm[Any]", *, lines: bool = False) -> None:
        self.retry = retry
        self._bar = bar
        self._lines = lines
        self._bytes = self._files = 0
        self._said = time.monotonic()
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
            self._bytes += n_bytes
            if self._lines and time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
                self._said = time.monotonic()
                told = f"NHANES files: {self._files} complete, {self._bytes / 1e6:,.1f} of about "
                sys.stderr.write(f"{told}{self._bar.total / 1e6:,.0f} MB received\n")

    def deliver(self) -> None:
        """Note a good file."""
        self._lost = 0
        self._files += 1

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
        if silent and (fault.reason is Reason.UNREACHABLE or (fault.reason in _OUTAGES and self._lost > 1)):
            self.close(fault.reason)
        return fault

    def _wait(self, seconds: float) -> bool:
        return self._closed.wait(max(0.0, seconds))


def retrieve(
    url: str, target: Path, *, check: Callable[[Path, bool], T], server: Server, expected_bytes: int = 0
) -> Delivery[T]:
    """Download one file, check it, and only then give it its name.

    Parameters
    ----------
    url : http, https or file address.
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

    def download(address: str, temporary: str, _pooch: object) -> None:
        meter = _Meter(server, expected_bytes)
        deliveries.append(_persist(address, Path(temporary), check=check, server=server, meter=meter))

    pooch.retrieve(url, known_hash=None, fname=target.name, path=target.parent, downloader=download)
    return deliveries[0]


class _Meter:
    """The progress bar that pooch wants for one file; passes its bytes on to the common bar."""

    def __init__(self, server: Server, expected_bytes: int) -> None:
        self._server = server
        self._total = expected_bytes
        self._n = 0
        self._window = (time.monotonic(), 0)

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, n_bytes: int) -> None:
        self._server.show(0, more=n_bytes - self._total)
        self._total = n_bytes

    def update(self, n_bytes: int) -> None:
        self._n += n_bytes
        self._server.receive(n_bytes)
        self._refuse_crawling()

    def _refuse_crawling(self) -> None:
        retry, now = self._server.retry, time.monotonic()
        since, before = self._window
        if now - since < retry.slow_for:
            return
        if self._n - before < retry.slowest * (now - since):
            told = f"{self._n - before:,} bytes in {now - since:.0f} s, slower than {retry.slowest:,.0f} a second"
            raise DownloadError(Reason.BROKEN, f"a transfer that all but stood still ({told})")
        self._window = (now, self._n)

    def reset(self) -> None:
        self._server.show(-self._n)
        self._n = 0
        self._window = (time.monotonic(), 0)

    def close(self) -> None:
        """Leave the common bar open: other files still use it."""


def _persist(url: str, copy: Path, *, check: Callable[[Path, bool], T], server: Server, meter: _Meter) -> Delivery[T]:
    faults: list[DownloadError] = []
    seen: set[str] = set()
    begun = time.monotonic()
    while True:
        server.turn()
        sha256 = ""
        try:
            last_modified = _transfer(url, copy, server=server, meter=meter)
            sha256 = digest_of(copy)
            delivery = Delivery(check(copy, sha256 in seen), sha256, last_modified)
            server.deliver()
            return delivery
        except DownloadError as fault:
            faults.append(fault)
        seen.add(sha256)
        meter.reset()
        server.reconsider(faults, begun=begun)


def _is_last(faults: Sequence[DownloadError], retry: Retry, *, patient: bool) -> bool:
    last = faults[-1]
    if last.final or last.wait > retry.longest_delay or len(faults) >= retry.attempts:
        return True
    if last.reason in (Reason.DAMAGED, Reason.REVISED):
        return False  # a second copy tells whether the server or the way spoilt it
    limit = retry.attempts_if_absent if last.reason in _ABSENT else retry.attempts
    return not patient or sum(fault.reason is last.reason for fault in faults) >= limit


def _summary(faults: Sequence[DownloadError]) -> DownloadError:
    """Return the fault to report after the last try."""
    last = faults[-1]
    if last.reason in (Reason.DAMAGED, Reason.REVISED) and not last.final:
        # The server never gave the same wrong bytes twice: they were spoilt on the way.
        last = DownloadError(Reason.BROKEN, f"no sound copy, at last {last.got}")
    last.tries = len(faults)
    return last


def _transfer(url: str, copy: Path, *, server: Server, meter: _Meter) -> str:
    """Bring the bytes of one address into a file and return the Last-Modified header."""
    if url.startswith("file:"):
        return _copy(url, copy, meter=meter)
    timeout = (server.retry.connect_timeout, server.retry.read_timeout)
    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        session.hooks["response"].append(lambda answer, **_options: server.hear(answer))
        try:
            with session.get(url, headers={"User-Agent": USER_AGENT}, timeout=timeout, stream=True) as answer:
                answer.raise_for_status()
                _receive(answer, copy, meter=meter)
                return answer.headers.get("Last-Modified", "")
        except requests.RequestException as error:
            raise _fault_of(error, server.retry) from error
        except HTTPError as error:  # urllib3's own, of a body that breaks off
            raise _fault_of(requests.ConnectionError(error), server.retry) from error
        except UnicodeError as error:
            raise DownloadError(Reason.MOVED, f"an address that cannot be asked for ({error})", final=True) from error
        except OSError as error:
            if "certificate" not in str(error).lower():
                raise
            raise DownloadError(Reason.CERTIFICATE, _certificate_words(error), final=True) from error


def _receive(answer: requests.Response, copy: Path, *, meter: _Meter) -> None:
    """Write a body as it comes: what is there at each moment, so that a crawling transfer is noticed."""
    length = answer.headers.get("Content-Length", "").partition(",")[0].strip()  # sent twice, it comes as "9, 9"
    if re.fullmatch(r"[0-9]{1,15}", length):
        meter.total = int(length)
    with copy.open("wb") as file:
        while part := answer.raw.read1(CHUNK, decode_content=True):
            file.write(part)
            meter.update(len(part))


def _copy(url: str, copy: Path, *, meter: _Meter) -> str:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        source = path.open("rb")
    except OSError as error:
        raise DownloadError(Reason.MOVED, f"no readable file ({error.strerror})", final=True) from error
    with source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK)
    meter.total = copy.stat().st_size
    meter.update(meter.total)
    return ""


def _fault_of(error: requests.RequestException, retry: Retry) -> DownloadError:
    """Tell from the exception what went wrong between here and the server."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _fault_of_status(error.response)
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return DownloadError(Reason.PROXY, f"no way through the proxy {_named(PROXIES)} ({_cause_of(error)})")
    if isinstance(error, requests.exceptions.SSLError):
        return DownloadError(Reason.CERTIFICATE, _certificate_words(error), final=True)
    if isinstance(error, requests.TooManyRedirects):
        return DownloadError(Reason.CIRCLE, f"more than {REDIRECTS} redirects, one to the next", final=True)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return DownloadError(Reason.MOVED, f"an address that cannot be followed ({error})", final=True)
    if isinstance(error, requests.ConnectTimeout):
        return DownloadError(Reason.UNREACHABLE, f"no connection within {retry.connect_timeout:g} s")
    if isinstance(error, requests.ReadTimeout):
        return DownloadError(Reason.UNREACHABLE, f"no answer within {retry.read_timeout:g} s")
    causes = [cause for level in error.args[:1] for cause in (level, *getattr(level, "args", ()))]
    for cause in causes:
        if isinstance(cause, IncompleteRead):
            return DownloadError(Reason.BROKEN, _share_of_bytes(cause))
        if isinstance(cause, ReadTimeoutError):
            return DownloadError(Reason.BROKEN, f"a transfer that stood still for {retry.read_timeout:g} s")
        if isinstance(cause, MaxRetryError):
            return DownloadError(
                Reason.UNREACHABLE, f"no connection ({str(cause.reason).rpartition('] ')[2].rstrip(')')})"
            )
    return DownloadError(Reason.BROKEN, f"a closed connection ({causes[-1] if causes else type(error).__name__})")


def _share_of_bytes(cause: IncompleteRead) -> str:
    if cause.partial is None or cause.expected is None:
        return "an answer that broke off"
    return f"{cause.partial:,} of {cause.partial + cause.expected:,} bytes"


def _fault_of_status(response: requests.Response) -> DownloadError:
    status = response.status_code
    got = f"HTTP {status} {response.reason}"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return DownloadError(Reason.PROXY, f"{got} from the proxy {_named(PROXIES)}", final=True)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return DownloadError(Reason.MOVED, got)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (408, 429):
        wait = _seconds(response.headers.get("Retry-After", ""))
        return DownloadError(Reason.BUSY, f"{got}, please come back in {wait:,.0f} s" if wait else got, wait=wait)
    return DownloadError(Reason.DENIED, got)


def _seconds(retry_after: str) -> float:
    """Return the seconds that a Retry-After header asks for: it gives them, or an HTTP date; 0 if it gives neither."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):  # no header, or nothing that can be understood
        return 0.0


def _named(names: Sequence[str]) -> str:
    """Variables of the environment that are set, with their values but no password: "HTTP_PROXY=http://host:9"."""
    found = [f"{name}={without_password(os.environ[name])}" for name in os.environ if name.lower() in names]
    return ", ".join(sorted(found)) or "of this system's settings"


def _certificate_words(error: Exception) -> str:
    files = _named([name.lower() for name in CERTIFICATES])
    return f"no accepted certificate ({_cause_of(error)}; certificate file: {files})"


def _cause_of(error: BaseException) -> str:
    """The innermost cause of a failed connection, in its own words."""
    cause: object = error
    while True:
        inner = getattr(cause, "reason", None) or next(iter(getattr(cause, "args", ())), None)
        if not isinstance(inner, BaseException):
            return without_password(str(inner if isinstance(inner, str) else cause).rpartition("] ")[2].rstrip(")'"))
        cause = inner
