# SPDX-License-Identifier: MIT
"""A pull that strace(1) stands in the way of: which system calls it makes on
its files, and the one that fails, is late or is the last."""

import os
import re

from . import spull
from .engine import REF
from .mounts import Mounted
from .trace import WHY_NO_TRACE

CALLS = ("openat", "close", "read", "write", "pwrite64", "pread64", "fsync",
         "fchmod", "fallocate", "ftruncate", "sync_file_range", "fsetxattr",
         "fgetxattr", "copy_file_range", "renameat", "renameat2", "linkat",
         "unlinkat", "symlinkat", "readlink", "readlinkat", "newfstatat",
         "fstat", "fstatfs", "fcntl", "quotactl_fd", "getdents64", "ioctl",
         "mkdirat", "faccessat2", "utimensat")


class Strace(Mounted):
    """Runs under strace(1), which makes one call special."""

    def setUp(self):
        super().setUp()
        if WHY_NO_TRACE:
            self.skipTest(WHY_NO_TRACE)

    def traced(self, scene, options, *args, ref=REF):
        """All paths are absolute, so that the destination's can be told."""
        wrap = ["strace", "-f", "-y", "-s", "400", "-o",
                os.path.join(scene.folder, "trace")] + options
        return scene.run("-d", scene.cwd, *args, ref, cwd=scene.folder,
                         env=spull.without_leaks(), wrap=wrap)

    def inject(self, scene, what, *args):
        """what: CALL:HOW:when=NUMBER, where numbers count for each thread."""
        call = what.partition(":")[0]
        return self.traced(scene, ["-e", "trace=" + call,
                                   "--inject=" + what], *args)

    def log(self, scene):
        with open(os.path.join(scene.folder, "trace"),
                  errors="replace") as file:
            return file.read()

    def was_hit(self, scene):
        """Was there a call of that number? Some come in varying numbers."""
        return re.search(r"\(INJECTED\)|--- SIG|\+\+\+ killed by",
                         self.log(scene)) is not None

    def places(self, scene):
        return [scene.cwd]

    def points(self, scene, *args):
        """All calls on the destination, as (call, number), in their order;
        not those where the number stands for something else, too."""
        trace = "trace=" + ",".join("?" + call for call in CALLS)
        self.assertExit(self.traced(scene, ["-e", trace], *args), 0)
        count, found, others = {}, {}, set()
        for line in self.log(scene).splitlines():
            entry = re.match(r"(\d+)\s+(\w+)\((.*)", line)
            if entry is None:
                continue
            thread, call, rest = entry.groups()
            number = count.get((thread, call), 0) + 1
            count[thread, call] = number
            if any(place in rest for place in self.places(scene)) and \
                    not re.match(r"[12]<", rest):
                found[call, number] = True
            else:
                others.add((call, number))
        return [point for point in found if point not in others]
