"""Frames, Markdown and files as pieces of a page."""

import base64
import html
import re

import mistune
import pandas as pd

NO_BREAK = "\u00a0"
TOGETHER = re.compile(r"(?<=[<±]) (?=\d)|(?<=\d) (?=[±%])")
"""Blanks at which a number would be parted from its sign."""

_MARKDOWN = mistune.create_markdown(escape=True, plugins=["table"])


def paragraphs(*texts: str) -> str:
    """Markdown as HTML; anything in it that looks like HTML is shown as it is written.

    A table in it scrolls within itself.
    """
    found = "\n".join(str(_MARKDOWN(text)) for text in texts if text)
    return found.replace("<table>", f"{_scrolling('table')}<table>").replace("</table>", "</table></div>")


def table(frame: pd.DataFrame, caption: str, *, index: bool = True) -> str:
    """A frame of words as a table that scrolls within itself; nothing if it is empty.

    Parameters
    ----------
    frame : as the words give it.
    caption : what it shows; also its name for a screen reader.
    index : whether its index is a column of heads.
    """
    if frame.empty:
        return ""
    shown = frame.fillna("").astype(str).map(lambda words: TOGETHER.sub(NO_BREAK, words))
    body = shown.to_html(index=index, border=0, escape=True, classes="data", index_names=False)
    _, _, inner = body.partition(">")
    return f'{_scrolling(caption)}<table class="data"><caption>{html.escape(caption)}</caption>{inner}</div>'


def folded(summary: str, *parts: str) -> str:
    """Parts under a line that opens them."""
    return f"<details><summary>{html.escape(summary)}</summary>{''.join(parts)}</details>" if any(parts) else ""


def download(frame: pd.DataFrame, name: str) -> str:
    """A link that saves a frame as the CSV of its name; the file is in the link."""
    text = frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    packed = base64.b64encode(text.encode()).decode()
    name = html.escape(name)
    return f'<a class="download" download="{name}" href="data:text/csv;base64,{packed}">{name}</a>'


def _scrolling(name: str) -> str:
    return f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(name)}">'
