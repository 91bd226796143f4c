"""The doors: who is let in, from where, how many, and what ends a connection."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from monitor.app.gateway.access import BadGrants, Doorkeeper, mint, read_grants
from monitor.app.gateway.pace import Pace
from monitor.cli.main import main
from tests.gateway.example import EXAMPLE
from tests.gateway.house import DESK, GRANTS, TRADER, Client, Running, house, running
from tests.waiting import until


async def end_of(client: Client) -> tuple[int, list[dict[str, Any]]]:
    """Return with which code the gateway closes, and what it said before."""
    said = []
    while client.connection.close_code is None:
        with suppress(ConnectionClosed):
            said.append(await client.hear())
    return client.connection.close_code, said


def plain(gateway: Running, **options: Any) -> Any:
    """Return a connection that has not said hello."""
    return connect(f"ws://127.0.0.1:{gateway.server.port}/v1", compression=None, **options)


async def test_a_stranger_learns_nothing() -> None:
    """A token that is not known closes the connection, by header and by hello; before hello nothing is answered."""
    async with house() as home, running(home) as gateway:
        async with plain(gateway, additional_headers={"Authorization": "Bearer no"}) as connection:
            assert (await end_of(Client(connection)))[0] == 4401
        async with plain(gateway) as connection:
            client = Client(connection)
            await client.say(type="hello", token=DESK + "x")
            assert (await end_of(client))[0] == 4401
        async with plain(gateway) as connection:
            client = Client(connection)
            await client.say(type="subscribe", subscription="s")
            code, said = await end_of(client)
            assert (code, [one["type"] for one in said]) == (4401, ["closing"])
        assert gateway.notes.reasons == ["token", "token"]


async def test_hello_lets_in_what_cannot_send_headers() -> None:
    """A page says its token in the first message; who says nothing in time is let go."""
    async with house() as home, running(home, hello_ms=150) as gateway:
        async with plain(gateway) as connection:
            client = Client(connection)
            await client.say(type="hello", token=TRADER)
            assert (await client.hear())["accounts"] == ["a1"]
        async with plain(gateway) as connection:
            assert (await end_of(Client(connection)))[0] == 4408


async def test_pages_of_others_are_kept_out() -> None:
    """A browser states the page's origin: only those configured come in; programs state none."""
    async with house() as home, running(home, origins=("https://desk.example",), page=True) as gateway:
        for origin in ("https://desk.example", None):
            async with plain(gateway, origin=origin):
                pass
        with pytest.raises(InvalidStatus) as refused:
            await plain(gateway, origin="https://evil.example")
        assert refused.value.response.status_code == 403


async def test_numbers_have_limits() -> None:
    """So many clients in all, so many of one token, so many subscriptions, messages so long, and no more."""
    limits = {"max_clients": 3, "max_clients_each": 1, "max_subscriptions": 1, "max_message_bytes": 1024}
    bearer = {"Authorization": f"Bearer {DESK}"}
    async with house() as home, running(home, **limits) as gateway, gateway.client() as desk:
        async with plain(gateway, additional_headers=bearer) as second:
            assert (await end_of(Client(second)))[0] == 4429
        async with gateway.client(TRADER), plain(gateway), plain(gateway) as fourth:
            assert (await end_of(Client(fourth)))[0] == 4429
        await desk.snapshot("one")
        await desk.say(type="subscribe", subscription="two")
        assert "more than 1 sub" in (await desk.until("error"))[0]["message"]
        await desk.connection.send("x" * 2000)
        assert (await end_of(desk))[0] == 1009


async def test_who_asks_without_end_is_told_and_let_go() -> None:
    """A client that floods is disconnected at its limit, whatever it says; another goes on, and it may come again."""
    async with house() as home, running(home, max_requests=5, requests_ms=600_000) as gateway:
        async with gateway.client() as flood, gateway.client() as quiet:
            for _ in range(20):
                await flood.say(type="unsubscribe", subscription="s")
            code, said = await end_of(flood)
            assert [one["type"] for one in said if one["type"] != "heartbeat"] == ["unsubscribed"] * 5 + ["closing"]
            assert (code, said[-1]["retry_ms"]) == (4429, 600_000)
            assert said[-1]["reason"] == "more than 5 messages within 600000 ms"
            assert gateway.notes.reasons == ["requests"]
            assert await quiet.snapshot() == []
        async with gateway.client() as again:
            for _ in range(20):
                await again.connection.send("no json")
            code, said = await end_of(again)
            assert [one["type"] for one in said if one["type"] != "heartbeat"] == ["error"] * 5 + ["closing"]


