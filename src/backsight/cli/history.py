"""`backsight history` and `backsight forget`, and the recording behind `backsight assess --subject`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from backsight.domain.assessment import NO_DIAGNOSIS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from backsight.domain.assessment import Assessment
    from backsight.domain.recording import Exercise
    from backsight.storage.history import Change, Estimate, History, MeasureChange, SessionRecord

STUDY_OPTION = typer.Option(metavar="NAME", help="The person's study, where several have somebody of that ID.")


class Record(Protocol):
    """Records an assessment and says where."""

    def __call__(self, assessment: Assessment, *, quiet: bool) -> None:
        """Record; `quiet` keeps the output stream clean."""
        ...


def open_record(subject: str | None, files: Mapping[Exercise, Path]) -> Record:
    """Find out before a slow assessment that it can be recorded; without a subject nothing will be.

    Parameters
    ----------
    files
        What will be assessed, by which a recording is known again.
    """

    def skip(assessment: Assessment, *, quiet: bool) -> None:
        pass

    def record(assessment: Assessment, *, quiet: bool) -> None:
        from backsight.records import record_assessment

        kept = record_assessment(assessment, subject=subject or "", sha256=sha256)
        sealed = "landmarks encrypted" if kept.is_sealed else "not encrypted: BACKSIGHT_ENCRYPTION_KEY is not set"
        numbers = {number for exercise, number in kept.sessions.items() if exercise not in kept.upheld}
        what = f"session {' and '.join(map(str, sorted(numbers)))}" if numbers else "nothing new"
        typer.echo(f"Recorded: {what} of {kept.subject} in {kept.database} ({sealed})", err=quiet)
        for exercise in kept.replaced:
            typer.echo(
                f"This recording of {exercise.value} was there already, so it counts once: its new result replaces the "
                f"earlier one, in session {kept.sessions[exercise]} of {kept.n_sessions}.",
                err=quiet,
            )
        for exercise in kept.upheld:
            typer.echo(
                f"This recording of {exercise.value} was there already with an index, and now it was unusable: its "
                f"earlier result stays, in session {kept.sessions[exercise]} of {kept.n_sessions}.",
                err=quiet,
            )

    if subject is None:
        return skip
    from backsight.records import check_subject, hash_files

    check_subject(subject)
    sha256 = hash_files(files)
    return record


def history(
    subject: Annotated[
        str | None, typer.Argument(metavar="ID", help="The person's ID, as given with --subject, or a code of a study.")
    ] = None,
    list_people: Annotated[bool, typer.Option("--list", help="List everybody of whom sessions are recorded.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the history to this file, too.")] = None,
    study: Annotated[str | None, STUDY_OPTION] = None,
) -> None:
    """Show a person's sessions over time, and whether they changed by more than measurement error.

    Sessions are recorded by `backsight assess ... --subject ID`. This is not a diagnosis.
    """
    from rich.console import Console

    if list_people == (subject is not None):
        raise typer.BadParameter("name one person's ID, or pass --list")
    # No markup: IDs may hold square brackets.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if subject is None:
        if json_file is not None or study is not None:
            raise typer.BadParameter("--json and --study go with a person's ID")
        _print_people(console)
        return
    from backsight.records import person_history

    found = person_history(subject, study=study)
    if json_file is not None:
        _write(json_file, found)
    _print_history(console, found)


def forget(
    subject: Annotated[str, typer.Argument(metavar="ID", help="The person's ID.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    study: Annotated[str | None, STUDY_OPTION] = None,
) -> None:
    """Delete everything recorded of a person from the database. It cannot be taken back.

    Folders that `backsight assess` wrote, and backups, are not touched.
    """
    from backsight.records import find_person, forget_person

    person = find_person(subject, study=study)
    if not yes:
        sessions = "1 session" if person.n_sessions == 1 else f"{person.n_sessions} sessions"
        typer.confirm(
            f"Delete {person.code} of the study {person.study!r}, {sessions}, for good?", abort=True, err=True
        )
    done = forget_person(subject, study=study)
    typer.echo(f"Deleted of {done.code} ({done.study}):")
    for kind, n_rows in done.counts.items():
        typer.echo(f"  {kind.replace('_', ' ')}: {n_rows}")
    typer.echo("The ID itself stays in the audit log and in the list of deletions.")


def _print_people(console: Console) -> None:
    from backsight.records import list_people

    people = list_people()
    if not people:
        console.print("Nobody is recorded. Record with: backsight assess ... --subject ID")
        return
    table = _table("ID", "study", "sessions", "last")
    for person in people:
        last = "–" if person.last_at is None else _date(person.last_at)
        table.add_row(person.code, person.study, str(person.n_sessions), last)
    console.print(table, soft_wrap=False)


def _write(path: Path, found: History) -> None:
    from backsight.exports.folder import output_error

    try:
        path.write_text(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error


def _print_history(console: Console, found: History) -> None:
    console.print(f"{found.code}, study {found.study_name!r}", style="bold")
    if not found.sessions:
        console.print("No session is assessed yet.")
        return
    table = _table("", "date", "exercises", "index", "90 % interval", "quality", "since first", "since previous")
    for number, item in enumerate(found.sessions, start=1):
        table.add_row(
            str(number),
            _date(item.started_at),
            ", ".join(item.exercises),
            "–" if item.index is None else f"{item.index.value:.2f}",
            "–" if item.index is None else f"{item.index.low:.2f} to {item.index.high:.2f}",
            item.quality,
            _index_words(item.since_first),
            _index_words(item.since_previous),
        )
    console.print(table, soft_wrap=False)
    if len(found.sessions) > 1:
        console.print("Index: 0 best, 1 worst. “Within error”: no more than measurement error; without it, more.")
    latest = found.sessions[-1]
    for change in dict.fromkeys((latest.since_first, latest.since_previous)):
        if change is not None and change.exceeds_error is None:
            console.print(f"The index cannot be compared with {_date(change.since)}: {change.why_not}.")
    _print_measures(console, latest, found)
    console.print(f"\n{found.rule}")
    console.print(NO_DIAGNOSIS)


def _print_measures(console: Console, latest: SessionRecord, found: History) -> None:
    """Print what was measured last beside what it was before; a session's every measure is in --json."""
    compared = [item for item in latest.measures if item.since_previous is not None]
    if not compared:
        if len(found.sessions) > 1:
            console.print("\nNo measure of the last session was measured before with a known error.")
        return
    before = _estimates(found)
    has_three = any(item.since_first != item.since_previous for item in compared)
    headings = ("now", "previous", "change", *(("first", "change since first") if has_three else ()))
    console.print(f"\nMeasures of session {len(found.sessions)}, {_date(latest.started_at)}", style="bold")
    table = _table("", *headings)
    exercise = ""
    for item in compared:
        if item.exercise != exercise:
            exercise = item.exercise
            table.add_row(exercise, style="bold")
        cells = [f"  {item.label}", _measured(item.estimate, item.unit)]
        for change in (item.since_previous, item.since_first)[: 1 + has_three]:
            if change is not None:
                cells += [_measured(before(item, change), item.unit), _measure_words(change, item.unit)]
        table.add_row(*cells)
    console.print(table, soft_wrap=False)
    n_changed = sum(bool(item.since_previous and item.since_previous.exceeds_error) for item in compared)
    console.print(
        f"{n_changed} of {len(compared)} measures changed by more than measurement error since the session before; "
        f"by chance alone up to {len(compared) / 10:.1f} would."
    )


def _estimates(found: History) -> Callable[[MeasureChange, Change], Estimate]:
    """Return what looks up the estimate that a change is counted from."""
    known = {
        (session.started_at, item.exercise, item.name): item.estimate
        for session in found.sessions
        for item in session.measures
    }
    return lambda item, change: known[change.since, item.exercise, item.name]


def _index_words(change: Change | None) -> str:
    if change is None:
        return "–"
    if change.exceeds_error is None:
        return "not comparable"
    sign = f"{change.difference:+.2f}".replace("-", "−")
    if not change.exceeds_error:
        return f"{sign} within error"
    return f"{sign} {'better' if change.difference < 0 else 'worse'}"


def _measure_words(change: Change, unit: str) -> str:
    from backsight.reporting.wording import format_value

    sign = "+" if change.difference > 0 else ""
    size = "more than" if change.exceeds_error else "within"
    return f"{sign}{format_value(change.difference, unit)} {size} error"


def _measured(estimate: Estimate, unit: str) -> str:
    from backsight.reporting.wording import format_measured

    return format_measured(estimate.value, unit, error=(estimate.high - estimate.low) / 2)


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _date(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
