"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store import filing_tables, permitted_tables

#: One metadata holds every table; whichever module adds to it has to be loaded.
ADDED = (permitted_tables, filing_tables)

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=ADDED[0].metadata)
context.run_migrations()
