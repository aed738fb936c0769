"""Show where something lies without what others need not know: passwords in URLs, folders. Opens nothing."""

from __future__ import annotations

import re

URL_MARK = "://"
_URL = re.compile(r"[A-Za-z][\w+.:-]*://[^\s'\"<>]+")
_NEXT_LINK = re.compile(r"::(?=[A-Za-z][\w+.-]*://)")
"""Between the links of a chained URL, `zip://a.mp4::https://host/b.zip`; no part of an IPv6 address."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(:\d*)?")
"""A host and its port. What does not look so is the front of a password with a character that a URL must not hold."""
HIDDEN = "..."
_OPTION = re.compile(r"(?:[\w-]+=)*")
_FOLDERS = re.compile(r".*[\\/](?=[^\\/])|[\\/]+$", re.DOTALL)
"""What stands before the last part of a path, and what ends it, on any system."""


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


def without_folders(word: str) -> str:
    """Return a word of a command line with the last part only of the path or URL in it: folders can name people."""
    option = _OPTION.match(word)
    front = option[0] if option else ""
    return front + _FOLDERS.sub("", shown(word[len(front) :]))


def _shown_link(link: str) -> str:
    # The first mark: an address may hold another in its path.
    scheme, mark, rest = link.partition(URL_MARK)
    if not mark:
        return link
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    return f"{scheme}{mark}{host}{slash}{path}" if _HOST.fullmatch(host) else f"{scheme}{mark}{HIDDEN}"
