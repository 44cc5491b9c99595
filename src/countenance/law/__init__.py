"""The shelf of law: packs as data, read, checked and held as Cedar handles; no clock, no database, no foreign code."""

from countenance.law.pack import Article, Encoding, Pack, Packs, Status
from countenance.law.shelf import known_packs, load_pack, load_packs

__all__ = ["Article", "Encoding", "Pack", "Packs", "Status", "known_packs", "load_pack", "load_packs"]
