"""Requests of Aster's V3 interface, signed by an API wallet. Source: the venue's "Aster Finance Futures API V3".

EIP-712 over the parameters as they are sent, by secp256k1. Each needs a number of its own, microseconds since 1970, so
it is signed at the moment it is sent. The library that signs is an extra: nobody else needs it.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Literal
from urllib.parse import urlencode

from monitor.adapters.venues.keccak import keccak256
from monitor.app.venue_feed.ports import ApiKey, Request

Method = Literal["GET", "POST", "PUT", "DELETE"]
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SECRET = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_CHAIN = 1666
_DOMAIN = (
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    keccak256(b"AsterSignTransaction") + keccak256(b"1") + _CHAIN.to_bytes(32) + bytes(32),
)
_MESSAGE = b"Message(string msg)"


def is_wallet(key: ApiKey) -> bool:
    """Return whether a key is an account's address, and its secret to be a wallet's private key."""
    return _ADDRESS.fullmatch(key.key) is not None


def check_wallet(key: ApiKey) -> None:
    """Raise `ValueError` saying what is wrong with a wallet or the installation, and never the secret."""
    if _SECRET.fullmatch(key.secret) is None:
        raise ValueError("secret_file must hold the private key of the API wallet, 64 hexadecimal digits")
    if importlib.util.find_spec("coincurve") is None:
        raise ValueError("an API wallet signs by secp256k1: pip install 'liquidation-monitor[aster]'")
    try:
        _address(key.secret)
    except ValueError:
        raise ValueError("secret_file holds no private key: it is beyond the order of the curve") from None


def wallet_request(path: str, key: ApiKey, method: Method = "GET") -> Request:
    """Return a request that only the holder of the wallet can make, signed when it is sent."""

    def sign(nonce_us: int) -> Request:
        words = urlencode({"nonce": nonce_us, "user": key.key, "signer": _address(key.secret)})
        signed = f"{words}&signature=0x{_signature(words, key.secret).hex()}"
        if method == "GET":
            return Request(path, signed)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request(path, headers=form, method=method, body=signed.encode())

    return Request(path, method=method, sign=sign)


def _signature(words: str, secret: str) -> bytes:
    """Return r, s and v of the signature of an EIP-712 message that is one text."""
    from coincurve import PrivateKey  # noqa: PLC0415  # an extra, asked for in `check_wallet`

    parts = (_struct(*_DOMAIN), _struct(_MESSAGE, keccak256(words.encode())))
    found = PrivateKey(_number(secret)).sign_recoverable(keccak256(b"\x19\x01" + b"".join(parts)), hasher=None)
    return bytes(found[:64]) + bytes([27 + found[64]])


def _struct(kind: bytes, fields: bytes) -> bytes:
    return keccak256(keccak256(kind) + fields)


def _address(secret: str) -> str:
    """Return the address of a wallet, in the letter case that checks it (EIP-55). Raises `ValueError`."""
    from coincurve import PrivateKey  # noqa: PLC0415  # as above

    public = PrivateKey(_number(secret)).public_key.format(compressed=False)
    plain = keccak256(public[1:])[-20:].hex()
    checks = keccak256(plain.encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(check, 16) >= 8 else letter for letter, check in zip(plain, checks, strict=False)
    )


def _number(secret: str) -> bytes:
    return bytes.fromhex(secret.removeprefix("0x"))
