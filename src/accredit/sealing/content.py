"""The content of a sealed answer: AES-CBC with HMAC, and AES-GCM.

RFC 7518 sections 5.2 and 5.3, on the primitives of pyca/cryptography. Nothing here is checked that the caller has not checked: keys,
IVs and tags have their exact lengths.
"""

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from accredit.sealing.algorithms import ContentEncryption

_BLOCK_BYTES = 16


@dataclass(frozen=True, slots=True)
class Encrypted:
    """The three parts of a JWE that its content makes."""

    iv: bytes
    ciphertext: bytes
    tag: bytes


def encrypt_content(row: ContentEncryption, cek: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> Encrypted:
    """Encrypt under a content key that is used this once."""
    if row.mac is None:
        sealed = AESGCM(cek).encrypt(iv, plaintext, aad)
        return Encrypted(iv, sealed[: -row.tag_bytes], sealed[-row.tag_bytes :])
    padder = PKCS7(8 * _BLOCK_BYTES).padder()
    encryptor = Cipher(AES(cek[row.cek_bytes // 2 :]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
    return Encrypted(iv, ciphertext, _mac(row, row.mac, cek, iv, ciphertext, aad))


def decrypt_content(row: ContentEncryption, cek: bytes, encrypted: Encrypted, aad: bytes) -> bytes:
    """The plaintext. Raises ValueError for whatever was not made under this key from these very octets."""
    if row.mac is None:
        try:
            return AESGCM(cek).decrypt(encrypted.iv, encrypted.ciphertext + encrypted.tag, aad)
        except InvalidTag as error:
            raise ValueError("tag") from error
    expected = _mac(row, row.mac, cek, encrypted.iv, encrypted.ciphertext, aad)
    # Nothing is decrypted before the tag holds: a padding that tells anything is met by the one who made it only.
    if not hmac.compare_digest(expected, encrypted.tag):
        raise ValueError("tag")
    decryptor = Cipher(AES(cek[row.cek_bytes // 2 :]), CBC(encrypted.iv)).decryptor()
    padded = decryptor.update(encrypted.ciphertext) + decryptor.finalize()
    unpadder = PKCS7(8 * _BLOCK_BYTES).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _mac(row: ContentEncryption, name: str, cek: bytes, iv: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    # RFC 7518 section 5.2.2.1: the first half of the key is for the MAC, of which the first half is the tag.
    octets = aad + iv + ciphertext + (8 * len(aad)).to_bytes(8)
    return hmac.digest(cek[: row.cek_bytes // 2], octets, name)[: row.tag_bytes]
