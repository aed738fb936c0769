"""Encrypt single values at rest with a key from outside the database. Knows no table and no file."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backsight.errors import InvalidValueError, StorageError

KEY_VARIABLE = "BACKSIGHT_ENCRYPTION_KEY"
"""Where the key comes from, for messages; the web's settings and the command line read it."""
SEALED_PREFIX = b"backsight-sealed-1:"
"""What every sealed value begins with, so that a plain one from before there was a key is still read."""


class Seal:
    """Encrypts and decrypts values; made by `from_key` or `none`.

    Values are Fernet tokens (AES-128-CBC with HMAC-SHA256) behind `SEALED_PREFIX`. They say when they were sealed, and
    about how long the plain value is.
    """

    def __init__(self, keys: MultiFernet | None) -> None:
        self._keys = keys

    @classmethod
    def none(cls) -> Seal:
        """Return a seal that leaves values as they are, and refuses to open what another seal has closed."""
        return cls(None)

    @classmethod
    def from_key(cls, key: str | None) -> Seal:
        """Return a seal for a key as made by `new_key`.

        Parameters
        ----------
        key
            32 bytes in URL-safe base64, or several of them with commas between: the first one seals, all of them open,
            so that a new key can be put in front of the old one. None or empty = no encryption.

        Raises
        ------
        StorageError
            When a key is not of that form. The message does not repeat it.
        """
        parts = [part.strip() for part in (key or "").split(",")]
        if parts == [""]:
            return cls.none()
        fernets = []
        for number, part in enumerate(parts, start=1):
            try:
                fernets.append(Fernet(part))
            except ValueError as error:
                raise StorageError(
                    f"{KEY_VARIABLE}: key {number} of {len(parts)} must be 32 bytes in URL-safe base64, 44 characters, "
                    f"got {len(part)} characters; make one with "
                    "`python -c 'from backsight.storage.sealing import Seal; print(Seal.new_key())'`"
                ) from error
        return cls(MultiFernet(fernets))

    @staticmethod
    def new_key() -> str:
        """Return a fresh key."""
        return Fernet.generate_key().decode("ascii")

    @property
    def is_sealing(self) -> bool:
        """True where values are encrypted; False for `none`."""
        return self._keys is not None

    def seal(self, plain: bytes) -> bytes:
        """Return the value encrypted, or as it is where there is no key.

        Raises
        ------
        InvalidValueError
            When there is no key and the value looks like a sealed one: nobody could read it back.
        """
        if self._keys is None:
            if plain.startswith(SEALED_PREFIX):
                raise InvalidValueError(
                    f"a value must not begin with {SEALED_PREFIX.decode()!r}, which marks sealed ones"
                )
            return plain
        return SEALED_PREFIX + self._keys.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Return the plain value; one that was never sealed comes back as it is.

        Raises
        ------
        StorageError
            When there is no key, none of the keys fits, or the value was altered.
        """
        if not sealed.startswith(SEALED_PREFIX):
            return sealed
        if self._keys is None:
            raise StorageError(
                f"a stored value is encrypted and no key was given; set {KEY_VARIABLE} to the key it was sealed with"
            )
        try:
            return self._keys.decrypt(sealed[len(SEALED_PREFIX) :])
        except InvalidToken as error:
            raise StorageError(
                f"a stored value was sealed with another key, or was altered; {KEY_VARIABLE} must hold the key it was "
                "sealed with (several keys are given with commas between)"
            ) from error

    def seal_text(self, plain: str) -> str:
        """Return a text encrypted, as text; see `seal`."""
        return self.seal(plain.encode("utf-8")).decode("utf-8")

    def open_text(self, sealed: str) -> str:
        """Return a plain text; see `open`."""
        return self.open(sealed.encode("utf-8")).decode("utf-8")
