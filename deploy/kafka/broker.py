"""Apache Kafka on loopback from Maven artefacts, one node or several, for development and tests; not for production.

The jars named in pom.xml are copied to build/kafka-libs once. Only the standard library is used, so that tests and the
verbs `make kafka` and `make kafka-stop` can share this file.
"""

# ruff: noqa: INP001 - a script beside its pom.xml, not a package
from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
DEFAULT_PORT = 9092
START_SECONDS = 60.0
STOP_SECONDS = 30.0
MOST_REPLICAS = 3
CLUSTER_ID = "bGlxbW9uLWRldmVsb3AtMQ"

SETTINGS = """\
process.roles=broker,controller
node.id={node_id}
controller.quorum.voters={voters}
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={protocol}://127.0.0.1:{port}
inter.broker.listener.name={protocol}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocol}:{protocol}
log.dirs=data
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={min_isr}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={min_isr}
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={min_isr}
controlled.shutdown.enable=true
replica.lag.time.max.ms=3000
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=300
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.backoff.ms=1000
"""


class NoKafka(Exception):
    """Java or Maven is missing, or the jars cannot be fetched."""


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def jars() -> Path:
    """Return the folder with the broker's jars, fetching them through Maven the first time."""
    if shutil.which("java") is None:
        raise NoKafka("no Java: install a Java 17 runtime")
    found = re.search(r"<kafka\.version>(.+?)<", (HERE / "pom.xml").read_text(encoding="utf-8"))
    assert found is not None, "pom.xml names the version"
    libs = BUILD / "kafka-libs" / found[1]
    libs.parent.mkdir(parents=True, exist_ok=True)
    with (libs.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libs.exists():
            _fetch(libs)
    return libs


def _fetch(libs: Path) -> None:
    if shutil.which("mvn") is None:
        raise NoKafka("no Maven: install it, or copy the jars to build/kafka-libs")
    part = libs.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={part}"]
    done = subprocess.run(  # noqa: S603 - our own words
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise NoKafka(f"Maven could not fetch the jars: {done.stdout.strip().splitlines()[-1:]}")
    part.rename(libs)


class Broker:
    """Run one node in a folder of its own; it can be stopped, killed and started again with what it kept.

    `settings` adds to or overrules the server's properties, `protocol` is that of its one client listener. A node of a
    cluster has its `node_id`, and `voters` names the controller port of every node.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        controller_port: int,
        *,
        protocol: str = "PLAINTEXT",
        settings: str = "",
        node_id: int = 1,
        voters: dict[int, int] | None = None,
    ) -> None:
        """Fetch the jars and format the folder; raise `NoKafka` where that is not possible."""
        self.port = port
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.folder = folder
        self._libs = jars()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        quorum = voters or {node_id: controller_port}
        text = SETTINGS.format(
            protocol=protocol,
            port=port,
            controller_port=controller_port,
            node_id=node_id,
            voters=",".join(f"{number}@127.0.0.1:{each}" for number, each in sorted(quorum.items())),
            replicas=min(MOST_REPLICAS, len(quorum)),
            min_isr=2 if len(quorum) >= MOST_REPLICAS else 1,
        )
        (folder / "server.properties").write_text(text + settings, encoding="utf-8")
        formatting = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "server.properties")
        if formatting.wait() != 0:
            raise RuntimeError(f"the folder could not be formatted:\n{self.said()}")

    @property
    def pid(self) -> int:
        """Return the process id of the running node."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Return whether the node has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the node and wait until it listens."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the node without waiting: one of several listens only when most of them run."""
        self._process = self._java("kafka.Kafka", "server.properties")

    def wait(self) -> None:
        """Wait until the node listens."""
        assert self._process is not None, "not started"
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start:\n{self.said()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the node in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the node as a power failure would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let the node hang, its connections open, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen node go on."""
        os.kill(self.pid, signal.SIGCONT)

    def said(self) -> str:
        """Return the last lines the node logged."""
        return "\n".join((self.folder / "broker.log").read_text(encoding="utf-8").splitlines()[-30:])

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _java(self, *arguments: str) -> subprocess.Popen[bytes]:
        options = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
        options += [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-Dkafka.logs.dir=logs"]
        with (self.folder / "broker.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own words
                ["java", *options, "-cp", f"{self._libs}/*", *arguments],  # noqa: S607 - whichever Java is installed
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


class Cluster:
    """Run several nodes, each broker and controller at once.

    With three or more every record lies on three of them, and counts as written when two have it.
    """

    def __init__(self, folder: Path, nodes: int = 3, *, ports: list[int] | None = None, settings: str = "") -> None:
        """Format a folder for each node, numbered from 1; raise `NoKafka` where that is not possible."""
        free = free_ports(2 * nodes)
        client_ports, controller_ports = ports or free[:nodes], free[nodes:]
        voters = dict(enumerate(controller_ports, 1))
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes = {
            number: Broker(
                folder / f"node-{number}",
                port,
                voters[number],
                settings=settings,
                node_id=number,
                voters=voters,
            )
            for number, port in enumerate(client_ports, 1)
        }
        self.bootstrap_servers = ",".join(node.bootstrap_servers for node in self.nodes.values())

    def start(self) -> None:
        """Start all nodes that do not run, and wait until each listens."""
        starting = [node for node in self.nodes.values() if not node.is_running]
        for node in starting:
            node.launch()
        for node in starting:
            node.wait()

    def kill(self) -> None:
        """Kill all nodes."""
        for node in self.nodes.values():
            node.kill()


def _start(port: int, nodes: int) -> str:
    folder = BUILD / "kafka"
    if (message := _stop(folder)) is not None:
        sys.stderr.write(f"{message}\n")
    if nodes == 1:
        broker = Broker(folder, port, free_ports(1)[0])
        broker.start()
        pids, where = [broker.pid], broker.bootstrap_servers
    else:
        cluster = Cluster(folder, nodes, ports=list(range(port, port + nodes)))
        cluster.start()
        pids, where = [node.pid for node in cluster.nodes.values()], cluster.bootstrap_servers
    (folder / "pid").write_text("".join(f"{pid}\n" for pid in pids), encoding="utf-8")
    return f"Kafka listens on {where}, its data lie in {folder}"


def _stop(folder: Path) -> str | None:
    """Stop the nodes started earlier, if there are any, and throw their data away."""
    if not folder.exists():
        return None
    pid_file = folder / "pid"
    if pid_file.exists():
        pids = [int(line) for line in pid_file.read_text(encoding="utf-8").split()]
        deadline = time.monotonic() + STOP_SECONDS
        while pids := [pid for pid in pids if _is_broker(pid)]:
            for pid in pids:
                os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.2)
    shutil.rmtree(folder)
    return "what ran before is stopped and its data are gone"


def _is_broker(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"kafka.Kafka" in command


def main(arguments: list[str]) -> int:
    """Start or stop what development needs: `broker.py start [PORT] [--nodes N]`, `broker.py stop`."""
    parser = argparse.ArgumentParser(prog="broker.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    starting = verbs.add_parser("start", help="start it anew, with empty data")
    starting.add_argument("port", nargs="?", type=int, default=DEFAULT_PORT, help="of the first node (%(default)s)")
    starting.add_argument("--nodes", type=int, default=1, help="how many, on ports that follow each other")
    verbs.add_parser("stop", help="stop it and throw its data away")
    asked = parser.parse_args(arguments)
    try:
        if asked.verb == "start":
            message = _start(asked.port, asked.nodes)
        else:
            message = _stop(BUILD / "kafka") or "no node was running"
    except (NoKafka, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    sys.stdout.write(f"{message}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
