"""Addresses of servers and proxies: what is wrong with one, and the settings that a request goes by."""

import os
import re
from urllib.parse import urlsplit

import requests

SCHEMES = ("http", "https")


def mistake_in(address: str) -> str:
    """Return why a server or proxy cannot be asked under an address, as the rest of "it ..."; empty if it can."""
    if re.search(r"[\s\x00-\x1f\x7f\\]", address):
        return "has a space, a backslash or a character that cannot be seen in it"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "has a host or a port that cannot be read (a port is a number up to 65535)"
    if parts.scheme not in SCHEMES:
        return "must begin with http:// or https://"
    if "@" in parts.path + parts.query + parts.fragment:
        return 'has an "@" behind the host (in a password, write @ as %40, / as %2F, ? as %3F and # as %23)'
    if not host or port == 0:
        return "names no host or port 0"
    if parts.query or parts.fragment:
        return 'has a "?" or "#" in it'
    return "" if _can_be_looked_up(address, host) else "has a host that no server can have"


def _can_be_looked_up(address: str, host: str) -> bool:
    """Whether requests takes the address and every label of the host has 1 to 63 characters, as name servers demand."""
    try:
        requests.Request("GET", address).prepare()
        return ":" in host or bool(host.encode("idna"))
    except (requests.RequestException, UnicodeError):
        return False


def proxy_of(address: str) -> tuple[str, str]:
    """Return the setting that sends requests for an address through a proxy, and the proxy; both empty without one.

    Returns
    -------
    tuple of str : name of the environment variable as it is written there, and the proxy's address, secret and all.
    """
    proxy = requests.utils.select_proxy(address, requests.utils.get_environ_proxies(address)) or ""
    if not proxy:
        return "", ""
    wanted = (f"{urlsplit(address).scheme}_proxy", "all_proxy")
    # A name in small letters wins over one in capitals, and sorts behind it.
    names = [name for name in sorted(os.environ, reverse=True) if name.lower() in wanted and os.environ[name] == proxy]
    return (names[0] if names else "the system's proxy setting"), proxy


def certificate_setting() -> str:
    """Return the setting that names the file of trusted certificates, as "NAME=file"; empty without one."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(name):
            return f"{name}={os.environ[name]}"
    return ""
