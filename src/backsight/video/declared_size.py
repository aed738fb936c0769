"""How long a video file says it is, to notice one that was cut off. Knows three container layouts and no codec.

A decoder reads a cut file up to the cut and then reports an ordinary end, so a damaged recording would silently become
a shorter one. The containers that cameras write announce the length of their parts, which tells.
"""

from __future__ import annotations

import io
from pathlib import Path

_ISO_PARTS = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"free",
    b"skip",
    b"wide",
    b"sidx",
    b"mfra",
    b"styp",
    b"uuid",
    b"meta",
}
_EBML_HEADER = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def is_cut_off(path: Path) -> bool:
    """Return True when an MP4/MOV, AVI/WAV or Matroska/WebM file is shorter than its own parts announce.

    False says only that nothing was announced or that all of it is there.

    Sources: ISO/IEC 14496-12 section 4.2 (boxes), RIFF chunks, RFC 8794 section 6 (EBML sizes).
    """
    actual = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in _ISO_PARTS:
            return _end_of_boxes(file, actual) > actual
        if start[:4] == b"RIFF":
            return _end_of_riff(file, actual) > actual
        if start[:4] == _EBML_HEADER:
            return _end_of_segment(file) > actual
    return False


def has_iso_index(path: Path) -> bool | None:
    """Return whether an MP4/MOV file holds its index (the `moov` part); None when it is another kind of file."""
    actual = path.stat().st_size
    with path.open("rb") as file:
        if file.read(12)[4:8] not in _ISO_PARTS:
            return None
        return b"moov" in [kind for kind, _ in _boxes(file, actual)]


def _boxes(file: io.BufferedReader, actual: int) -> list[tuple[bytes, int]]:
    """List the parts on the top level as (kind, announced end)."""
    found: list[tuple[bytes, int]] = []
    offset = 0
    while offset + 8 <= actual:
        file.seek(offset)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if kind not in _ISO_PARTS:
            break
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            size = actual - offset
        if size < 8:
            break
        offset += size
        found.append((kind, offset))
    return found


def _end_of_boxes(file: io.BufferedReader, actual: int) -> int:
    return max((end for _, end in _boxes(file, actual)), default=0)


def _end_of_riff(file: io.BufferedReader, actual: int) -> int:
    """Return where the last RIFF chunk ends; a large AVI is several of them in a row."""
    offset = 0
    while offset + 8 <= actual:
        file.seek(offset)
        header = file.read(8)
        size = int.from_bytes(header[4:8], "little")
        # A recorder that was switched off leaves 0 or all ones here: nothing announced.
        if header[:4] != b"RIFF" or size in {0, 0xFFFFFFFF}:
            break
        offset += 8 + size
    return offset


def _end_of_segment(file: io.BufferedReader) -> int:
    """Return where the Matroska segment ends; 0 when its length is left open, as live recordings do."""
    head = file.read(4096)
    at = head.find(_SEGMENT)
    if at < 0:
        return 0
    first = head[at + 4]
    n_bytes = 9 - first.bit_length()
    value = int.from_bytes(head[at + 4 : at + 4 + n_bytes], "big") & ((1 << (7 * n_bytes)) - 1)
    is_open = value == (1 << (7 * n_bytes)) - 1
    return 0 if is_open else at + 4 + n_bytes + value
