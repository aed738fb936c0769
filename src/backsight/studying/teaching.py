"""Fit a learner to a whole study and write it with everything that is known of it. Knows no learner by name."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backsight.datasets.sensor import KINECT_V2
from backsight.domain.recording import Exercise
from backsight.domain.study import FoundBy, Study, StudyClip, count_finders, whatever_ran_it
from backsight.errors import InputError
from backsight.evaluation.blinding import as_training, ask, pseudonym
from backsight.evaluation.learner import FittedLearner, Learner
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.store import fingerprint_study, settings_of
from backsight.inputs import exercises_by_name, spelt_alike
from backsight.pose.engines import PoseEngine
from backsight.pose.weights import PoseModel
from backsight.studying.judging import (
    LEVEL,
    RESEARCH,
    Judged,
    beats_median,
    better_than_baselines,
    half_width,
    learner_rows,
)
from backsight.studying.outline import outline
from backsight.studying.wording import figure_lines, meaning_lines
from backsight.training.fitted_file import FittedFile, StudyFacts, fitted_to_bytes, interval_around, overlap
from backsight.training.searched import usual_name
from backsight.training.study_landmarks import StudyLandmarks

_KEY_BYTES = 16
_ENGINES = (PoseEngine.MEDIAPIPE.value, PoseEngine.OPENVINO.value, "tasks-vision")
"""What a fitted file says of an engine; the last is what participants' browsers load, and they tell its version."""
_ANOTHER_ENGINE = "another engine"
_SENSORS = (KINECT_V2.sensor,)
"""What a fitted file says of a sensor: those of Backsight's own adapters."""
_ANOTHER_SENSOR = "another sensor"


@dataclass(frozen=True, eq=False)
class Stranger:
    """What a fitted file says of a study that it has not learnt from."""

    predictions: Predictions
    rows: tuple[dict[str, Any], ...]
    warning: str
    """What speaks against taking the people as strangers; empty = nothing."""


def fit_to_all(study: Study, learner: Learner, *, seed: int, work: Path | None) -> FittedLearner:
    """Fit a learner to all scored clips.

    Parameters
    ----------
    work
        Where networks note their progress, so that an interrupted fit goes on; None = nowhere.
    """
    if work is not None and hasattr(learner, "work_folder"):
        learner = replace(learner, work_folder=work)  # type: ignore[type-var]
    clips = [as_training(clip) for clip in study.scored()]
    return learner.fit(clips, scale=study.scale, seed=seed)


def describe_people(study: Study) -> StudyFacts:
    """Return what a fitted file keeps of the study that it was learnt from."""
    scored = study.scored()
    people = sorted({clip.subject for clip in scored})
    key = secrets.token_hex(_KEY_BYTES)
    return StudyFacts(
        name=study.name,
        fingerprint=fingerprint_study(study),
        source=study.source,
        may_ship=study.may_ship,
        n_people=len(people),
        n_clips=len(scored),
        exercises=study.exercises,
        people=tuple(sorted(keyed_digest(who, key=key) for who in people)),
        people_key=key,
        recordings=tuple(sorted({digest_recording(clip) for clip in scored})),
        found_by=count_finders(replace(clip, found_by=_in_known_names(clip.found_by)) for clip in scored),
    )


def _in_known_names(found_by: FoundBy) -> FoundBy:
    """Return what found landmarks without a word that is not Backsight's own.

    Files of landmarks, and participants' browsers, may say anything there, a name or an address too, and a fitted file
    is passed on.
    """
    said = found_by.engine
    engine = next((name for name in _ENGINES if said == name or said.startswith(f"{name} ")), _ANOTHER_ENGINE)
    sensor = found_by.sensor if found_by.sensor in _SENSORS else _ANOTHER_SENSOR
    return FoundBy(
        pose_model=found_by.pose_model if found_by.pose_model in set(PoseModel) else "",
        engine=engine if said else "",
        sensor=sensor if found_by.sensor else "",
    )


