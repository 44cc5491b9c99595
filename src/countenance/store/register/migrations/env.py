"""How Alembic runs the steps of an authority's tables: on the connection that `Database.migrate` hands in."""  # noqa: INP001

from alembic import context

from countenance.store.register.tables import REGISTER, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REGISTER.version_table,
)
context.run_migrations()
