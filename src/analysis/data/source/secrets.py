"""Addresses shown without the password they may hold."""

import re


def without_secret(address: str) -> str:
    """Return an address without user name, password and query; that of a folder has none of these.

    A name alone may be a token, so it goes too. A password that was not percent-encoded may hold "/", "?" or "#":
    all before the last "@" is taken for it.
    """
    if address.lower().startswith("file:"):
        return address
    bare = re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", r"\1", address, flags=re.IGNORECASE | re.DOTALL)
    return re.split(r"[?#]", bare, maxsplit=1)[0]


def without_secrets(text: str) -> str:
    """Return a sentence, such as the text of an exception, with each address in it shown without its secret."""
    return re.sub(r"//\S*@", "//", text)