def keyed_digest(subject: str, *, key: str) -> str:
    """Return what a file knows a person by: the same in that file alone, so that files tell nothing together.

    Whoever has the file has the key, too, and can find out whether somebody whose name they guess is in it.
    """
    # Files that were written before there was a key know people as learners do.
    return hmac.digest(bytes.fromhex(key), subject.encode(), "sha256").hex()[:16] if key else pseudonym(subject)


def digest_recording(clip: StudyClip) -> str:
    """Return what a clip's landmarks are known by, whoever they are said to show."""
    return hashlib.sha256(np.ascontiguousarray(clip.pose.world_m).tobytes()).hexdigest()[:16]


def make_fitted_file(
    study: Study,
    learner: Learner,
    fitted: FittedLearner,
    *,
    judged: Judged | None,
    seed: int,
    command: str,
    version: str,
) -> FittedFile:
    """Return a fitted learner with its figures and its card.

    Parameters
    ----------
    judged
        None = the protocol was not run.
    command
        As it was typed, paths without their folders: it goes with the file.
    """
    width = float("nan") if judged is None else half_width(judged.predictions[learner.name])
    figures: dict[str, Any] = {}
    if judged is not None:
        figures = {
            "rows": list(judged.rows),
            "seeds": list(judged.protocol.seeds),
            "beats_median": beats_median(judged, learner.name),
            "verdict": better_than_baselines(judged, learner.name)[1],
        }
    content = FittedFile(
        fitted=fitted,
        learner=learner.name,
        settings=settings_of(learner),
        scale=study.scale,
        study=describe_people(study),
        seed=seed,
        command=command,
        version=version,
        half_width=width,
        level=LEVEL,
        figures=figures,
        card="",
    )
    return replace(content, card=write_card(content, judged, learner=learner))


def check_writable_learner(study: Study, learner: Learner, fitted: FittedLearner) -> None:
    """Raise before hours of judging when a fitted learner cannot be written without pickle."""
    fitted_to_bytes(make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version=""))


def _taken(content: FittedFile) -> str:
    """Return the learner's name, and which it took where it had several to choose from."""
    kind = getattr(content.fitted, "kind", content.learner)
    is_choice = usual_name(content.learner) != kind
    return f"`{content.learner}`, which took `{kind}`" if is_choice else f"`{content.learner}`"


def _which_are_not_assessed(exercises: Sequence[str]) -> tuple[str, ...]:
    """Return a line of the card where `assess` has no use for some of a study's exercises."""
    known = exercises_by_name(exercises).values()
    others = [name for name in exercises if name not in known]
    if not others:
        return ()
    return (
        f"- `assess`, `batch` and `live` know {', '.join(Exercise)} and give no score for {', '.join(others)}; "
        "`backsight evaluate STUDY --model FILE` tells how the model does on scored clips of other people.",
    )


def write_card(content: FittedFile, judged: Judged | None, *, learner: Learner) -> str:
    """Return the model card in Markdown."""
    facts, scale = content.study, content.scale
    lines = [
        f"# {content.learner}, fitted to {facts.name}",
        "",
        f"**{RESEARCH}**",
        "",
        "## What it is",
        "",
        f"- Learner: {_taken(content)}, fitted with Backsight {content.version}, seed {content.seed}.",
        f"- Learnt from {facts.n_clips} scored clips of {facts.n_people} people: {', '.join(facts.exercises)}.",
        f"- Scores run from {scale.worst:g} (worst) to {scale.best:g} (best) {scale.unit}.",
        f"- {StudyLandmarks(facts.found_by).told()}",
        *_which_are_not_assessed(facts.exercises),
        f"- Study: {facts.source or 'no source given'}; fingerprint `{facts.fingerprint}`.",
        "- May be passed on: "
        + (
            "as the study's licence allows."
            if facts.may_ship
            else "NO, unless whoever answers for the study's data says so; nothing that Backsight reads does."
        ),
        f"- Made with `{content.command}`.",
        "",
        "## On people whom it had not seen",
        "",
    ]
    if judged is None:
        lines += ["Not judged (`--no-evaluate`): nothing is known of how well it does, and it has no interval."]
    else:
        lines += [*figure_lines(judged), "", *meaning_lines(judged, content.learner)]
        if np.isfinite(content.half_width):
            lines += [
                "",
                f"A new person's score lies within {content.half_width:.3g} {scale.error_unit} of the prediction about "
                f"{content.level:.0%} of the time, if that person is like those of the study.",
            ]
        else:
            lines += ["", "Too few people for an interval."]
    lines += ["", "## Settings", "", "```text", *outline(learner), "```", ""]
    return "\n".join(lines)


