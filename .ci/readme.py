"""Run every ```sh and ```python block of the README in order, in the current folder.

Blocks marked ```text show output and are skipped.
"""

import re
import subprocess
import sys
from pathlib import Path

RUNNERS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Run the blocks; return 0 if at least one ran and none failed."""
    blocks = BLOCK.findall(Path(sys.argv[1]).read_text(encoding="utf-8"))
    ran = 0
    for language, text in blocks:
        if language not in RUNNERS or "pip install" in text or "git clone" in text:
            continue
        print(f"--- {language}\n{text}", end="", flush=True)
        subprocess.run([*RUNNERS[language], text], check=True, stdin=subprocess.DEVNULL)
        ran += 1
    print(f"--- {ran} blocks of the README ran")
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
