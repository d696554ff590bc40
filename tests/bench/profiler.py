# SPDX-License-Identifier: MIT
"""Where the time goes: perf, or callgrind where there is no perf."""

import os
import re
import subprocess

from machine import Missing, environment, find

# By the clock: virtual machines often have no cycle counter.
PERF = ["record", "-q", "-e", "cpu-clock", "-F", "1999", "-o"]
REPORTS = (("by thread", "pid", "0.5"), ("by object", "dso", "0.5"),
           ("by function", "dso,symbol", "1"))


def quietly(argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **more).stdout.decode("utf-8", "replace")


def with_perf(perf, argv, folder, out):
    data = os.path.join(folder, "perf.data")
    quietly([perf, *PERF, data, "--", *argv], env=environment(folder))
    os.unlink(out)
    parts = []
    for title, keys, least in REPORTS:
        text = quietly([perf, "report", "-i", data, "--stdio", "-q",
                        "--percent-limit", least, "--sort", keys])
        # Two columns are for branches, which nobody counted.
        lines = [re.sub(r"\s+-\s+-\s*$", "", line).rstrip()
                 for line in text.split("\n") if line.strip()]
        parts.append("# %s\n%s" % (title, "\n".join(lines)))
    return "\n\n".join(parts)


def with_callgrind(valgrind, argv, folder, out):
    data = os.path.join(folder, "callgrind.out")
    quietly([valgrind, "--tool=callgrind", "-q",
             "--callgrind-out-file=" + data, *argv],
            env=environment(folder))
    os.unlink(out)
    text = quietly(["callgrind_annotate", "--auto=no", data])
    return "\n".join(text.split("\n")[:60])


def profile(argv, folder, out):
    """Runs the command once under a profiler; returns its report."""
    reason = "there is neither perf nor valgrind"
    for name, how in (("perf", with_perf), ("valgrind", with_callgrind)):
        program = find(name)
        if program is None:
            continue
        try:
            return how(program, argv, folder, out)
        except subprocess.CalledProcessError as why:
            said = why.stderr.decode("utf-8", "replace").strip()
            reason = "%s: %s" % (name, said.split("\n")[-1])
    raise Missing(reason)
