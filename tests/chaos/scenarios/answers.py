"""The daemons of a scenario from outside: how they are configured, and what they answer."""

from __future__ import annotations

import http.client
import re

from tests.chaos.fleet import Worker

CONFIG = """\
[kafka]
bootstrap_servers = "{servers}"
session_timeout_ms = 1500
heartbeat_interval_ms = 300
rebalance_timeout_ms = 4000
transaction_timeout_ms = 4000
request_timeout_ms = 4000
[topics]
prefix = "{prefix}"
partitions = {partitions}
replication_factor = {replication}
[prices]
max_age_ms = 0
unknown_after_ms = 0
max_replay_ms = 3600000
[status]
publish_interval_ms = 200
[watchdog]
membership_ms = 5000
open_transaction_ms = 1500
price_silence_ms = 0
[http]
port = 0
[log]
format = "json"
"""
_PORT = re.compile(rb"listening on http://127\.0\.0\.1:(\d+)")


def get(worker: Worker, path: str) -> tuple[int, str]:
    """Return what a daemon answers, 0 where it does not."""
    found = _PORT.search(worker.log.read_bytes())
    if found is None:
        return 0, ""
    connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()
