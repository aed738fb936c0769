from __future__ import annotations

import pytest

pytest.importorskip("cryptography", reason="the extra `web` is not installed")

from backsight.errors import InvalidValueError, StorageError
from backsight.storage.sealing import SEALED_PREFIX, Seal


def test_what_is_sealed_comes_back_and_cannot_be_read_without_the_key() -> None:
    seal = Seal.from_key(Seal.new_key())
    sealed = seal.seal(b"Ada Lovelace")
    assert sealed.startswith(SEALED_PREFIX)
    assert b"Ada" not in sealed
    assert seal.open(sealed) == b"Ada Lovelace"
    assert seal.open_text(seal.seal_text("Åda 🙂")) == "Åda 🙂"
    # Two equal values do not look alike.
    assert seal.seal(b"Ada Lovelace") != sealed


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_values_stay_as_they_are(key: str | None) -> None:
    seal = Seal.from_key(key)
    assert not seal.is_sealing
    assert seal.seal_text("P-0001") == "P-0001"
    assert seal.open_text("P-0001") == "P-0001"


def test_values_from_before_there_was_a_key_are_still_read() -> None:
    assert Seal.from_key(Seal.new_key()).open(b"plain") == b"plain"


def test_another_key_no_key_and_an_altered_value_each_give_one_clear_line() -> None:
    sealed = Seal.from_key(Seal.new_key()).seal(b"secret")
    with pytest.raises(StorageError, match=r"another key.*BACKSIGHT_ENCRYPTION_KEY") as wrong:
        Seal.from_key(Seal.new_key()).open(sealed)
    with pytest.raises(StorageError, match=r"no key was given; set BACKSIGHT_ENCRYPTION_KEY") as missing:
        Seal.none().open(sealed)
    assert "\n" not in f"{wrong.value}{missing.value}"
    seal = Seal.from_key(Seal.new_key())
    altered = bytearray(seal.seal(b"secret"))
    altered[-10] ^= 1
    with pytest.raises(StorageError, match="altered"):
        seal.open(bytes(altered))


def test_a_new_key_in_front_of_the_old_one_opens_both_and_seals_with_the_new() -> None:
    old, new = Seal.new_key(), Seal.new_key()
    before = Seal.from_key(old).seal(b"before")
    both = Seal.from_key(f"{new}, {old}")
    assert both.open(before) == b"before"
    assert Seal.from_key(new).open(both.seal(b"after")) == b"after"


@pytest.mark.parametrize("key", ["short", "x" * 44, "ä" * 44, ",", "c" * 43 + "=,typo"])
def test_a_key_of_another_form_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(StorageError, match="BACKSIGHT_ENCRYPTION_KEY") as refused:
        Seal.from_key(key)
    assert all(part not in str(refused.value) for part in key.split(",") if part)


def test_a_plain_value_that_looks_sealed_is_refused_where_nobody_could_tell_them_apart() -> None:
    with pytest.raises(InvalidValueError, match="must not begin with"):
        Seal.none().seal(SEALED_PREFIX + b"x")
    seal = Seal.from_key(Seal.new_key())
    assert seal.open(seal.seal(SEALED_PREFIX + b"x")) == SEALED_PREFIX + b"x"
