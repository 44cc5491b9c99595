"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store.permitted_tables import original

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever module adds to it has to be loaded, and the last one is named here.
context.configure(connection=connection, target_metadata=original.metadata)
context.run_migrations()
