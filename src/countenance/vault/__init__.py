"""Sealed references and their keys, and the enrolment database in memory."""
