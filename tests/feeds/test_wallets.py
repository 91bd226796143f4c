"""API wallets of Aster: what they sign, by a vector of another implementation, and what is sent of it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.rest import RestClient
from monitor.adapters.venues import VENUES
from monitor.adapters.venues.keccak import keccak256
from monitor.app.venue_feed.ports import AccountAccess, ApiKey
from tests.feeds.played_rest import KEY, SECRET, Asked, PlayedRest

pytest.importorskip("coincurve", reason="the extra `aster` is not installed")

USER = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
SIGNER = "0x21cF8Ae13Bb72632562c6Fff438652Ba1a151bb0"
WALLET_SECRET = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"
"""Published by the venue for demonstration: the private key is the signer's."""
NONCE = 1748310859508867
SIGNATURE = (
    "0x79f8910c6a2d14796480f5bc09492b9cf00e247bc53b2cc9b47e3b59dfe698b9"
    "2e9e9a6853c210ae67ffa351b09d84a14a0585122f2fba2c90b2998e3e96e3b81b"
)
"""Of `nonce=…&user=…&signer=…` by eth-account 0.13, from the typed data in the venue's documentation."""
WALLET = AccountAccess(ApiKey(USER, WALLET_SECRET))


@given(st.binary(max_size=600))
def test_the_permutation_is_that_of_sha3(data: bytes) -> None:
    """With the padding of the standard the hash is the library's."""
    assert keccak256(data, padding=0x06) == hashlib.sha3_256(data).digest()


def test_the_padding_is_that_of_ethereum() -> None:
    """Two published values of Keccak-256."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_a_request_is_signed_as_others_sign_it() -> None:
    """Signer's address and signature are those of another implementation."""
    request = VENUES["aster"].terms.requests(WALLET.key, 0)[-1]
    assert (request.path, request.query) == ("/fapi/v3/leverageBracket", "")
    assert request.sign is not None
    sent = request.sign(NONCE)
    words = f"nonce={NONCE}&user={USER}&signer={SIGNER}"
    assert (sent.path, sent.query) == ("/fapi/v3/leverageBracket", f"{words}&signature={SIGNATURE}")
    assert not any(secret in repr((request, sent, WALLET)) for secret in (WALLET_SECRET[2:], SIGNATURE, USER))


async def test_each_request_is_sent_once_under_its_own_number() -> None:
    """Snapshots and listen keys go to V3 paths; numbers rise, also for the same request sent again."""
    accounts = VENUES["aster"].accounts
    opening, keeping = accounts.open_stream(WALLET), accounts.keep_stream(WALLET)
    assert opening is not None
    assert keeping is not None
    asking = [opening, keeping[0], keeping[0], *accounts.snapshot_requests(WALLET, 0)]
    paths = ["listenKey"] * 3 + ["accountWithJoinMargin", "positionRisk", "positionSide/dual", "multiAssetsMargin"]
    answers: dict[str, Any] = {f"/fapi/v3/{path}": {} for path in paths}
    with PlayedRest(answers).open() as played:
        rest = RestClient(played.address, 2.0, 0.1)
        for request in asking:
            assert await rest.ask(request) == b"{}"
        await rest.close()
    assert [one.path for one in played.asked] == [f"/fapi/v3/{path}" for path in paths]
    assert [one.method for one in played.asked] == ["POST", "PUT", "PUT", "GET", "GET", "GET", "GET"]
    sent = [dict(parse_qsl(text_of(one))) for one in played.asked]
    assert all((one["user"], one["signer"]) == (USER, SIGNER) for one in sent)
    nonces = [int(one["nonce"]) for one in sent]
    assert nonces == sorted(set(nonces))
    assert len({one["signature"] for one in sent}) == len(sent)
    assert not any("X-MBX-APIKEY" in one.headers for one in played.asked)


def text_of(asked: Asked) -> str:
    """Return the parameters of a request, wherever they were sent."""
    return asked.query if asked.method == "GET" else asked.body.decode()


@pytest.mark.parametrize(
    ("venue", "key", "why"),
    [
        ("binance-usdm", ApiKey(USER, WALLET_SECRET), "this venue takes keys"),
        ("aster", ApiKey(USER, SECRET), "64 hexadecimal digits"),
        ("aster", ApiKey(USER, "0" * 64), "holds no private key"),
        ("aster", ApiKey(USER, "f" * 64), "holds no private key"),
    ],
)
def test_what_is_no_wallet_is_said_before_anything_is_asked(venue: str, key: ApiKey, why: str) -> None:
    """For accounts and for brackets alike, without the secret."""
    for check in (lambda: VENUES[venue].accounts.check(AccountAccess(key)), lambda: VENUES[venue].terms.check(key)):
        with pytest.raises(ValueError, match=why) as fault:
            check()
        assert key.secret not in str(fault.value)
    VENUES[venue].accounts.check(AccountAccess(ApiKey(KEY, SECRET)))