def judge_strangers(content: FittedFile, study: Study, *, n_draws: int = 1000) -> Stranger:
    """Judge a fitted learner on a study of other people.

    Raises
    ------
    InputError
        When the study or one of its recordings is what it has learnt from, or the scores mean something else.
    """
    clips = _in_the_models_words(study.scored(), content.study.exercises)
    if not clips:
        raise InputError(f"{study.name}: expected clips with a score to judge by, got none")
    if study.scale != content.scale:
        raise InputError(
            f"{study.name}: scores run from {study.scale.worst:g} to {study.scale.best:g} {study.scale.unit}, but "
            f"the model's from {content.scale.worst:g} to {content.scale.best:g} {content.scale.unit}; judge it on "
            "scores of its own kind"
        )
    people = sorted({clip.subject for clip in clips})
    n_people, n_known = overlap(
        content.study,
        people=[keyed_digest(who, key=content.study.people_key) for who in people],
        recordings=[digest_recording(clip) for clip in clips],
    )
    if n_known or fingerprint_study(study) == content.study.fingerprint:
        raise InputError(
            f"{study.name}: {n_known} of {len(clips)} recordings are among those that the model has learnt from; "
            "figures on them would mean nothing; take people whom it has not seen"
        )
    answers = ask(content.fitted, clips)
    low, high = interval_around(answers.predicted, half_width=content.half_width, scale=content.scale)
    predictions = Predictions.of_answers(
        clips,
        replace(answers, low=low, high=high),
        rows=np.arange(len(clips)),
        seed=content.seed,
        fold=0,
        seconds=0.0,
    )
    rows = learner_rows(content.learner, predictions, study.scale, n_draws=n_draws, n_draws_of_parts=n_draws)
    return Stranger(predictions=predictions, rows=tuple(rows), warning=_warning(content, clips, n_people, len(people)))


def _in_the_models_words(clips: Sequence[StudyClip], exercises: Sequence[str]) -> tuple[StudyClip, ...]:
    """Return clips with their exercises spelt as the model has learnt them, as `assess` knows them, too."""
    alike = {spelt_alike(name): name for name in exercises}
    for exercise, name in exercises_by_name(exercises).items():
        alike |= {spelt_alike(told): name for told in (exercise.value, exercise.label)}
    return tuple(
        # A study may tell exercises apart by their spelling alone.
        clip
        if clip.exercise in exercises
        else replace(clip, exercise=alike.get(spelt_alike(clip.exercise), clip.exercise))
        for clip in clips
    )


def _warning(content: FittedFile, clips: Sequence[StudyClip], n_known: int, n_people: int) -> str:
    words = []
    if n_known:
        words.append(
            f"{n_known} of {n_people} people have names of people whom the model has learnt from; if they are the "
            "same, these figures are too good"
        )
    unknown = sorted({clip.exercise for clip in clips} - set(content.study.exercises))
    if unknown:
        words.append(f"the model has never seen these exercises: {', '.join(unknown)}")
    own = StudyLandmarks(content.study.found_by)
    found_by = whatever_ran_it(count_finders(clips))
    # Compared as the model's file names them: two sensors that it does not name may be the same.
    others = [str(one) for one, _ in found_by if own.has_only_others_than(_in_known_names(one))]
    if others:
        words.append(
            f"landmarks here were found by {' and '.join(others)}, those learnt from by {own.listed}, and each "
            "finds others: these figures say what the change costs, too"
        )
    return "; ".join(words)
