# SPDX-License-Identifier: MIT
"""How much memory a command takes at most: noted in a file, since others may
stand between a test and its command."""

import sys

# A process inherits the peak of the one that it was before exec, so a small one
# has to start it; a test holds whole images.
STARTER = ("import os, sys\n"
           "pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)\n"
           "_, status, usage = os.wait4(pid, 0)\n"
           "open(sys.argv[1], 'w').write(str(usage.ru_maxrss))\n"
           "sys.exit(os.WEXITSTATUS(status))\n")


def measured(log):
    """What is put before a command whose peak is to be noted there."""
    return [sys.executable, "-I", "-S", "-c", STARTER, log]


def peak(log):
    """In KiB."""
    with open(log) as file:
        return int(file.read())
