"""How Alembic runs the numbered steps: on the connection that `Database.migrate` hands in, in its transaction."""

# One metadata holds every table, and whichever module adds to it has to be loaded: the shelf is walked, so none is
# forgotten.
import importlib
import pkgutil

from alembic import context

from countenance import store
from countenance.store.tables import metadata

for each in pkgutil.iter_modules(store.__path__):
    importlib.import_module(f"{store.__name__}.{each.name}")

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
