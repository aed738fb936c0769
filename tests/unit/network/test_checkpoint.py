"""A checkpoint survives its file, and a damaged or foreign file is refused with one clear line."""

from __future__ import annotations

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from backsight.errors import CheckpointError, InvalidValueError, OutputError
from backsight.network.checkpoint import (
    Checkpoint,
    checkpoint_to_bytes,
    default_checkpoint_path,
    first_difference,
    load_checkpoint,
    save_checkpoint,
)

from .checkpoints import NAMES, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return make_checkpoint()


@pytest.fixture
def path(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    save_checkpoint(tmp_path / "model.backsight", checkpoint)
    return tmp_path / "model.backsight"


def _rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the file anew, whole and well-formed, with another manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["checkpoint.json"])
    change(manifest)
    members["checkpoint.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _assert_same(one: Checkpoint, other: Checkpoint) -> None:
    for field in ("config", "onnx", "weights", "feature_names", "training", "card"):
        assert getattr(one, field) == getattr(other, field)
    for field in ("minimum", "maximum", "fill"):
        np.testing.assert_array_equal(getattr(one.scaler, field), getattr(other.scaler, field))
    assert one.scaler.overshoot == other.scaler.overshoot
    assert one.metrics.keys() == other.metrics.keys()
    np.testing.assert_array_equal(list(one.metrics.values()), list(other.metrics.values()))


def test_everything_survives_the_file(path: Path, checkpoint: Checkpoint) -> None:
    again = load_checkpoint(path, expected_features=NAMES)

    _assert_same(again, checkpoint)
    assert math.isnan(again.metrics["auc"])


def test_same_checkpoint_gives_the_same_bytes(path: Path, checkpoint: Checkpoint) -> None:
    assert path.read_bytes() == checkpoint_to_bytes(load_checkpoint(path)) == checkpoint_to_bytes(checkpoint)


def test_nothing_else_is_left_beside_the_file(path: Path) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == ["model.backsight"]


def test_no_member_is_a_pickle(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["checkpoint.json", "model.onnx", "weights.safetensors", "MODEL_CARD.md"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        load_checkpoint(tmp_path / "absent.backsight")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(("content", "clue"), [(b"", "an empty file"), (b"torch", "something else")])
def test_not_a_checkpoint(tmp_path: Path, content: bytes, clue: str) -> None:
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(CheckpointError, match=f"not a Backsight checkpoint.*{clue}"):
        load_checkpoint(tmp_path / "x")


def test_zip_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("model.onnx", b"")

    with pytest.raises(CheckpointError, match=r"it holds no checkpoint\.json"):
        load_checkpoint(tmp_path / "x.zip")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_truncated(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(CheckpointError, match="truncated or damaged"):
        load_checkpoint(path)


def test_flipped_bytes_never_change_what_is_read(path: Path, checkpoint: Checkpoint) -> None:
    """Some bytes of a zip mean nothing (dates); any other must be noticed, as a `CheckpointError` and nothing else."""
    content = path.read_bytes()
    rng = default_rng(0)
    headers = [*range(120), *range(len(content) - 400, len(content))]
    payload = [int(position) for position in rng.integers(120, len(content) - 400, 300)]
    unnoticed = []
    for position in headers + payload:
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(CheckpointError):
            _assert_same(load_checkpoint(path), checkpoint)
            unnoticed.append(position)
    assert len(set(unnoticed) & set(payload)) < 5  # the headers between the members


def test_swapped_network_does_not_match_its_checksum(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (members | {"model.onnx": b"another network"}).items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())

    with pytest.raises(CheckpointError, match=r"model\.onnx does not match its checksum"):
        load_checkpoint(path)


def test_newer_format(path: Path) -> None:
    _rewrite(path, lambda manifest: manifest.update(format_version=2))

    with pytest.raises(CheckpointError, match="format 2, this Backsight reads up to 1; upgrade Backsight"):
        load_checkpoint(path)


def test_other_feature_schema_names_the_first_column(path: Path) -> None:
    expected = (*NAMES[:3], "left_eye_z", *NAMES[4:])

    with pytest.raises(CheckpointError, match="column 3 expected `left_eye_z`, got `nose_z`"):
        load_checkpoint(path, expected_features=expected)


@pytest.mark.parametrize(
    ("change", "clue"),
    [
        (lambda m: m.pop("scaler"), "`scaler` is missing"),
        (lambda m: m["scaler"]["minimum"].pop(), "`maximum`|minimum"),
        (lambda m: m["scaler"].update(minimum=[0.0] * 3, maximum=[1.0] * 3, fill=[0.0] * 3), "`scaler`.*6.*got 3"),
        (lambda m: m["network"].update(hidden_size=0), "`hidden_size`"),
        (lambda m: m["network"].update(kind="transformer"), "`network.kind`.*transformer"),
        (lambda m: m["network"].update(unheard_of=1), "unheard_of"),
        (lambda m: m.update(feature_schema="0" * 64), "`feature_schema`"),
        (lambda m: m.update(interval_half_width=-0.1), "`interval_half_width`"),
        (lambda m: m.update(headline="Validated in hospital."), "headline"),
        (lambda m: m.update(network=None), "contradicts itself"),
        (lambda m: m.update(metrics=[1]), "contradicts itself"),
        (lambda m: m.update(sha256=7), "contradicts itself"),
        (lambda m: m["training"].update(exercises=["swim"]), "swim"),
    ],
)
def test_manifest_that_contradicts_itself(path: Path, change: Callable[[dict[str, Any]], Any], clue: str) -> None:
    _rewrite(path, change)

    with pytest.raises(CheckpointError, match=clue):
        load_checkpoint(path)


def test_card_must_begin_with_its_headline(checkpoint: Checkpoint) -> None:
    with pytest.raises(InvalidValueError, match="begin with its headline"):
        replace(checkpoint, card=replace(checkpoint.card, text="# Splendid\n\nNot trained at all."))


def test_names_must_fit_the_network(checkpoint: Checkpoint) -> None:
    with pytest.raises(InvalidValueError, match=r"`feature_names`.*6 features, got 5"):
        replace(checkpoint, feature_names=NAMES[:5])


def test_place_that_cannot_be_written_leaves_nothing(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(tmp_path / "file" / "model.backsight", checkpoint)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_failed_write_keeps_the_old_file(path: Path, checkpoint: Checkpoint) -> None:
    before = path.read_bytes()
    (path.parent / ".model.backsight.part").mkdir()  # the hidden sibling cannot be opened

    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(path, replace(checkpoint, metrics={}))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("expected", "got", "clause"),
    [
        (("a", "b"), ("a", "b"), None),
        (("a", "b"), ("a", "c"), "column 1 expected `b`, got `c`"),
        (("a", "b"), ("a",), "expected 2 columns, got 1"),
    ],
)
def test_first_difference(expected: tuple[str, ...], got: tuple[str, ...], clause: str | None) -> None:
    assert first_difference(expected, got) == clause


def test_default_path_lies_in_the_package() -> None:
    try:
        path = default_checkpoint_path()
    except CheckpointError as error:
        pytest.skip(f"no network trained yet: {error}")
    assert path.parent.parent.name == "network"
