#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a pull asks of the system: in which order, how often, how much."""

import os
import unittest

from harness import images, memory, spull
from harness.case import Case, main
from harness.engine import MIB, NAME, REF
from harness.trace import READS, WHY_NO_TRACE, WRITES, calls_in, traced

TRACED = ("openat,open,creat,read,pread64,readv,preadv,preadv2,write,pwrite64,"
          "writev,pwritev,pwritev2,copy_file_range,sendfile,splice,mmap,fsync,"
          "fdatasync,fchmod,chmod,rename,renameat,renameat2,link,linkat,"
          "unlink,unlinkat,flock,fcntl,setpriority")
NAMING = ("rename", "renameat", "renameat2", "link", "linkat")


@unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
class Trace(Case):
    def trace(self, scene, *args):
        log = os.path.join(scene.folder, "trace")
        result = scene.run(*args, env=spull.without_leaks(),
                           wrap=traced(log, TRACED))
        return result, calls_in(log)

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

    def peak(self, size, connections):
        """Peak resident KiB of a pull."""
        scene = self.scene()
        data = scene.image(data=images.sif(size, payload=images.pattern))
        log = os.path.join(scene.folder, "peak")
        result = scene.run("--connections", connections, REF,
                           wrap=memory.measured(log))
        self.assertPulled(scene, result, data)
        return memory.peak(log)

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
