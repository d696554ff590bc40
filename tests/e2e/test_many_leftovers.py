#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists into one directory: it is looked through once, and what was left in it
is found all the same, whenever it was left."""

import os
import signal

from harness import images
from harness.case import main
from harness.engine import CUT, MIB, SIZE, image, sent
from harness.injection import Strace
from harness.many import Task
from harness.servers import Gate, Reply, not_found

REFS = ["lab/solver:a", "lab/solver:b"]
AT = 5 * MIB


class Lists(Strace):
    def looks(self, scene, folder):
        """How often a folder was read."""
        return len([line for line in self.log(scene).splitlines()
                    if "getdents64(" in line and
                    "<%s>" % os.path.realpath(folder) in line])

    def test_one_look(self):
        """Each reads it twice, to be told that there is no more."""
        for store in (None, "store"):
            with self.subTest(store=store):
                scene = self.scene()
                refs = ["lab/solver:%d" % number for number in range(20)]
                for number, ref in enumerate(refs):
                    scene.image(ref, images.sif(seed=number))
                args = ["-j1"]
                if store:
                    scene.store = os.path.join(scene.folder, store)
                    os.mkdir(scene.store)
                    args += ["--store", scene.store]
                result = self.traced(scene, ["-e", "trace=getdents64"],
                                     *args, *refs[1:], ref=refs[0])
                self.assertExit(result, 0)
                self.assertEqual(len(result.lines), len(refs))
                self.assertLessEqual(self.looks(scene, scene.cwd), 2)
                if store:
                    self.assertLessEqual(self.looks(
                        scene, os.path.join(scene.store, "sha256")), 2)

    def two(self, reply):
        """Two images; reply: how the second one comes."""
        scene = self.scene()
        scene.image(REFS[0], images.sif())
        data = scene.image(REFS[1], image(SIZE), reply=reply, size="bytes")
        return scene, data

    def second(self, scene):
        return scene.requests("/blobs/lab/solver/b")

    def assertSecondOnce(self, scene, data):
        self.assertLessEqual(sent(self.second(scene)), len(data) + CUT)
        self.assertImage(scene.path("solver_b.sif"), data)
        self.assertFiles(scene, "solver_a.sif", "solver_b.sif")

    def leader(self, scene, gate):
        task = Task(self, scene, "--connections", "1", REFS[1])
        gate.wait_reached()
        self.wait_journal(scene, AT)
        return task

    def test_left_before(self):
        """By a process that was killed, and one that said goodbye."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number):
                gate = Gate(AT)
                scene, data = self.two(Reply(image(SIZE), gate=gate,
                                             etag='"1"'))
                task = self.leader(scene, gate)
                task.kill(number)
                self.assertExit(task.finish(), -number)
                gate.open()
                self.assertExit(scene.run("-j1", *REFS), 0)
                self.assertSecondOnce(scene, data)

    def test_left_meanwhile(self):
        """By one that was waited for, after the look."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number):
                gate, first = Gate(AT), Gate(1000)
                scene, data = self.two(Reply(image(SIZE), gate=gate,
                                             etag='"1"'))
                scene.image(REFS[0], reply=Reply(images.sif(), gate=first))
                run = Task(self, scene, "-j1", "--connections", "1", *REFS)
                first.wait_reached()
                task = Task(self, scene, "--connections", "1", REFS[1])
                gate.wait_reached()
                first.open()
                run.wait_waiting()
                self.wait_journal(scene, AT)
                task.kill(number)
                self.assertExit(task.finish(), -number)
                gate.open()
                self.assertExit(run.finish(), 0)
                self.assertSecondOnce(scene, data)

    def test_left_by_itself(self):
        """The same blob under another name, after it could not be had."""
        scene, data = self.two([Reply(image(SIZE), cut=AT, etag='"1"'),
                                not_found(),
                                Reply(image(SIZE), etag='"1"')])
        scene.image("lab/solver:c", data, size="bytes",
                    urls=[scene.server.url(scene.prefix +
                                           "/blobs/lab/solver/b")])
        result = scene.run("-j1", "--connections", "1", *REFS, "lab/solver:c")
        self.assertExit(result, 3)
        self.assertImage(scene.path("solver_c.sif"), data)
        self.assertFiles(scene, "solver_a.sif", "solver_c.sif")
        self.assertLessEqual(sent(self.second(scene)), len(data) + CUT)


if __name__ == "__main__":
    main()
