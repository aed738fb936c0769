from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backsight.batch.manifest import Manifest
from backsight.batch.options import ClipOptions
from backsight.batch.sources import Found
from backsight.domain.recording import Exercise
from backsight.errors import InputError


def manifest(tmp_path: Path, text: str, *, needs_subject: bool = True) -> Manifest:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return Manifest(str(path), needs_subject=needs_subject)


def errors(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        list(manifest(tmp_path, text))
    return str(caught.value)


def test_every_column_is_read_in_one_spelling(tmp_path: Path) -> None:
    header = "subject,session,exercise,path,start,end,crop,height_cm"
    text = f'{header}\nanna,monday,walk,a/w.mp4,1:02.5,90f,"0, 470,1560,524",170\n'
    (row,) = manifest(tmp_path, text)
    assert (row.number, row.subject, row.session) == (2, "anna", "monday")
    assert row.found.location == str(tmp_path / "a/w.mp4")
    assert row.found.name == "a/w.mp4"
    assert row.clip == ClipOptions(Exercise.WALK, start="62.5", end="90f", crop="0,470,1560,524", height_m=1.7)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_delimit_and_mark_their_files_differently(tmp_path: Path, delimiter: str) -> None:
    header, line = ["subject", "exercise", "path"], ["anna", "jump", "j.mp4"]
    text = "\ufeff" + "\r\n".join(delimiter.join(cells) for cells in (header, line)) + "\r\n\r\n"
    (row,) = manifest(tmp_path, text)
    assert (row.subject, row.clip.exercise) == ("anna", Exercise.JUMP)


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    columns = {"subject": ["anna", "ben"], "exercise": ["walk", "jump"], "path": ["a.mp4", "b.mp4"]}
    columns |= {"start": [1.5, None], "height_cm": [170.0, float("nan")]}  # type: ignore[dict-item]
    pq.write_table(pa.table(columns), tmp_path / "people.parquet")
    first, second = Manifest(str(tmp_path / "people.parquet"), needs_subject=True)
    assert first.clip == ClipOptions(Exercise.WALK, start="1.5", height_m=1.7)
    assert second.clip == ClipOptions(Exercise.JUMP)
    assert [first.number, second.number] == [2, 3]


def test_a_manifest_in_a_bucket_names_recordings_beside_it() -> None:
    fsspec.filesystem("memory").pipe("/study/people.csv", b"path\na.mp4\nmemory://else/b.mp4\n")
    beside, elsewhere = Manifest("memory://study/people.csv", needs_subject=False)
    assert beside.found.location == "memory://study/a.mp4"
    assert elsewhere.found.location == "memory://else/b.mp4"
    assert elsewhere.found.name == "b.mp4"


def test_errors_name_file_row_column_and_what_was_expected(tmp_path: Path) -> None:
    message = errors(
        tmp_path,
        "subject,exercise,path,start,height_cm\nanna,walk,a.mp4,,170\n,hop,b.mp4,soon,1.7\nben,jump,,,\n",
    )
    assert message.startswith("people.csv: ")
    assert "row 3, column `subject`: expected a value, got nothing" in message
    assert "row 3, column `exercise`: expected touch-toes, walk, jump, got `hop`" in message
    assert "row 3, column `start`: a position must be seconds" in message
    assert "row 3, column `height_cm`: expected centimetres from 100 to 230, got `1.7`" in message
    assert "row 4, column `path`: expected a value, got nothing" in message
    assert "row 2" not in message


def test_a_list_of_errors_stays_short(tmp_path: Path) -> None:
    message = errors(tmp_path, "subject,exercise,path\n" + "anna,hop,a.mp4\n" * 25)
    assert message.count("column `exercise`") == 10
    assert message.endswith("and 15 more")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"people\.csv, row 1: .*missing: subject, exercise"):
        manifest(tmp_path, "path,rating\na.mp4,80\n")


def test_columns_without_a_meaning_are_told(tmp_path: Path) -> None:
    notes = manifest(tmp_path, "subject,exercise,path,hieght_cm,hair\na,walk,b.mp4,170,red\n").notes
    assert notes == ("columns of people.csv that mean nothing here: hieght_cm, hair",)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("subject;exercise;path;note, if any", "was read with semicolons between columns, but has commas in its"),
        ("subject,exercise,path,a;b\tc", "was read with commas between columns, but has semicolons and tabs in its"),
        ("subject\texercise\tpath", ""),
        ("sep=;\nsubject;exercise;path;note, if any", ""),
    ],
)
def test_a_delimiter_that_is_a_guess_is_told(tmp_path: Path, header: str, says: str) -> None:
    notes = [note for note in manifest(tmp_path, f"{header}\n").notes if "mean nothing" not in note]
    assert [note.partition(" header")[0] for note in notes] == ([f"people.csv {says}"] if says else [])


def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "people.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"people\.parquet: expected a table"):
        Manifest(str(tmp_path / "people.parquet"), needs_subject=True)
    for content, expected in (
        (b"PK\x03\x04\0\0", "expected a table as text, got an Excel workbook"),
        # 0x81 is no letter in Windows-1252 and no text in UTF-8.
        (b"subject,exercise,path\n\x81\xfe,walk,a.mp4\n", "expected text in UTF-8 or Windows-1252"),
        (b'subject,exercise,path\n"anna,walk,a.mp4\n', r"expected a table \(UTF-8 CSV or Parquet\)"),
    ):
        (tmp_path / "people.csv").write_bytes(content)
        with pytest.raises(InputError, match=rf"people\.csv: {expected}"):
            list(Manifest(str(tmp_path / "people.csv"), needs_subject=True))
    with pytest.raises(InputError, match="expected a row a recording"):
        list(manifest(tmp_path, "subject,exercise,path\n"))
    with pytest.raises(InputError, match="cannot be read"):
        Manifest(str(tmp_path / "absent.csv"), needs_subject=True)


