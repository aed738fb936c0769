"""Videos in a folder or a bucket: whole or not at all, sealed where a key is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backsight.errors import InvalidValueError, NotFoundError, StorageError
from backsight.storage.sealing import Seal
from backsight.storage.videos import VideoStore
from tests.unit.storage.buckets import Bucket, bucket_url

FILM = bytes(range(256)) * 40


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)
    return path


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "videos") if request.param == "folder" else f"memory://{tmp_path.name}"


@pytest.fixture(params=["plain", "sealed"])
def seal(request: pytest.FixtureRequest) -> Seal:
    return Seal.none() if request.param == "plain" else Seal.from_key(Seal.new_key())


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, len(FILM)])
def test_a_video_comes_back_byte_for_byte(tmp_path: Path, url: str, seal: Seal, size: int) -> None:
    (tmp_path / "film.mp4").write_bytes(FILM[:size])
    store = VideoStore(url, seal=seal, block_bytes=1000)
    store.put("study/one.mp4", tmp_path / "film.mp4")
    with store.open_local("study/one.mp4") as path:
        assert path.read_bytes() == FILM[:size]
        assert path.suffix == ".mp4"
    assert store.exists("study/one.mp4")


def test_deleting_twice_is_harmless_and_what_is_gone_is_said(film: Path, url: str, seal: Seal) -> None:
    store = VideoStore(url, seal=seal)
    store.put("one.mp4", film)
    assert (store.delete("one.mp4"), store.delete("one.mp4"), store.exists("one.mp4")) == (True, False, False)
    with pytest.raises(NotFoundError, match=r"one\.mp4"), store.open_local("one.mp4"):
        pass


def test_a_folder_holds_nothing_readable_and_nothing_half_written(tmp_path: Path, film: Path) -> None:
    store = VideoStore(str(tmp_path / "videos"), seal=Seal.from_key(Seal.new_key()))
    store.put("a/one.mp4", film)
    (kept,) = [path for path in (tmp_path / "videos").rglob("*") if path.is_file()]
    assert FILM[:64] not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    with pytest.raises(StorageError, match="cannot be kept"):
        store.put("a/two.mp4", tmp_path / "missing.mp4")
    assert [path for path in (tmp_path / "videos").rglob("*") if path.is_file()] == [kept]


def test_the_decrypted_copy_does_not_outlive_the_block(tmp_path: Path, film: Path) -> None:
    store = VideoStore(str(tmp_path / "videos"), seal=Seal.from_key(Seal.new_key()))
    store.put("one.mp4", film)
    with store.open_local("one.mp4") as path:
        assert path.is_file()
    assert not path.exists()


@pytest.mark.parametrize("fault", ["cut", "swapped", "other key", "other name", "more"])
def test_a_sealed_video_that_was_touched_is_refused(tmp_path: Path, film: Path, fault: str) -> None:
    folder, key = tmp_path / "videos", Seal.new_key()
    store = VideoStore(str(folder), seal=Seal.from_key(key), block_bytes=1000)
    store.put("one.mp4", film)
    whole = (folder / "one.mp4").read_bytes()
    size = 4 + int.from_bytes(whole[8:12], "big")
    first, second = whole[8 : 8 + size], whole[8 + size : 8 + 2 * size]
    rest = whole[8 + 2 * size :]
    if fault == "cut":
        (folder / "one.mp4").write_bytes(whole[: 8 + 2 * size])
    elif fault == "swapped":
        (folder / "one.mp4").write_bytes(whole[:8] + second + first + rest)
    elif fault == "more":
        (folder / "one.mp4").write_bytes(whole + b"x")
    elif fault == "other key":
        store = VideoStore(str(folder), seal=Seal.from_key(Seal.new_key()))
    else:
        (folder / "one.mp4").rename(folder / "two.mp4")
    name = "two.mp4" if fault == "other name" else "one.mp4"
    with pytest.raises(StorageError, match="damaged"), store.open_local(name):
        pass


def test_a_video_from_before_there_was_a_key_is_still_read(tmp_path: Path, film: Path) -> None:
    VideoStore(str(tmp_path / "videos")).put("one.mp4", film)
    with VideoStore(str(tmp_path / "videos"), seal=Seal.from_key(Seal.new_key())).open_local("one.mp4") as path:
        assert path.read_bytes() == FILM


@pytest.mark.parametrize("key", ["../one.mp4", "/etc/passwd", "a//b", "a/../b", ".hidden", "", "a b", "a/", "a..b"])
def test_a_key_cannot_step_out_of_the_store(tmp_path: Path, film: Path, key: str) -> None:
    store = VideoStore(str(tmp_path / "videos"))
    with pytest.raises(InvalidValueError, match="`key`"):
        store.put(key, film)
    with pytest.raises(InvalidValueError, match="`key`"):
        store.delete(key)


def test_an_unknown_kind_of_store_is_said_at_once() -> None:
    with pytest.raises(StorageError, match="BACKSIGHT_VIDEOS"):
        VideoStore("nonsense://bucket")


def test_all_below_a_key_goes_with_what_broke_off_and_nothing_of_a_neighbour(film: Path, url: str) -> None:
    store = VideoStore(url)
    assert store.delete_all("ab") == 0
    for key in ("ab/one", "ab/one.01234567.partial", "abc/one"):
        store.put(key, film)
    assert store.delete_all("ab") == 2
    assert [store.exists(key) for key in ("ab/one", "ab/one.01234567.partial", "abc/one")] == [False, False, True]
    with pytest.raises(InvalidValueError):
        store.delete_all("..")


def test_whatever_a_buckets_library_raises_is_an_outage(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = VideoStore(bucket_url(), seal=Seal.from_key(Seal.new_key()))
    store.put("one.mp4", film)

    def read() -> None:
        with store.open_local("one.mp4"):
            pass

    monkeypatch.setattr(Bucket, "is_cut", True)
    asked: tuple[Callable[[], object], ...] = (
        lambda: store.put("two.mp4", film),
        read,
        lambda: store.delete("one.mp4"),
        lambda: store.delete_all("films"),
        lambda: store.exists("one.mp4"),
    )
    for ask in asked:
        with pytest.raises(
            StorageError, match=r"EndpointConnectionError: Could not connect to the endpoint; see"
        ) as told:
            ask()
        # Not what is said of a video that is gone: nobody would try again.
        assert type(told.value) is StorageError
    monkeypatch.setattr(Bucket, "is_cut", False)
    with store.open_local("one.mp4") as path:
        assert path.read_bytes() == FILM


def test_what_goes_wrong_while_a_video_is_used_is_no_outage(film: Path, tmp_path: Path) -> None:
    store = VideoStore(str(tmp_path / "videos"), seal=Seal.from_key(Seal.new_key()))
    store.put("one.mp4", film)
    with pytest.raises(ZeroDivisionError), store.open_local("one.mp4"):
        raise ZeroDivisionError
