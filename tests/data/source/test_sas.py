"""The structure of a transport file is read from its bytes; what is no whole file is told apart from one."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from analysis.data.source.sas import (
    RECORD,
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
from tests.data.source.transport_files import transport_file

N_ROWS = 300


@pytest.fixture
def frame():
    generator = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "SEQN": np.arange(1.0, N_ROWS + 1),
            "GRAMS": generator.choice([0.0, 12.5, np.nan], N_ROWS),
            "NAME": generator.choice(
                ["TEA", "COFFEE", "MILK, COW'S, FLUID, WHOLE, NOT FURTHER SPECIFIED AS TO FAT", ""], N_ROWS
            ),
        }
    )


@pytest.fixture
def path(frame, tmp_path):
    path = tmp_path / "MEALS.xpt"
    pyreadstat.write_xport(frame, str(path), file_format_version=5, table_name="MEALS")
    return path


def cut(path, n_bytes):
    path.write_bytes(path.read_bytes()[:n_bytes])


def check(path):
    check_end(path, read_layout(path))


def test_layout_is_read_from_the_header(path):
    layout = read_layout(path)
    assert layout.names == ("SEQN", "GRAMS", "NAME")
    assert layout.rows == N_ROWS
    assert layout.size == path.stat().st_size
    check_end(path, layout)


def test_columns_are_read_in_the_order_wanted(path, frame):
    read = read_xport(path, columns=["NAME", "SEQN"])
    pd.testing.assert_frame_equal(read, frame[["NAME", "SEQN"]], check_dtype=False)
    assert read["SEQN"].dtype == np.float64


def test_zero_is_read_as_zero_and_missing_as_nan(path, frame):
    pd.testing.assert_series_equal(read_xport(path)["GRAMS"], frame["GRAMS"])


@pytest.mark.parametrize("lost", [1, RECORD, RECORD * 20, RECORD * 20 + 13])
def test_a_file_cut_short_is_noticed_though_pyreadstat_reads_it(path, lost):
    cut(path, path.stat().st_size - lost)
    with pytest.raises(FormatError, match=r"bytes that stop in the middle of row [\d,]+"):
        check(path)


@pytest.mark.parametrize(
    ("n_bytes", "complaint"),
    [
        (40, "a file that begins b'HEADER RECORD"),
        (RECORD * 2, "lacks its MEMBER record at byte 240"),
        (RECORD * 6, "lacks its NAMESTR record at byte 560"),
        (RECORD * 9, "lacks its OBS record"),
    ],
)
def test_a_file_cut_within_its_header_is_noticed(path, n_bytes, complaint):
    cut(path, n_bytes)
    with pytest.raises(FormatError, match=complaint):
        check(path)


@pytest.mark.parametrize(
    ("content", "error", "complaint"),
    [
        (b"", FormatError, "an empty file"),
        (b"PK\x03\x04zip", FormatError, r"a file that begins b'PK"),
        (b"\n <!DOCTYPE html><html></html>", HtmlError, "an HTML page"),
        (b"\xef\xbb\xbf<HTML>", HtmlError, "an HTML page"),
    ],
)
def test_other_files_are_told_for_what_they_are(tmp_path, content, error, complaint):
    path = tmp_path / "X.xpt"
    path.write_bytes(content)
    with pytest.raises(error, match=complaint):
        read_layout(path)


def test_a_header_with_a_damaged_number_is_noticed(path):
    content = bytearray(path.read_bytes())
    at = content.index(b"NAMESTR") + 34
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="where a number belongs"):
        read_layout(path)


def test_a_header_without_columns_is_noticed(path):
    content = bytearray(path.read_bytes())
    start = content.index(b"NAMESTR") + 60
    for entry in range(3):
        content[start + 140 * entry + 4 : start + 140 * entry + 6] = b"\x00\x00"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="describes no columns"):
        read_layout(path)


def test_windows_1252_text_is_read(path):
    path.write_bytes(path.read_bytes().replace(b"COFFEE", b"CAF\xc9 \x99"))
    read = read_xport(path)
    assert "CAFÉ ™" in set(read["NAME"])
    assert accented_columns(read) == ("NAME",)


def test_plain_text_has_no_accents(path):
    assert accented_columns(read_xport(path)) == ()


def test_text_that_is_not_windows_1252_is_refused(path):
    path.write_bytes(path.read_bytes().replace(b"COFFEE", b"CAF\x81  "))
    with pytest.raises(FormatError, match="pyreadstat cannot read"):
        read_xport(path)


def first_missing(path):
    """Position of the first missing number's mark in the file."""
    layout = read_layout(path)
    content = path.read_bytes()
    for row in range(layout.rows):
        for _, at, width in layout.numbers:
            place = layout.start + row * layout.row_bytes + at
            if content[place : place + width] == b"." + bytes(width - 1):
                return place
    raise LookupError("no missing number")


