"""The metadata is read back with MediaPipe's own schemas, which had no part in writing it."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
import pytest

from backsight.pose.tflite_metadata import with_normalisation


def load_schema(name: str) -> ModuleType:
    """Load one generated module without importing the whole of MediaPipe."""
    package = importlib.util.find_spec("mediapipe")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "tasks/metadata" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tflite() -> ModuleType:
    return load_schema("schema_py_generated")


@pytest.fixture(scope="module")
def metadata_schema() -> ModuleType:
    return load_schema("metadata_schema_py_generated")


def small_model(tflite: Any, *, with_a_note: bool) -> bytes:
    """Two buffers, one of them empty, and a description; sixteen-byte padded as the official models are."""
    model = tflite.ModelT()
    model.version = 3
    model.description = "a model of two buffers"
    full = tflite.BufferT()
    full.data = np.arange(40, dtype=np.uint8)
    model.buffers = [tflite.BufferT(), full]
    if with_a_note:
        note = tflite.MetadataT()
        note.name, note.buffer = "min_runtime_version", 1
        model.metadata = [note]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("with_a_note", [False, True])
def test_the_model_keeps_its_parts_and_gains_one_buffer(tflite: Any, with_a_note: bool) -> None:
    original = small_model(tflite, with_a_note=with_a_note)
    result = with_normalisation(original, mean=127.5, std=127.5)
    model = tflite.ModelT.InitFromPackedBuf(result, 0)
    assert result[4:8] == b"TFL3"
    assert result.endswith(original)
    assert (len(result) - len(original)) % 16 == 0
    assert model.version == 3
    assert model.description == b"a model of two buffers"
    assert model.buffers[0].data is None
    assert list(model.buffers[1].data) == list(range(40))
    assert len(model.buffers) == 3
    names = [(note.name, note.buffer) for note in model.metadata]
    assert names == [(b"min_runtime_version", 1)] * with_a_note + [(b"TFLITE_METADATA", 2)]


def test_the_buffer_says_how_pixels_are_scaled(tflite: Any, metadata_schema: Any) -> None:
    result = with_normalisation(small_model(tflite, with_a_note=False), mean=1.5, std=255.0)
    content = bytes(tflite.ModelT.InitFromPackedBuf(result, 0).buffers[-1].data)
    assert content[4:8] == b"M001"
    (graph,) = metadata_schema.ModelMetadataT.InitFromPackedBuf(content, 0).subgraphMetadata
    (image,) = graph.inputTensorMetadata
    (step,) = image.processUnits
    assert step.optionsType == metadata_schema.ProcessUnitOptions.NormalizationOptions
    assert list(step.options.mean) == [1.5]
    assert list(step.options.std) == [255.0]
    assert image.content.contentProperties.colorSpace == metadata_schema.ColorSpaceType.RGB


def test_the_buffer_is_aligned_as_the_schema_asks(tflite: Any) -> None:
    result = with_normalisation(small_model(tflite, with_a_note=True), mean=0.0, std=255.0)
    content = bytes(tflite.ModelT.InitFromPackedBuf(result, 0).buffers[-1].data)
    assert result.index(content) % 16 == 0
