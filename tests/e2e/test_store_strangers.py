#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A store that is closed, or other people's."""

import os
import stat
import unittest

from harness import images
from harness.case import main
from harness.engine import CUT, MIB, NAME, REF, SIZE, image
from harness.many import PROOF, SMALL, Task
from harness.servers import Gate, Reply
from harness.store import Stored
from harness.users import (CAN_CHANGE, IS_ALMIGHTY, NOBODY,
                           as_anybody_but_root, as_nobody, as_user)

GROUP = 54321


def member(user):
    """Another user, of the group that shares a store."""
    return as_user(user, GROUP)


@unittest.skipIf(IS_ALMIGHTY, "root may do anything")
class ReadOnly(Stored):
    """A site's store, filled by its administrator."""

    def closed(self, scene):
        for folder, _, _ in os.walk(scene.store):
            os.chmod(folder, 0o555)
        os.chmod(scene.cwd, 0o777)
        self.addCleanup(self.opened, scene)

    def opened(self, scene):
        for folder, _, _ in os.walk(scene.store):
            os.chmod(folder, 0o755)

    def check(self, scene, data, placed):
        before = self.seen(scene)
        result = scene.run("--json", REF, wrap=as_anybody_but_root())
        found = self.assertJson(result)
        self.assertNotIn("without", result.err)
        self.assertIn(found["placed"], placed)
        self.assertBytes(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertEqual(self.seen(scene), before)

    def test_what_it_has(self):
        scene, data = self.published()
        self.plant(scene, data, data, 0o444)
        self.closed(scene)
        self.check(scene, data, ("reflink", "hard link", "copy"))
        self.assertEqual(scene.blobs(), [])

    def test_what_it_lacks(self):
        scene, data = self.published()
        other = image(SMALL, seed=1)
        self.plant(scene, other, other, 0o444)
        self.closed(scene)
        self.check(scene, data, (None,))
        self.assertOnce(scene, data)

    def test_nothing_yet(self):
        scene, data = self.published()
        self.closed(scene)
        self.check(scene, data, (None,))

    def test_damaged(self):
        """It can't be removed, and it is not installed."""
        scene, data = self.published()
        self.plant(scene, data, image(SMALL, seed=1), 0o444)
        self.closed(scene)
        result = scene.run(REF, wrap=as_anybody_but_root())
        self.assertExit(result, 0)
        self.assertSays(result, "damaged")
        self.assertImage(scene.path(NAME), data)

    def test_unreadable(self):
        scene, data = self.published()
        self.plant(scene, data, data, 0)
        self.closed(scene)
        self.check(scene, data, (None, "copy", "hard link"))


@unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
class Strangers(Stored):
    def shared(self, scene, mode=0o2777):
        os.chmod(scene.store, mode)
        os.chmod(scene.cwd, 0o777)

    def forge(self, path):
        """The note of an owner who says what they like."""
        state = os.stat(path)
        text = "1 sha256:%s %d %d %d %d SIF amd64" % (
            os.path.basename(path), state.st_size, state.st_ino,
            state.st_mtime_ns // 10**9, state.st_mtime_ns % 10**9)
        try:
            os.setxattr(path, PROOF, text.encode())
        except OSError as why:
            self.skipTest(str(why))

    def test_another_users_entry(self):
        """Is read, not believed; and never linked, since it stays theirs."""
        scene, data = self.published()
        self.shared(scene)
        self.assertExit(scene.run("-o", "theirs.sif", REF,
                                  wrap=as_nobody()), 0)
        entry = self.entry(scene, data)
        self.assertEqual(os.stat(entry).st_uid, NOBODY)
        found = self.pulled(scene)
        self.assertIn(found["placed"], ("reflink", "copy"))
        os.chmod(entry, 0o644)
        with open(entry, "r+b") as file:
            file.write(b"garbage")
        self.assertImage(scene.path(NAME), data)
        self.assertEqual(os.stat(scene.path(NAME)).st_uid, 0)
        self.assertOnce(scene, data)

    def test_forged_proof(self):
        scene, data = self.published()
        self.shared(scene)
        path = self.plant(scene, data, image(SMALL, seed=1))
        os.chown(path, NOBODY, NOBODY)
        self.forge(path)
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "damaged")
        self.assertBytes(scene.path(NAME), data)
        self.assertStored(scene, data)
        self.assertOnce(scene, data)

    def test_roots_entry(self):
        """Root is believed, if the kernel lets nobody link to it or not."""
        scene, data = self.published()
        self.shared(scene)
        self.assertExit(scene.run("-o", "mine.sif", REF), 0)
        found = self.assertJson(scene.run("--json", REF, wrap=as_nobody()))
        self.assertIn(found["placed"], ("reflink", "hard link", "copy"))
        self.assertBytes(scene.path(NAME), data)
        self.assertOnce(scene, data)

    def test_group(self):
        """All that is there is the group's, and closed to everybody else."""
        scene, data = self.published()
        os.chown(scene.store, 0, GROUP)
        self.shared(scene, 0o2770)
        for user in (NOBODY, NOBODY - 1):
            found = self.assertJson(scene.run(
                "--json", "-o", "%d.sif" % user, REF, wrap=member(user),
                preexec_fn=lambda: os.umask(0o077)))
            self.assertIsNotNone(found["placed"])
            self.assertBytes(scene.path("%d.sif" % user), data)
        for path, mode in ((os.path.join(scene.store, "sha256"), 0o2770),
                           (self.entry(scene, data), 0o550)):
            found = os.stat(path)
            self.assertEqual((found.st_gid, oct(stat.S_IMODE(found.st_mode))),
                             (GROUP, oct(mode)))
        self.assertOnce(scene, data)
        self.assertExit(scene.run("-o", "other.sif", REF, wrap=as_nobody()), 0)
        self.assertImage(scene.path("other.sif"), data)

    def test_group_without_setgid(self):
        """The entry gets the group all the same."""
        scene, data = self.published()
        os.chown(scene.store, 0, GROUP)
        self.shared(scene, 0o770)
        self.assertExit(scene.run(REF, wrap=member(NOBODY)), 0)
        found = os.stat(self.entry(scene, data))
        self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)),
                         (GROUP, 0o550))

    def taken_up(self, first, second, mode):
        at = 5 * MIB
        scene, gate = self.scene(), Gate(at)
        self.shared(scene, mode)
        data = image(SIZE)
        scene.image(data=data, reply=[Reply(data, gate=gate, etag='"1"'),
                                      Reply(data, etag='"1"')], size="bytes")
        folder = os.path.join(scene.store, "sha256")
        leader = Task(self, scene, "--connections", "1", "-o", "first.sif",
                      REF, wrap=first, preexec_fn=lambda: os.umask(0o077))
        gate.wait_reached()
        self.until("a journal", lambda: self.journalled_in(folder) > 4 * MIB)
        waiter = Task(self, scene, "--connections", "1", REF, wrap=second)
        waiter.wait_waiting()
        leader.kill()
        leader.finish()
        gate.open()
        self.assertExit(waiter.finish(), 0)
        self.assertBytes(scene.path(NAME), data)
        return scene, data

    def test_takeover(self):
        """Whoever led: the next one reads what is there."""
        for first, second in (([], as_nobody()), (as_nobody(), []),
                              (member(NOBODY), member(NOBODY - 1))):
            with self.subTest(first, second=second):
                scene, data = self.taken_up(first, second, 0o2777)
                self.assertOnce(scene, data, CUT)
                self.assertStored(scene, data)

    def test_takeover_in_a_sticky_directory(self):
        """What is not theirs can't be removed; it can be read."""
        scene, data = self.taken_up([], as_nobody(), 0o1777)
        self.assertOnce(scene, data, CUT)

    def lie_about(self, folder, data):
        """A partial file of nobody's, whole and wrong."""
        stem = os.path.join(folder, ".spull-%s-host-1-%016x" % (
            images.sha256(data)[:32], 1))
        for end, text in ((".part", image(SMALL, seed=1)),
                          (".spans", b"spull-part 1\nowner - 0 0 0\nbeat 1\n"
                           b"size %d\nspan 0 %d\nend\n" % (SMALL, SMALL))):
            with open(stem + end, "wb") as file:
                file.write(text)
            os.chmod(stem + end, 0o644)

    def test_wrong_partial_file_that_cannot_be_removed(self):
        """It is tried once, and then everything is downloaded afresh."""
        for where in ("store", "destination"):
            with self.subTest(where):
                scene, data = self.published()
                self.shared(scene, 0o1777)
                os.chmod(scene.cwd, 0o1777)
                folder = os.path.join(scene.store, "sha256")
                if where == "destination":
                    scene.env.pop("SPULL_STORE")
                    folder = scene.cwd
                else:
                    os.mkdir(folder)
                    os.chmod(folder, 0o1777)
                self.lie_about(folder, data)
                result = scene.run(REF, wrap=as_nobody())
                self.assertExit(result, 0)
                self.assertSays(result, "afresh")
                self.assertBytes(scene.path(NAME), data)
                self.assertOnce(scene, data)

    def test_what_cannot_be_removed(self):
        scene, data = self.published()
        self.shared(scene, 0o1777)
        self.plant(scene, data, image(SMALL, seed=1))
        os.chmod(os.path.join(scene.store, "sha256"), 0o1777)
        result = scene.run(REF, wrap=as_nobody())
        self.assertExit(result, 0)
        self.assertSays(result, "damaged")
        self.assertImage(scene.path(NAME), data)
        result = scene.run("store", "verify", wrap=as_nobody())
        self.assertExit(result, 5)
        self.assertSays(result, "damaged", "could not be removed")
        result = scene.run("store", "prune", "--older-than", "0",
                           wrap=as_nobody())
        self.assertFails(result, 7, "cannot remove")


if __name__ == "__main__":
    main()
