from pathlib import Path
from typing import Any, NoReturn

import fsspec
import pytest

from backsight.batch.sources import Fetcher, find_recordings, is_manifest, open_file_system
from backsight.errors import InputError, MissingDependencyError

CLIP_SHA256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
"""Of the single byte `x`, by sha256sum."""


def fill(root: Path) -> None:
    for name in ("b.mp4", "a.MOV", "notes.txt", ".hidden.mp4", "sub/z.mkv", "sub/y.avi", ".trash/t.mp4"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x" * len(name))


def test_a_folder_is_searched_to_its_depths_in_order(tmp_path: Path) -> None:
    fill(tmp_path)
    found = list(find_recordings(str(tmp_path)))
    assert [item.name for item in found] == ["a.MOV", "b.mp4", "sub/y.avi", "sub/z.mkv"]
    assert found[2].location == str(tmp_path / "sub/y.avi")
    assert found[2].size_bytes == len("sub/y.avi")


def test_a_glob_and_a_single_recording(tmp_path: Path) -> None:
    fill(tmp_path)
    assert [item.name for item in find_recordings(str(tmp_path / "**/*.avi"))] == ["sub/y.avi"]
    assert [item.name for item in find_recordings(str(tmp_path / "sub/*"))] == ["y.avi", "z.mkv"]
    assert [item.name for item in find_recordings(str(tmp_path / "b.mp4"))] == ["b.mp4"]


def test_a_name_with_brackets_is_a_name_where_it_exists(tmp_path: Path) -> None:
    folder = tmp_path / "monday [1]"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x")
    assert [item.name for item in find_recordings(str(folder))] == ["a.mp4"]


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_bucket_is_searched_and_its_bytes_are_brought_here(tmp_path: Path, protocol: str) -> None:
    root = "/bucket-of-sources" if protocol == "memory" else str(tmp_path / "bucket")
    system = fsspec.filesystem(protocol)
    system.makedirs(f"{root}/day1", exist_ok=True)
    system.pipe(f"{root}/day1/a.mp4", b"x")
    (found,) = find_recordings(f"{protocol}://{root}")
    assert (found.name, found.size_bytes) == ("day1/a.mp4", 1)
    fetcher = Fetcher(tmp_path / "spool")
    fetched = fetcher.fetch(found.location)
    assert fetched.path.read_bytes() == b"x"
    assert (fetched.path.suffix, fetched.sha256) == (".mp4", CLIP_SHA256)
    fetcher.release(fetched.path)
    assert not fetched.path.exists()
    assert system.exists(f"{root}/day1/a.mp4")


def test_a_local_recording_is_read_where_it_is_and_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    fetcher = Fetcher(tmp_path / "spool")
    fetched = fetcher.fetch(str(path))
    assert (fetched.path, fetched.sha256, fetched.is_copy) == (path, CLIP_SHA256, False)
    fetcher.release(fetched.path)
    assert path.exists()


def test_a_version_changes_with_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    fetcher = Fetcher(tmp_path / "spool")
    before = fetcher.version(str(path))
    assert fetcher.version(str(path)) == before
    path.write_bytes(b"xy")
    assert fetcher.version(str(path)) != before
    with pytest.raises(FileNotFoundError):
        fetcher.version(str(tmp_path / "absent.mp4"))


def test_a_source_without_recordings_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for source in (tmp_path, tmp_path / "absent", tmp_path / "*.mp4"):
        with pytest.raises(InputError, match="expected a folder with recordings"):
            list(find_recordings(str(source)))


def test_an_unknown_or_uninstalled_protocol_says_so() -> None:
    with pytest.raises(InputError, match="fsspec knows"):
        list(find_recordings("nothing-like-this://bucket/a.mp4"))
    with pytest.raises(MissingDependencyError, match="adl:// needs a package of its own; "):
        list(find_recordings("adl://bucket/a.mp4"))
    with pytest.raises(MissingDependencyError, match=r"^sftp://host/a\.mp4: .*pip install paramiko$"):
        list(find_recordings("sftp://anna:secret@host/a.mp4"))


class Refusal(Exception):  # noqa: N818  (as an HTTP client names it)
    status, message = 403, "Forbidden"


def test_a_server_that_refuses_is_one_line_without_secrets() -> None:
    class Server:
        def isdir(self, path: str) -> bool:
            raise Refusal(path)

    with pytest.raises(InputError) as caught:
        list(find_recordings(SIGNED, open_system=lambda location: (Server(), location)))
    assert str(caught.value) == (
        "https://host.example/day/walk.mp4: cannot be looked at: the server answers 403 Forbidden; check address, "
        "network and permissions"
    )


def test_a_server_that_refuses_when_it_is_named_is_one_line_without_secrets() -> None:
    def connect(location: str) -> NoReturn:
        raise ConnectionError(f"no route to {location}")

    with pytest.raises(InputError) as caught:
        list(find_recordings(SIGNED, open_system=connect))
    assert str(caught.value) == (
        "https://host.example/day/walk.mp4: cannot be looked at: ConnectionError: no route to "
        "https://host.example/day/walk.mp4; check address, network and permissions"
    )


def test_a_web_page_without_recordings_is_no_empty_folder() -> None:
    class Server:
        def isdir(self, path: str) -> bool:
            return False

        def isfile(self, path: str) -> bool:
            return False

    with pytest.raises(InputError, match=r"the server has none there; check the address$"):
        list(find_recordings("https://host.example/a.mp4", open_system=lambda location: (Server(), location)))


SIGNED = "https://anna:secret@host.example/day/walk.mp4?X-Sig=abc/def&next=https://else.example/#part"


def test_a_signature_does_not_hide_an_ending() -> None:
    assert is_manifest("https://host.example/people.csv?X-Sig=abc")
    assert not is_manifest("https://host.example/a.mp4?name=people.csv")


def test_a_copy_of_a_long_url_has_a_short_name(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/long/a.mp4", b"x")
    fetcher = Fetcher(tmp_path / "spool", open_system=lambda _: open_file_system("memory://long/a.mp4"))
    fetched = fetcher.fetch(f"https://host.example/a.mp4?token={'t' * 2000}")
    assert fetched.sha256 == CLIP_SHA256
    assert fetched.path.suffix == ".mp4"


class WebServer:
    protocol = ("http", "https")

    def __init__(self, **info: Any) -> None:
        self._info = info

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "type": "file", **self._info}


def test_a_web_file_is_known_by_what_the_server_says_of_it(tmp_path: Path) -> None:
    def version(**info: Any) -> str | None:
        fetcher = Fetcher(tmp_path, open_system=lambda location: (WebServer(**info), location))
        return fetcher.version("https://host.example/a.mp4")

    assert version(ETag="a", size=1) == version(ETag="a", size=1)
    assert len({version(ETag="a", size=1), version(ETag="b", size=1), version(ETag="a", size=2)}) == 3
    assert version(size=1) is None
