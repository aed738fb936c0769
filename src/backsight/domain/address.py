"""Show where something lies without what lets people in: passwords and signatures in URLs. Opens nothing."""

from __future__ import annotations

import re

URL_MARK = "://"
_URL = re.compile(r"[A-Za-z][\w+.:-]*://[^\s'\"<>]+")
_NEXT_LINK = re.compile(r"::(?=[A-Za-z][\w+.-]*://)")
"""Between the links of a chained URL, `zip://a.mp4::https://host/b.zip`; no part of an IPv6 address."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(:\d*)?")
"""A host and its port. What does not look so is the front of a password with a character that a URL must not hold."""
HIDDEN = "..."


def without_query(location: str) -> str:
    """Return a URL without query and fragment, where a signature stands; a path of this machine as it is."""
    return re.split(r"[?#]", location, maxsplit=1)[0] if URL_MARK in location else location


def shown(location: str) -> str:
    """Return a location as it may be shown and stored: a URL without user info, query and fragment."""
    if URL_MARK not in location:
        return location
    return "::".join(_shown_link(link) for link in _NEXT_LINK.split(without_query(location)))


def without_secrets(text: str) -> str:
    """Return a text, such as another library's error, with each URL in it as it may be shown."""
    return _URL.sub(lambda url: shown(url[0]), text)


def _shown_link(link: str) -> str:
    # The first mark: an address may hold another in its path.
    scheme, mark, rest = link.partition(URL_MARK)
    if not mark:
        return link
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    return f"{scheme}{mark}{host}{slash}{path}" if _HOST.fullmatch(host) else f"{scheme}{mark}{HIDDEN}"
