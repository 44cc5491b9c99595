"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store import permitted_tables, served_table

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever module adds to it has to be loaded, and so is named here.
_ADDED = (permitted_tables.original, served_table.served)
context.configure(connection=connection, target_metadata=_ADDED[0].metadata)
context.run_migrations()
