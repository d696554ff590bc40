# SPDX-License-Identifier: MIT
"""Runs the binary in an environment of its own, and says what it left."""

import itertools
import os
import shlex
import subprocess

KEPT = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
        "TSAN_OPTIONS", "LD_LIBRARY_PATH")
LONG = os.environ.get("SPULL_TESTS_LONG") == "1"
SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
              "runtime error:")


def binary():
    path = os.environ.get("SPULL_BIN", "")
    if not os.access(path, os.X_OK):
        raise RuntimeError("SPULL_BIN must name the spull to test (%r)" % path)
    return os.path.abspath(path)


def has_sanitizer():
    """Is it built with a sanitizer? Then memory and traces mean little."""
    with open(binary(), "rb") as file:
        data = file.read()
    return b"__asan_init" in data or b"__tsan_init" in data


# Seconds after which something hangs. A sanitizer makes all some times slower,
# and the tests of sixty processes most of all.
SLOWNESS = 4 if os.access(os.environ.get("SPULL_BIN", ""), os.R_OK) and \
    has_sanitizer() else 1
TIMEOUT = 60 * SLOWNESS
# LeakSanitizer looks at a process for as long as a short run takes. So it looks
# at one run of so many, beginning with the first.
LEAKS = 1 if LONG else 8
runs = itertools.count()


def without_leaks(env=None):
    """LeakSanitizer can't work in a process that is traced already."""
    env = dict(env or {})
    given = env.get("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", ""))
    env["ASAN_OPTIONS"] = ":".join(filter(None, [given, "detect_leaks=0"]))
    return env


def environment(home, **more):
    """What spull sees: no proxies, no configuration but what is in home, and
    no second try, so that a failure is a failure at once."""
    env = {key: os.environ[key] for key in KEPT if key in os.environ}
    env.update(HOME=str(home), LC_ALL="C.UTF-8", SPULL_RETRIES="0")
    env.update({key: str(value) for key, value in more.items()
                if value is not None})
    return env if next(runs) % LEAKS == 0 else without_leaks(env)


class Result:
    """What one run printed, and how it ended (-N: by signal N)."""

    def __init__(self, argv, code, out, err):
        self.argv = argv
        self.code = code
        self.raw_out = out or b""
        self.raw_err = err or b""
        self.out = self.raw_out.decode("utf-8", "backslashreplace")
        self.err = self.raw_err.decode("utf-8", "backslashreplace")
        for name in SANITIZERS:
            if name in self.err:
                raise AssertionError(str(self))

    @property
    def lines(self):
        return self.out.splitlines()

    def __str__(self):
        return "%s\nexit %d\nstdout:\n%s\nstderr:\n%s" % (
            shlex.join(self.argv), self.code, self.out, self.err)


def start(args, home, cwd, env=None, wrap=(), **popen):
    """Starts spull and does not wait. wrap is put before the command."""
    argv = list(wrap) + [binary()] + [str(arg) for arg in args]
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen(
        argv, cwd=str(cwd), env=environment(home, **(env or {})),
        stdin=subprocess.DEVNULL, **popen)


def finish(process, timeout=TIMEOUT):
    """Waits for what start() started."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError("still running after %d s: %s" % (
            timeout, Result(process.args, process.returncode, out, err)))
    return Result(process.args, process.returncode, out, err)


def run(args, home, cwd, env=None, timeout=TIMEOUT, wrap=(), **popen):
    return finish(start(args, home, cwd, env, wrap, **popen), timeout)


def files(folder):
    """All that is in a folder, dot files and folders included."""
    found = []
    for where, folders, names in os.walk(str(folder)):
        for name in folders + names:
            found.append(os.path.relpath(os.path.join(where, name),
                                         str(folder)))
    return sorted(found)
