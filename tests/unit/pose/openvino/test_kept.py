"""Compiled networks are kept: taken up where they are what was written, compiled anew wherever they are not."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openvino", reason="the extra `fast` is not installed")

from backsight.errors import WeightsError
from backsight.openers import pose_bundle
from backsight.pose.openvino import networks
from backsight.pose.openvino.kept import FOLDER


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[Path]:
    try:
        source = pose_bundle("lite")
    except WeightsError as error:
        pytest.skip(str(error))
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    yield path
    networks._compiled.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by one with every network that is compiled."""
    told: list[str] = []
    compile_network = networks._compile

    def counted(core: object, weights: bytes, recipe: networks._Recipe) -> object:
        told.append(str(recipe.outputs[0]))
        return compile_network(core, weights, recipe)

    monkeypatch.setattr(networks, "_compile", counted)
    return told


def _outputs(bundle: Path) -> list[np.ndarray]:
    """Return what both networks say of the same picture, in a process that has loaded nothing yet."""
    networks._compiled.cache_clear()
    said = []
    for network in networks.load_networks(bundle):
        network.picture[:] = np.random.default_rng(1).integers(0, 256, network.picture.shape, dtype=np.uint8)
        said += [output.copy() for output in network.run()]
    return said


def test_the_second_process_compiles_nothing_and_says_the_same_bit_for_bit(
    bundle: Path, compilations: list[str]
) -> None:
    first = _outputs(bundle)
    assert len(compilations) == 2
    second = _outputs(bundle)
    assert len(compilations) == 2
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert len(first) == 6


def test_what_is_kept_is_complete_and_nothing_else_is_left(bundle: Path, compilations: list[str]) -> None:
    _outputs(bundle)
    kept = sorted((bundle.parent / FOLDER).iterdir())
    assert [path.suffix for path in kept] == [".openvino"] * len(compilations)


def test_a_damaged_one_is_compiled_anew_and_replaced(bundle: Path, compilations: list[str]) -> None:
    whole = _outputs(bundle)
    cut, flipped = sorted((bundle.parent / FOLDER).iterdir())
    contents = [path.read_bytes() for path in (cut, flipped)]
    middle = len(contents[1]) // 2
    cut.write_bytes(contents[0][: len(contents[0]) // 2])
    flipped.write_bytes(contents[1][:middle] + bytes([contents[1][middle] ^ 1]) + contents[1][middle + 1 :])
    again = _outputs(bundle)
    assert len(compilations) == 4
    assert all(np.array_equal(one, other) for one, other in zip(whole, again, strict=True))
    _outputs(bundle)
    assert len(compilations) == 4


def test_other_options_find_nothing_of_these(
    bundle: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _outputs(bundle)
    monkeypatch.setattr(networks, "_OPTIONS", networks._OPTIONS | {"PERFORMANCE_HINT": "THROUGHPUT"})
    _outputs(bundle)
    assert len(compilations) == 4
    assert len(list((bundle.parent / FOLDER).iterdir())) == 4


def test_where_nothing_can_be_kept_it_is_compiled_every_time(bundle: Path, compilations: list[str]) -> None:
    (bundle.parent / FOLDER).write_bytes(b"a file where the folder would be")
    first = _outputs(bundle)
    second = _outputs(bundle)
    assert len(compilations) == 4
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_left_alone(bundle: Path, compilations: list[str]) -> None:
    bundle.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        _outputs(bundle)
    finally:
        bundle.parent.chmod(stat.S_IRWXU)
    assert len(compilations) == 2
    assert not (bundle.parent / FOLDER).exists()
