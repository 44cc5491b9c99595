"""The log: a C2SP tiled transparency log in files, that existing verifiers and witnesses accept as it is.

Nothing here knows the database, a clock or what an entry is about; the sequencer (`operations.sequence`) does.
"""
