#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A leader that is busy with something slow, or whose files are closed to us,
lives all the same; and what it has is not taken from it."""

import os
import signal
import time
import unittest

from harness.case import main
from harness.engine import REF
from harness.users import CAN_CHANGE, as_nobody, as_user
from test_many_tasks import SMALL, UNHURRIED, Many, hurried

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


if __name__ == "__main__":
    main()
