"""
Alembic's entry: run migrations on the connection that `relay.journal.migrate` hands over.
"""

from alembic import context

from relay.journal.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
