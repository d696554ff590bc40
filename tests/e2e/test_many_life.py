#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A leader that is busy with something slow, or whose files are closed to us,
lives all the same; and what it has is not taken from it."""

import contextlib
import os
import time
import unittest

from harness import spull
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import NAME, REF, image
from harness.hosts import SPACE, WHY_NO_SPACE
from harness.injection import Strace
from harness.many import SMALL, Many, Task
from harness.servers import Reply
from harness.trace import injected
from harness.users import CAN_CHANGE, as_nobody, as_user

# More than the silence after which a leader is deposed, by a hurried clock.
LONG_ENOUGH = 6
NEIGHBOUR = 65533


@unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
class Strangers(Many):
    """Two users share a directory, and neither can read the other's partial
    files."""

    def shared(self, at=SMALL // 2):
        scene, data, gate = self.gated(at=at)
        os.chmod(scene.cwd, 0o777)
        return scene, data, gate

    def test_lives(self):
        """That its journal is a new one each time can be seen."""
        env = hurried(self.class_folder())
        scene, data, gate = self.shared()
        leader = self.lead(scene, gate, *UNHURRIED, env=env, wrap=as_nobody())
        waiter = self.follow(scene, *UNHURRIED, env=env,
                             wrap=as_user(NEIGHBOUR))
        time.sleep(LONG_ENOUGH)
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertOnce(scene, data)

    def test_dead(self):
        """What it had finished is there for its owner."""
        scene, data, gate = self.shared()
        leader = self.lead(scene, gate, wrap=as_nobody())
        self.wait_journal(scene, SMALL // 2)
        leader.kill()
        leader.finish()
        gate.open()
        left = self.only(scene, ".part"), self.only(scene, ".spans")
        self.assertExit(scene.run(REF, wrap=as_user(NEIGHBOUR)), 0)
        self.assertEqual([os.path.exists(path) for path in left],
                         [True, True])
        self.assertOnce(scene, data, SMALL)


class Planted(Many):
    def test_pipe(self):
        """Who may write to the directory puts a pipe where the next journal
        would be written: nobody waits for its reader."""
        scene, data, gate = self.gated(at=SMALL // 2)
        leader = self.lead(scene, gate)
        stem = self.only(scene, ".part")[:-len(".part")]
        with contextlib.suppress(FileExistsError):
            os.mkfifo(stem + ".spans.new")
        gate.open()
        self.assertExit(leader.finish(spull.TIMEOUT // 2), 0)
        self.assertImage(scene.path(NAME), data)


class Slow(Strace):
    """A leader that has all bytes, and takes longer than a silence may last
    for what remains to be done."""

    def slow(self, scene, call):
        """A leader whose first such call takes its time."""
        env = spull.without_leaks(hurried(self.class_folder()))
        wrap = injected("%s:delay_enter=%d:when=1" % (
            call, LONG_ENOUGH * 1000000), env)
        return Task(self, scene, *UNHURRIED, REF, wrap=wrap,
                    env=spull.without_leaks())

    def test_others_wait(self):
        """To read back what was copied in a moment, and to flush on a file
        system that is busy, may take minutes."""
        for call in ("pread64", "fsync"):
            with self.subTest(call):
                scene = self.scene()
                data = scene.image(data=image(SMALL),
                                   reply=Reply(image(SMALL), etag='"1"'))
                leader = self.slow(scene, call)
                self.wait_journal(scene, SMALL)
                waiter = self.follow(scene, *UNHURRIED,
                                     env=hurried(self.class_folder()))
                self.assertEachPulled(scene, [leader, waiter], data)
                self.assertOnce(scene, data)
                self.assertEqual(len(scene.blobs()), 1)


@unittest.skipIf(WHY_NO_SPACE, WHY_NO_SPACE)
class LeftInOrder(Strace):
    def test_what_could_not_be_named(self):
        """All is there, and another host takes it up at once."""
        for call in ("fsync", "renameat2"):
            with self.subTest(call):
                scene = self.scene()
                data = scene.image(data=image(SMALL),
                                   reply=Reply(image(SMALL), etag='"1"'))
                wrap = SPACE + injected("%s:error=EIO:when=1" % call)
                result = scene.run(REF, wrap=wrap, env=spull.without_leaks())
                self.assertFails(result, 7)
                self.assertUnnamed(scene)
                self.assertPulled(scene, scene.run(REF), data)
                self.assertEqual(len(scene.blobs()), 1)


if __name__ == "__main__":
    main()
