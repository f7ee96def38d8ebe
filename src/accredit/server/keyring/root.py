"""The root key: 32 bytes that wrap every data key, and are the one thing that must never lie beside a backup of the database.

It comes from ACCREDIT_ROOT_KEY, from the file that ACCREDIT_ROOT_KEY_FILE names, or, on the embedded default, from `root.key` in
the data directory, which is made on first start. Everywhere its text is padded base64 of 32 bytes (RFC 4648 section 4).

    roots = load_root_keys(data_dir=Path("/var/lib/accredit"))
    wrapped = roots.current.wrap(data_key, context)

Rotation has a time in which two root keys are known: the current one wraps, previous ones only still open.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accredit.encoding import b64_decode, b64_encode
from accredit.errors import FailureError, MalformedError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"

_FILE = "root.key"
_PREVIOUS_FILE = "root.key.previous"
# Far more than a key's text: whatever else was named by mistake is not read into memory.
_MAX_TEXT = 1024
_OTHERS_MAY_READ = 0o077
_OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class RootKey:
    """One root key. key_id: 16 hex characters of a hash of it, kept with all that it wrapped. It never shows its octets."""

    key_id: str
    _aead: AESGCM

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        """A root key of 32 bytes. Raises ValueError for another length."""
        if len(octets) != _KEY_BYTES:
            raise ValueError("a root key has 32 bytes")
        return cls(hashlib.sha256(b"accredit-root-key" + octets).hexdigest()[:16], AESGCM(octets))

    @classmethod
    def from_text(cls, text: str, member: str) -> Self:
        """A root key as an operator writes it; white space around it is dropped.

        member: the setting that it came from. Raises MalformedError settings_invalid.
        """
        try:
            return cls.from_octets(b64_decode(text.strip()))
        except ValueError:
            # `from None`: the cause's traceback would lead to the text.
            raise MalformedError("settings_invalid", member) from None

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """The data key, AES-256-GCM under this key; it opens only with the same context."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key again. Raises FailureError sealed_damaged."""
        if wrapped[:1] != _VERSION:
            raise FailureError("sealed_damaged")
        nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, sealed, context)
        except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce.
            raise FailureError("sealed_damaged") from error


@dataclass(frozen=True, slots=True)
class RootKeys:
    """The root key that wraps now, and those that may still be needed to open what was wrapped before."""

    current: RootKey
    previous: tuple[RootKey, ...] = ()

    def find(self, key_id: str) -> RootKey | None:
        """The root key of this id, if it is configured."""
        return next((key for key in (self.current, *self.previous) if key.key_id == key_id), None)


def generate_root_key() -> str:
    """The text of a fresh root key."""
    return b64_encode(secrets.token_bytes(_KEY_BYTES))


def load_root_keys(
    value: str | None = None, file: Path | None = None, data_dir: Path | None = None, previous: Sequence[str] = ()
) -> RootKeys:
    """The root keys of this server.

    value: the key's text. file: where the text stands. data_dir: without both, `root.key` in there, made when it is missing
    (and `root.key.previous`, which stands there during a rotation). previous: texts of earlier root keys.

    Raises MalformedError settings_invalid with the setting's name; FailureError root_key_exposed when others may read the file
    in the data directory, or write the named one (a mounted secret is often readable by all); root_key_missing without a source.
    """
    older = tuple(RootKey.from_text(text, "ACCREDIT_PREVIOUS_ROOT_KEYS") for text in previous)
    if value is not None and file is not None:
        raise MalformedError("settings_invalid", "ACCREDIT_ROOT_KEY_FILE")
    if value is not None:
        return RootKeys(RootKey.from_text(value, "ACCREDIT_ROOT_KEY"), older)
    if file is not None:
        return RootKeys(_read(file, "ACCREDIT_ROOT_KEY_FILE", _OTHERS_MAY_WRITE), older)
    if data_dir is None:
        raise FailureError("root_key_missing")
    return _load_or_make(data_dir, older)


def replace_root_key_file(data_dir: Path) -> RootKeys:
    """Begins a rotation on the embedded default: a fresh `root.key`, the old one kept beside it until drop_previous_root_key.

    Called again before that, as after an interruption, it changes nothing. No server may have the database open meanwhile.
    """
    current, kept = data_dir / _FILE, data_dir / _PREVIOUS_FILE
    if not kept.exists():
        # 1. The new key is durable under a name of its own. 2. The old one gets its second name. 3. The new one takes the first
        # name in one step. A crash after 1 leaves a stray file; after 2 the two names hold one key, which 3 then mends.
        fresh = _write_aside(data_dir, generate_root_key())
        os.link(current, kept)
        os.replace(fresh, current)
        _sync_directory(data_dir)
    elif kept.samefile(current):
        os.replace(_write_aside(data_dir, generate_root_key()), current)
        _sync_directory(data_dir)
    return _load_or_make(data_dir, ())


def drop_previous_root_key(data_dir: Path) -> None:
    """Ends a rotation on the embedded default: once no copy of the old root key is left, old copies of the database stay shut."""
    (data_dir / _PREVIOUS_FILE).unlink(missing_ok=True)
    _sync_directory(data_dir)


def _load_or_make(data_dir: Path, older: tuple[RootKey, ...]) -> RootKeys:
    path, kept = data_dir / _FILE, data_dir / _PREVIOUS_FILE
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    if kept.exists():
        older = (_read(kept, _PREVIOUS_FILE, _OTHERS_MAY_READ), *older)
    return RootKeys(_read(path, _FILE, _OTHERS_MAY_READ), older)


def _make(path: Path) -> None:
    aside = _write_aside(path.parent, generate_root_key())
    try:
        # A link, unlike a rename, never replaces: of two first starts at once, both go on with the winner's key.
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    _sync_directory(path.parent)


def _write_aside(directory: Path, text: str) -> Path:
    """A file of mode 0600 that nobody knows yet, durable before it gets its name: a crash never leaves half a key behind."""
    path = directory / f".root.key.{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)
    return path


def _read(path: Path, member: str, forbidden: int) -> RootKey:
    try:
        with path.open("rb") as file:
            # The open file is asked, not its path, so that what was judged is what is read.
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(_MAX_TEXT)
    except OSError as error:
        raise FailureError("root_key_missing", member) from error
    if mode & forbidden:
        raise FailureError("root_key_exposed", member)
    return RootKey.from_text(octets.decode("ascii", errors="replace"), member)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
