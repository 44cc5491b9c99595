"""The regulator's side, which an association or any stranger can run as well: a witness and mirror of others' logs.

Nothing here knows an operator's database, a web framework or a clock; what is seen comes over the log's own protocols.
"""
