"""What an operator declares: purposes, venues, places, devices, alternatives, notices, statutory bases."""
