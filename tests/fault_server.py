"""A file server on loopback that misbehaves on request: what `analysis.data.source.nhanes` must live with."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

PAGE = b"<!DOCTYPE html>\n<html><head><title>Page Not Found</title></head><body>It has moved.</body></html>"
LAST_MODIFIED = "Sun, 31 Aug 2025 00:00:00 GMT"


@dataclass
class Plan:
    """What goes wrong, and with how many answers for each file (None: with all)."""

    answer: Callable[["Handler", bytes], None]
    first: int | None
    tables: frozenset[str] | None


@dataclass
class FaultServer:
    """Serves the given files below /Public; `plans` are tried in order, the first that applies answers."""

    files: Mapping[str, bytes]
    plans: list[Plan] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)
    credentials: set[str | None] = field(default_factory=set)
    in_flight: int = 0
    most_in_flight: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._http = QuietServer(("127.0.0.1", 0), Handler)
        self._http.owner = self
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}/Public"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def fail(self, answer, *, first: int | None = None, tables: set[str] | None = None) -> None:
        self.plans.append(Plan(answer, first, frozenset(tables) if tables else None))

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: FaultServer

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: QuietServer

    def do_GET(self):
        owner = self.server.owner
        path = PurePosixPath(self.path)
        table = path.stem if path.suffix == ".xpt" else path.name  # DEMO.XPT is counted, and fails, by itself
        with owner.lock:
            owner.asked[table] += 1
            owner.agents.add(self.headers["User-Agent"])
            owner.credentials.add(self.headers["Authorization"])
            nth = owner.asked[table]
            owner.in_flight += 1
            owner.most_in_flight = max(owner.most_in_flight, owner.in_flight)
        try:
            self.answer(table, nth)
        finally:
            with owner.lock:
                owner.in_flight -= 1

    def answer(self, table: str, nth: int) -> None:
        owner = self.server.owner
        body = owner.files.get(self.path.removeprefix("/Public/"))
        for plan in owner.plans:
            if (plan.tables is None or table in plan.tables) and (plan.first is None or nth <= plan.first):
                plan.answer(self, body or b"")
                return
        if body is None:
            self.give(PAGE, status=404)
        else:
            self.give(body)

    def give(self, body: bytes, *, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Last-Modified", LAST_MODIFIED)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


def html(handler, _body):
    handler.give(PAGE)


def status(code, **headers):
    return lambda handler, _body: handler.give(b"no", status=code, **headers)


def truncate(handler, body):
    """The promised length, half the bytes, and the line goes dead."""
    handler.close_connection = True
    handler.give(body[: len(body) // 2], length=len(body))


def short(handler, body):
    """Half the file, well-formed as an answer."""
    handler.give(body[: len(body) // 2])


def corrupt(at, mask=0xFF):
    """One byte changed; at counts from the end if negative."""

    def answer(handler, body):
        spoilt = bytearray(body)
        spoilt[at] ^= mask
        handler.give(bytes(spoilt))

    return answer


def scramble(at):
    """Another wrong byte in each answer."""
    serial = iter(range(1, 255))

    def answer(handler, body):
        corrupt(at, next(serial))(handler, body)

    return answer


def reset(handler, _body):
    handler.close_connection = True
    handler.connection.close()


def stall(handler, _body):
    """The connection stands, no answer comes."""
    handler.server.owner.released.wait(20)


def stall_half_way(handler, body):
    handler.give(body[: len(body) // 2], length=len(body))
    handler.wfile.flush()
    handler.server.owner.released.wait(20)


def slow(pause):
    """Four pieces with a pause before each."""

    def answer(handler, body):
        handler.give(b"", length=len(body))
        step = len(body) // 4 + 1
        for at in range(0, len(body), step):
            handler.server.owner.released.wait(pause)
            handler.wfile.write(body[at : at + step])

    return answer


def trickle(rate):
    """So many bytes a second, ten times a second, without end."""

    def answer(handler, body):
        handler.close_connection = True
        handler.give(b"", length=len(body))
        for at in range(len(body)):
            if handler.server.owner.released.wait(0.1):
                return
            handler.wfile.write(body[at * rate // 10 : (at + 1) * rate // 10])

    return answer


def lengths(*values):
    """The whole file under other Content-Length headers; the end of the connection ends it."""

    def answer(handler, body):
        handler.close_connection = True
        handler.send_response(200)
        for value in values:
            handler.send_header("Content-Length", value.format(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirect(location):
    """Sent on, to the same address if location is None, with a body that never ends."""

    def answer(handler, _body):
        handler.close_connection = True
        handler.send_response(302)
        handler.send_header("Location", handler.path if location is None else location)
        handler.send_header("Content-Length", "1000000000")
        handler.end_headers()

    return answer


def serve(other: bytes):
    """Serve another file in its place."""
    return lambda handler, _body: handler.give(other)
