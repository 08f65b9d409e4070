"""The survey's files: fetched, checked against the registry, receipted.

A file is accepted if it is a whole SAS transport file with the rows, columns, published code counts and column totals
of the registry. What was accepted is written beside it, and compared before every use.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tqdm import tqdm

from analysis.data.source.addresses import SCHEMES, mistake_in
from analysis.data.source.content import differences
from analysis.data.source.progress import download_bar
from analysis.data.source.reading import NO_FILE, SourceError, candidates, lying, objection_to, tables_named
from analysis.data.source.receipts import Receipt, digest_of, read_receipt, write_receipt
from analysis.data.source.refusals import SHOWN_DETAILS, DownloadError, Reason, Refusal, explain, explain_unusable
from analysis.data.source.registry import Registry, Table
from analysis.data.source.sas import (
    FormatError,
    HtmlError,
    UnreadableError,
    accented_columns,
    check_end,
    check_missing,
    check_readable,
    read_layout,
    read_xport,
)
from analysis.data.source.secrets import without_secret
from analysis.data.source.transport import Retry, Server, retrieve
from analysis.files import move_into_place

DEFAULT_RETRY = Retry()
INCOMING = ".incoming-"  # folder of unfinished downloads
LEAST_SHARE = 0.9  # of the rows: a revision withdraws a few people, a file cut between two rows lost many

# Names of foods, products and brands: the CDC writes them with accents and trade marks.
FREE_TEXT = (
    "LABEL",
    "DRXFCSD",
    "DRXFCLD",
    "SMD100BR",
    "DSDSUPP",
    "DSDINGR",
    "DSDOPER",
    "DSDBCNAM",
    "RXD240B",
    "RXDDRUG",
)
BYTES_PER_VALUE = 8  # a number in a transport file; good enough to size the progress bar beforehand
STALE_AFTER = 6 * 3600  # seconds; unfinished downloads of a killed run are swept away after this

# One table at a time is parsed for checking: pyreadstat works under Python's global lock anyway, and the largest
# tables would otherwise stand in memory together.
_PARSING = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """An accepted file's departures from the registry: content the user took on, and remarks."""

    revised: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """A table to fetch: where from, where to, and what is wrong with the file that lies there, under any capitals."""

    table: Table
    url: str
    page: str
    file: Path
    lying: Path
    accept_revised: bool
    in_place: str


def fetch(
    registry: Registry,
    raw: Path,
    *,
    url: str | None = None,
    tables: Sequence[str] | None = None,
    accept_revised: Sequence[str] = (),
    jobs: int = 4,
    progress: bool = True,
    retry: Retry = DEFAULT_RETRY,
) -> tuple[Receipt, ...]:
    """Bring what is missing into the raw folder, each file checked before it gets its name.

    A file with a matching receipt is left alone, without a word. A file without receipt is checked where it lies. A
    file that no longer matches its receipt is fetched again, and replaced only by a good one. A file that was saved by
    hand under other capitals, such as `ALQ.XPT`, is checked too, and gets the usual name if it is good.

    Parameters
    ----------
    registry : the tables and what each file must hold.
    raw : folder of the files, `raw/<cycle>/<TABLE>.xpt`, each with its receipt `<TABLE>.json`; made if missing.
    url : server or folder to fetch from, up to and including .../Public: http, https or file; default the registry's.
    tables : names of the tables wanted; default all.
    accept_revised : names of tables that are taken although their content is not the registered one, once two
        downloads agree byte for byte. The receipt keeps the differences.
    jobs : downloads at a time.
    progress : tell on standard error how far the downloads are, if there is something to fetch: a bar on a terminal,
        a line every half minute where there is none.
    retry : how often and how long to try.

    Returns
    -------
    tuple of Receipt, one per table in the order asked for.

    Raises
    ------
    SourceError : some files could not be had; one message tells which, why and what to do. The others are in place.
    KeyboardInterrupt : passed on when the user stops the run; files that were complete stay, nothing else does.
    """
    wanted = tables_named(registry, tables)
    taken = {table.name for table in tables_named(registry, accept_revised)}
    with _keeping_files_in(raw):
        _refuse_twins(wanted, raw)
        watched = tqdm(wanted, desc="checking", unit="file", disable=None if progress else True, leave=False, delay=1)
        held = {table.name: _held(table, raw, accept_revised=table.name in taken) for table in watched}
        wrong = {name: objection for name, objection in held.items() if isinstance(objection, str)}
        if wrong and registry.synthetic and not url:
            raise SourceError(explain_unusable(raw, synthetic=True, wrong=wrong))
        errands = [
            _Errand(
                table=table,
                url=f"{_address(registry, url)}/{table.path}",
                page=f"{registry.url}/{table.path.rpartition('.')[0]}.htm",
                file=table.file(raw),
                lying=lying(table, raw),
                accept_revised=table.name in taken,
                in_place=wrong[table.name],
            )
            for table in wanted
            if table.name in wrong
        ]
        if errands:
            held |= _fetch_all(errands, raw, jobs=jobs, progress=progress, retry=retry, n_good=len(held) - len(errands))
    return tuple(receipt for receipt in held.values() if isinstance(receipt, Receipt))


