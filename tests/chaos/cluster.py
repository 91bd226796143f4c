"""The brokers of a chaos run, as the faults see them: nodes that can be killed, frozen, stopped and started again.

A cluster of one node is here; one of several needs the same few verbs.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.broker import kafka


class Cluster(Protocol):
    """Describe the brokers of a run. The verbs block; a run calls them in a thread."""

    bootstrap_servers: str
    replication_factor: int

    def nodes(self) -> Sequence[int]:
        """Return the numbers of all nodes, running or not."""

    def start(self, node: int) -> None:
        """Start a node and wait until it listens."""

    def kill(self, node: int) -> None:
        """Kill a node as a power failure would."""

    def stop(self, node: int) -> None:
        """Stop a node in an orderly way."""

    def freeze(self, node: int) -> None:
        """Freeze a node."""

    def thaw(self, node: int) -> None:
        """Let a frozen node go on."""

    def close(self) -> None:
        """End all nodes."""

    def said(self) -> str:
        """Return the last lines the nodes logged."""


class SingleNode:
    """Run one node in a folder of its own."""

    replication_factor = 1

    def __init__(self, folder: Path) -> None:
        """Start the node; raise `NoKafka` where there is no Java or Maven."""
        port, controller_port = kafka.free_ports(2)
        self._broker: Any = kafka.Broker(folder, port, controller_port)
        self.bootstrap_servers: str = self._broker.bootstrap_servers
        self._broker.start()

    def nodes(self) -> Sequence[int]:
        """Return the one node."""
        return (0,)

    def start(self, node: int) -> None:
        """Start the node."""
        self._broker.start()

    def kill(self, node: int) -> None:
        """Kill the node."""
        self._broker.kill()

    def stop(self, node: int) -> None:
        """Stop the node."""
        self._broker.stop()

    def freeze(self, node: int) -> None:
        """Freeze the node."""
        os.kill(self._broker.pid, signal.SIGSTOP)

    def thaw(self, node: int) -> None:
        """Let the node go on."""
        os.kill(self._broker.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill the node."""
        self._broker.kill()

    def said(self) -> str:
        """Return the last lines it logged."""
        return str(self._broker.said())