@pytest.mark.parametrize("most", [1, 7])
def test_what_a_client_has_asked_is_refilled_evenly(most: int) -> None:
    """All at once, then one more for each part of the period that is over; waiting longer saves up no more."""
    pace = Pace(most, 1_000, 50)
    assert [pace.allows(50) for _ in range(most + 1)] == [True] * most + [False]
    due = [-(-1_000 * number // most) for number in range(1, most + 1)]
    for at_ms in due:
        assert not pace.allows(50 + at_ms - 1)
        assert pace.allows(50 + at_ms)
    assert [pace.allows(90_000) for _ in range(most + 1)] == [True] * most + [False]
    assert not pace.allows(89_000), "a clock that was set back"
    assert pace.allows(90_000)


BAD = [
    "no json",
    "[]",
    '{"type":"shout"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","subscription":"s","colour":"red"}',
    '{"type":"subscribe","subscription":"s","accounts":[]}',
    '{"type":"subscribe","subscription":"s","min_severity":"unknown"}',
    '{"type":"hello","token":"again"}',
]


async def test_what_makes_no_sense_is_answered_and_harms_nobody() -> None:
    """Each bad message gets an error that names the place; the connection goes on."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        for text in BAD:
            await client.connection.send(text)
            [said] = await client.until("error")
            assert said["message"]
        await client.connection.send(b"\xff\xfe")
        await client.until("error")
        assert await client.snapshot() == []


async def test_a_slow_client_is_told_and_let_go_and_slows_nobody() -> None:
    """One that stops reading is disconnected as soon as its buffer is full; another gets every event meanwhile."""
    async with (
        house() as home,
        running(home, buffer_bytes=65_536) as gateway,
        gateway.client() as slow,
        gateway.client() as quick,
    ):
        await slow.snapshot(detail="full")
        await quick.snapshot()
        slow.connection.transport.pause_reading()
        for number in range(60):
            home.write(home.event(f"a{number}", "watch", evidence={"filler": "x" * 200_000}))
            await quick.events(1)
        await until(lambda: gateway.notes.reasons == ["slow"])
        slow.connection.transport.resume_reading()
        code, said = await end_of(slow)
        assert code == 1013
        assert said[-1] == {"type": "closing", "reason": "slow", "retry_ms": 1000}
        home.write(home.event("last", "watch"))
        [event] = await quick.events(1)
        assert event["event"]["account_id"] == "last"


async def test_a_token_that_is_struck_out_lets_its_clients_go() -> None:
    """With other grants, clients whose entry is gone or changed are dismissed and not let in again; others stay."""
    async with house() as home, running(home) as gateway, gateway.client() as desk:
        async with gateway.client(TRADER) as trader:
            assert gateway.gateway.change_locks(Doorkeeper(GRANTS)) == 0
            assert gateway.gateway.change_locks(Doorkeeper(GRANTS[:1])) == 1
            assert (await end_of(trader))[0] == 4401
        async with plain(gateway, additional_headers={"Authorization": f"Bearer {TRADER}"}) as connection:
            assert (await end_of(Client(connection)))[0] == 4401
        assert await desk.snapshot() == []


async def test_a_stop_is_told() -> None:
    """Every client hears that the gateway stops and when to come back, and the socket closes as going away."""
    async with house() as home:
        async with running(home) as gateway:
            context = gateway.client()
            client = await context.__aenter__()
            await client.snapshot()
            ending = asyncio.create_task(end_of(client))
            await asyncio.sleep(0)
        code, said = await ending
        assert code == 1001
        assert said[-1] == {"type": "closing", "reason": "stopping", "retry_ms": 1000}
        await context.__aexit__(None, None, None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
async def test_with_a_certificate_only_tls_is_spoken(tmp_path: Path) -> None:
    """A client that checks the certificate comes in; one without TLS does not."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, ["openssl", *words.split(), *more], check=True, capture_output=True)
    async with house() as home, running(home, certificate_file=certificate, key_file=key) as gateway:
        context = ssl.create_default_context(cafile=str(certificate))
        url = f"wss://localhost:{gateway.server.port}/v1"
        async with connect(
            url, ssl=context, host="127.0.0.1", additional_headers={"Authorization": f"Bearer {DESK}"}
        ) as connection:
            assert json.loads(await connection.recv())["type"] == "welcome"
        with pytest.raises(InvalidMessage):
            await plain(gateway, open_timeout=2)


def test_a_minted_token_opens_what_its_entry_names() -> None:
    """What `--mint` prints is a token and an entry that fit together; the entry does not tell the token."""
    token, entry = mint('the "desk"', ["a1", "back\\slash"])
    [grant] = read_grants(entry)
    assert (grant.name, grant.accounts) == ('the "desk"', frozenset({"a1", "back\\slash"}))
    assert token not in entry
    assert Doorkeeper([grant]).grant_of(token) is grant
    assert Doorkeeper([grant]).grant_of(token[:-1]) is None
    assert read_grants(mint("all", ["*"])[1])[0].accounts is None


HASH = "0" * 64
WRONG = {
    "": "nobody could come in",
    "[[token]\n": "",
    "colour = 1\n[[token]]\n": "unknown key 'colour'",
    f'[[token]]\nsha256="{HASH}"\naccounts=["*"]\n': "token[0].name",
    '[[token]]\nname="a"\nsha256="00"\naccounts=["*"]\n': "token[0].sha256",
    f'[[token]]\nname="a"\nsha256="{HASH}"\n': "token[0].accounts",
    f'[[token]]\nname="a"\nsha256="{HASH}"\naccounts=["*","a1"]\n': "stands alone",
    f'[[token]]\nname="a"\nsha256="{HASH}"\naccounts=["a1"]\nmax_clients=0\n': "max_clients",
    f'[[token]]\nname="a"\nsha256="{HASH}"\naccounts=["a1"]\nsecret="x"\n': "unknown key secret",
    f'[[token]]\nname="a"\nsha256="{HASH}"\naccounts=["a1"]\n' * 2: "same name",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_file_of_tokens_that_is_wrong_is_refused_whole(text: str) -> None:
    """Each mistake is named with its entry; nobody comes in by a file that is half understood."""
    with pytest.raises(BadGrants) as fault:
        read_grants(text)
    assert WRONG[text] in str(fault.value)


def test_more_files_are_allowed_where_clients_need_them() -> None:
    """The soft limit of most systems is below `max_clients`: it is raised as far as it may be, never lowered."""
    code = (
        "import resource; from monitor.cli.gateway import allow_files; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512)); "
        "print(allow_files(300), allow_files(200), allow_files(9000), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "300 300 512 (512, 512)"


BROKER = {"LIQMON_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}


@pytest.mark.parametrize(
    ("words", "variables", "why"),
    [
        ((), {}, "kafka.bootstrap_servers"),
        ((), BROKER, "gateway.token_file is not configured"),
        ((), BROKER | {"LIQMON_GATEWAY__TOKEN_FILE": "tokens.toml"}, "tokens.toml: token[0].name"),
        ((), BROKER | {"LIQMON_GATEWAY__TOKEN_FILE": "none.toml"}, "gateway.token_file"),
        (("--mint", "desk"), {}, "--account"),
    ],
)
def test_the_command_says_what_it_lacks(
    words: tuple[str, ...],
    variables: dict[str, str],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a broker or a good file of tokens it ends with 2 and names the key; `--mint` needs accounts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens.toml").write_text("[[token]]\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["gateway", *words]) == 2
    assert why in capsys.readouterr().err


def test_the_example_client_is_as_short_as_is_said() -> None:
    """Forty lines: what a client must do is little enough to be read at one glance."""
    assert len(EXAMPLE.read_text().splitlines()) <= 40


def test_a_token_is_minted_in_words_that_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    """The entry that is printed grants what the token that is printed says."""
    assert main(["gateway", "--mint", "desk", "--account", "*"]) == 0
    first, _, entry = capsys.readouterr().out.partition("\n")
    assert Doorkeeper(read_grants(entry)).grant_of(first.removeprefix("token: ")) is not None
