"""`liqmon webhooks` before it sends: what it refuses, and where secrets and certificates come from."""

from __future__ import annotations

import asyncio
import base64
import logging
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from monitor.app.webhooks.delivering import Reply
from monitor.app.webhooks.queue import Answer
from monitor.cli.exits import BadInput
from monitor.cli.webhooks import open_delivery, read_targets, sender_id_of
from monitor.config import load
from tests.cli.conftest import Run
from tests.webhooks.receiver import HttpReceiver, receiving

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KAFKA = '[kafka]\nbootstrap_servers = "127.0.0.1:1"\n'


def written(tmp_path: Path, text: str) -> str:
    """Return the path of a configuration."""
    path = tmp_path / "monitor.toml"
    path.write_text(text)
    return str(path)


def test_what_nothing_can_be_sent_with_is_refused(liqmon: Run, tmp_path: Path) -> None:
    """No Kafka, no target, no such target, no file, an empty one, no secret: exit 2, one line that names the key."""
    target = '[webhooks.targets.desk]\nurl = "https://desk.example/T0/B0"\nsecret_file = "{}"\n'
    empty, bad, good = tmp_path / "empty", tmp_path / "bad", tmp_path / "good"
    empty.write_text("\n")
    bad.write_text("hunter2!")
    good.write_text(SECRET)
    for text, options, said in (
        ("", (), "kafka.bootstrap_servers"),
        (KAFKA, (), "webhooks.targets"),
        (KAFKA + target.format(good), ("--enable", "duty"), "no target 'duty'; configured: desk"),
        (KAFKA + target.format(tmp_path / "none"), (), "webhooks.targets.desk.secret_file"),
        (KAFKA + target.format(empty), (), "is empty"),
        (KAFKA + target.format(bad), (), "target desk: its secret is not whsec_ and base64"),
        (KAFKA + f'[webhooks]\nca_file = "{tmp_path}/no.pem"\n' + target.format(good), (), "webhooks.ca_file"),
        (KAFKA + f'[webhooks]\nca_file = "{good}"\n' + target.format(good), (), "webhooks.ca_file"),
    ):
        ran = liqmon("webhooks", "--config", written(tmp_path, text), *options)
        assert (ran.code, ran.out) == (2, ""), ran
        assert said in ran.err
        assert ran.err.count("\n") == 1
        assert "hunter2" not in ran.err
        assert "T0/B0" not in ran.err


def test_enabling_does_not_wait_for_a_kafka(liqmon: Run, tmp_path: Path) -> None:
    """Somebody waits for the answer: a Kafka that is not there is an outside failure, at once."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    target = f'[webhooks.targets.desk]\nurl = "https://desk.example/in"\nsecret_file = "{secret}"\n'
    ran = liqmon("webhooks", "--config", written(tmp_path, KAFKA + target), "--enable", "desk")
    assert (ran.code, ran.out) == (3, "")
    assert "the log does not answer" in ran.err.splitlines()[-1]


def test_an_address_from_a_file_is_judged_and_never_shown(tmp_path: Path) -> None:
    """What the file holds is refused like what stands in the configuration, without a word of it."""
    held = tmp_path / "url"
    text = f'{KAFKA}[webhooks.targets.duty]\nurl_file = "{held}"\nformat = "slack"\n'
    settings = load(written(tmp_path, text))
    for address in ("http://hooks.example/T/B/secret", "hooks.example/secret", "https://me:secret@hooks.example"):
        held.write_text(address)
        with pytest.raises(BadInput) as told:
            read_targets(settings)
        assert "duty.url_file" in str(told.value)
        assert "secret" not in str(told.value).replace("secret_file", "")
    held.write_text("https://hooks.example/T/B/x\n")
    assert read_targets(settings)["duty"].url == "https://hooks.example/T/B/x"


def test_deployments_on_one_kafka_do_not_fence_each_other(tmp_path: Path) -> None:
    """The group and the transactional id begin with the prefix of the topics."""
    ids = {sender_id_of(load(written(tmp_path, f'[topics]\nprefix = "{prefix}"\n'))) for prefix in ("", "a.", "b.")}
    assert len(ids) == 3


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
async def test_targets_are_verified_with_the_certificates_that_are_configured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Over TLS with the authority of webhooks.ca_file; without it, or under another name, nothing is sent."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, ["openssl", *words.split(), *more], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    (tmp_path / "secret").write_text(SECRET)
    caplog.set_level(logging.WARNING)
    async with receiving(tls) as receiver:
        known = await delivered(tmp_path, receiver, "localhost", f'ca_file = "{certificate}"')
        assert known.answer is Answer.TAKEN, known
        assert (await delivered(tmp_path, receiver, "localhost", "")).why == "ConnectError"
        assert (await delivered(tmp_path, receiver, "127.0.0.1", f'ca_file = "{certificate}"')).why == "ConnectError"
    [request] = receiver.requests
    assert Webhook(SECRET).verify(request.body, request.headers) == {"a": 1}
    assert "/very/secret" not in caplog.text


async def delivered(tmp_path: Path, receiver: HttpReceiver, host: str, ca: str) -> Reply:
    """Send one message as the command would."""
    text = (
        f'{KAFKA}[webhooks]\n{ca}\n[webhooks.targets.desk]\nurl = "https://{host}:{receiver.port}/very/secret"\n'
        f'secret_file = "{tmp_path / "secret"}"\nallow_private = true\n'
    )
    settings = load(written(tmp_path, text))
    delivery = open_delivery(settings)
    try:
        return await delivery.deliver(read_targets(settings)["desk"], "msg_1", b'{"a":1}')
    finally:
        await delivery.close()
