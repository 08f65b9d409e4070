"""Files are fetched, checked and receipted; every way a download can fail ends in a good file or one message."""

import dataclasses
import errno
import json
import os
import re
import shutil
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from urllib3.exceptions import IncompleteRead

from analysis.data.source import refusals, transport
from analysis.data.source.nhanes import fetch
from analysis.data.source.reading import SourceError, read_table, receipts
from analysis.data.source.transport import Retry
from tests.data.source.invented import AT_ONCE, N_PEOPLE, WHOLE, complaint, content, frames, xport
from tests.fault_server import (
    LAST_MODIFIED,
    PAGE,
    corrupt,
    html,
    reset,
    scramble,
    serve,
    short,
    slow,
    stall,
    stall_half_way,
    status,
    truncate,
)

# What a good download leaves behind


def test_files_and_receipts_are_put_in_place(get, server, raw, files):
    receipts = get()
    assert content(raw) == WHOLE
    assert [receipt.table for receipt in receipts] == ["DEMO", "MEALS", "PRODUCTS"]
    for receipt in receipts:
        assert (raw / "1999" / f"{receipt.table}.xpt").read_bytes() == files[f"1999/DataFiles/{receipt.table}.xpt"]
        assert receipt.matches(raw / "1999" / f"{receipt.table}.xpt")


def test_a_receipt_tells_where_from_and_when(get, server, raw, files):
    (receipt,) = get(tables=["DEMO"])
    written = json.loads((raw / "1999" / "DEMO.json").read_text())
    assert written == dataclasses.asdict(receipt) | {"revised": [], "notes": []}
    assert receipt.url == f"{server.url}/1999/DataFiles/DEMO.xpt"
    assert receipt.bytes == len(files["1999/DataFiles/DEMO.xpt"])
    assert receipt.last_modified == LAST_MODIFIED
    assert receipt.fetched == datetime.now(UTC).date().isoformat()


def test_files_may_be_read_by_others(get, raw):
    get()
    assert (raw / "1999" / "DEMO.xpt").stat().st_mode & 0o777 == 0o644


def test_what_is_in_place_is_left_alone_without_a_word(get, server, raw, capfd):
    first = get()
    before = {path: path.stat().st_mtime_ns for path in raw.rglob("*")}
    server.asked.clear()
    assert get(progress=True) == first
    assert not server.asked
    assert {path: path.stat().st_mtime_ns for path in raw.rglob("*")} == before
    assert capfd.readouterr() == ("", "")


def test_only_the_tables_asked_for_are_fetched(get, server, raw):
    get(tables=["MEALS"])
    assert content(raw) == ["1999/MEALS.json", "1999/MEALS.xpt"]
    assert set(server.asked) == {"MEALS"}


def test_a_rerun_fetches_only_what_is_missing(get, server, raw):
    get(tables=["MEALS"])
    get()
    assert server.asked == {"DEMO": 1, "MEALS": 1, "PRODUCTS": 1}


def test_the_user_agent_says_who_asks(get, server):
    get()
    assert server.agents == {transport.USER_AGENT}


def test_several_files_come_at_a_time_but_not_more_than_asked_for(get, server):
    server.fail(slow(0.05))
    get(jobs=2)
    assert server.most_in_flight == 2


