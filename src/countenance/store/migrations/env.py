"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
