"""Entry point of ``python -m popgym``, which is the same as the command ``popgym``."""

import sys

from popgym.cli import main

if __name__ == "__main__":
    sys.exit(main())