def test_progress_is_shown_on_a_terminal_only(get, capfd, monkeypatch):
    get(progress=True)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_sees_one_bar(get, raw, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    get(progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "NHANES files: 100%" in err


def test_a_trailing_slash_of_the_address_does_not_matter(get, server):
    assert len(get(url=server.url + "/")) == 3


def test_an_empty_address_means_the_registrys(registry, server, raw):
    own = dataclasses.replace(registry, url=server.url)
    assert len(fetch(own, raw, url="", retry=AT_ONCE, progress=False)) == 3


# Faults that pass


@pytest.mark.parametrize(
    "fault",
    [html, status(404), status(503, Retry_After="0"), status(429), status(500), truncate, short, reset, corrupt(-200)],
    ids=["html", "404", "503", "429", "500", "truncate", "short", "reset", "corrupt"],
)
def test_a_fault_of_the_first_answer_is_got_over(get, server, raw, files, fault):
    server.fail(fault, first=1)
    get()
    assert content(raw) == WHOLE
    assert (raw / "1999" / "DEMO.xpt").read_bytes() == files["1999/DataFiles/DEMO.xpt"]
    assert server.asked["DEMO"] == server.asked["MEALS"] == 2


@pytest.mark.parametrize("fault", [truncate, reset, status(503)], ids=["truncate", "reset", "503"])
def test_three_faults_in_a_row_are_got_over(get, server, raw, fault):
    server.fail(fault, first=3, tables={"DEMO"})
    get()
    assert content(raw) == WHOLE
    assert server.asked["DEMO"] == 4


def test_faults_of_different_kinds_are_got_over(get, server, raw):
    server.fail(reset, first=1)
    server.fail(corrupt(-200), first=2, tables={"DEMO"})
    server.fail(html, first=3, tables={"DEMO"})
    get()
    assert content(raw) == WHOLE


def test_a_slow_server_is_waited_for(get, server, raw):
    server.fail(slow(0.1), tables={"DEMO"})
    get(retry=dataclasses.replace(AT_ONCE, read_timeout=0.5))
    assert content(raw) == WHOLE
    assert server.asked["DEMO"] == 1


def test_a_stalled_answer_is_asked_for_again(get, server, raw):
    server.fail(stall_half_way, first=1, tables={"DEMO"})
    get(retry=dataclasses.replace(AT_ONCE, read_timeout=0.2))
    assert content(raw) == WHOLE


def test_a_pause_that_the_server_asks_for_is_kept(get, server):
    server.fail(status(503, Retry_After="1"), first=1, tables={"DEMO"})
    began = time.monotonic()
    get(tables=["DEMO"])
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 7 ", 7), ("", 0), ("soon", 0), ("Wed, 01 Jan 2020 00:00:00 GMT", 0), ("-3", 0)],
)
def test_retry_after_is_read_as_seconds(header, seconds):
    assert transport._seconds(header) == seconds


def test_retry_after_is_read_as_a_date():
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert transport._seconds(moment) == pytest.approx(40, abs=2)


def test_pauses_double_with_chance_in_them_and_have_a_limit(monkeypatch):
    paused = []
    monkeypatch.setattr(transport.Server, "_wait", lambda self, seconds: paused.append(seconds))
    server = transport.Server(Retry(attempts=9, first_delay=1.0, longest_delay=5.0), None)
    for n in range(1, 6):
        server.reconsider([refusals.DownloadError(refusals.Reason.BROKEN, "half")] * n, begun=0.0)
    for pause, most in zip(paused, (1.0, 2.0, 4.0, 5.0, 5.0), strict=True):
        assert most / 2 <= pause <= most
    assert len(set(paused)) == 5


# Faults that do not pass: one message, nothing left behind


def test_a_moved_file_is_told(get, server, raw):
    server.fail(status(404), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith("The CDC has moved DEMO, or NHANES_URL does not name the folder")
    assert (
        f"DEMO: got HTTP 404 Not Found (2 tries) from {server.url}/1999/DataFiles/DEMO.xpt, expected a SAS" in message
    )
    assert "transport file of 397 rows and 4 columns." in message
    assert "https://wwwn.cdc.gov/nchs/nhanes/" in message
    assert "`make data NHANES_URL=" in message
    assert f"save the file yourself as {raw}/1999/DEMO.xpt" in message
    assert message.endswith("2 of 3 files are in place.")
    assert content(raw) == WHOLE[2:]


def test_a_web_page_instead_of_a_file_is_told_as_moved(get, server, raw):
    server.fail(html)
    message = complaint(get)
    assert message.startswith("The CDC has moved DEMO, MEALS and PRODUCTS, or NHANES_URL")
    assert message.count("got an HTML page instead of the file (2 tries)") == 3
    assert content(raw) == []


def test_a_refused_file_is_told(get, server):
    server.fail(status(403), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith(f"{server.host} refuses to hand out DEMO.\n  DEMO: got HTTP 403 Forbidden (2 tries)")


@pytest.mark.parametrize("code", [503, 500, 502, 504, 429, 408])
def test_a_server_that_is_down_or_busy_is_told(get, server, raw, code):
    server.fail(status(code), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith(f"The server {server.host} is down or busy.\n  DEMO: got HTTP {code} ")
    assert "(4 tries)" in message
    assert "wait a while and run `make data` again" in message
    assert "NHANES_URL" in message
    assert content(raw) == WHOLE[2:]


def test_a_server_that_asks_for_a_long_rest_is_left_alone(get, server):
    server.fail(status(429, Retry_After="3600"), tables={"DEMO"})
    message = complaint(get)
    assert "got HTTP 429 Too Many Requests, please come back in 3,600 s from" in message
    assert server.asked["DEMO"] == 1


def test_an_unreachable_server_is_told_at_once(registry, raw):
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        fetch(registry, raw, retry=dataclasses.replace(AT_ONCE, first_delay=0.1), jobs=1, progress=False)
    message = str(caught.value)
    assert time.monotonic() - began < 2
    assert message.startswith(
        "Could not reach 127.0.0.1:9: is there no network, or is the address mistyped?\n"
        "  DEMO: got no connection (Connection"
    )
    assert "Not tried after that: MEALS and PRODUCTS." in message
    assert "once there is network, run `make data` again" in message
    assert "NHANES_URL" in message
    assert "`make demo`" in message
    assert content(raw) == []


def test_an_unknown_server_is_told(get):
    message = complaint(get, url="http://no-such-host.invalid/Public")
    assert message.startswith("Could not reach no-such-host.invalid: is there no network, or is the address mistyped?")


def test_a_server_that_never_answers_is_told(get, server):
    server.fail(stall)
    message = complaint(get, retry=dataclasses.replace(AT_ONCE, read_timeout=0.2))
    assert message.startswith(f"Could not reach {server.host}")
    assert "got no answer within 0.2 s (2 tries)" in message


def test_a_download_that_breaks_off_is_told(get, server, raw, files):
    server.fail(truncate, tables={"DEMO"})
    message = complaint(get)
    size = len(files["1999/DataFiles/DEMO.xpt"])
    assert message.startswith("The download of DEMO broke off; nothing of it was kept.\n")
    assert f"got {size // 2:,} of {size:,} bytes (4 tries) from" in message
    assert "run `make data` again, which goes on with what is missing" in message
    assert content(raw) == WHOLE[2:]


def test_a_connection_closed_before_any_answer_is_told(get, server):
    server.fail(reset, tables={"DEMO"})
    assert "The download of DEMO broke off" in complaint(get)


def test_a_download_that_stands_still_is_told(get, server):
    server.fail(stall_half_way, tables={"DEMO"})
    message = complaint(get, retry=dataclasses.replace(AT_ONCE, read_timeout=0.1))
    assert "The download of DEMO broke off" in message
    assert "got a transfer that stood still for 0.1 s (4 tries)" in message


def test_a_file_that_the_server_itself_holds_cut_short_is_told(get, server, raw, files):
    server.fail(short, tables={"DEMO"})
    message = complaint(get)
    half = len(files["1999/DataFiles/DEMO.xpt"]) // 2
    assert message.startswith(f"{server.host} holds a damaged copy of DEMO: it came twice, alike byte for byte.")
    assert re.search(rf"DEMO: got {half:,} bytes that stop in the middle of row \d+ \(2 tries\) from", message)
    assert server.asked["DEMO"] == 2
    assert content(raw) == WHOLE[2:]


def test_a_cut_file_cannot_be_accepted_as_revised(get, server):
    server.fail(short, tables={"DEMO"})
    assert "holds a damaged copy of DEMO" in complaint(get, accept_revised=["DEMO"])


@pytest.mark.parametrize("name", ["DEMO", "PRODUCTS"])
def test_a_file_that_lost_many_whole_rows_is_damaged_not_revised(get, server, name, tmp_path):
    cut = xport(frames()[name].iloc[: len(frames()[name]) // 2], tmp_path / "cut.xpt")
    server.fail(serve(cut), tables={name})
    message = complaint(get, accept_revised=[name])
    assert f"{server.host} holds a damaged copy of {name}" in message
    assert re.search(rf"{name}: got a SAS transport file of only \d+ rows \(2 tries\)", message)


@pytest.mark.parametrize(
    ("error", "reason", "got"),
    [
        (requests.ConnectTimeout(), "UNREACHABLE", "no connection within 10 s"),
        (requests.exceptions.ChunkedEncodingError(IncompleteRead(3, None)), "BROKEN", "an answer that broke off"),
        (requests.ConnectionError(), "BROKEN", "a closed connection (ConnectionError)"),
    ],
    ids=["timeout", "chunks", "other"],
)
def test_rare_failures_are_named_too(error, reason, got):
    fault = transport._fault_of(error, Retry(), url="http://127.0.0.1")
    assert (fault.reason.name, fault.got) == (reason, got)


def test_copies_that_differ_each_time_were_spoilt_on_the_way(get, server):
    server.fail(scramble(-200), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith("The download of DEMO broke off")
    assert "got no sound copy, at last a whole SAS transport file (4 tries)" in message


@pytest.mark.parametrize(
    ("fault", "n_asked"), [(status(503), 8), (reset, 8), (truncate, 12)], ids=["503", "reset", "truncate"]
)
def test_a_server_that_fails_with_everything_is_told_once(get, server, raw, fault, n_asked):
    server.fail(fault)
    message = complaint(get, jobs=1)
    assert message.count("What to do") == 1
    assert sum(server.asked.values()) == n_asked
    assert content(raw) == []


def test_after_many_lost_files_the_next_are_asked_for_once(get, server, monkeypatch):
    monkeypatch.setattr(transport, "LOST_IN_A_ROW", 1)
    server.fail(status(404), tables={"DEMO", "MEALS"})
    message = complaint(get, jobs=1)
    assert server.asked == {"DEMO": 2, "DEMO.XPT": 2, "MEALS": 1, "MEALS.XPT": 1, "PRODUCTS": 1}
    assert "The CDC has moved DEMO and MEALS" in message


def test_different_reasons_have_a_paragraph_each_in_one_message(get, server):
    server.fail(status(404), tables={"DEMO"})
    server.fail(truncate, tables={"MEALS"})
    paragraphs = complaint(get).split("\n\n")
    assert [paragraph.split(",")[0].split(";")[0] for paragraph in paragraphs] == [
        "The CDC has moved DEMO",
        "The download of MEALS broke off",
        "1 of 3 files are in place.",
    ]


def test_many_tables_of_one_reason_are_named_not_told(registry, server, raw):
    server.fail(html)
    demo = registry.tables["DEMO"]
    many = {
        f"DEMO_{n}": dataclasses.replace(demo, name=f"DEMO_{n}", path=f"1999/DataFiles/DEMO_{n}.xpt") for n in range(20)
    }
    with pytest.raises(SourceError) as caught:
        fetch(dataclasses.replace(registry, tables=many), raw, url=server.url, retry=AT_ONCE, progress=False)
    message = str(caught.value)
    assert "The CDC has moved DEMO_0, DEMO_1, " in message
    assert "DEMO_11 and 8 more, or NHANES_URL" in message
    assert message.count(": got ") == 3
    assert "Likewise " in message


# Revised files


@pytest.fixture
def revised(tmp_path):
    frame = frames()["DEMO"]
    frame.loc[:4, "SEX"] = 3.0 - frame.loc[:4, "SEX"]
    frame.loc[5:7, "AGE"] = np.nan
    frame["WEIGHT"] *= 2
    frame["NEW"] = 1.0
    return xport(frame, tmp_path / "revised.xpt")


def test_a_revised_file_is_refused_with_what_changed(get, server, raw, revised):
    server.fail(serve(revised), tables={"DEMO"})
    message = complaint(get)
    assert message.startswith(f"The CDC has revised DEMO, or {server.host} holds a damaged copy: it came twice")
    assert "DEMO: got a whole SAS transport file (2 tries) from" in message
    assert "It differs in: column NEW was not expected; SEX = 1: " in message
    assert re.search(r"SEX = 1: \d+, expected \d+; SEX = 2: \d+, expected \d+; and \d more\.", message)
    assert "(`fetch --accept-revised DEMO`); every output will then say so" in message
    assert "http://127.0.0.1:9/Public/1999/DataFiles/DEMO.htm" in message
    assert content(raw) == WHOLE[2:]


def test_a_revised_file_can_be_accepted_and_says_so(get, server, registry, raw, revised):
    server.fail(serve(revised), tables={"DEMO"})
    (receipt,) = get(tables=["DEMO"], accept_revised=["DEMO"])
    assert server.asked["DEMO"] == 2
    assert "column NEW was not expected" in receipt.revised
    assert any(sentence.startswith("WEIGHT: sum") for sentence in receipt.revised)
    assert receipts(registry, raw, ["DEMO"]) == (receipt,)
    assert get(tables=["DEMO"]) == (receipt,)
    assert len(read_table(registry, raw, "DEMO", columns=["SEX"])) == N_PEOPLE


def test_accepting_one_table_does_not_accept_another(get, server, revised):
    server.fail(serve(revised), tables={"DEMO"})
    assert "The CDC has revised DEMO" in complaint(get, accept_revised=["MEALS"])


def test_a_good_file_needs_no_acceptance(get, registry, raw, server):
    assert get(tables=["DEMO"], accept_revised=["DEMO"])[0].revised == ()
    assert receipts(registry, raw, ["DEMO"])[0].revised == ()
    assert server.asked["DEMO"] == 1


def test_every_revised_table_is_told_with_its_differences(get, server, revised, tmp_path):
    server.fail(serve(revised), tables={"DEMO"})
    server.fail(serve(xport(frames()["MEALS"].iloc[1:], tmp_path / "fewer.xpt")), tables={"MEALS"})
    message = complaint(get)
    assert message.startswith("The CDC has revised DEMO and MEALS, or")
    assert "It differs in: rows: 1,190, expected 1,191; " in message
    assert message.count("It differs in: ") == 2
    assert "--accept-revised DEMO MEALS`" in message


def test_a_living_table_may_grow(get, server, raw, tmp_path):
    frame = pd.DataFrame({"CODE": np.arange(99.0), "PRODUCT": ["NEWT"] * 99, "MAKER": ["X"] * 99})
    server.fail(serve(xport(frame, tmp_path / "grown.xpt")), tables={"PRODUCTS"})
    (receipt,) = get(tables=["PRODUCTS"])
    assert receipt.revised == ()
    assert server.asked["PRODUCTS"] == 1


def test_a_living_table_must_keep_its_columns(get, server, tmp_path):
    frame = pd.DataFrame({"CODE": np.arange(99.0)})
    server.fail(serve(xport(frame, tmp_path / "other.xpt")), tables={"PRODUCTS"})
    message = complaint(get)
    assert "expected a SAS transport file with its 2 columns. It differs in: column PRODUCT is missing." in message


def test_accented_names_are_taken_with_a_note_once_two_copies_agree(get, server, files, monkeypatch):
    monkeypatch.setattr("analysis.data.source.nhanes.FREE_TEXT", ("NAME",))
    accented = files["1999/DataFiles/MEALS.xpt"].replace(b"COFFEE", b"CAF\xc9\x99 ")
    server.fail(serve(accented), tables={"MEALS"})
    (receipt,) = get(tables=["MEALS"])
    assert server.asked["MEALS"] == 2
    assert receipt.revised == ()
    assert receipt.notes == ("accented text in NAME",)


def test_accents_that_only_one_copy_has_are_not_kept(get, server, files, raw, monkeypatch):
    monkeypatch.setattr("analysis.data.source.nhanes.FREE_TEXT", ("NAME",))
    good = files["1999/DataFiles/MEALS.xpt"]
    server.fail(serve(good.replace(b"COFFEE", b"COFFE\xdf")), tables={"MEALS"}, first=1)
    (receipt,) = get(tables=["MEALS"])
    assert receipt.notes == ()
    assert (raw / "1999" / "MEALS.xpt").read_bytes() == good


def test_accents_in_a_code_are_a_difference(get, server, files):
    server.fail(serve(files["1999/DataFiles/MEALS.xpt"].replace(b"COFFEE", b"COFFE\xc9")), tables={"MEALS"})
    assert "NAME: characters beyond ASCII in a code" in complaint(get)


def test_a_damaged_mark_of_a_missing_number_is_not_kept(get, server, files, raw):
    name, good = next((name, file) for name, file in files.items() if b"." + bytes(7) in file[2000:])
    table = Path(name).stem
    place = good.index(b"." + bytes(7), 2000)
    server.fail(serve(good[:place] + b"\xd1" + good[place + 1 :]), tables={table}, first=1)
    get(tables=[table])
    assert (raw / "1999" / f"{table}.xpt").read_bytes() == good


def test_a_corrected_registry_has_the_files_in_place_checked_anew(get, registry, server, raw):
    get()
    table = registry.tables["DEMO"]
    wrong = {name: dict(counts) for name, counts in table.codes.items()}
    wrong["SEX"]["1"] += 1
    changed = dataclasses.replace(registry, tables={**registry.tables, "DEMO": dataclasses.replace(table, codes=wrong)})
    with pytest.raises(SourceError, match="checked against another registry"):
        receipts(changed, raw, ["DEMO"])
    with pytest.raises(SourceError, match=r"SEX = 1: \d+, expected \d+"):
        fetch(changed, raw, url=server.url, retry=AT_ONCE, progress=False)
    (before, *_) = receipts(registry, raw)
    corrected = dataclasses.replace(registry, tables={**registry.tables, "DEMO": dataclasses.replace(table, codes={})})
    (after, *_) = fetch(corrected, raw, progress=False)
    assert after.checked_against != before.checked_against
    assert (after.url, after.sha256) == (before.url, before.sha256)


def test_accented_text_does_not_excuse_other_numbers(get, server, tmp_path):
    frame = frames()["MEALS"].assign(NAME="CAFE")
    frame.loc[0, "SEQN"] = 2.0
    accented = xport(frame, tmp_path / "accented.xpt").replace(b"CAFE", b"CAF\xc9")
    server.fail(serve(accented), tables={"MEALS"})
    assert "The CDC has revised MEALS" in complaint(get)


def test_other_plain_text_is_a_revision(get, server, files):
    server.fail(serve(files["1999/DataFiles/MEALS.xpt"].replace(b"COFFEE", b"COCOA ")), tables={"MEALS"})
    assert "It differs in: NAME: text digest" in complaint(get)


# Files that are there already


def test_files_placed_by_hand_are_checked_and_get_a_receipt(get, server, placed):
    found = get()
    assert not server.asked
    assert content(placed) == WHOLE
    assert {receipt.url for receipt in found} == {""}


def test_a_wrong_file_placed_by_hand_is_replaced_by_a_good_one(get, server, placed, files):
    (placed / "1999" / "DEMO.xpt").write_bytes(PAGE)
    get()
    assert server.asked == {"DEMO": 1}
    assert (placed / "1999" / "DEMO.xpt").read_bytes() == files["1999/DataFiles/DEMO.xpt"]


def test_a_wrong_file_stays_where_it_is_if_no_good_one_can_be_had(get, server, placed, revised):
    (placed / "1999" / "DEMO.xpt").write_bytes(revised)
    server.fail(status(503))
    message = complaint(get)
    assert (
        f"The file that is there, {placed}/1999/DEMO.xpt, cannot be used: a whole SAS transport file; column NEW"
        in message
    )
    assert (placed / "1999" / "DEMO.xpt").read_bytes() == revised
    assert not (placed / "1999" / "DEMO.json").exists()


def test_a_revised_file_placed_by_hand_can_be_accepted(get, server, placed, revised):
    (placed / "1999" / "DEMO.xpt").write_bytes(revised)
    assert get(accept_revised=["DEMO"])[0].revised
    assert not server.asked


def test_an_altered_file_is_fetched_again(get, server, raw, files):
    get()
    spoil(raw / "1999" / "DEMO.xpt")
    server.asked.clear()
    get()
    assert server.asked == {"DEMO": 1}
    assert (raw / "1999" / "DEMO.xpt").read_bytes() == files["1999/DataFiles/DEMO.xpt"]


def test_a_missing_file_is_fetched_again_though_its_receipt_is_there(get, server, raw):
    get()
    (raw / "1999" / "DEMO.xpt").unlink()
    get()
    assert content(raw) == WHOLE


@pytest.mark.parametrize("ruin", ["", "{", "[]", '{"table": "DEMO"}'])
def test_a_ruined_receipt_is_written_anew(get, server, raw, ruin):
    get()
    (raw / "1999" / "DEMO.json").write_text(ruin)
    server.asked.clear()
    get()
    assert not server.asked
    assert json.loads((raw / "1999" / "DEMO.json").read_text())["table"] == "DEMO"


def spoil(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[-200] ^= 0xFF
    path.write_bytes(body)


# This machine's side


@pytest.fixture
def interruptible():
    """Ctrl-C as at a terminal: a shell that starts a job in the background has its interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_run_leaves_nothing_half_written_and_can_go_on(get, server, raw):
    server.fail(stall_half_way, tables={"DEMO"}, first=1)
    main = threading.main_thread().ident

    def interrupt():
        while not (raw / "1999" / "PRODUCTS.json").exists():
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        get(retry=dataclasses.replace(AT_ONCE, read_timeout=30.0), jobs=2)
    assert time.monotonic() - began < 2
    assert content(raw) == WHOLE[2:]
    assert not list(raw.glob(".incoming-*"))
    get()
    assert content(raw) == WHOLE


def test_a_raw_folder_that_is_a_file_is_told(get, raw):
    raw.write_text("")
    message = complaint(get)
    assert message.startswith(f"Files cannot be kept in {raw}: ")
    assert "Make room there or make it writable, then run `make data`." in message


def test_a_read_only_folder_is_told(get, raw, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(raw))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    message = complaint(get)
    assert "Permission denied" in message
    assert content(raw) == []


def test_a_full_disk_is_told_once(get, server, raw, monkeypatch):
    def fill(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "move", fill)
    message = complaint(get, jobs=1)
    assert message.startswith(f"The files cannot be stored in {raw}.\n  DEMO: No space left on device.\n")
    assert "Not tried after that: MEALS and PRODUCTS." in message
    assert "make room there or make it writable, then run `make data` again" in message
    assert content(raw) == []


def test_leftovers_of_a_killed_run_are_swept_away_when_they_are_old(get, raw):
    young, old = raw / ".incoming-young", raw / ".incoming-old"
    for folder in (young, old):
        folder.mkdir(parents=True)
        (folder / "DEMO.xpt").write_text("half")
    os.utime(old, (0, 0))
    get()
    assert young.exists()
    assert not old.exists()


# Folders instead of servers


@pytest.fixture
def folder(tmp_path, files):
    for path, body in files.items():
        target = tmp_path / "a folder" / "Public" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return tmp_path / "a folder" / "Public"


def test_files_are_copied_from_a_folder(get, folder, raw):
    found = get(url=folder.as_uri())
    assert content(raw) == WHOLE
    assert found[0].url == f"{folder.as_uri()}/1999/DataFiles/DEMO.xpt"
    assert (folder / "1999" / "DataFiles" / "DEMO.xpt").exists()


def test_a_folder_that_lacks_a_file_is_told(get, folder):
    (folder / "1999" / "DataFiles" / "DEMO.xpt").unlink()
    message = complaint(get, url=folder.as_uri())
    assert "DEMO: got no readable file (No such file or directory) from file:///" in message


def test_a_damaged_file_of_a_folder_is_told(get, folder):
    damaged = folder / "1999" / "DataFiles" / "DEMO.xpt"
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    assert complaint(get, url=folder.as_uri()).startswith("The folder holds a damaged copy of DEMO")


@pytest.mark.parametrize("url", ["file:///no/such/folder/Public", "file:///"])
def test_a_wrong_folder_is_told(get, url):
    message = complaint(get, url=url)
    assert "1999/DataFiles/" in message
    assert "NHANES_URL" in message


@pytest.mark.parametrize("url", ["/data/Public", "ftp://server/Public", "wwwn.cdc.gov/Nchs/Data/Nhanes/Public"])
def test_an_address_of_another_kind_is_told(get, url):
    assert complaint(get, url=url).startswith(f"NHANES_URL={url} is no address: it must begin with http://, https://")


# Names


@pytest.mark.parametrize("option", [{"tables": ["DEMO", "DIET"]}, {"accept_revised": ["DIET"]}])
def test_an_unknown_table_is_told(get, option):
    assert complaint(get, **option).startswith("NHANES 1999-2000 has no table DIET; the registry lists DEMO, MEALS")


# The invented survey


def test_an_invented_survey_is_checked_but_never_fetched(registry, placed):
    invented = dataclasses.replace(registry, source="SYNTHETIC survey, seed 1", synthetic=True, url="")
    assert len(fetch(invented, placed, progress=False)) == 3
    (placed / "1999" / "DEMO.xpt").unlink()
    spoil(placed / "1999" / "MEALS.xpt")
    with pytest.raises(SourceError, match=r"(?s)DEMO: no file.*MEALS: not the file that was accepted.*`make demo`"):
        fetch(invented, placed, progress=False)


# Reading


def test_columns_are_read_by_seqn(get, registry, raw):
    get()
    frame = read_table(registry, raw, "DEMO", columns=["AGE", "SEX"])
    assert list(frame.columns) == ["AGE", "SEX"]
    assert frame.index.name == "SEQN"
    assert frame.index.dtype == np.int64
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), frames()["DEMO"][["AGE", "SEX"]])


def test_a_person_with_several_rows_keeps_them(get, registry, raw):
    get()
    frame = read_table(registry, raw, "MEALS", columns=["SEQN", "NAME"])
    assert list(frame.columns) == ["NAME"]
    assert frame.loc[7, "NAME"].tolist() == frames()["MEALS"].query("SEQN == 7")["NAME"].tolist()


def test_a_table_without_seqn_is_read_by_row(get, registry, raw):
    get()
    frame = read_table(registry, raw, "PRODUCTS", columns=["CODE"])
    assert frame.index.equals(pd.RangeIndex(50))


def test_a_missing_file_is_not_read(registry, raw):
    with pytest.raises(SourceError, match=r"(?s)DEMO: no file.*`make data`.*NHANES_URL.*`make demo`"):
        read_table(registry, raw, "DEMO", columns=["SEX"])


def test_a_file_without_receipt_is_not_read(registry, placed):
    with pytest.raises(SourceError, match=r"(?s)DEMO: a file that was never checked.*`make data`"):
        read_table(registry, placed, "DEMO", columns=["SEX"])


def test_an_altered_file_is_not_read(get, registry, raw):
    get()
    read_table(registry, raw, "DEMO", columns=["SEX"])
    spoil(raw / "1999" / "DEMO.xpt")
    with pytest.raises(SourceError, match=r"(?s)DEMO: not the file that was accepted on 20\d\d-\d\d-\d\d.*`make data`"):
        read_table(registry, raw, "DEMO", columns=["SEX"])


def test_files_that_cannot_be_read_are_told_together(get, registry, raw):
    get(tables=["MEALS"])
    with pytest.raises(SourceError, match="DEMO and PRODUCTS: no file"):
        receipts(registry, raw)


def test_a_file_is_hashed_once(get, registry, raw, monkeypatch):
    get()
    read_table(registry, raw, "DEMO", columns=["SEX"])
    monkeypatch.setattr("analysis.data.source.receipts.digest_of", lambda _file: pytest.fail("hashed again"))
    read_table(registry, raw, "DEMO", columns=["SEX"])


def test_an_unknown_column_is_told(get, registry, raw):
    get()
    with pytest.raises(SourceError, match="DEMO has no column HEIGHT"):
        read_table(registry, raw, "DEMO", columns=["SEX", "HEIGHT"])


def test_a_column_that_a_revised_file_lacks_is_told(get, server, registry, raw, tmp_path):
    server.fail(serve(xport(frames()["DEMO"].drop(columns="SEX"), tmp_path / "x.xpt")), tables={"DEMO"})
    get(tables=["DEMO"], accept_revised=["DEMO"])
    with pytest.raises(SourceError, match="DEMO was accepted, but SEQN, SEX cannot be read from it"):
        read_table(registry, raw, "DEMO", columns=["SEX"])


def test_an_address_that_cannot_be_read_is_told(registry, raw):
    with pytest.raises(SourceError, match=r"NHANES_URL=http://\[x is no address"):
        fetch(registry, raw, url="http://[x", progress=False)


@pytest.mark.parametrize("text", ["[]", "null", "7", '{"table": 3}', "["])
def test_a_receipt_that_cannot_be_read_counts_as_none(get, registry, raw, text):
    get(tables=["DEMO"])
    path = raw / "1999" / "DEMO.json"
    good = path.read_text()
    path.write_text(text)
    with pytest.raises(SourceError, match="a file that was never checked"):
        receipts(registry, raw, ["DEMO"])
    for field, value in (("revised", 3), ("bytes", "many"), ("url", None)):
        path.write_text(json.dumps(json.loads(good) | {field: value}))
        with pytest.raises(SourceError, match="a file that was never checked"):
            receipts(registry, raw, ["DEMO"])