def test_missing_numbers_marked_as_sas_marks_them_pass(path):
    check_missing(path, read_layout(path))


@pytest.mark.parametrize("mark", [0xD1, 0x41 - 1, 0x5B, 0x80])
def test_a_damaged_mark_of_a_missing_number_is_refused(path, mark):
    content = bytearray(path.read_bytes())
    content[first_missing(path)] = mark
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"a missing value marked 0x{mark:02X} in"):
        check_missing(path, read_layout(path))


@pytest.mark.parametrize("mark", [b"_", b"A", b"Z"])
def test_special_missing_numbers_of_sas_pass(path, mark):
    content = bytearray(path.read_bytes())
    content[first_missing(path)] = mark[0]
    path.write_bytes(content)
    check_missing(path, read_layout(path))


def test_numeric_columns_have_their_place_in_the_row(path, frame):
    layout = read_layout(path)
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    assert [name for name, _, _ in layout.numbers] == numbers


# Forms of a transport file that pyreadstat would read wrongly

WRITTEN = (0.0, -2.5, None, "A", 1234.0, 0.1, 0.625, 16.0)
CUT_TENTHS = {
    3: 0.0999908447265625,
    4: 0.099999964237213135,
    5: 0.099999999860301614,
    6: 0.099999999999454303,
    7: 0.099999999999997868,
    8: 0.10000000000000001,
}
"""What R 4.2.2's foreign 0.8-84, `format(read.xport(path)$X, digits = 17)`, reads of 0.1 in so many bytes; of the other
numbers in `WRITTEN` it reads what was written, and NA of the two missing ones."""


@pytest.fixture
def written(tmp_path):
    """Write the data sets given as one transport file."""

    def written(*data_sets):
        path = tmp_path / "ODD.xpt"
        path.write_bytes(transport_file(*data_sets))
        return path

    return written


@pytest.mark.parametrize(("width", "tenth"), CUT_TENTHS.items())
def test_numbers_of_three_to_eight_bytes_are_read_as_r_reads_them(written, width, tenth):
    path = written({"SEQN": (8, range(1, 9)), "X": (width, WRITTEN)})
    layout = read_layout(path)
    check_readable(path, layout)
    check_missing(path, layout)
    expected = pd.Series([0.0, -2.5, np.nan, np.nan, 1234.0, tenth, 0.625, 16.0], name="X")
    pd.testing.assert_series_equal(read_xport(path)["X"], expected, check_exact=True)


@pytest.mark.parametrize(("width", "told"), [(1, "1 byte"), (2, "2 bytes"), (9, "9 bytes")])
def test_numbers_of_a_width_that_is_read_wrongly_are_refused_by_name(written, width, told):
    path = written({"SEQN": (8, [1, 2]), "X": (width, [1.0, 2.0]), "Y": (width, [1.0, 2.0])})
    with pytest.raises(UnreadableError, match=rf"^a SAS transport file with numbers of {told} in X, Y$"):
        check_readable(path, read_layout(path))


def test_a_further_data_set_is_refused_by_name_though_pyreadstat_reads_on(written):
    path = written({"SEQN": (8, [1, 2])}, {"SEQN": (8, [9]), "X": (8, [9.0])}, {"SEQN": (2, [9])})
    assert len(read_xport(path)) > 100
    with pytest.raises(UnreadableError, match=r"more than one data set \(SET2, SET3 beside the first\)"):
        check_readable(path, read_layout(path))


def test_both_faults_are_told_together(written):
    path = written({"SEQN": (2, [1, 2])}, {"SEQN": (8, [9])})
    with pytest.raises(UnreadableError, match=r"one data set \(SET2 .*\) and numbers of 2 bytes in SEQN$"):
        check_readable(path, read_layout(path))


def test_a_usual_file_is_readable(path):
    check_readable(path, read_layout(path))
