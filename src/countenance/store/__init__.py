"""PostgreSQL, the only database: tables, migrations, and queries by noun.

Nothing above this shelf imports SQLAlchemy or a driver. Every key starts with `operator_id`, so that the schema
distributes over machines without change.
"""
