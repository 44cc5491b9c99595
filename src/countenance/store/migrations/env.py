"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store import permitted_tables, reviews, staff  # noqa: F401 — see below
from countenance.store.tables import metadata

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever module adds to it has to be loaded, and is named above.
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
