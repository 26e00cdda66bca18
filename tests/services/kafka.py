"""
A real Apache Kafka: one KRaft node on loopback, on free ports, with its data under a folder of its own.

The jars are copied once by Maven (`kafka-pom.xml`) into `RELAY_KAFKA_LIBS`, or else `.kafka/libs` of the
project.  For people: `python -m tests.services.kafka` prints the bootstrap address and runs until it is
interrupted.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 20.0
LOG_LINES: Final = 40
CLUSTER_ID: Final = "cmVsYXktdGVzdHMtMDAwMQ"
JAVA: Final = (
    "java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
)  # fmt: skip


class ServiceFailed(Exception):
    """
    A server that the tests need could not be started; says why, with the server's last words.
    """


@dataclass(frozen=True, slots=True)
class Broker:
    """
    A running broker.

    `bootstrap` is its address.  `detour` is a second one whose connections clients are sent to `detour_gate`,
    a listening socket of ours: a test that serves it decides what gets through.
    """

    bootstrap: str
    detour: str
    detour_gate: socket.socket


def kafka_libs() -> Path:
    """
    Return the folder with the broker's jars, copied by Maven where it does not exist yet.
    """
    libs = Path(os.environ.get("RELAY_KAFKA_LIBS") or HERE.parents[1] / ".kafka" / "libs")
    if any(libs.glob("kafka_2.13-*.jar")):
        return libs
    libs.parent.mkdir(parents=True, exist_ok=True)
    # Copied aside and moved into place, so that an interrupted copy is never taken for a whole one.
    fresh = Path(tempfile.mkdtemp(prefix="libs-", dir=libs.parent))
    command = ["mvn", "-q", "-B", "-f", str(HERE / "kafka-pom.xml"), "dependency:copy-dependencies"]
    try:
        _run([*command, f"-DoutputDirectory={fresh}"], "Maven could not copy the broker's jars")
        if libs.exists():
            shutil.rmtree(libs)
        fresh.rename(libs)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return libs


@contextmanager
def running_kafka(folder: Path) -> Iterator[Broker]:
    """
    Start a broker with its data under `folder`; stop it at the end.

    Raises:
        ServiceFailed: it did not start; the message ends with its last log lines.
    """
    class_path = f"{kafka_libs()}{os.sep}*"
    with socket.create_server(("127.0.0.1", 0)) as detour_gate:
        plain, detour, controller = _free_ports(3)
        settings = folder / "server.properties"
        gate_port = detour_gate.getsockname()[1]
        settings.write_text(_properties(folder / "data", plain, detour, gate_port, controller))
        storage_tool = [*JAVA, "-cp", class_path, "kafka.tools.StorageTool", "format", "--standalone"]
        _run([*storage_tool, "-t", CLUSTER_ID, "-c", str(settings)], "Kafka's storage could not be formatted")
        log_path = folder / "broker.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own fixed command
                [*JAVA, "-cp", class_path, "kafka.Kafka", str(settings)], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            _wait_until_open(process, plain, log_path)
            yield Broker(f"127.0.0.1:{plain}", f"127.0.0.1:{detour}", detour_gate)
        finally:
            _stop(process)


def _properties(data: Path, plain: int, detour: int, gate: int, controller: int) -> str:
    return "\n".join(
        (
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.bootstrap.servers=127.0.0.1:{controller}",
            f"listeners=PLAIN://127.0.0.1:{plain},DETOUR://127.0.0.1:{detour},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners=PLAIN://127.0.0.1:{plain},DETOUR://127.0.0.1:{gate}",
            "listener.security.protocol.map=PLAIN:PLAINTEXT,DETOUR:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name=PLAIN",
            "controller.listener.names=CONTROLLER",
            f"log.dirs={data}",
            "auto.create.topics.enable=false",  # so that a test sees a topic that nobody created
            "controlled.shutdown.enable=false",
            "offsets.topic.num.partitions=1",
            "offsets.topic.replication.factor=1",
            "transaction.state.log.num.partitions=1",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "transaction.state.log.segment.bytes=1048576",
            "transaction.abort.timed.out.transaction.cleanup.interval.ms=500",
            "share.coordinator.state.topic.num.partitions=1",
            "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "",
        )
    )


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed commands
    except FileNotFoundError as error:
        raise ServiceFailed(f"{what}: {command[0]} is not installed") from error
    if done.returncode != 0:
        raise ServiceFailed(f"{what}:\n{_tail(done.stdout + done.stderr)}")


def _free_ports(count: int) -> list[int]:
    # All held at once: a port given back too early could be handed out twice.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    # A broker listens only once it is registered and has caught up.
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServiceFailed(f"Kafka ended with {process.returncode}:\n{_tail(log_path.read_text())}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.05)
    raise ServiceFailed(f"Kafka is not up after {START_TIMEOUT_S:.0f} s:\n{_tail(log_path.read_text())}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-LOG_LINES:])


def main() -> None:
    """
    Run a broker until interrupted; its address is the only line on standard output.
    """
    interrupted = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: interrupted.set())
    with tempfile.TemporaryDirectory(prefix="relay-kafka-") as folder:
        try:
            with running_kafka(Path(folder)) as broker:
                sys.stdout.write(broker.bootstrap + "\n")
                sys.stdout.flush()
                interrupted.wait()
        except ServiceFailed as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
