"""What lies between here and a file: headers, addresses, proxies, certificates, slow lines, this machine's disk."""

import dataclasses
import errno
import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest
import requests

from analysis.data.source import nhanes, progress, refusals, transport
from analysis.data.source.addresses import mistake_in, proxy_of
from analysis.data.source.reading import SourceError, receipts
from analysis.data.source.secrets import without_secret, without_secrets
from analysis.data.source.transport import Retry
from tests.data.source.invented import AT_ONCE, WHOLE, complaint, content
from tests.data.source.transport_files import transport_file
from tests.fault_server import PAGE, FaultServer, lengths, redirect, serve, status, trickle, truncate

HASTY = dataclasses.replace(AT_ONCE, slowest_rate=1000.0, rate_window=0.3)
A_DAY = 24 * 3600.0


# Headers


@pytest.mark.parametrize(
    "values",
    [(), ("{0}", "{0}"), ("{0}, {0}",), ("unknown",), ("\u00b2",), ("-1",), ("1e6",), ("9" * 30,), ("",)],
    ids=["none", "twice", "twice in one", "word", "superscript", "negative", "float", "huge", "empty"],
)
def test_an_odd_length_does_not_keep_a_sound_file_away(get, server, raw, values):
    server.fail(lengths(*values), tables={"DEMO"})
    if values == ("9" * 30,):
        assert "The download of DEMO broke off" in complaint(get)
    else:
        get()
        assert content(raw) == WHOLE


def test_lengths_that_contradict_each_other_are_told():
    """Not through the server: urllib3 leaves the connection of such an answer to the garbage collector."""
    error = requests.exceptions.InvalidHeader("Content-Length contained multiple unmatching values (7, 9)")
    fault = transport._fault_of(error, Retry(), url="http://127.0.0.1")
    assert fault.reason.name == "BROKEN"
    assert fault.got.startswith("an answer that contradicts itself (Content-Length contained multiple")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("\u00b2", 0),
        ("\u0662", 0),
        ("1e3", 0),
        ("172800", 2 * A_DAY),
        ("9" * 400, 0),
        ("Fri, 31 Dec 9999 23:59:59 -0500", 0),
        ("Fri, 31 Dec 9999 23:59:59 -0000", 0),
        ("Mon, 01 Jan 0001 00:00:00 +1400", 0),
        ("Mon, 99 Jan 2030 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2030 00:00:00 +99999999999999", 0),
    ],
)
def test_a_retry_after_that_makes_no_sense_is_read_as_none(header, seconds):
    assert transport._seconds(header) == seconds


@pytest.mark.parametrize("after", ["\u00b2", "Fri, 31 Dec 9999 23:59:59 -0500"])
def test_a_file_whose_first_answer_has_an_odd_retry_after_is_fetched(get, server, raw, after):
    server.fail(status(503, Retry_After=after), first=1)
    get()
    assert content(raw) == WHOLE


def test_a_rest_of_days_is_not_waited_for(get, server):
    server.fail(status(503, Retry_After="172800"), tables={"DEMO"})
    assert "DEMO: got HTTP 503 Service Unavailable, please come back in 172,800 s from" in complaint(get)
    assert server.asked["DEMO"] == 1


# Redirects


