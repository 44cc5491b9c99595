"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store import permitted_tables, request_tables

# One metadata holds every table; whichever module adds to it has to be loaded, so each is named here by one of its own.
_EACH = (permitted_tables.original, request_tables.link)

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=_EACH[0].metadata)
context.run_migrations()
