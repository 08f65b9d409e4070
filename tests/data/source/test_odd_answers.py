"""Answers that are sound but odd, and ways to a server that do not work: each is taken, or refused by its own name."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from analysis.data.source import refusals, transport
from analysis.data.source.nhanes import SourceError
from analysis.data.source.receipts import read_receipt
from analysis.data.source.refusals import without_password
from analysis.data.source.transport import Retry
from analysis.files import move_into_place
from tests.data.source.test_nhanes import AT_ONCE, complaint, content, files, get, raw, registry, server  # noqa: F401
from tests.fault_server import crawl, headers, slow


@pytest.mark.parametrize(
    "answer",
    [
        headers(("Content-Length", "{length}"), ("Content-Length", "{length}")),
        headers(("Content-Length", "unknown")),
        headers(("Content-Length", "")),
        headers(("Content-Length", "\u00b2".encode("latin-1").decode("latin-1"))),
        headers(),
        headers(("Content-Length", "{length}"), ("Last-Modified", "yesterday")),
    ],
    ids=["length twice", "length unknown", "length empty", "length superscript", "no length", "odd date"],
)
def test_sound_answer_with_odd_headers_is_taken(get, server, raw, answer):  # noqa: F811
    server.fail(answer, tables={"DEMO"})
    (receipt,) = get(tables=["DEMO"])
    assert receipt.bytes == (raw / "1999" / "DEMO.xpt").stat().st_size


@pytest.mark.parametrize("after", ["\u00b2", "Fri, 31 Dec 9999 23:59:59 -0500", "soon", "-1", ""])
def test_retry_after_that_cannot_be_understood_is_no_reason_to_stop(get, server, after):  # noqa: F811
    server.fail(headers(("Content-Length", "2"), ("Retry-After", after), status=503, rest=b"no"), first=1)
    assert get(tables=["DEMO"])[0].table == "DEMO"


def test_redirects_in_a_circle_are_named_after_a_few_requests(get, server):  # noqa: F811
    server.fail(headers(("Content-Length", "0"), ("Location", "/Public/1999/DataFiles/DEMO.xpt"), status=302, rest=b""))
    message = complaint(get, tables=["DEMO"])
    assert "sends the download of DEMO round in a circle" in message
    assert "DEMO: got more than 5 redirects" in message
    assert server.asked["DEMO"] == 6


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/x", "file:///etc/hostname"])
def test_redirect_to_where_nobody_can_follow_is_named(get, server, place):  # noqa: F811
    server.fail(headers(("Content-Length", "0"), ("Location", place), status=302, rest=b""))
    assert "DEMO: got an address that cannot be followed" in complaint(get, tables=["DEMO"])


@pytest.mark.parametrize(
    "url",
    ["http://a..b/Public", f"http://{'a' * 64}.gov/Public", "http://a b/Public", "http://host:x/Public",
     "http://host:99999/Public", "http:///Public", "http://host:0/Public", "gopher://host/Public", "http://[::1/Public"],
)  # fmt: skip
def test_mistyped_address_is_refused_before_anything_is_asked(get, url):  # noqa: F811
    assert f"NHANES_URL={url} is no address" in complaint(get, url=url)


def test_dead_proxy_is_named_without_its_password(get, monkeypatch):  # noqa: F811
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    message = complaint(get, url="http://nhanes.invalid/Public", tables=["DEMO"])
    assert "the proxy that is set does not let the download through" in message
    assert "http_proxy=http://127.0.0.1:9" in message
    assert "DEMO" in message
    assert "secret" not in message


def test_proxy_that_wants_a_password_is_named():
    answer = requests.Response()
    answer.status_code, answer.reason = 407, "Proxy Authentication Required"
    fault = transport._fault_of_status(answer)
    assert (fault.reason.name, fault.final) == ("PROXY", True)


def test_certificate_file_that_is_missing_is_named(get, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    message = complaint(get, url="https://127.0.0.1:9/Public", tables=["DEMO"])
    assert "its certificate was not accepted" in message
    assert f"REQUESTS_CA_BUNDLE={tmp_path / 'company.pem'}" in message


def test_certificate_that_is_not_accepted_is_named_with_the_file_it_was_held_to(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "company.pem")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    fault = transport._fault_of(requests.exceptions.SSLError("certificate verify failed: self-signed"), Retry())
    assert (fault.reason.name, fault.final) == ("CERTIFICATE", True)
    assert fault.got == (
        "no accepted certificate (certificate verify failed: self-signed; certificate file: "
        "REQUESTS_CA_BUNDLE=company.pem)"
    )


def test_password_in_the_address_is_used_and_neither_stored_nor_printed(get, server, raw):  # noqa: F811
    secret = server.url.replace("http://", "http://user:secret@")
    get(url=secret, tables=["DEMO"])
    receipt = read_receipt(raw / "1999" / "DEMO.xpt")
    assert receipt.url == f"{server.url}/1999/DataFiles/DEMO.xpt"
    assert "secret" not in (raw / "1999" / "DEMO.json").read_text()
    server.fail(headers(("Content-Length", "2"), status=404, rest=b"no"))
    (raw / "1999" / "DEMO.xpt").unlink()
    message = complaint(get, url=secret, tables=["DEMO"])
    assert "DEMO" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("text", "shown"),
    [("http://u:p@h/x", "http://h/x"), ("got https://u@h:1 twice https://a:b@c", "got https://h:1 twice https://c"),
     ("mail a@b", "mail a@b"), ("http://h/a@b", "http://h/a@b")],
)  # fmt: skip
def test_only_who_asks_is_left_out_of_an_address(text, shown):
    assert without_password(text) == shown


def test_crawling_transfer_is_given_up_by_the_stated_rule(get, server):  # noqa: F811
    server.fail(crawl(0.02))
    patience = replace(AT_ONCE, attempts=1, slowest=1000.0, slow_for=0.3)
    message = complaint(get, tables=["DEMO"], retry=patience)
    assert "DEMO: got a transfer that all but stood still" in message
    assert "slower than 1,000 a second" in message


def test_slow_transfer_above_the_rule_is_waited_for(get, server):  # noqa: F811
    server.fail(slow(0.3))
    assert get(tables=["DEMO"], retry=replace(AT_ONCE, slowest=10.0, slow_for=0.2))[0].table == "DEMO"


def test_progress_is_told_in_lines_where_there_is_no_terminal(get, server, monkeypatch, capfd):  # noqa: F811
    monkeypatch.setattr(transport, "SECONDS_BETWEEN_LINES", 0.0)
    get(progress=True)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("NHANES files:")]
    assert lines
    assert "MB received" in lines[-1]


@pytest.mark.parametrize("name", ["demo.xpt", "DEMO.XPT", "Demo.Xpt"])
def test_file_saved_by_hand_under_any_capitals_is_found_checked_and_used(get, server, raw, files, name):  # noqa: F811
    (raw / "1999").mkdir(parents=True)
    (raw / "1999" / name).write_bytes(files["1999/DataFiles/DEMO.xpt"])
    get(tables=["DEMO"])
    assert not server.asked
    assert content(raw) == ["1999/DEMO.json", "1999/DEMO.xpt"]


def test_wrong_file_saved_by_hand_is_not_used(get, server, raw, files):  # noqa: F811
    (raw / "1999").mkdir(parents=True)
    other = next(content for name, content in files.items() if "DEMO" not in name)
    (raw / "1999" / "demo.XPT").write_bytes(other)
    get(tables=["DEMO"])
    assert server.asked["DEMO"] == 1


def test_two_files_that_differ_in_capitals_only_are_told(get, server, raw, files):  # noqa: F811
    (raw / "1999").mkdir(parents=True)
    for name in ("demo.xpt", "Demo.XPT"):
        (raw / "1999" / name).write_bytes(files["1999/DataFiles/DEMO.xpt"])
    server.fail(headers(("Content-Length", "2"), status=404, rest=b"no"))
    assert "Demo.XPT and demo.xpt differ only in capitals" in complaint(get, tables=["DEMO"])


def test_folder_on_another_file_system_gets_a_whole_copy(tmp_path, monkeypatch):
    source, target = tmp_path / "incoming" / "a", tmp_path / "a"
    source.parent.mkdir()
    source.write_bytes(b"whole")
    moved, move = [], os.replace

    def across(one, other):
        if Path(one).parent != Path(other).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        moved.append(Path(other).name)
        move(one, other)

    monkeypatch.setattr(os, "replace", across)
    move_into_place(source, target)
    assert target.read_bytes() == b"whole"
    assert moved == ["a"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]


def test_every_reason_has_its_heading_and_its_advice():
    assert set(refusals._HEADINGS) == set(refusals._ADVICE) == set(refusals.Reason)


def test_patience_is_stated():
    assert (Retry().slowest, Retry().slow_for, Retry().longest_delay) == (1000.0, 60.0, 60.0)
    assert issubclass(SourceError, Exception)