def test_values_beyond_the_last_column_are_refused_and_empty_cells_are_not(tmp_path: Path) -> None:
    header = "subject,exercise,path\n"
    message = errors(tmp_path, f"{header}anna,walk,a.mp4\nben,walk,b,1.mp4\n")
    assert "row 3: expected 3 cells as in the header, got 4" in message
    (row,) = manifest(tmp_path, f"{header}anna,walk,a.mp4,,\n")
    assert row.found.name == "a.mp4"


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"people\.csv, row 1: expected each column once, got `path`"):
        manifest(tmp_path, "subject,exercise,path,path\nanna,walk,a.mp4,b.mp4\n")


def test_a_signed_recording_is_named_without_its_signature(tmp_path: Path) -> None:
    (row,) = manifest(tmp_path, "path\nhttps://u:p@host.example/a.mp4?sig=1\n", needs_subject=False)
    assert row.found == Found("https://u:p@host.example/a.mp4?sig=1", "a.mp4")


def test_a_recording_beside_a_manifest_of_the_web_is_named_without_its_signature() -> None:
    fsspec.filesystem("memory").pipe("/signed/people.csv", b"path\nday/a.mp4?sig=1\n")
    (row,) = Manifest("memory://signed/people.csv", needs_subject=False)
    assert row.found == Found("memory://signed/day/a.mp4?sig=1", "day/a.mp4")


@pytest.mark.parametrize(
    "text",
    ["Walk", " WALK ", "walk 2 metres", "Walk_2_Metres", "Touch Toes", "touch_toes", "TOUCH-TOES", "Touch your toes"],
)
def test_an_exercise_is_known_however_it_is_spelt(tmp_path: Path, text: str) -> None:
    (row,) = manifest(tmp_path, f"subject,exercise,path\nanna,{text},a.mp4\n")
    assert row.clip.exercise is (Exercise.WALK if "walk" in text.casefold() else Exercise.TOUCH_TOES)


def test_a_column_is_known_however_it_is_spelt_and_once(tmp_path: Path) -> None:
    (row,) = manifest(tmp_path, "Subject, EXERCISE ,Path,Height cm\nanna,walk,a.mp4,170\n")
    assert (row.subject, row.clip.height_m) == ("anna", 1.7)
    with pytest.raises(InputError, match="expected each column once, got `path`"):
        manifest(tmp_path, "subject,exercise,path,Path\nanna,walk,a.mp4,b.mp4\n")


@pytest.mark.parametrize(
    ("encoding", "notes"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("latin-1", 1), ("cp1252", 1)]
)
def test_a_table_is_read_however_its_letters_are_written(tmp_path: Path, encoding: str, notes: int) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("subject;exercise;path;start\r\nJörg;walk;Übung.mp4;1,5\r\n".encode(encoding))
    table = Manifest(str(path), needs_subject=True)
    (row,) = table
    assert (row.number, row.subject, row.found.name, row.clip.start) == (2, "Jörg", "Übung.mp4", "1.5")
    assert len(table.notes) == notes
    assert all("read as Windows-1252" in note for note in table.notes)


def test_a_line_that_tells_excel_the_delimiter_is_no_header(tmp_path: Path) -> None:
    text = "sep=;\nsubject;exercise;path\nanna;walk;a.mp4\nben;hop;b.mp4\n"
    assert "row 4, column `exercise`" in errors(tmp_path, text)


def test_another_movement_may_be_extracted_where_no_exercise_is_needed(tmp_path: Path) -> None:
    table = "exercise,path\nsquat,a.mp4\n"
    with pytest.raises(InputError) as caught:
        list(manifest(tmp_path, table, needs_subject=False))
    assert str(caught.value).endswith(
        "got `squat`; leave it empty for any other movement, and name that in a study's manifest"
    )
    assert "leave it empty" not in errors(tmp_path, "subject,exercise,path\nanna,squat,a.mp4\n")


@pytest.mark.parametrize("part", ["#t=1.6,6.0", "#xywh=0,470,1560,524", "#t=1&xywh=0,0,64,64"])
@pytest.mark.parametrize("name", ["walk.mp4", "https://joe:s3cret@host/walk.mp4?X-Amz-Signature=abcdef"])
def test_a_part_behind_a_recordings_name_is_sent_to_its_columns(tmp_path: Path, name: str, part: str) -> None:
    message = errors(tmp_path, f'subject,exercise,path\nanna,walk,"{name}{part}"\n')
    assert message.endswith(
        "row 2, column `path`: expected a recording's name, and its part in the columns `start`, `end` and `crop`, got "
        f"`{part}` behind the name"
    )
    assert "s3cret" not in message
    assert "abcdef" not in message


@pytest.mark.parametrize("name", ["take #1.mp4", "a#t=b.mp4"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (row,) = manifest(tmp_path, f"subject,exercise,path\nanna,walk,{name}\n")
    assert row.found.name == name
