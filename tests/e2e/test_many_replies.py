#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a network file system may answer, where a local one would not."""

from harness.case import main
from harness.engine import NAME, REF, SIZE, image
from harness.injection import Strace
from harness.servers import Reply

DATA = image(SIZE)


class Replies(Strace):
    def published(self):
        scene = self.scene()
        scene.image(data=DATA, reply=Reply(DATA, etag='"1"'), size="bytes")
        return scene

    def answered(self, scene, call, error, *more, when="1"):
        """A pull in which a call, of that number, fails so."""
        result = self.traced(scene, list(more) + [
            "-e", "trace=" + call,
            "--inject=%s:error=%s:when=%s" % (call, error, when)])
        self.assertTrue(self.was_hit(scene))
        return result

    def assertPulledAll(self, scene, result):
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertFiles(scene, NAME)

    def test_image_that_comes_in_between(self):
        """Not there to be opened, and there a moment later: that is no other
        file, but what one has waited for."""
        for error in ("ENOENT", "ESTALE"):
            for proof in (True, False):
                with self.subTest(error, proof=proof):
                    scene = self.published()
                    if proof:
                        self.assertExit(scene.run(REF), 0)
                    else:
                        scene.put(NAME, DATA)
                    before = len(scene.blobs())
                    result = self.answered(scene, "openat", error, "-P",
                                           scene.path(NAME))
                    self.assertExit(result, 0)
                    self.assertFiles(scene, NAME)
                    self.assertEqual(len(scene.blobs()), before)

    def test_name_that_never_opens(self):
        scene = self.published()
        scene.put(NAME, DATA)
        result = self.answered(scene, "openat", "ENOENT", "-P",
                               scene.path(NAME), when="1+")
        self.assertFails(result, 8)
        self.assertEqual(scene.read(NAME), DATA)

    def test_part_that_is_gone(self):
        """Another host has taken it away: then there is another turn."""
        for call in ("pwrite64", "fsync"):
            with self.subTest(call):
                scene = self.published()
                self.assertPulledAll(scene, self.answered(scene, call,
                                                          "ESTALE"))

    def test_directory_that_is_gone(self):
        """That is said, and not tried for ever."""
        scene = self.published()
        self.assertFails(self.answered(scene, "pwrite64", "ESTALE",
                                       when="1+"), 7, scene.cwd)
        self.assertUnnamed(scene)


if __name__ == "__main__":
    main()
