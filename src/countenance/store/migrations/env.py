"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store.challenge_tables import challenge
from countenance.store.permitted_tables import original

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever modules add to it have to be loaded, so a table of each is named here.
assert challenge.metadata is original.metadata  # noqa: S101
context.configure(connection=connection, target_metadata=original.metadata)
context.run_migrations()