def test_a_redirect_loop_is_told_after_a_few_requests(get, server):
    server.fail(redirect(None), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith(f"{server.host} sends requests for DEMO on to where no file is.")
    assert "DEMO: got redirects that go round in a circle from http://" in message
    assert server.asked["DEMO"] == 3


@pytest.mark.parametrize(
    "location",
    [
        "http://a..b/x",
        "http://[::1/x",
        "http://127.0.0.1:99999/x",
        "ftp://user:secret@host/x",
        "file:///etc/hosts",
        "\xff",
    ],
)
def test_a_redirect_to_no_address_is_told(get, server, location):
    server.fail(redirect(location), tables={"DEMO"})
    message = complaint(get)
    assert "DEMO: got " in message
    assert "secret" not in message
    if location != "\xff":  # which is a path, of a file that is not there
        assert "DEMO: got a redirect to no address" in message


# Addresses


@pytest.mark.parametrize(
    ("address", "mistake"),
    [
        ("http://a..b/Public", "has a host that no server can have"),
        ("http://.a/Public", "has a host that no server can have"),
        (f"http://{'a' * 64}.org/Public", "has a host that no server can have"),
        ("http://exa%mple.org/Public", "has a host that no server can have"),
        ("http://host:99999/Public", "has a host or a port that cannot be read"),
        ("http://host:port/Public", "has a host or a port that cannot be read"),
        ("http://[::1/Public", "has a host or a port that cannot be read"),
        ("http://host:0/Public", "names no host or port 0"),
        ("http:///Public", "names no host or port 0"),
        ("http:/host/Public", "names no host or port 0"),
        ("http://host name/Public", "has a space"),
        ("http://host\\Public", "has a space, a backslash"),
        ("http://host/Public?token=7", 'has a "?" or "#" in it'),
    ],
)
def test_a_mistyped_address_is_told(get, address, mistake):
    message = complaint(get, url=address)
    assert message.startswith("NHANES_URL=http:")
    assert f"is no address: it {mistake}" in message
    assert "Correct it and run `make data` again." in message


@pytest.mark.parametrize(
    "address",
    ["http://host./P", "https://ex\u00e4mple.org/P", "http://[::1]:8080/P", "HTTP://10.0.0.1/P", "http://a_b/P"],
)
def test_an_unusual_address_is_no_mistake(address):
    assert mistake_in(address) == ""


# Secrets


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://user:secret@host:80/P", "http://host:80/P"),
        ("http://secret@host/P", "http://host/P"),
        ("http://user:sec/ret@host/P", "http://host/P"),
        ("http://user:sec@ret@host/P", "http://host/P"),
        ("http://user:sec#ret?@host/P", "http://host/P"),
        ("user:secret@host/P", "host/P"),
        ("http:user:secret@host/P", "host/P"),
        ("https://host/P?token=secret", "https://host/P"),
        ("file:///home/me@work/Public", "file:///home/me@work/Public"),
    ],
)
def test_an_address_is_shown_without_its_secret(address, shown):
    assert without_secret(address) == shown


def test_a_sentence_shows_its_addresses_without_their_secrets():
    told = without_secrets("got https://u@h:1 where http://a:b/c@d/e was asked by me@work")
    assert told == "got https://h:1 where http://d/e was asked by me@work"


def test_a_password_is_used_but_neither_stored_nor_printed(get, server, raw, capfd):
    get(url=server.url.replace("http://", "http://user:secret@"))
    assert server.credentials == {"Basic dXNlcjpzZWNyZXQ="}  # user:secret
    assert json.loads((raw / "1999" / "DEMO.json").read_text())["url"] == f"{server.url}/1999/DataFiles/DEMO.xpt"
    assert "secret" not in "".join(path.read_text() for path in raw.rglob("*.json"))
    assert "secret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("fault", [status(404), status(503), truncate, redirect(None), redirect("http://a..b/")])
def test_no_fault_prints_a_password(get, server, fault):
    server.fail(fault)
    assert "secret" not in complaint(get, url=server.url.replace("http://", "http://user:secret@"))


@pytest.mark.parametrize(
    "address", ["http://u:secret@a..b/P", "u:secret@host/P", "ftp://u:secret@host/P", "http://u:sec/ret@h"]
)
def test_no_mistyped_address_prints_its_password(get, address):
    message = complaint(get, url=address)
    assert "secret" not in message
    assert "sec/ret" not in message


# Proxies and certificates


