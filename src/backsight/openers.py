"""Open BlazePose and models by their names. Knows no recording and nothing of what is done with either.

Engines are imported inside the functions, so that a command loads what it uses and assessing never loads torch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from backsight.domain.recording import Exercise
from backsight.errors import InputError
from backsight.inputs import exercises_by_name
from backsight.settings import Settings

if TYPE_CHECKING:
    from backsight.ports import IndexPredictor
    from backsight.pose.engines import PoseEngine
    from backsight.pose.estimator import FollowingEstimator
    from backsight.pose.weights import PoseModel, Progress

DEFAULT_MODEL = "kinematic"
"""The model that ships and is taken unless another is named; `lstm-paper` ships, too."""
FASTEST = "lite"
"""The BlazePose model that is taken unless another is named, or a model of one's own study asks for another."""


def pose_bundle(model: PoseModel | str = FASTEST, *, on_progress: Progress | None = None) -> Path:
    """Return BlazePose's bundle on this machine, fetching it first when it is missing.

    Raises
    ------
    InputError
        When there is no such model.
    WeightsError
        When the bundle is missing and cannot be fetched.
    """
    from backsight.pose.weights import PoseModel, ensure_bundle

    if model not in set(PoseModel):
        raise InputError(f"`pose_model` must be one of {', '.join(PoseModel)}, got {model!r}")
    settings = Settings.from_environment()
    return ensure_bundle(
        PoseModel(model), folder=settings.models_dir, may_fetch=settings.may_fetch, on_progress=on_progress
    )


@contextmanager
def pose_estimator(bundle: Path, *, engine: PoseEngine | str = "auto") -> Iterator[FollowingEstimator]:
    """Open BlazePose for one recording.

    Parameters
    ----------
    bundle
        What `pose_bundle` returned.
    engine
        `mediapipe`; `openvino`, which is faster; or `auto`: OpenVINO where it is installed and loads, else MediaPipe.
        The estimator's own `engine` says which one it became.

    Raises
    ------
    InputError
        When there is no such engine.
    MissingDependencyError
        When `openvino` is asked for and not installed or broken.
    WeightsError
        When the bundle cannot be loaded.
    """
    with _open_estimator(bundle, engine) as estimator:
        yield estimator


def _open_estimator(bundle: Path, engine: PoseEngine | str) -> FollowingEstimator:
    from backsight.errors import MissingDependencyError, WeightsError
    from backsight.pose.engines import PoseEngine

    check_engine(engine)
    if engine != PoseEngine.MEDIAPIPE:
        from backsight.pose.estimator import FollowingEstimator
        from backsight.pose.openvino.tracker import load_tracker

        try:
            return FollowingEstimator(load_tracker(bundle))
        except (MissingDependencyError, WeightsError) as error:
            # MediaPipe may load what OpenVINO cannot, and says for itself what is wrong with a bundle.
            if engine == PoseEngine.OPENVINO:
                raise
            # Who has it installed expects its speed; who has not was promised nothing.
            if find_spec("openvino") is not None:
                logging.getLogger(__name__).warning("OpenVINO does not run here, MediaPipe does instead: %s", error)
    from backsight.pose.blazepose import BlazePose

    return BlazePose(bundle)


def check_engine(engine: PoseEngine | str) -> None:
    """Refuse what is no engine's name, before anything is opened.

    Raises
    ------
    InputError
        When there is no such engine.
    """
    from backsight.pose.engines import PoseEngine

    if engine not in set(PoseEngine):
        raise InputError(f"`engine` must be one of {', '.join(PoseEngine)}, got {engine!r}")


def model_path(model: str | Path = DEFAULT_MODEL) -> Path:
    """Return the file of a model that ships, by its name, or of the user's own."""
    from backsight.network.checkpoint import SHIPPED, default_checkpoint_path

    return default_checkpoint_path(str(model)) if str(model) in SHIPPED else Path(model)


def pose_model_for(model: str | Path = DEFAULT_MODEL) -> str:
    """Return the BlazePose model to look with where none is named.

    The one that found most landmarks of the study that a model was fitted to; `lite` where none of BlazePose's is known
    to have found any, with all other models, and with a file that is missing or something else, which `index_predictor`
    tells.

    Raises
    ------
    CheckpointError
        When a file of one's own study is too damaged to say.
    """
    from backsight.network.checkpoint import is_fitted_to_study

    path = model_path(model)
    if not is_fitted_to_study(path):
        return FASTEST
    from backsight.training.fitted_file import read_study_facts
    from backsight.training.study_landmarks import StudyLandmarks

    return StudyLandmarks(read_study_facts(path).found_by).pose_model or FASTEST


def index_predictor(
    model: str | Path = DEFAULT_MODEL,
    *,
    n_threads: int = 1,
    exercises: Iterable[Exercise] = (),
    pose_model: PoseModel | str = "",
) -> IndexPredictor:
    """Load a model that ships with Backsight, `kinematic` or `lstm-paper`, or a file of the user's own.

    Parameters
    ----------
    model
        A name, or what `backsight train` wrote, with a study or without.
    exercises
        What it will be asked of, as far as that is known; only a model of one's own study may not know them.
    pose_model
        What finds the landmarks, where that is known; a model of one's own study, which has learnt from landmarks of
        another, allows no verdict.

    Raises
    ------
    CheckpointError
        When the file is missing, is something else or is damaged.
    InputError
        When a model of one's own study has not learnt one of the exercises.
    MissingDependencyError
        When it needs the extra `train`.
    """
    from backsight.network.checkpoint import KINEMATIC, is_fitted_to_study, load_checkpoint, read_kind

    path = model_path(model)
    if is_fitted_to_study(path):
        return _fitted_predictor(path, exercises, pose_model=str(pose_model))
    if read_kind(path) == KINEMATIC:
        from backsight.features.summary import summarize
        from backsight.network.kinematic import KinematicPredictor
        from backsight.network.kinematic_file import load_kinematic

        checkpoint = load_kinematic(path)
        return KinematicPredictor(checkpoint.model, checkpoint.card, summarize=summarize)
    from backsight.features.schema import FEATURE_NAMES
    from backsight.network.predictor import OnnxPredictor

    return OnnxPredictor(load_checkpoint(path, expected_features=FEATURE_NAMES), n_threads=n_threads)


def _fitted_predictor(path: Path, exercises: Iterable[Exercise], *, pose_model: str) -> IndexPredictor:
    from backsight.training.fitted_file import read_fitted
    from backsight.training.fitted_predictor import FittedPredictor

    content = read_fitted(path)
    # Studies may have exercises of their own, which nobody can be asked to do here.
    names = exercises_by_name(content.study.exercises)
    known = ", ".join(content.study.exercises)
    unknown = [exercise.value for exercise in exercises if exercise not in names]
    if unknown or not names:
        raise InputError(
            f"{path.name}: expected a model that has learnt {' and '.join(unknown) or ', '.join(Exercise)}, got one of "
            f"{known}; train one on a study that calls them so, or name another --model"
        )
    return FittedPredictor(content, names=names, pose_model=pose_model)
