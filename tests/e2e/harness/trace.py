# SPDX-License-Identifier: MIT
"""What is put before a command to see its system calls, or to make one of them
special: strace(1), and how to read what it noted."""

import os
import re
import shutil
import subprocess

READS = ("read", "pread64", "readv", "preadv", "preadv2")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")


def why_no_trace():
    """"", or why processes can't be traced here."""
    if shutil.which("strace") is None:
        return "there is no strace"
    probe = subprocess.run(["strace", "-o", os.devnull, "true"], check=False,
                           stderr=subprocess.PIPE, text=True)
    return "" if probe.returncode == 0 else probe.stderr.strip()


WHY_NO_TRACE = why_no_trace()


class Call:
    """One system call that succeeded."""

    def __init__(self, thread, name, args, result):
        self.thread = thread
        self.name = name
        self.args = args
        self.result = result
        target = re.match(r"\d+<([^>]*)>", args)
        self.path = target.group(1) if target else ""

    def __repr__(self):
        return "%s(%s) = %d" % (self.name, self.args, self.result)


def parse(lines):
    """The calls of all threads in the order of their ends."""
    calls, unfinished = [], {}
    for line in lines:
        pid, _, rest = line.rstrip("\n").partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            unfinished[pid] = rest[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
        if resumed:
            rest = unfinished.pop(pid, "") + resumed.group(1)
        whole = re.match(r"(\w+)\((.*)\)\s+= (\d+)", rest)
        if whole:
            calls.append(Call(pid, whole.group(1), whole.group(2),
                              int(whole.group(3))))
    return calls


def traced(log, *calls, options=()):
    """What is put before a command that these calls are to be noted of."""
    return ["strace", "-f", "-y", "-s", "4", "-o", log,
            "-e", "trace=" + ",".join(calls), *options]


def calls_in(log):
    with open(log, errors="replace") as file:
        return parse(file)


def injected(what, env=None, path=None):
    """What is put before a command to make one call special, CALL:HOW. env: of
    the command alone, as a clock is that strace must not have. path: the call
    is special for this file alone."""
    more = ["-E%s=%s" % pair for pair in (env or {}).items()]
    if path is not None:
        more += ["-P", path]
    return ["strace", "-f", "-o", os.devnull,
            "-e", "trace=" + what.partition(":")[0], "--inject=" + what,
            *more]
