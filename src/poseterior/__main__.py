"""`python -m poseterior`."""

from poseterior.cli import main

main()
