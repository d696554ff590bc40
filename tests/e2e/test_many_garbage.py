#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever lies where the leader's name should be, by accident or as a trap."""

import os
import unittest

from harness import spull
from harness.case import main
from harness.engine import NAME, REF, image
from harness.many import SILENCE, SMALL, Many
from harness.spull import LONG


class Garbage(Many):
    """Whatever lies where the leader's name should be."""

    def label(self):
        """How the link for the image of a scene is called."""
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        name = os.path.basename(self.only(scene, ".lead"))
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        return name

    def folder_with_files(self, path):
        os.mkdir(path)
        with open(os.path.join(path, "precious"), "w") as file:
            file.write("precious")

    def rows(self, precious):
        part = ".spull-%s-host-1-0.part" % ("0" * 32)
        yield "file", lambda path: open(path, "w").close()
        yield "folder", os.mkdir
        yield "folder with files", self.folder_with_files
        yield "pipe", os.mkfifo
        for what, target in (
                ("nonsense", "nonsense"), ("passwd", "/etc/passwd"),
                ("a file", precious), ("itself", "."), ("bars", "|||"),
                ("no owner", part + "|"), ("half an owner", part + "| 1 2"),
                ("numbers", part + "|- -1 99999999999999999999 x"),
                ("path", "../../../.spull-x|- 0 0 0"),
                ("escapes", "\033[2J\n|\r- 1 1 1"), ("long", "x" * 4000),
                ("stranger", part + "|00000000-0000-0000-0000-000000000000 "
                                    "4026531836 1 1")):
            yield what, lambda path, target=target: os.symlink(target, path)

    def scenes(self):
        label = self.label()
        for number, (what, make) in enumerate(self.rows(self.precious)):
            scene = self.scene()
            scene.image(data=image(SMALL))
            make(scene.path(label))
            yield what, label, scene, number

    def setUp(self):
        super().setUp()
        self.precious = os.path.join(self.folder, "precious")
        with open(self.precious, "w") as file:
            file.write("precious")

    def assertUnharmed(self, scene, label, what):
        with open(self.precious) as file:
            self.assertEqual(file.read(), "precious")
        if what == "folder with files":
            found = [name for name in spull.files(scene.cwd)
                     if name.endswith("/precious")]
            self.assertEqual(len(found), 1)

    def test_without_patience(self):
        for what, label, scene, _ in self.scenes():
            with self.subTest(what):
                self.assertFails(scene.run("--wait", "0", REF), 4,
                                 "another process")
                self.assertUnharmed(scene, label, what)
                self.assertEqual(scene.blobs(), [])

    def test_nobody_and_the_dead(self):
        """Who can be seen to be gone is not waited for."""
        label = self.label()
        part = ".spull-%s-host-1-0.part" % ("0" * 32)
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        space = os.stat("/proc/self/ns/pid").st_ino
        for what, owner in (("nobody", "- 0 0 0"),
                            ("a pid that is ours", "%s %d %d 1" % (
                                boot, space, os.getpid()))):
            with self.subTest(what):
                scene = self.scene()
                data = scene.image(data=image(SMALL))
                os.symlink("%s|%s" % (part, owner), scene.path(label))
                self.assertPulled(scene, scene.run(REF), data)

    def test_image_as_a_part(self):
        """A link that names the image itself makes nobody believe that it
        was verified."""
        label, scene, other = self.label(), self.scene(), image(SMALL, seed=1)
        scene.image(data=image(SMALL))
        os.symlink(NAME + "|- 1 1 1", scene.path(label))
        waiter = self.follow(scene)
        scene.put("other", other)
        os.rename(scene.path("other"), scene.path(NAME))
        self.assertExit(waiter.finish(), 8)
        self.assertEqual(scene.read(NAME), other)

    @unittest.skipUnless(LONG, "waits for 90 s: SPULL_TESTS_LONG=1")
    def test_with_patience(self):
        data = image(SMALL)
        rows = list(self.scenes())
        processes = [scene.start(REF) for _, _, scene, _ in rows]
        for (what, label, scene, _), process in zip(rows, processes):
            with self.subTest(what):
                result = spull.finish(process, SILENCE)
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), data)
                self.assertUnharmed(scene, label, what)
                if not what.startswith("folder"):
                    self.assertFiles(scene, NAME)


if __name__ == "__main__":
    main()
