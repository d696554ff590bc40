#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many tasks that want one image which its server does not give: all together
are as patient as one, and do not wait for it one after the other."""

import signal

from harness import servers
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import MIB, NAME, REF, image, sent
from harness.many import SMALL, Many, Task
from harness.servers import Gate, Reply

TASKS = 6
RETRIES = 5
HURRY = ("--stall-timeout", "3600", "--connect-timeout", "1")


def hang_up(_):
    """The connection ends before an answer begins."""
    raise servers.Hangup


class Vain(Many):
    """Their clock is quick. The first one has all tries, and so may have the
    next one, who may have come a little later; the others waited meanwhile."""

    def scene_of(self, data, *replies):
        """Its blob is on a host of its own, or libcurl would take a connection
        that it has, and try again by itself when that ends."""
        self.host = servers.FaultServer().start()
        self.addCleanup(self.host.stop)
        scene = self.scene()
        scene.image(data=data, urls=[self.host.on("/blob", *replies)],
                    size="bytes")
        return scene

    def asked(self):
        return len(self.host.requests("/blob"))

    def tasks(self, *replies):
        scene = self.scene_of(image(SMALL), *replies)
        return scene, self.together(scene, TASKS, "-v", "--retries",
                                    str(RETRIES), env=hurried(self.folder, 10))

    def test_nobody_gets_it(self):
        for reply in (Reply(before=hang_up), Reply(status=503)):
            scene, results = self.tasks(reply)
            for result in results:
                self.assertExit(result, 4)
            said = sum("others have tried in vain" in result.err
                       for result in results)
            self.assertGreaterEqual(said, TASKS - 2)
            self.assertGreaterEqual(self.asked(), TASKS + RETRIES)
            self.assertLessEqual(self.asked(), TASKS + 2 * RETRIES)
            self.assertFiles(scene)

    def test_only_the_first_one_does_not(self):
        """It was its own network, or the server is there again."""
        vain = [Reply(before=hang_up)] * (RETRIES + 1)
        scene, results = self.tasks(*vain, Reply(image(SMALL)))
        self.assertEqual(sorted(result.code for result in results),
                         [0] * (TASKS - 1) + [4])
        self.assertImage(scene.path(NAME), image(SMALL))
        self.assertFiles(scene, NAME)
        self.assertEqual(self.asked(), RETRIES + 2)

    def test_no_connection(self):
        """One try means less long, too."""
        scene = self.scene()
        port, sockets = servers.mute_port()
        self.addCleanup(sockets.close)
        scene.image(data=image(SMALL), urls=["http://127.0.0.1:%d/" % port])
        results = self.together(scene, 2, "--retries", "1",
                                "--connect-timeout", "60",
                                env=hurried(self.folder, 20))
        leader, follower = sorted(
            results, key=lambda result: "is downloading it" in result.err)
        self.assertRegex(leader.err, r"after [6-9]\d{4} m")
        self.assertRegex(follower.err, r"after [1-4]\d{4} m")

    def test_a_leader_with_more_patience(self):
        """Has it alone."""
        scene = self.scene_of(image(SMALL), Reply(before=hang_up))
        env = hurried(self.folder)
        leader = Task(self, scene, "--retries", "50", REF, env=env)
        self.until("a lead", lambda: self.only(scene, ".lead"))
        followers = [self.follow(scene, "--retries", "0", *HURRY, env=env)
                     for _ in range(3)]
        for follower in followers:
            self.assertExit(follower.finish(), 4)
        self.assertIsNone(leader.process.poll())
        leader.kill()
        leader.finish()

    def test_a_leader_that_gets_less(self):
        """Who sees that the server answers waits on."""
        data, gate = image(SMALL), Gate(1000)
        scene = self.scene_of(data, Reply(data, gate=gate, etag='"1"'),
                              Reply(data, etag='"1"'))
        env = hurried(self.folder)
        leader = Task(self, scene, *UNHURRIED, "--connections", "1", REF,
                      env=env)
        gate.wait_reached()
        self.until("a lead", lambda: self.only(scene, ".lead"))
        follower = self.follow(scene, "--retries", "0", *HURRY, env=env)
        self.until("two looks", lambda: self.asked() > 2)
        self.assertIsNone(follower.process.poll())
        gate.open()
        self.assertEachPulled(scene, [leader, follower], data)
        self.assertLess(sent(self.host.requests("/blob")), 2 * len(data))

    def test_something_came(self):
        """Who follows one that was getting on has all tries."""
        data = image(16 * MIB)
        scene = self.scene_of(data, Reply(data, drip=(50000, 0.03),
                                          etag='"1"'),
                              Reply(before=hang_up), Reply(data, etag='"1"'))
        env = hurried(self.folder, 5)
        leader = Task(self, scene, *UNHURRIED, "--connections", "1", REF,
                      env=env)
        self.until("a journal", lambda: self.journalled(scene))
        follower = self.follow(scene, "--retries", "2", env=env)
        before = self.journalled(scene)
        # Longer than is hoped in vain.
        self.until("progress",
                   lambda: self.journalled(scene) > before + 8 * MIB)
        leader.kill(signal.SIGTERM)
        self.assertExit(leader.finish(), -signal.SIGTERM)
        self.assertPulled(scene, follower.finish(), data)


if __name__ == "__main__":
    main()
