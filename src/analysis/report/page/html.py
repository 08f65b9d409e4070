"""Frames, Markdown and files as pieces of a page."""

import base64
import html
import re
from collections.abc import Mapping

import mistune
import pandas as pd

NO_BREAK = "\u00a0"
TOGETHER = re.compile(r"(?<=[<±]) (?=\d)|(?<=\d) (?=[±%])")
"""Blanks at which a number would be parted from its sign."""

LONGEST_ROW = 90
"""Letters of a row above which a narrow screen shows the cells of a table one below the other, each with its head."""

SECOND = "verdict"
"""The column that stands beside the heads of the rows, where a narrow screen shows it."""

_TABLE = re.compile(r"<table[^>]*>(?P<inner>.*?)</table>", re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(?P<kind>t[hd])(?P<rest>[^>]*)>(?P<words>.*?)</t[hd]>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")

_PATH = re.compile(r"(?<=>)[\w./:-]{13,}(?=</(?:a|code)>)")
_BREAK = re.compile(r"(?<=[/:_])(?=\w)|(?<=\.)(?!csv\b|py\b|md\b)(?=\w)")

_MARKDOWN = mistune.create_markdown(escape=True, plugins=["table"])


def paragraphs(*texts: str) -> str:
    """Markdown as HTML; anything in it that looks like HTML is shown as it is written.

    A table in it scrolls within itself.
    """
    return framed(TOGETHER.sub(NO_BREAK, "\n".join(str(_MARKDOWN(text)) for text in texts if text)))


def table(frame: pd.DataFrame, caption: str, *, index: bool = True, links: Mapping[str, str] | None = None) -> str:
    """A frame of words as a table that scrolls within itself; nothing if it is empty.

    Parameters
    ----------
    frame : as the words give it; a column ``verdict`` is moved beside the heads of the rows.
    caption : what it shows; also its name for a screen reader.
    index : whether its index is a column of heads.
    links : by a cell's words, where it leads.
    """
    if frame.empty:
        return ""
    shown = _verdict_beside(frame, index=index).fillna("").astype(str)
    shown = shown.map(lambda words: TOGETHER.sub(NO_BREAK, words))
    body = shown.to_html(index=index, border=0, escape=True, index_names=False)
    if links:
        body = _CELL.sub(lambda found: _linked(found, links), body)
    _, _, inner = body.partition(">")
    return framed(f"<table><caption>{html.escape(caption)}</caption>{inner}", caption)


def _verdict_beside(frame: pd.DataFrame, *, index: bool) -> pd.DataFrame:
    if SECOND not in frame.columns:
        return frame
    others = [name for name in frame.columns if name != SECOND]
    place = 0 if index else 1
    return frame[[*others[:place], SECOND, *others[place:]]]


def _linked(cell: re.Match[str], links: Mapping[str, str]) -> str:
    if (address := links.get(html.unescape(cell["words"]))) is None:
        return cell[0]
    return f'<{cell["kind"]}{cell["rest"]}><a href="{html.escape(address)}">{cell["words"]}</a></{cell["kind"]}>'


def framed(page: str, name: str = "table") -> str:
    """Each table within a frame in which it scrolls; a cell of one whose rows are long knows the head of its column.

    Parameters
    ----------
    page : HTML.
    name : of the frames, for a screen reader.
    """
    return _TABLE.sub(lambda found: _framed(_PATH.sub(_breakable, found["inner"]), name), page)


def _breakable(path: re.Match[str]) -> str:
    """A path that a narrow column breaks between its parts."""
    return _BREAK.sub("<wbr>", path[0])


def _framed(inner: str, name: str) -> str:
    head, *rows = _ROW.findall(inner)
    longest = max((len(" ".join(_TAG.sub(" ", row).split())) for row in rows), default=0)
    long = longest > LONGEST_ROW and head.count("<th") > 1
    if long:
        heads = [_TAG.sub("", cell["words"]).strip() for cell in _CELL.finditer(head)]
        for row in rows:
            inner = inner.replace(row, _with_heads(row, heads), 1)
    kind = "data stack" if long else "data"
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(name)}">'
        f'<table class="{kind}">{inner}</table></div>'
    )


def _with_heads(row: str, heads: list[str]) -> str:
    """A row whose cells but the first are each given the head of their column."""
    place = iter(["", *heads[1:]])

    def made(found: re.Match[str]) -> str:
        head = next(place, "")
        return found[0].replace(">", f' data-head="{head}">', 1) if head and found["words"].strip() else found[0]

    return _CELL.sub(made, row)


def folded(summary: str, *parts: str) -> str:
    """Parts under a line that opens them."""
    return f"<details><summary>{html.escape(summary)}</summary>{''.join(parts)}</details>" if any(parts) else ""


def download(frame: pd.DataFrame, name: str) -> str:
    """A link that saves a frame as the CSV of its name; the file is in the link."""
    text = frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    packed = base64.b64encode(text.encode()).decode()
    name = html.escape(name)
    return f'<a class="download" download="{name}" href="data:text/csv;base64,{packed}">{name}</a>'
