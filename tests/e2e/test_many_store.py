#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Killed, or refused something by the system, at any call that a pull makes on
files while it uses a store: neither store nor destination has what is not
whole, and the next run completes."""

import os

from harness.case import main
from harness.engine import NAME, REF
from harness.servers import Reply
from harness.store import Stored
from harness.walk import DATA, ERRORS, OLD, Stage, Walk


class StoreWalk(Walk, Stored):
    """entry: what the store has, as a mode, which decides how it is placed."""

    STAGES = (Stage("into the store"),
              Stage("forced", "--force", old=OLD),
              Stage("hard link", entry=0o444),
              Stage("hard link, forced", "--force", old=OLD, entry=0o444),
              Stage("copy", entry=0o664),
              Stage("damaged", entry=0o644, damaged=True))

    def leave(self):
        """Nothing is left from before."""

    def places(self, scene):
        return scene.cwd, scene.store

    def staged(self, stage):
        scene = self.scene()
        scene.image(data=DATA, reply=Reply(DATA, etag='"1"'), size="bytes")
        if stage.old is not None:
            scene.put(NAME, stage.old)
        if stage.entry is not None:
            self.plant(scene, DATA, OLD if stage.damaged else DATA,
                       stage.entry)
        return scene

    def assertWhole(self, scene, stage):
        """What has a name is old, or right."""
        path = scene.path(NAME)
        if os.path.lexists(path):
            if stage.old is None or scene.read(NAME) != stage.old:
                self.assertBytes(path, DATA)
        else:
            self.assertIsNone(stage.old)
        self.assertUnnamed(scene, *([NAME] if os.path.lexists(path) else []))
        entry = self.entry(scene, DATA)
        if os.path.lexists(entry) and not stage.damaged:
            self.assertBytes(entry, DATA)

    def assertCompletes(self, scene, stage):
        result = scene.run(*stage.args, REF)
        self.assertExit(result, 0)
        self.assertBytes(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        if stage.entry is not None and not stage.damaged:
            self.assertEqual(scene.blobs(), [])


class Killed(StoreWalk):
    def check(self, stage, what, how):
        scene = self.staged(stage)
        result = self.inject(scene, what % how, *stage.args)
        self.assertKilled(scene, result)
        self.assertWhole(scene, stage)
        self.assertCompletes(scene, stage)
        self.assertNoLinksLeft(scene)

    def assertNoLinksLeft(self, scene):
        """The entry has no name but its own and the image's."""
        entry, placed = os.stat(self.entry(scene, DATA)), os.stat(
            scene.path(NAME))
        self.assertEqual(entry.st_nlink, 1 + (entry.st_ino == placed.st_ino),
                         os.listdir(scene.cwd))

    def test_walk(self):
        self.walk(["signal=KILL"], self.check)


class Refused(StoreWalk):
    def check(self, stage, what, how):
        scene = self.staged(stage)
        result = self.inject(scene, what % how, *stage.args)
        self.assertIn(result.code, (0, 7), result)
        if result.code == 0:
            self.assertBytes(scene.path(NAME), DATA)
        self.assertWhole(scene, stage)
        result = scene.run(*stage.args, REF)
        self.assertExit(result, 0)
        self.assertBytes(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)

    def test_walk(self):
        self.walk(["error=" + error for error in ERRORS], self.check)

    def test_ways_to_place(self):
        """What can't be cloned is linked, what can't be linked copied."""
        for error in ("EPERM", "EMLINK", "EXDEV", "EOPNOTSUPP"):
            with self.subTest(error):
                scene = self.staged(Stage("hard link", entry=0o444))
                options = ["-e", "trace=linkat,ioctl",
                           "--inject=linkat:error=" + error,
                           "--inject=ioctl:error=EOPNOTSUPP"]
                self.assertExit(self.traced(scene, options), 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertFiles(scene, NAME)
                self.assertEqual(scene.blobs(), [])

    def test_disk_that_cannot_be_read(self):
        """The store's is no reason to fail: there is a server."""
        for mode in (0o444, 0o664):
            with self.subTest(oct(mode)):
                scene = self.staged(Stage("unreadable", entry=mode))
                options = ["-P", self.entry(scene, DATA),
                           "-e", "trace=pread64,copy_file_range",
                           "--inject=pread64,copy_file_range:error=EIO:when=1"]
                result = self.traced(scene, options)
                self.assertTrue(self.was_hit(scene))
                self.assertExit(result, 0)
                self.assertSays(result, "damaged")
                self.assertBytes(scene.path(NAME), DATA)
                self.assertStored(scene, DATA)
                self.assertEqual(len(scene.blobs()), 1)


if __name__ == "__main__":
    main()
