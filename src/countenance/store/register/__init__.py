"""The register of an authority: its own tables in its own database, and the queries on them, by noun."""
