"""Notices served, consents given and refused, and what subjects ask for."""
