"""The questions about somebody's back, and how a form's answers are read. Knows no page and no table.

Pain in the last four weeks, whether it limited the usual activities, how often, since when and how strong are the
questions of the consensus definition of low back pain (Dionne et al. 2008, Spine 33:95,
doi:10.1097/BRS.0b013e31815e7f94); pain in the leg, surgery and known conditions come from the minimal data set of the
NIH task force (Deyo et al. 2014, J Pain 15:569, doi:10.1016/j.jpain.2014.03.005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backsight.errors import FieldsError

PREFIX = "back-"
"""What the form's fields of this questionnaire begin with."""


@dataclass(frozen=True)
class Question:
    """One question; every one may be left unanswered."""

    name: str
    text: str
    choices: Mapping[str, str]
    """{value: what is shown}."""
    is_many: bool = False
    """Whether more than one answer may be given."""
    help: str = ""


@dataclass(frozen=True)
class Group:
    """Questions that are asked together, under a heading."""

    name: str
    title: str
    questions: tuple[Question, ...]


_NO_YES = {"no": "No", "yes": "Yes"}

_RECENT: tuple[Question, ...] = (
    Question(
        "pain_now",
        "How strong is the pain in your lower back right now?",
        {str(level): str(level) for level in range(11)},
        help="0 is no pain, 10 is the worst pain you can imagine.",
    ),
    Question("pain_4_weeks", "Have you had pain in your lower back in the last 4 weeks?", _NO_YES),
    Question(
        "limited_4_weeks",
        "Did it keep you from your usual activities for more than one day?",
        _NO_YES,
        help="In the last 4 weeks. Choose No if you had no pain.",
    ),
    Question(
        "frequency",
        "How often did you have this pain in the last 4 weeks?",
        {"never": "Never", "some-days": "On some days", "most-days": "On most days", "every-day": "Every day"},
    ),
    Question("leg_pain", "Has pain in the last 4 weeks gone down into your leg, below the knee?", _NO_YES),
)
_EARLIER: tuple[Question, ...] = (
    Question(
        "since",
        "How long is it since you had a whole month without pain in your lower back?",
        {
            "no-pain": "I have no such pain",
            "under-3-months": "Less than 3 months",
            "3-to-6-months": "3 to 6 months",
            "7-months-to-3-years": "7 months to 3 years",
            "over-3-years": "More than 3 years",
        },
    ),
    Question("surgery", "Have you ever had an operation on your back?", _NO_YES),
    Question(
        "conditions",
        "Has a doctor told you that you have one of these?",
        {
            "disc": "A slipped or worn disc",
            "stenosis": "A narrowed spinal canal",
            "spondylolisthesis": "A slipped vertebra",
            "scoliosis": "A curved spine (scoliosis)",
            "fracture-osteoporosis": "A broken vertebra or weak bones (osteoporosis)",
            "inflammation": "An inflammation of the spine",
        },
        is_many=True,
        help="Choose all that apply, or none.",
    ),
)

GROUPS = (
    Group("recent", "Your back in the last 4 weeks", _RECENT),
    Group("earlier", "Your back before that", _EARLIER),
)
QUESTIONS = (*_RECENT, *_EARLIER)


def read_answers(form: Mapping[str, Sequence[str]]) -> dict[str, str | list[str]]:
    """Return the answers by the questions' names, without those left out.

    Parameters
    ----------
    form
        All values of each field.

    Raises
    ------
    FieldsError
        When an answer is none of a question's choices.
    """
    answers: dict[str, str | list[str]] = {}
    wrong: dict[str, str] = {}
    for question in QUESTIONS:
        field = PREFIX + question.name
        given = [value for value in form.get(field, ()) if value]
        if not set(given) <= set(question.choices) or (len(given) > 1 and not question.is_many):
            wrong[field] = "must be one of the answers shown"
        elif question.is_many:
            answers[question.name] = given
        elif given:
            answers[question.name] = given[0]
    if wrong:
        raise FieldsError(wrong)
    return answers
