"""Write the model card of a network trained on virtual volunteers. Knows nothing of training itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.training.judge import Score
from backsight.training.split import Fold

HEADLINE = "Trained on simulated people only and clinically unvalidated: an experiment, not a medical finding."

_PREDICTORS = {"network": "network", "median": "everybody the median", "duration": "duration alone"}


_USE = (
    "## What it is for",
    "",
    "Showing that the whole road from a video to an index works, and as the rival that networks trained on real "
    "people have to beat.",
    "",
    "## What it is not for",
    "",
    f"- {NO_DIAGNOSIS}",
    "- These figures say how well the network reads the simulation. They say nothing of real people: whatever the "
    "simulation leaves out or exaggerates, the network has never met or overrates.",
    "- The index stands for a person's own rating of their back. Pain that one rates is not deformity; the index "
    "does not detect scoliosis.",
    "- Children, people with other diseases of movement, with walking aids or in wide clothing are not simulated.",
    "- Exercises other than the paper's three get a number without meaning.",
    "",
)


@dataclass(frozen=True)
class CardFacts:
    """Everything that a card states and that differs from one training to the next."""

    name: str
    version: str
    command: str
    seed: int
    n_parameters: int
    data: str
    n_people: Mapping[Fold, int]
    n_recordings: int
    """Each counted once, however often an epoch shows it."""
    n_epochs: int
    best_epoch: int
    """Counted from 1."""
    scores: Mapping[str, Mapping[str, Score]]
    """{predictor: {group: score}} on the test fold."""
    interval_half_width: float
    coverage_rating: float
    """Share of the test recordings whose rating lies in the interval."""
    coverage_true: float
    """Share of the test recordings whose true index lies in the interval."""
    rating_noise: float
    """Mean distance of the test fold's ratings from the true index: nobody can predict ratings better than this."""


def write_card(facts: CardFacts) -> str:
    """Return the card as Markdown; its first line says what the network is not."""
    return "\n".join([HEADLINE, "", f"# {facts.name} {facts.version}", "", *_data(facts), *_figures(facts), *_USE])


def _data(facts: CardFacts) -> list[str]:
    folds = ", ".join(f"{fold} {facts.n_people[fold]}" for fold in Fold)
    return [
        "## What it is",
        "",
        "The network of the paper (embedding, LSTM, dense block of 193 neurons, one neuron, LeakyReLU 0.01), "
        f"{facts.n_parameters:,} weights. It reads 193 features of a person's landmarks 30 times a second and gives a "
        "*spinal health index*, 0 best to 1 worst, after every frame. One network serves all three exercises.",
        "",
        "## What it was trained on",
        "",
        facts.data,
        "",
        f"Split by person, by lot: {folds} people; {facts.n_recordings} recordings. Scaler and weights come from the "
        "training fold alone. Loss: Huber on the rating as index (1 - rating / 100), at the last frame and on "
        "average after every frame past the first second; besides, in training only, the dense block had to tell each "
        "kinematic column's smallest, largest and mean value so far. Stopped by the validation fold: "
        f"epoch {facts.best_epoch} of {facts.n_epochs} was kept.",
        "",
        f"Seed {facts.seed}. Made by `{facts.command}`; the same machine and number of threads give the same weights.",
        "",
    ]


def _figures(facts: CardFacts) -> list[str]:
    lines = [
        "## How good it is on virtual people that it never saw",
        "",
        f"{facts.n_people[Fold.TEST]} people of the test fold. *True* is the dysfunction a virtual person was made "
        "with; *rated* is that with the noise of a rating. AUC: red flag (true index above 0.5) against none. "
        "`session` is the mean of a person's exercises.",
        "",
        "| Exercise | Predicted by | n | MAE true | RMSE true | Spearman | AUC | MAE rated | RMSE rated |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for group in facts.scores["network"]:
        for predictor, groups in facts.scores.items():
            one = groups[group]
            figures = (
                one.mae_true,
                one.rmse_true,
                one.spearman_true,
                one.auc_red_flag,
                one.mae_rating,
                one.rmse_rating,
            )
            cells = " | ".join("-" if math.isnan(value) else f"{value:.3f}" for value in figures)
            lines.append(f"| {group} | {_PREDICTORS[predictor]} | {one.n} | {cells} |")
    return [
        *lines,
        "",
        f"Ratings alone lie {facts.rating_noise:.3f} from the true index on average: a floor on every *MAE rated*.",
        "",
        f"Interval: index +- {facts.interval_half_width:.3f}, the 90 % split-conformal interval for the **rating** "
        "that the person would give, from the calibration fold, all exercises together and every person counted alike. "
        "On the test fold it holds "
        f"{facts.coverage_rating:.1%} of the ratings and {facts.coverage_true:.1%} of the true indices.",
        "",
    ]