@contextmanager
def _keeping_files_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"Files cannot be kept in {folder}: {error}. Make room there or make it writable, then run `make data`."
        )
        raise SourceError(message) from error


def _address(registry: Registry, url: str | None) -> str:
    base = (url or registry.url).strip().rstrip("/")
    shown = f"NHANES_URL={without_secret(base)}"
    scheme = base.partition(":")[0].lower()
    if scheme not in (*SCHEMES, "file"):
        message = f"{shown} is no address: it must begin with http://, https:// or file:// and end with /Public."
        raise SourceError(message)
    if scheme in SCHEMES and (mistake := mistake_in(base)):
        message = f"{shown} is no address: it {mistake}. Correct it and run `make data` again."
        raise SourceError(message)
    if scheme == "file" and not _folder_of(base).is_dir():
        message = (
            f"{shown} is no folder: expected the one that holds 1999/DataFiles/, up to and including "
            ".../Public. Correct it and run `make data` again."
        )
        raise SourceError(message)
    return base


def _folder_of(address: str) -> Path:
    try:
        return Path(url2pathname(urlsplit(address).path))
    except ValueError as error:
        message = f"NHANES_URL={address} is no address ({error}): correct it and run `make data` again."
        raise SourceError(message) from error


def _refuse_twins(tables: Sequence[Table], raw: Path) -> None:
    """Raise SourceError if a table has several files whose names differ in capitals only."""
    found = {table.name: candidates(table, raw) for table in tables}
    twins = {name: files for name, files in found.items() if len(files) > 1}
    if twins:
        told = "\n".join(f"  {name}: {', '.join(map(str, files))}" for name, files in twins.items())
        message = (
            f"Several files in {raw} claim to be the same table: their names differ in capitals only.\n{told}\n"
            "What to do: keep the right one of each, move the others away, and run `make data` again."
        )
        raise SourceError(message)


def _held(table: Table, raw: Path, *, accept_revised: bool) -> Receipt | str:
    """Return the receipt of the file in place, a new one if it had none and is good, or what is wrong with it."""
    file = lying(table, raw)
    receipt = read_receipt(table.file(raw))
    objection = objection_to(table, file, receipt)
    if receipt and not objection:
        return receipt
    if not file.exists() or (receipt and not receipt.matches(file)):
        return objection
    # Not checked yet, or only against another registry; a revision that was accepted stays accepted.
    accept_revised = accept_revised or bool(receipt and receipt.revised)
    try:
        verdict = _inspect(table, file, accept_revised=accept_revised, repeated=True)
    except DownloadError as fault:
        return "; ".join([fault.got, *fault.details[:SHOWN_DETAILS]])
    file = file.rename(table.file(raw))
    origin = {"url": receipt.url, "last_modified": receipt.last_modified} if receipt else {}
    return _write_receipt(table, file, verdict, sha256=digest_of(file), **origin)


def _inspect(table: Table, path: Path, *, accept_revised: bool, repeated: bool) -> _Verdict:
    """Check a file against the registry; `repeated` tells that the same bytes came twice, so that they are final."""
    try:
        layout = read_layout(path)
        check_readable(path, layout)
        check_end(path, layout)
        with _PARSING:
            check_missing(path, layout)
            changed, accents = _compare(table, path)
    except HtmlError as error:
        raise DownloadError(Reason.MOVED, f"{error} instead of the file") from error
    except UnreadableError as error:
        raise DownloadError(Reason.UNREADABLE, str(error), final=repeated) from error
    except FormatError as error:
        raise DownloadError(Reason.DAMAGED, str(error), final=repeated) from error
    if accents and not changed and (repeated or table.living):
        return _Verdict(notes=(accents,))
    if not accents and not changed:
        return _Verdict()
    if repeated and accept_revised:
        return _Verdict(revised=changed)
    if accents and not changed:  # the server's own, or spoilt on the way: a second copy tells
        raise DownloadError(Reason.REVISED, "a whole SAS transport file", details=(accents,), final=False)
    raise DownloadError(Reason.REVISED, "a whole SAS transport file", details=changed, final=repeated)


