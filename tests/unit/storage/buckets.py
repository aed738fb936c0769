"""A bucket of videos that can be out of reach, as fsspec and the libraries below it tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class EndpointConnectionError(Exception):
    """As a bucket's library raises it: no OSError."""


class Bucket(MemoryFileSystem):
    """A bucket behind a line that can be cut."""

    protocol = "cutbucket"
    store: ClassVar[dict[str, object]] = {}
    is_cut: ClassVar[bool] = False

    def _open(self, *arguments: object, **options: object) -> object:
        return self._ask(super()._open, *arguments, **options)

    def rm_file(self, *arguments: object, **options: object) -> object:
        return self._ask(super().rm_file, *arguments, **options)

    def find(self, *arguments: object, **options: object) -> object:
        return self._ask(super().find, *arguments, **options)

    def exists(self, *arguments: object, **options: object) -> object:
        return self._ask(super().exists, *arguments, **options)

    def makedirs(self, *arguments: object, **options: object) -> object:
        return self._ask(super().makedirs, *arguments, **options)

    def _ask(self, do: Callable[..., object], *arguments: object, **options: object) -> object:
        if self.is_cut:
            raise EndpointConnectionError("Could not connect to the endpoint\nand more")
        return do(*arguments, **options)


def bucket_url() -> str:
    """Make the kind of bucket known to fsspec, and return the URL of one."""
    fsspec.register_implementation(Bucket.protocol, Bucket, clobber=True)
    return f"{Bucket.protocol}://films"
