#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unpacking that is killed, interrupted, or has no room: nothing is lost."""

import bz2
import json
import os
import resource
import signal

from harness import images, spull
from harness.archives import IMAGE, Unpack, packed
from harness.case import main
from harness.engine import MIB, REF, Engine, sent
from harness.many import Task
from harness.preload import preload
from harness.servers import Gate, Reply


class Interrupted(Unpack, Engine):
    """What a run that ends while it unpacks leaves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Incompressible, and bzip2 takes its time over that.
        cls.image = images.sif(10 * MIB)
        cls.blob = bz2.compress(cls.image, 9)

    def caught(self, *args, **more):
        """A scene and a process that has just begun to unpack."""
        scene = self.scene()
        packed(scene, self.blob)
        process = scene.start("--progress-fd", "2", *args, REF, **more)
        self.wait_unpacking(scene, process)
        return scene, process

    def wait_unpacking(self, scene, process):
        """Until both files have their journals, and the second one the lead."""
        for line in process.stderr:
            if line.startswith(b"{") and \
                    json.loads(line)["phase"] == "unpacking":
                break
        mine = "-%d-" % process.pid
        self.until("two journals", lambda: 2 == len(
            {name.split("-")[1] for name in spull.files(scene.cwd)
             if name.endswith(".spans") and mine in name}))
        self.until("a lead that has its name", lambda: not [
            name for name in spull.files(scene.cwd)
            if name.endswith(".lead") and mine in name])

    def end(self, process, number):
        process.send_signal(number)
        process.communicate(timeout=spull.TIMEOUT)
        self.assertEqual(process.returncode, -number)

    def assertNoDownload(self, scene):
        asked = len(scene.blobs())
        result = scene.run(REF)
        self.assertPulled(scene, result, self.image)
        self.assertEqual(len(scene.blobs()), asked)

    def test_killed(self):
        scene, process = self.caught()
        self.end(process, signal.SIGKILL)
        self.assertUnnamed(scene)
        self.assertNoDownload(scene)

    def test_interrupted(self):
        scene, process = self.caught()
        self.end(process, signal.SIGINT)
        self.assertUnnamed(scene)
        # Only the archive is worth keeping.
        left = [name for name in spull.files(scene.cwd)
                if name.endswith(".part")]
        self.assertEqual(len(left), 1, left)
        self.assertEqual(scene.read(left[0]), self.blob)
        self.assertNoDownload(scene)

    def test_killed_twice(self):
        scene, process = self.caught()
        self.end(process, signal.SIGKILL)
        second = scene.start("--progress-fd", "2", REF)
        self.wait_unpacking(scene, second)
        self.end(second, signal.SIGKILL)
        self.assertUnnamed(scene)
        self.assertNoDownload(scene)

    def test_others_wait(self):
        """One downloads and unpacks; with notes or without."""
        for env in ({}, preload(self.folder, "xattrs")):
            scene, gate = self.scene(), Gate(len(self.blob) // 2)
            packed(scene, self.blob,
                   reply=Reply(self.blob, gate=gate, etag='"1"'))
            tasks = [Task(self, scene, "--connections", "1", REF, env=env)]
            gate.wait_reached()
            tasks += [Task(self, scene, REF, env=env) for _ in range(3)]
            for task in tasks[1:]:
                task.wait_waiting()
            gate.open()
            # Who leads may tidy up a moment after the others are done.
            for result in [task.finish() for task in tasks]:
                self.assertPulled(scene, result, self.image)
            self.assertEqual(sent(scene.blobs()), len(self.blob))

    def test_full_disk(self):
        """As full as a limit on the size of files makes it."""
        limit = len(self.blob) + MIB
        image = IMAGE[:4096] + bytes(len(self.blob) + 16 * MIB)
        scene = self.scene()
        packed(scene, images.gzipped(image), image)
        result = scene.run(REF, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertFails(result, 7, "unpacking the gzip file")
        self.assertFiles(scene)

    def test_no_libarchive(self):
        """Only what is packed needs it."""
        folder = os.path.join(self.folder, "lib")
        os.makedirs(folder)
        with open(os.path.join(folder, "libarchive.so.13"), "w") as file:
            file.write("none")
        env = {"LD_LIBRARY_PATH": folder}
        scene = self.scene()
        data = scene.image("a/plain:1")
        self.assertPulled(scene, scene.run("a/plain:1", env=env), data,
                          "plain_1.sif")
        os.unlink(scene.path("plain_1.sif"))
        packed(scene, self.blob)
        self.assertFails(scene.run(REF, env=env), 1, "libarchive",
                         "--no-unpack")
        self.assertUnnamed(scene)
        self.assertNoDownload(scene)


if __name__ == "__main__":
    main()
