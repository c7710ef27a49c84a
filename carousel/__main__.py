"""`python -m carousel` is the same as `carousel`."""

from carousel.main import main

main()