def _compare(table: Table, path: Path) -> tuple[tuple[str, ...], str]:
    """Return how a file's content differs, and where its text holds characters beyond ASCII, in words.

    The snapshot behind the registry is plain ASCII, the CDC's own product names are Windows-1252: accents in names
    are no difference. In codes they are.
    """
    frame = read_xport(path)
    if len(frame) < LEAST_SHARE * table.rows:
        message = f"a SAS transport file of only {len(frame):,} rows"
        raise FormatError(message)
    accented = accented_columns(frame)
    changed = differences(table, frame, skip=[name for name in accented if name in FREE_TEXT])
    codes = tuple(f"{name}: characters beyond ASCII in a code" for name in accented if name not in FREE_TEXT)
    return changed + codes, f"accented text in {', '.join(accented)}" if accented else ""


def _fetch_all(
    errands: Sequence[_Errand], raw: Path, *, jobs: int, progress: bool, retry: Retry, n_good: int
) -> dict[str, Receipt]:
    raw.mkdir(parents=True, exist_ok=True)
    _sweep(raw)
    size = sum(_rough_size(errand.table) for errand in errands)
    with (
        tempfile.TemporaryDirectory(prefix=INCOMING, dir=raw, ignore_cleanup_errors=True) as folder,
        download_bar(size, shown=progress) as bar,
    ):
        outcomes = _run(errands, Path(folder), server=Server(retry, bar), jobs=jobs)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if refusals:
        raise SourceError(explain(refusals, n_good=n_good + len(errands) - len(refusals)))
    return {outcome.table: outcome for outcome in outcomes if isinstance(outcome, Receipt)}


def _run(errands: Sequence[_Errand], incoming: Path, *, server: Server, jobs: int) -> list[Receipt | Refusal]:
    """Run errands side by side, on daemon threads: a stalled connection must not hold up Ctrl-C."""
    with ThreadPool(max(1, min(jobs, len(errands)))) as pool:
        try:
            return pool.map(lambda errand: _run_errand(errand, incoming, server=server), errands, chunksize=1)
        finally:
            server.interrupt()


def _run_errand(errand: _Errand, incoming: Path, *, server: Server) -> Receipt | Refusal:
    def check(path: Path, repeated: bool) -> _Verdict:
        return _inspect(errand.table, path, accept_revised=errand.accept_revised, repeated=repeated)

    target = incoming / errand.file.name
    size = _rough_size(errand.table)
    try:
        urls = (errand.url, errand.url.removesuffix(".xpt") + ".XPT")  # some servers name their files in capitals
        delivery = retrieve(urls, target, check=check, server=server, expected_bytes=size)
        target.chmod(0o644)  # the temporary name was the user's alone
        errand.file.parent.mkdir(exist_ok=True)
        if errand.lying != errand.file:
            errand.lying.rename(errand.file)  # so that one move replaces it, also where a disk ignores capitals
        move_into_place(target, errand.file)
        return _write_receipt(
            errand.table,
            errand.file,
            delivery.verdict,
            sha256=delivery.sha256,
            url=delivery.url,
            last_modified=delivery.last_modified,
        )
    except DownloadError as fault:
        refused = fault
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        refused = DownloadError(Reason.LOCAL, f"{error.strerror or error}{place}")
        server.close(Reason.LOCAL)
    return Refusal(
        table=errand.table.name,
        url=without_secret(refused.url or errand.url),
        page=errand.page,
        file=errand.file if errand.in_place == NO_FILE else errand.lying,
        expected=errand.table.expected(),
        fault=refused,
        in_place="" if errand.in_place == NO_FILE else errand.in_place,
    )


def _write_receipt(
    table: Table, file: Path, verdict: _Verdict, *, sha256: str, url: str = "", last_modified: str = ""
) -> Receipt:
    receipt = Receipt(
        table=table.name,
        url=without_secret(url),
        bytes=file.stat().st_size,
        sha256=sha256,
        checked_against=table.digest(),
        fetched=datetime.now(UTC).date().isoformat(),
        last_modified=last_modified,
        revised=verdict.revised,
        notes=verdict.notes,
    )
    write_receipt(receipt, file)
    return receipt


def _rough_size(table: Table) -> int:
    return table.rows * table.columns * BYTES_PER_VALUE


def _sweep(raw: Path) -> None:
    """Remove what a run that was killed left behind; a run that is still going is younger."""
    for folder in raw.glob(f"{INCOMING}*"):
        if time.time() - folder.stat().st_mtime > STALE_AFTER:
            shutil.rmtree(folder, ignore_errors=True)