@pytest.fixture
def way(server, monkeypatch):
    """Set the variables that decide on the way to a server; all others of their kind are unset."""

    def way(**settings):
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
                monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    return way


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_dead_proxy_is_named_without_its_password(get, way, server, name):
    way(**{name: "http://user:secret@127.0.0.1:9"})
    message = complaint(get, jobs=1)
    assert message.startswith(
        f"Could not reach {server.host} through the proxy that {name} names.\n  DEMO: got no connec"
    )
    assert f"look at {name}=http://127.0.0.1:9: correct it, unset it" in message
    assert "list 127.0.0.1 in NO_PROXY" in message
    assert "Not tried after that: MEALS and PRODUCTS." in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "proxy",
    [
        "htp://user:secret@127.0.0.1:9",
        "socks5://127.0.0.1:9",
        "http://a..b:3128",
        "http://h:99999",
        "http:/h",
        "http://",
    ],
)
def test_a_mistyped_proxy_is_named(get, way, server, proxy):
    way(HTTP_PROXY=proxy)
    message = complaint(get)
    assert message.startswith(f"Could not reach {server.host} through the proxy that HTTP_PROXY names.")
    assert f"look at HTTP_PROXY={without_secret(proxy)}: correct it" in message
    assert "secret" not in message
    assert not server.asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_named(get, way, server, scheme):
    way(**{f"{scheme}_proxy": f"http://{server.host}"})
    server.fail(status(407))
    message = complaint(get, url=f"{scheme}://nhanes.invalid/Public", jobs=1)
    assert message.startswith(f"Could not reach nhanes.invalid through the proxy that {scheme}_proxy names.")
    assert "407" in message or scheme == "https"
    assert "Not tried after that: MEALS and PRODUCTS." in message


def test_a_fault_behind_a_proxy_names_it(get, way, server):
    way(HTTP_PROXY=server.host)
    server.fail(status(502))
    assert f"DataFiles/DEMO.xpt with HTTP_PROXY={server.host}, expected" in complaint(get, jobs=1)


