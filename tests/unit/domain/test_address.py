"""What is shown of a location holds nothing that lets anybody in."""

import pytest

from backsight.domain.address import shown, without_folders, without_secrets

SIGNED = "https://anna:secret@host.example/day/walk.mp4?X-Sig=abc/def&next=https://else.example/#part"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (SIGNED, "https://host.example/day/walk.mp4"),
        ("s3://bucket/day@home/a.mp4", "s3://bucket/day@home/a.mp4"),
        ("/home/anna/what? #1.mp4", "/home/anna/what? #1.mp4"),
        ("rtsp://anna:secret@10.0.0.7:554/stream?token=abc", "rtsp://10.0.0.7:554/stream"),
        ("https://anna:secret@[fe80::1]:8443/a.mp4", "https://[fe80::1]:8443/a.mp4"),
        # An address may hold another in its path.
        (
            "https://anna:secret@host.example/cache/https://else.example/a.mp4",
            "https://host.example/cache/https://else.example/a.mp4",
        ),
        ("simplecache::https://anna:secret@host.example/a.mp4", "simplecache::https://host.example/a.mp4"),
        (
            "zip://day/a.mp4::sftp://anna:secret@host.example/all.zip",
            "zip://day/a.mp4::sftp://host.example/all.zip",
        ),
        # Passwords with characters that a URL must not hold.
        ("https://anna:sec/ret@host.example/a.mp4", "https://..."),
        ("https://anna:sec?ret@host.example/a.mp4", "https://..."),
        ("https://anna:sec#ret@host.example/a.mp4", "https://..."),
        ("https://anna:sec@ret@host.example/a.mp4", "https://host.example/a.mp4"),
        ("file:///home/anna/a.mp4", "file:///home/anna/a.mp4"),
    ],
)
def test_what_is_shown_of_a_url_holds_no_secret(location: str, expected: str) -> None:
    assert shown(location) == expected


def test_addresses_in_a_text_lose_their_secrets() -> None:
    assert without_secrets(f"403 for url='{SIGNED}', sorry") == "403 for url='https://host.example/day/walk.mp4', sorry"
    said = f"first {SIGNED} then rtsp://u:p@cam/1 and nothing://"
    assert without_secrets(said) == "first https://host.example/day/walk.mp4 then rtsp://cam/1 and nothing://"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("patients/anna_mueller/kimore", "kimore"),
        ("/home/anna/clip.mp4#t=0,5", "clip.mp4#t=0,5"),
        ("--work=../berta/w/", "--work=w"),
        ("--data=kimore=/home/dora/KI", "--data=kimore=KI"),
        ("~/carla/x", "x"),
        ("C:\\Miller\\study.csv", "study.csv"),
        ("file:///home/dora/x", "x"),
        ("rtsp://anna:secret@host.example", "host.example"),
        (SIGNED, "walk.mp4"),
        ("--folds", "--folds"),
        ("--crop=0,0,10,20", "--crop=0,0,10,20"),
        ("a walk.mp4", "a walk.mp4"),
    ],
)
def test_of_a_word_of_a_command_no_folder_is_left(word: str, expected: str) -> None:
    assert without_folders(word) == expected
