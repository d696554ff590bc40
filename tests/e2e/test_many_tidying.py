#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What dead pulls left, and when it goes."""

import os
import time

from harness import spull
from harness.case import main
from harness.engine import NAME, REF, image
from harness.many import SMALL, Many
from harness.servers import Gate, Reply


class Tidying(Many):
    """Partial files that nobody takes up."""

    def left(self, scene, ref, days):
        """What an interrupted pull leaves, that old."""
        gate = Gate(200000)
        scene.image(ref, image(SMALL, seed=days),
                    Reply(image(SMALL, seed=days), gate=gate))
        before = set(os.listdir(scene.cwd))
        process = scene.start(ref)
        gate.wait_reached()
        self.until("a partial file", lambda: any(
            os.path.getsize(scene.path(name)) > 1 << 16
            for name in set(os.listdir(scene.cwd)) - before
            if name.endswith(".part")))
        process.terminate()
        spull.finish(process)
        gate.open()
        names = sorted(set(os.listdir(scene.cwd)) - before)
        self.assertEqual([name.rpartition(".")[2] for name in names],
                         ["part", "spans"])
        self.age(scene, names, days)
        return names

    def age(self, scene, names, days):
        past = time.time() - days * 86400 - 60
        for name in names:
            os.utime(scene.path(name), (past, past), follow_symlinks=False)

    def check(self, args, days, stays):
        scene = self.scene()
        names = self.left(scene, "vanessa/other:latest", days)
        data = scene.image()
        self.assertExit(scene.run(*args, REF), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME, *(names if stays else []))

    def test_age(self):
        for args, days, stays in (([], 6, True), ([], 7, False),
                                  ([], 400, False),
                                  (["--keep-days", "1"], 2, False),
                                  (["--keep-days", "30"], 29, True),
                                  (["--keep-days", "30"], 31, False),
                                  (["--keep-days", "0"], 400, True)):
            with self.subTest(args, days=days):
                self.check(args, days, stays)

    def test_settings(self):
        scene = self.scene()
        names = self.left(scene, "vanessa/other:latest", 20)
        scene.image()
        scene.rc("keep-days = 30\n")
        self.assertExit(scene.run(REF), 0)
        self.assertFiles(scene, NAME, *names)
        os.unlink(scene.path(NAME))
        self.assertExit(scene.run(REF, env={"SPULL_KEEP_DAYS": "10"}), 0)
        self.assertFiles(scene, NAME)

    def test_old_but_wanted(self):
        """Used or removed, it does not stay."""
        scene = self.scene()
        self.left(scene, REF, 400)
        self.assertExit(scene.run(REF), 0)
        self.assertImage(scene.path(NAME), image(SMALL, seed=400))
        self.assertFiles(scene, NAME)

    def test_what_is_not_ours(self):
        scene = self.scene()
        data = scene.image()
        names = ["notes.part", "x.spull-1.part", ".spull", ".spull-notes.txt",
                 ".spullrc", "old_latest.sif", ".spull-a.partial"]
        for name in names:
            scene.put(name, b"precious")
        os.mkdir(scene.path(".spull-folder.part"))
        os.symlink("nowhere", scene.path(".spull-link.part"))
        names += [".spull-folder.part", ".spull-link.part"]
        self.age(scene, names, 400)
        self.assertExit(scene.run(REF), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME, *names)

    def test_all_that_a_dead_leader_leaves(self):
        """Its link goes with the rest, whatever is pulled then."""
        scene, gate = self.scene(), Gate(200000)
        scene.image("vanessa/other:latest", image(SMALL),
                    Reply(image(SMALL), gate=gate))
        process = scene.start("vanessa/other:latest")
        gate.wait_reached()
        process.kill()
        spull.finish(process)
        gate.open()
        names = os.listdir(scene.cwd)
        self.assertTrue(any(name.endswith(".lead") for name in names))
        self.age(scene, names, 8)
        scene.image()
        self.assertExit(scene.run(REF), 0)
        self.assertFiles(scene, NAME)

    def test_names_are_told(self):
        """Who finds one can look it up."""
        result = self.scene().run("config")
        self.assertExit(result, 0)
        self.assertRegex(result.out, r"(?m)^keep-days +=")
        self.assertIn(".spull-", result.out)


if __name__ == "__main__":
    main()
