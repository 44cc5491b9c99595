"""How Alembic reaches the database: over the transaction it is handed, never over one of its own."""

from alembic import context

from countenance.store.permitted_tables import original
from countenance.store.receipt_tables import receipt

connection = context.config.attributes["connection"]
# One metadata holds every table; whichever module adds to it has to be loaded, and is named here by a table of its own.
_LOADED = (original, receipt)
context.configure(connection=connection, target_metadata=_LOADED[0].metadata)
context.run_migrations()