def test_small_letters_win_as_they_do_in_requests(way):
    way(HTTP_PROXY="http://a:1", http_proxy="http://b:1")
    assert proxy_of("http://host/") == ("http_proxy", "http://b:1")
    way(HTTP_PROXY="http://a:1", NO_PROXY="host")
    assert proxy_of("http://host/") == ("", "")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("text", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\n7\n"])
def test_a_wrong_certificate_file_is_named(get, way, server, tmp_path, name, text):
    file = tmp_path / "bundle.pem"
    if text is not None:
        file.write_text(text)
    way(**{name: str(file)})
    message = complaint(get, url=server.url.replace("http:", "https:"), jobs=1)
    assert message.startswith(
        f"No trusted connection to {server.host}: the certificates do not fit.\n  DEMO: got no con"
    )
    assert f"look at {name}={file}: it must be a PEM file" in message
    assert "make room" not in message


def test_a_certificate_nobody_vouches_for_is_told(way):
    way()
    error = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate (_ssl.c:1006)")
    fault = transport._fault_of(error, Retry(), url="https://host/")
    assert (fault.reason.name, fault.got) == ("CERTIFICATE", "no connection (self-signed certificate)")


def test_https_to_a_server_without_it_is_told(get, way, server):
    way()
    message = complaint(get, url=server.url.replace("http:", "https:"))
    assert message.startswith(f"Could not reach {server.host}")
    assert "does the server speak http:// only?" in message


# Slow lines


def test_a_trickle_is_given_up_by_the_stated_rule(get, server, raw):
    server.fail(trickle(100))
    began = time.monotonic()
    message = complaint(get, retry=HASTY, jobs=1)
    assert time.monotonic() - began < 5
    assert message.startswith(f"{server.host} is too slow: a download below the stated rate was given up")
    assert re.search(
        r"DEMO: got \d+ bytes a second over the last 0 s, with less than 1,000 given up \(2 tries\) from", message
    )
    assert "Not tried after that: PRODUCTS." in message
    assert content(raw) == []


def test_a_slow_line_above_the_rate_is_waited_for(get, server, raw):
    server.fail(trickle(10_000), tables={"DEMO"})
    get(retry=HASTY)
    assert content(raw) == WHOLE
    assert server.asked["DEMO"] == 1


def test_the_rule_is_as_stated():
    assert (Retry().slowest_rate, Retry().rate_window) == (1024.0, 60.0)


def test_progress_is_told_without_a_terminal_even_while_nothing_comes(get, server, capsys, monkeypatch):
    monkeypatch.setattr(progress, "TELL_EVERY", 0.1)
    server.fail(trickle(10), tables={"DEMO"})
    complaint(get, retry=dataclasses.replace(HASTY, rate_window=0.5), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) >= 5
    assert all(re.match(r"NHANES files: +\d+%", line) for line in lines)
    assert "\r" not in err


# This machine's disk


@pytest.fixture
def another_disk(monkeypatch):
    """No rename from one folder to another, as between file systems."""
    rename = os.replace

    def replace(source, target):
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.usefixtures("another_disk")
def test_a_cycle_on_another_file_system_is_copied_to(get, raw, tmp_path):
    raw.mkdir()
    (tmp_path / "disk").mkdir()
    (raw / "1999").symlink_to(tmp_path / "disk")
    get()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [Path(name).name for name in WHOLE]
    assert (raw / "1999" / "DEMO.xpt").stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("another_disk")
def test_a_copy_that_finds_no_room_leaves_the_old_file(get, placed, monkeypatch):
    def fill(_source, target):
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (placed / "1999" / "DEMO.xpt").write_bytes(PAGE)
    monkeypatch.setattr(shutil, "copyfile", fill)
    assert "DEMO: No space left on device." in complaint(get)
    assert (placed / "1999" / "DEMO.xpt").read_bytes() == PAGE
    assert content(placed) == [name for name in WHOLE if name != "1999/DEMO.json"]


def test_a_link_that_leads_nowhere_is_told(get, raw):
    raw.mkdir()
    (raw / "1999").symlink_to(raw / "gone")
    message = complaint(get)
    assert f"File exists ({raw / '1999'})" in message
    assert "If it or a folder in it is a link, look where that leads." in message


# Files saved by hand


@pytest.mark.parametrize("name", ["demo.xpt", "DEMO.XPT", "Demo.Xpt"])
def test_a_file_saved_by_hand_is_found_under_any_capitals(get, server, registry, placed, name):
    (placed / "1999" / "DEMO.xpt").rename(placed / "1999" / name)
    with pytest.raises(SourceError, match="DEMO.*: a file that was never checked"):
        receipts(registry, placed, ["DEMO"])
    get()
    assert not server.asked
    assert content(placed) == WHOLE
    assert receipts(registry, placed)[0].table == "DEMO"


def test_a_wrong_file_under_other_capitals_is_replaced(get, server, placed):
    (placed / "1999" / "DEMO.xpt").unlink()
    wrong = placed / "1999" / "DEMO.XPT"
    wrong.write_bytes(PAGE)
    server.fail(status(404), first=2)
    assert f"The file that is there, {wrong}, cannot be used: an HTML" in complaint(get)
    assert wrong.read_bytes() == PAGE
    get()
    assert content(placed) == WHOLE


def test_a_file_under_other_capitals_has_the_usual_name_before_it_is_replaced(get, placed, monkeypatch):
    """A disk that ignores capitals would otherwise lose the good file with the name of the old one."""
    (placed / "1999" / "DEMO.xpt").unlink()
    (placed / "1999" / "DEMO.XPT").write_bytes(PAGE)
    there = []

    def move(source, target):
        there.extend(path.name for path in target.parent.iterdir() if path.name.casefold() == "demo.xpt")
        os.replace(source, target)

    monkeypatch.setattr(nhanes, "move_into_place", move)
    get()
    assert there == ["DEMO.xpt"]
    assert content(placed) == WHOLE


def test_two_files_that_differ_in_capitals_are_told(get, server, placed):
    for table, other in (("DEMO", "demo.xpt"), ("MEALS", "MEALS.XPT")):
        shutil.copy(placed / "1999" / f"{table}.xpt", placed / "1999" / other)
    before = content(placed)
    message = complaint(get)
    assert f"  DEMO: {placed}/1999/DEMO.xpt, {placed}/1999/demo.xpt\n" in message
    assert f"  MEALS: {placed}/1999/MEALS.xpt, {placed}/1999/MEALS.XPT\n" in message
    assert "keep the right one of each, move the others away" in message
    assert content(placed) == before
    assert not server.asked


# Names in capitals on the server


@pytest.fixture
def capitals(files):
    """A server whose files are there by names in .XPT only."""
    with_capitals = {path.replace(".xpt", ".XPT"): body for path, body in files.items()}
    server = FaultServer(with_capitals)
    yield server
    server.close()


def test_a_server_with_names_in_capitals_is_asked_by_them(get, capitals, raw):
    get(url=capitals.url)
    assert content(raw) == WHOLE
    assert capitals.asked == {f"{table}{end}": 1 for table in ("DEMO", "MEALS", "PRODUCTS") for end in ("", ".XPT")}
    assert json.loads((raw / "1999" / "DEMO.json").read_text())["url"] == f"{capitals.url}/1999/DataFiles/DEMO.XPT"


def test_a_folder_with_names_in_capitals_is_read(get, files, raw, tmp_path):
    for path, body in files.items():
        file = tmp_path / "Public" / path.replace(".xpt", ".XPT")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    get(url=(tmp_path / "Public").as_uri())
    assert content(raw) == WHOLE


def test_a_fault_under_a_name_in_capitals_is_got_over_or_told_by_that_name(get, capitals, raw):
    capitals.fail(truncate, first=1, tables={"DEMO.XPT"})
    get(url=capitals.url, tables=["DEMO"])
    capitals.fail(status(503), tables={"MEALS.XPT"})
    message = complaint(get, url=capitals.url)
    assert f"MEALS: got HTTP 503 Service Unavailable (4 tries) from {capitals.url}/1999/DataFiles/MEALS.XPT" in message
    assert content(raw) == [name for name in WHOLE if "MEALS" not in name]


def test_an_absent_file_is_told_by_its_usual_name_and_that_both_were_asked_for(get, server):
    server.fail(status(404), tables={"DEMO"})
    message = complaint(get)
    assert "(names in .xpt and in .XPT were asked for)" in message
    assert f"DEMO: got HTTP 404 Not Found (2 tries) from {server.url}/1999/DataFiles/DEMO.xpt" in message


# Forms that would be read wrongly

TWO_DATA_SETS = transport_file({"SEQN": (8, [1.0, 2.0])}, {"SEQN": (8, [9.0])})
NARROW = transport_file({"SEQN": (2, [1.0, 2.0])})


@pytest.mark.parametrize(
    ("body", "got"),
    [(TWO_DATA_SETS, "more than one data set (SET2 beside the first)"), (NARROW, "numbers of 2 bytes in SEQN")],
    ids=["two data sets", "numbers of 2 bytes"],
)
def test_a_form_that_would_be_read_wrongly_is_told_as_that_whatever_is_accepted(get, server, raw, body, got):
    server.fail(serve(body), tables={"DEMO"})
    message = complaint(get, accept_revised=["DEMO"])
    assert message.startswith(f"{server.host} holds DEMO in a form that would be read wrongly. It was not accepted.")
    assert f"DEMO: got a SAS transport file with {got} (2 tries) from" in message
    assert "revised" not in message
    assert "damaged" not in message
    assert content(raw) == [name for name in WHOLE if "DEMO" not in name]


def test_a_form_that_would_be_read_wrongly_is_told_of_a_file_saved_by_hand_too(get, server, placed):
    (placed / "1999" / "DEMO.xpt").write_bytes(NARROW)
    server.fail(status(404))
    assert "cannot be used: a SAS transport file with numbers of 2 bytes in SEQN." in complaint(get)
    assert (placed / "1999" / "DEMO.xpt").read_bytes() == NARROW


def test_a_form_that_only_the_first_copy_had_was_spoilt_on_the_way(get, server, raw):
    server.fail(serve(TWO_DATA_SETS), tables={"DEMO"}, first=1)
    get()
    assert content(raw) == WHOLE


# Words


def test_every_reason_has_its_heading_and_its_advice():
    assert set(refusals._HEADINGS) == set(refusals._ADVICE) == set(refusals.Reason)
