# SPDX-License-Identifier: MIT
"""The folder that all tests of a process work in, and who clears it when the
process is gone.

A test that is killed, as by ctest when its time is up, clears nothing up, and
one that is interrupted not everything. So somebody else waits for its end: he
then ends what runs there, unmounts what is mounted there, and removes it all.
"""

import atexit
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Seconds for killed processes to be gone.
PATIENCE = 10


@functools.lru_cache(maxsize=1)
def ground():
    """That folder, which others may enter."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="spull-e2e-"))
    os.chmod(folder, 0o755)
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", os.path.abspath(__file__), folder],
        cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True)
    keeper.wait()  # he has a child that goes on
    atexit.register(keeper.communicate)
    return folder


def main(folder):
    """Until the end of stdin, the test lives; the end of stdout says that it
    is done."""
    if os.fork() != 0:  # ctest ends all that descend from a test
        os._exit(0)
    sys.stdin.buffer.read()
    end_processes(folder)
    unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_processes(folder):
    end = time.monotonic() + PATIENCE
    found = processes(folder)
    while found and time.monotonic() < end:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:  # gone
                pass
        time.sleep(0.01)
        found = processes(folder)


def processes(folder):
    """Those that work in the folder, or were told of it by their environment:
    as each spull is of its home."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            where = os.readlink("/proc/%s/cwd" % name)
            with open("/proc/%s/environ" % name, "rb") as file:
                told = file.read()
        except OSError:  # gone, or none of ours
            continue
        if is_below(where, folder) or os.fsencode(folder) + b"/" in told:
            found.append(int(name))
    return found


def is_below(path, folder):
    return path == folder or path.startswith(folder + "/")


def unmount(folder):
    """The last that was mounted first."""
    with open("/proc/self/mounts", "rb") as file:
        places = [os.fsdecode(plain(line.split(b" ")[1])) for line in file]
    for place in reversed(places):
        if is_below(place, folder):
            subprocess.run(["umount", "--lazy", place], check=False)


def plain(text):
    """proc(5) shows a space as \\040, and so on."""
    return re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]),
                  text)


if __name__ == "__main__":
    main(sys.argv[1])
