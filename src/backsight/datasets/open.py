"""Open whatever holds a study: a manifest, a folder of extracted landmarks, or a published data set."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from backsight.datasets.study_rows import ScaleHint
from backsight.domain.study import Study
from backsight.errors import InputError


class DataSet(StrEnum):
    """A layout other than a study's own."""

    KIMORE = "kimore"
    UIPRMD = "uiprmd"
    KERAAL = "keraal"
    VIRTUAL = "virtual"


def open_study(
    source: str,
    *,
    data_set: str | None = None,
    ratings: Path | None = None,
    landmarks: Path | None = None,
    pose_model: str | None = None,
    scale: ScaleHint | None = None,
) -> Study:
    """Read a study.

    Parameters
    ----------
    source
        A manifest (.csv, .parquet); a folder with study.csv; a folder that `backsight extract` or `batch` filled; or,
        with `data_set`, that data set's folder. Folders of films are known without it.
    data_set
        One of `DataSet`.
    ratings
        Scores of a folder that `extract` or `batch` filled; see `read_extracted`.
    landmarks
        Such a folder for a manifest's recordings.
    pose_model
        Of virtual volunteers: which BlazePose model's landmarks; None = full. Others' files say what found theirs.
    scale
        What `score` means, where a table does not tell.

    Raises
    ------
    InputError
        When there is no such thing, or it cannot be read.
    """
    # Inside the functions, so that the command line loads only what it opens.
    path = Path(source)
    if not path.exists():
        raise InputError(f"{source}: expected a manifest or a folder, found nothing there")
    if ratings is not None and (data_set is not None or path.is_file()):
        raise InputError(
            f"--ratings {ratings}: only a folder that `extract` or `batch` filled has its scores apart; {source} holds "
            "its own; leave --ratings out"
        )
    is_virtual = data_set == DataSet.VIRTUAL or (data_set is None and path.is_dir() and any(path.glob("*.film")))
    if pose_model is not None and not is_virtual:
        raise InputError(
            f"--pose-model {pose_model}: goes with films of virtual volunteers; what found the landmarks of {source} "
            "stands in its files, and they are taken as they are; leave --pose-model out"
        )
    if data_set is not None:
        return _read_data_set(path, data_set, pose_model=pose_model)
    if path.is_file():
        return _read_manifest(path, landmarks=landmarks, scale=scale)
    from backsight.datasets.extracted import CLIPS_NAME, read_extracted
    from backsight.datasets.study import MANIFEST_NAME

    if (path / MANIFEST_NAME).is_file():
        if ratings is not None:
            raise InputError(
                f"--ratings {ratings}: {source} has {MANIFEST_NAME}, which holds its own scores; leave --ratings out"
            )
        return _read_manifest(path / MANIFEST_NAME, landmarks=landmarks, scale=scale)
    if (path / CLIPS_NAME).is_file():
        return read_extracted(path, ratings=ratings, scale=scale)
    if any(path.glob("*.film")):
        return _read_data_set(path, DataSet.VIRTUAL, pose_model=pose_model)
    raise InputError(
        f"{source}: expected a folder with {MANIFEST_NAME}, with {CLIPS_NAME} or with films, found none; name a "
        f"published data set with --data-set: {', '.join(DataSet)}"
    )


def _read_manifest(manifest: Path, *, landmarks: Path | None, scale: ScaleHint | None) -> Study:
    from backsight.datasets.extracted import find_extracted
    from backsight.datasets.study import read_study

    extract = None if landmarks is None else find_extracted(landmarks)
    return read_study(manifest, extract=extract, scale=scale)


def _read_data_set(folder: Path, data_set: str, *, pose_model: str | None) -> Study:
    match data_set:
        case DataSet.KIMORE:
            from backsight.datasets.kimore import read_kimore

            return read_kimore(folder)
        case DataSet.UIPRMD:
            from backsight.datasets.uiprmd import read_uiprmd

            return read_uiprmd(folder)
        case DataSet.KERAAL:
            from backsight.datasets.keraal import read_keraal_study

            return read_keraal_study(folder)
        case DataSet.VIRTUAL:
            from backsight.datasets.virtual import read_virtual_cohort

            return read_virtual_cohort(folder, model=pose_model or "full")
    raise InputError(f"data set {data_set}: expected {', '.join(DataSet)}")
