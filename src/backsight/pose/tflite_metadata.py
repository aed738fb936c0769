"""Tell MediaPipe how a TFLite model wants its pixels scaled, leaving every byte of the model as it is.

MediaPipe Tasks refuses a model without a `TFLITE_METADATA` buffer. A TFLite model is a FlatBuffer, and the offsets in a
FlatBuffer point forward and are relative; so a new root table, written in front of the untouched model, can hold the
model's own parts together with the one buffer that is missing. The result depends on no library's version, and the
official model can be found in it byte for byte. Knows nothing of files or of where models come from.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

# Field numbers of the table Model in TensorFlow's schema.fbs; `version` is a plain number, the others are offsets.
_N_MODEL_FIELDS = 8
_VERSION, _BUFFERS, _METADATA = 0, 4, 6
_MODEL_IDENTIFIER = b"TFL3"
_METADATA_IDENTIFIER = b"M001"
_METADATA_NAME = "TFLITE_METADATA"
_NORMALIZATION_OPTIONS = 1
"""Member of the union ProcessUnitOptions in metadata_schema.fbs."""
_IMAGE_PROPERTIES = 2
"""Member of the union ContentProperties in metadata_schema.fbs."""
_RGB = 1
"""Member of the enum ColorSpaceType in metadata_schema.fbs."""
_ALIGNMENT = 16
"""schema.fbs asks for buffers at multiples of 16 bytes; a prefix of such a length keeps those of the model in place."""


@dataclass(frozen=True)
class _Text:
    text: str


@dataclass(frozen=True)
class _Floats:
    values: tuple[float, ...]


@dataclass(frozen=True)
class _Blob:
    data: bytes


@dataclass(frozen=True)
class _InModel:
    """Something that lies in the untouched model, at a position counted from the model's first byte."""

    position: int


@dataclass(frozen=True)
class _Vector:
    items: tuple[_Table | _InModel, ...]


@dataclass(frozen=True)
class _Table:
    fields: tuple[_Node | int | None, ...]
    """One entry a field number: an offset's target, a number of up to 32 bits, or None where the field is absent."""


_Node = _Text | _Floats | _Blob | _InModel | _Vector | _Table


@dataclass
class _Writer:
    """Writes tables front to back, so that every offset points forward."""

    out: bytearray = field(default_factory=bytearray)
    into_model: list[tuple[int, int]] = field(default_factory=list)
    """(where an offset stands in `out`, position in the model that it points to)."""

    def pad(self, alignment: int, *, ahead: int = 0) -> None:
        self.out.extend(bytes(-(len(self.out) + ahead) % alignment))

    def write_root(self, root: _Table, identifier: bytes) -> None:
        self.out.extend(bytes(4) + identifier)
        self._point(0, root)

    def _point(self, at: int, target: _Node) -> None:
        if isinstance(target, _InModel):
            self.into_model.append((at, target.position))
        else:
            struct.pack_into("<I", self.out, at, self._write(target) - at)

    def _write(self, node: _Text | _Floats | _Blob | _Vector | _Table) -> int:
        if isinstance(node, _Table):
            return self._write_table(node)
        self.pad(_ALIGNMENT if isinstance(node, _Blob) else 4, ahead=4)
        start = len(self.out)
        match node:
            case _Text(text):
                self.out.extend(struct.pack("<I", len(text.encode())) + text.encode() + b"\0")
            case _Floats(values):
                self.out.extend(struct.pack(f"<I{len(values)}f", len(values), *values))
            case _Blob(data):
                self.out.extend(struct.pack("<I", len(data)) + data)
            case _Vector(items):
                self.out.extend(struct.pack("<I", len(items)) + bytes(4 * len(items)))
                for number, item in enumerate(items, start=1):
                    self._point(start + 4 * number, item)
        return start

    def _write_table(self, table: _Table) -> int:
        self.pad(4)
        present = [number for number, value in enumerate(table.fields) if value is not None]
        slot = {number: 4 * place for place, number in enumerate(present, start=1)}
        vtable = struct.pack("<2H", 4 + 2 * len(table.fields), 4 + 4 * len(present))
        vtable += b"".join(struct.pack("<H", slot.get(number, 0)) for number in range(len(table.fields)))
        vtable += bytes(-len(vtable) % 4)
        start = len(self.out) + len(vtable)
        self.out.extend(vtable + struct.pack("<i", len(vtable)) + bytes(4 * len(present)))
        for number in present:
            value = table.fields[number]
            if isinstance(value, int):
                struct.pack_into("<I", self.out, start + slot[number], value)
            elif value is not None:
                self._point(start + slot[number], value)
        return start


def _normalisation(*, mean: float, std: float) -> bytes:
    """Return a ModelMetadata FlatBuffer that says: the input is an RGB image, fed as (pixel - mean) / std."""
    scaling = _Table((_NORMALIZATION_OPTIONS, _Table((_Floats((mean,)), _Floats((std,))))))
    content = _Table((_IMAGE_PROPERTIES, _Table((_RGB,))))
    image = _Table((_Text("image"), None, None, content, _Vector((scaling,))))
    writer = _Writer()
    writer.write_root(
        _Table((None, None, None, _Vector((_Table((None, None, _Vector((image,)))),)))), _METADATA_IDENTIFIER
    )
    return bytes(writer.out)


def _model_fields(model: bytes) -> Iterator[int | None]:
    """Yield for each field of the root table where its content stands in the model: a number, or an offset's target."""
    (root,) = struct.unpack_from("<I", model, 0)
    vtable = root - struct.unpack_from("<i", model, root)[0]
    n_fields = (struct.unpack_from("<H", model, vtable)[0] - 4) // 2
    for number in range(_N_MODEL_FIELDS):
        slot = struct.unpack_from("<H", model, vtable + 4 + 2 * number)[0] if number < n_fields else 0
        if slot == 0:
            yield None
        elif number == _VERSION:
            yield root + slot
        else:
            yield _follow(model, root + slot)


def _follow(model: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", model, at)[0])


def _items(model: bytes, vector: int | None) -> tuple[_InModel, ...]:
    if vector is None:
        return ()
    (count,) = struct.unpack_from("<I", model, vector)
    return tuple(_InModel(_follow(model, vector + 4 * number)) for number in range(1, count + 1))


def with_normalisation(model: bytes, *, mean: float, std: float) -> bytes:
    """Return the model with the metadata that MediaPipe Tasks asks for, written in front of it.

    Parameters
    ----------
    model
        A TFLite model without metadata, whose one input is an RGB image.
    mean, std
        The model is fed (pixel - mean) / std, pixel being 0 to 255.

    Returns
    -------
    bytes
        A TFLite model that ends in `model`, unchanged.
    """
    positions = tuple(_model_fields(model))
    fields: list[_Node | int | None] = [None if position is None else _InModel(position) for position in positions]
    version = positions[_VERSION]
    fields[_VERSION] = None if version is None else int(struct.unpack_from("<I", model, version)[0])
    buffers = _items(model, positions[_BUFFERS])
    note = _Table((_Text(_METADATA_NAME), len(buffers)))
    fields[_BUFFERS] = _Vector((*buffers, _Table((_Blob(_normalisation(mean=mean, std=std)),))))
    fields[_METADATA] = _Vector((*_items(model, positions[_METADATA]), note))
    writer = _Writer()
    writer.write_root(_Table(tuple(fields)), _MODEL_IDENTIFIER)
    writer.pad(_ALIGNMENT)
    for at, position in writer.into_model:
        struct.pack_into("<I", writer.out, at, len(writer.out) + position - at)
    return bytes(writer.out) + model
