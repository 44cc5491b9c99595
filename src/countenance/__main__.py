"""`python -m countenance` is the command line."""

from countenance.cli import main

main()
