"""Keccak-256, the hash of Ethereum's signatures: SHA-3 with the padding it had before it was a standard.

The permutation is FIPS 202's; `hashlib` has it with the later padding only.
"""

from __future__ import annotations

from itertools import pairwise

_ROUNDS = 24
_WORD = (1 << 64) - 1
_RATE = 136
"""Bytes taken in at a time, where 256 bits come out."""


def keccak256(data: bytes, padding: int = 0x01) -> bytes:
    """Return the hash; with `padding` 0x06 it is SHA3-256."""
    padded = bytearray(data) + bytes(_RATE - len(data) % _RATE)
    padded[len(data)] ^= padding
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for number in range(_RATE // 8):
            at = start + 8 * number
            lanes[number] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permuted(lanes: list[int]) -> list[int]:
    """Return the state after all rounds; lane (x, y) is at x + 5·y."""
    state = lanes
    for constant in _CONSTANTS:
        column = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        state = [
            lane ^ column[(at + 4) % 5] ^ _turned(column[(at + 1) % 5], 1)
            for at, lane in zip(range(25), state, strict=True)
        ]
        moved = [0] * 25
        for (source, target), places in _MOVES:
            moved[target] = _turned(state[source], places)
        state = [
            moved[at] ^ (~moved[at - at % 5 + (at + 1) % 5] & moved[at - at % 5 + (at + 2) % 5]) for at in range(25)
        ]
        state[0] ^= constant
    return state


def _turned(lane: int, places: int) -> int:
    return (lane << places | lane >> (64 - places)) & _WORD if places else lane


def _moves() -> list[tuple[tuple[int, int], int]]:
    """Return where each lane goes, and by how many bits it is turned on the way."""
    path = [(1, 0)]
    for _ in range(_ROUNDS):
        x, y = path[-1]
        path.append((y, (2 * x + 3 * y) % 5))
    places = [x + 5 * y for x, y in path]
    turns = [(step + 1) * (step + 2) // 2 % 64 for step in range(_ROUNDS)]
    return [((0, 0), 0), *zip(pairwise(places), turns, strict=True)]


def _constants() -> list[int]:
    """Return what is added in each round: bits of a register that is shifted with feedback."""
    register, found = 1, []
    for _ in range(_ROUNDS):
        constant = 0
        for step in range(7):
            if register & 1:
                constant |= 1 << (2**step - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


_MOVES, _CONSTANTS = _moves(), _constants()
