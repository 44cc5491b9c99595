"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store import choice_tables, permitted_tables

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever module adds to it has to be loaded, so each is named here.
(metadata,) = {permitted_tables.original.metadata, choice_tables.choice.metadata}
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
