"""Keeping freed memory, seen from a process of its own."""

import os
import platform
import subprocess
import sys

SCRIPT = """
import resource
from popgym.cli.allocator import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

print(keep_freed_memory())
for _ in range(2):
    b"x" * (64 << 20)
before = faults()
for _ in range(10):
    b"x" * (64 << 20)
print(faults() - before)
"""


def run(**environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=kept | environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    done_it, faults = done.stdout.split()
    return done_it == "True", int(faults)


def test_what_was_freed_is_used_again_where_glibc_allocates():
    done_it, faults = run()
    assert done_it == (platform.libc_ver()[0] == "glibc")
    # ten times 64 MiB are 163,840 pages of 4 KiB
    assert faults < 10_000 or not done_it


def test_what_the_environment_says_of_the_allocator_holds():
    done_it, _ = run(MALLOC_ARENA_MAX="2")
    assert not done_it
