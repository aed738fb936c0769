"""The results folder appears whole or not at all, and never at the cost of what was there."""

import errno
import os
import stat
from pathlib import Path

import pytest

from backsight.errors import OutputError, VideoError
from backsight.exports.folder import staged_folder


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _fail_midway(folder: Path, error: BaseException) -> None:
    (folder / "assessment.json").write_text("half")
    raise error


def _old_results(folder: Path) -> Path:
    folder.mkdir()
    (folder / "assessment.json").write_text("old")
    (folder / "overlay-jump.mp4").write_text("old")
    return folder


def test_it_appears_at_the_end_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "results"

    with staged_folder(out, overwrite=False) as folder:
        (folder / "report.html").write_text("new")
        assert not out.exists()
        assert folder.name.startswith(".")

    assert _names(tmp_path) == ["results"]
    assert (out / "report.html").read_text() == "new"


def test_it_gets_the_permissions_of_any_new_folder(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.mkdir()

    with staged_folder(tmp_path / "results", overwrite=False):
        pass

    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), VideoError("damaged"), RuntimeError("a defect")])
@pytest.mark.parametrize("existed", [False, True])
def test_any_failure_leaves_everything_as_it_was(tmp_path: Path, error: BaseException, existed: bool) -> None:
    out = tmp_path / "results"
    if existed:
        _old_results(out)

    with pytest.raises(type(error)), staged_folder(out, overwrite=True) as folder:
        _fail_midway(folder, error)

    assert _names(tmp_path) == (["results"] if existed else [])
    if existed:
        assert (out / "assessment.json").read_text() == "old"


def test_a_full_disk_is_one_clear_line_and_keeps_the_old_results(tmp_path: Path) -> None:
    out = _old_results(tmp_path / "results")

    with (
        pytest.raises(OutputError, match=r"results: the disk is full; free some space"),
        staged_folder(out, overwrite=True) as folder,
    ):
        _fail_midway(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    assert _names(tmp_path) == ["results"]
    assert (out / "assessment.json").read_text() == "old"


def test_an_error_about_another_file_is_not_mistaken_for_one_about_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), staged_folder(tmp_path / "results", overwrite=False):
        (tmp_path / "input.mp4").read_bytes()

    assert _names(tmp_path) == []


def test_existing_results_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    out = _old_results(tmp_path / "results")

    with pytest.raises(OutputError, match=r"exists already.*--overwrite"), staged_folder(out, overwrite=False):
        pytest.fail("the work must not start")

    assert (out / "assessment.json").read_text() == "old"


def test_overwriting_replaces_all_results_and_keeps_the_users_own_files(tmp_path: Path) -> None:
    out = _old_results(tmp_path / "results")
    (out / "notes.txt").write_text("mine")
    (out / "recording.mp4").write_text("the only original")

    with staged_folder(out, overwrite=True) as folder:
        (folder / "assessment.json").write_text("new")

    assert _names(tmp_path) == ["results"]
    # The old overlay-jump.mp4 belongs to the old assessment and goes with it.
    assert _names(out) == ["assessment.json", "notes.txt", "recording.mp4"]
    assert (out / "assessment.json").read_text() == "new"
    assert (out / "notes.txt").read_text() == "mine"


def test_an_empty_folder_may_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()

    with staged_folder(tmp_path / "results", overwrite=True) as folder:
        (folder / "assessment.json").write_text("new")

    assert _names(tmp_path / "results") == ["assessment.json"]


def test_a_folder_that_backsight_did_not_make_is_never_replaced(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "child.jpg").write_text("precious")

    with pytest.raises(OutputError, match="did not make it"), staged_folder(photos, overwrite=True):
        pytest.fail("the work must not start")

    assert _names(photos) == ["child.jpg"]


def test_a_file_of_that_name_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")

    with pytest.raises(OutputError, match="a file of that name"), staged_folder(tmp_path / "results", overwrite=True):
        pytest.fail("the work must not start")


def test_a_missing_parent_is_said_before_any_work(tmp_path: Path) -> None:
    out = tmp_path / "no" / "results"

    with pytest.raises(OutputError, match="does not exist; create it first"), staged_folder(out, overwrite=False):
        pytest.fail("the work must not start")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_one_clear_line(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)

    with pytest.raises(OutputError, match="no permission"), staged_folder(locked / "results", overwrite=False):
        pytest.fail("the work must not start")


def test_a_link_to_a_results_folder_stays_a_link(tmp_path: Path) -> None:
    _old_results(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")

    with staged_folder(tmp_path / "link", overwrite=True) as folder:
        (folder / "assessment.json").write_text("new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "assessment.json").read_text() == "new"


def test_old_results_come_back_when_the_new_ones_cannot_be_moved_in(tmp_path: Path) -> None:
    out = _old_results(tmp_path / "results")

    with pytest.raises(OutputError), staged_folder(out, overwrite=True) as folder:
        # Gone before the swap: the second of the two renames must then fail.
        folder.rmdir()

    assert _names(tmp_path) == ["results"]
    assert (out / "assessment.json").read_text() == "old"


def _users_files(out: Path) -> None:
    (out / "notes.txt").write_text("mine")
    (out / "photos").mkdir()
    (out / "photos" / "child.jpg").write_text("precious")
    (out / "photos" / "latest").symlink_to("child.jpg")


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_the_users_folders_and_links_are_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_hard_links: bool
) -> None:
    out = _old_results(tmp_path / "results")
    _users_files(out)
    if not has_hard_links:

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EPERM, "this disk knows no hard links")

        monkeypatch.setattr(Path, "hardlink_to", refuse)

    with staged_folder(out, overwrite=True) as folder:
        (folder / "assessment.json").write_text("new")

    assert _names(tmp_path) == ["results"]
    assert _names(out) == ["assessment.json", "notes.txt", "photos"]
    assert (out / "photos" / "latest").readlink() == Path("child.jpg")
    assert (out / "photos" / "latest").read_text() == "precious"
    assert (out / "notes.txt").stat().st_nlink == 1


FAILURES = (KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def _overwrite_in_vain(out: Path, error: BaseException) -> None:
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected), staged_folder(out, overwrite=True) as folder:
        (folder / "assessment.json").write_text("new")


def _assert_untouched(out: Path) -> None:
    assert _names(out.parent) == ["results"]
    assert _names(out) == ["assessment.json", "notes.txt", "overlay-jump.mp4", "photos"]
    assert (out / "assessment.json").read_text() == "old"
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "photos" / "latest").read_text() == "precious"


@pytest.mark.parametrize("error", FAILURES)
def test_the_users_files_stay_where_they_are_when_they_cannot_be_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    out = _old_results(tmp_path / "results")
    _users_files(out)
    monkeypatch.setattr(Path, "hardlink_to", fail)
    monkeypatch.setattr("shutil.copy2", fail)
    _overwrite_in_vain(out, error)
    monkeypatch.undo()
    _assert_untouched(out)


@pytest.mark.parametrize("error", FAILURES)
def test_the_users_files_stay_where_they_are_when_the_swap_fails_midway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    replace, moved = Path.replace, []

    def fail_at_second(path: Path, other: Path) -> Path:
        moved.append(path.name)
        if len(moved) == 2:
            raise error
        return replace(path, other)

    out = _old_results(tmp_path / "results")
    _users_files(out)
    monkeypatch.setattr(Path, "replace", fail_at_second)
    _overwrite_in_vain(out, error)
    assert moved[0] == "results"
    _assert_untouched(out)
