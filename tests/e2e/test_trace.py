#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a pull asks of the system: in which order, how often, how much."""

import os
import re
import shutil
import subprocess
import sys
import unittest

from harness import images, spull
from harness.case import Case, main

REF = "vanessa/greeting:latest"
NAME = "greeting_latest.sif"
MIB = 1 << 20
TRACED = ("openat,open,creat,read,pread64,readv,preadv,preadv2,write,pwrite64,"
          "writev,pwritev,pwritev2,copy_file_range,sendfile,splice,mmap,fsync,"
          "fdatasync,fchmod,chmod,rename,renameat,renameat2,link,linkat,"
          "unlink,unlinkat,flock,fcntl,setpriority")
READS = ("read", "pread64", "readv", "preadv", "preadv2")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
NAMING = ("rename", "renameat", "renameat2", "link", "linkat")


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


@unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
class Trace(Case):
    def trace(self, scene, *args):
        log = os.path.join(scene.folder, "trace")
        wrap = ["strace", "-f", "-y", "-s", "4", "-o", log,
                "-e", "trace=" + TRACED]
        result = scene.run(*args, env=spull.without_leaks(),
                           wrap=wrap)
        with open(log, errors="replace") as file:
            return result, parse(file)

    def test_a_pull(self):
        scene = self.scene()
        data = scene.image(data=images.sif(3 * MIB))
        result, calls = self.trace(scene, REF)
        self.assertPulled(scene, result, data)
        self.assertEqual(
            [request.path for request in scene.requests()],
            [scene.prefix + "/vanessa/greeting/manifests/latest/",
             scene.prefix + "/blobs/vanessa/greeting/latest"])
        part = self.part_of(scene, calls)
        self.check_order(scene, calls, part)
        self.check_reads(calls, part, len(data))
        self.check_writes(calls, part, len(data))
        self.check_creation(calls, part)
        self.check_priority(calls, part)

    def part_of(self, scene, calls):
        """The one file in the destination's folder that was written, its
        journal aside."""
        written = {call.path for call in calls if call.name in WRITES and
                   os.path.dirname(call.path) == scene.cwd and
                   not call.path.endswith(".spans.new")}
        self.assertEqual(len(written), 1, written)
        return written.pop()

    def index(self, calls, what, last=False):
        found = [number for number, call in enumerate(calls) if what(call)]
        self.assertNotEqual(found, [], "no such call")
        return found[-1] if last else found[0]

    def check_order(self, scene, calls, part):
        """Written, flushed, named, and the folder flushed: no other way."""
        write = self.index(calls, lambda call: call.name in WRITES and
                           call.path == part, last=True)
        flush = self.index(calls, lambda call: call.name == "fsync" and
                           call.path == part)
        name = self.index(calls, lambda call: call.name in NAMING and
                          '"%s"' % NAME in call.args)
        folder = self.index(calls, lambda call: call.name == "fsync" and
                            call.path == scene.cwd, last=True)
        mode = self.index(calls, lambda call: call.name == "fchmod" and
                          call.path == part)
        self.assertLess(write, flush)
        self.assertLess(flush, name)
        self.assertLess(mode, name)
        self.assertLess(name, folder)
        for call in calls[name:]:
            self.assertFalse(call.name in WRITES and os.path.dirname(
                call.path) == scene.cwd, call)

    def check_reads(self, calls, part, size):
        """One pass for the hash, and a look at the first bytes."""
        count = sum(call.result for call in calls
                    if call.name in READS and call.path == part)
        self.assertLessEqual(count, size + 4096)
        mapped = [call for call in calls
                  if call.name == "mmap" and part in call.args]
        self.assertEqual(mapped, [])

    def check_writes(self, calls, part, size):
        """None begins within a page or ends within one, but at the end."""
        for call in calls:
            if call.name in WRITES and call.path == part:
                at = int(call.args.rpartition(", ")[2])
                self.assertEqual(at % 4096, 0, call)
                if at + call.result != size:
                    self.assertEqual(call.result % 4096, 0, call)

    def check_priority(self, calls, part):
        """What hashes steps back behind what receives, and nobody else does."""
        hashing = {call.thread for call in calls
                   if call.name in READS and call.path == part and
                   call.result > 4096}
        receiving = {call.thread for call in calls
                     if call.name in WRITES and call.path == part}
        back = {call.thread for call in calls if call.name == "setpriority"}
        self.assertTrue(hashing)
        self.assertEqual(back, hashing - receiving)

    def check_creation(self, calls, part):
        """Nobody else can have had it open: O_EXCL, and no mode for others."""
        made = [call for call in calls if call.name in ("openat", "open") and
                os.path.basename(part) in call.args and "O_CREAT" in call.args]
        self.assertEqual(len(made), 1, made)
        self.assertIn("O_EXCL", made[0].args)
        self.assertRegex(made[0].args, r"0600")

    def test_up_to_date(self):
        """One pass over the file, and nothing is written."""
        scene = self.scene()
        data = scene.image(data=images.sif(MIB))
        scene.put(NAME, data)
        result, calls = self.trace(scene, REF)
        self.assertExit(result, 0)
        self.assertEqual(len(scene.requests()), 1)
        self.assertEqual([call for call in calls if call.name in NAMING], [])
        path = scene.path(NAME)
        self.check_reads(calls, path, len(data))
        self.assertEqual([call for call in calls if call.name in WRITES and
                          call.path == path], [])


class Memory(Case):
    """It does not grow with the image."""

    # A process inherits the peak of the one that it was before exec, so a
    # small one has to start it; this one here holds whole images.
    STARTER = ("import os, sys\n"
               "pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)\n"
               "_, status, usage = os.wait4(pid, 0)\n"
               "open(sys.argv[1], 'w').write(str(usage.ru_maxrss))\n"
               "sys.exit(os.WEXITSTATUS(status))\n")

    def peak(self, size, connections):
        """Peak resident KiB of a pull."""
        scene = self.scene()
        data = scene.image(data=images.sif(size, payload=images.pattern))
        log = os.path.join(scene.folder, "peak")
        result = scene.run("--connections", connections, REF,
                           wrap=[sys.executable, "-I", "-S", "-c",
                                 self.STARTER, log])
        self.assertPulled(scene, result, data)
        with open(log) as file:
            return int(file.read())

    def test_memory(self):
        if spull.has_sanitizer():
            self.skipTest("a sanitizer keeps memory of its own")
        for most in (1, 16):
            with self.subTest(connections=most):
                small, large = (self.peak(size * MIB, most)
                                for size in (8, 64))
                # How many there are of those depends on how quick the server
                # is; what each takes is 256 KiB at most.
                self.assertLess(abs(large - small), 2048 + (most - 1) * 256,
                                (small, large))


if __name__ == "__main__":
    main()
