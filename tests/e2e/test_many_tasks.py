#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many tasks that want one image in one directory: one of them downloads, the
others wait for it, and whoever dies is replaced."""

import os
import signal
import threading
import time
import unittest

from harness import images, servers, spull
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import (CUT, MIB, NAME, PACE, REF, SIZE, image, put_down,
                            sent)
from harness.many import HELD, SMALL, TASKS, Many, Task
from harness.preload import preload
from harness.servers import Gate, Reply
from harness.trace import READS, WHY_NO_TRACE, calls_in, traced
from harness.users import CAN_CHANGE, NOBODY, as_nobody, as_user


class OneDownload(Many):
    def locks(self):
        """What they may be like, and for how many tasks that is tried."""
        folder = self.class_folder()
        yield "as they are", TASKS, {}
        yield "lies", TASKS, preload(folder, "locks")
        for error, tasks in (("ENOSYS", TASKS), ("ENOLCK", 16),
                             ("ENOTSUP", 16)):
            yield error, tasks, preload(folder, "locks",
                                        "-DLOCKS_FAIL=" + error)

    def test_one_image(self):
        for what, tasks, env in self.locks():
            for connections in (1, 4):
                with self.subTest(locks=what, connections=connections):
                    self.check_one_image(tasks, env, connections)

    def check_one_image(self, tasks, env, connections):
        scene = self.scene()
        how = {"drip": PACE} if connections > 1 else {}
        data = scene.image(data=image(SIZE), size="bytes",
                           reply=Reply(image(SIZE), etag='"1"', **how))
        for result in self.together(scene, tasks, "--connections",
                                    str(connections), env=env):
            self.assertExit(result, 0)
            self.assertEqual(result.lines, [NAME], result)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertOnce(scene, data, CUT if connections > 1 else 0)

    def test_force(self):
        """The old image is replaced once, and nobody reads it all the time."""
        scene = self.scene()
        data = scene.image(data=image(MIB))
        scene.put(NAME, image(MIB, seed=1))
        for result in self.together(scene, 16, "--force"):
            self.assertPulled(scene, result, data)
        self.assertOnce(scene, data)

    def test_two_tags(self):
        """One blob under two names: two files, and no more downloads."""
        scene = self.scene()
        data = scene.image(data=image(MIB))
        scene.image("vanessa/greeting:v1", data)
        names = [NAME, "greeting_v1.sif"]
        for result in self.together(scene, 16,
                                    refs=[REF, "vanessa/greeting:v1"]):
            self.assertExit(result, 0)
        for name in names:
            self.assertImage(scene.path(name), data)
        self.assertFiles(scene, *names)
        self.assertLessEqual(sent(scene.blobs()), 2 * len(data))

    def test_crossed(self):
        """Two tasks with the same two images, in different order."""
        scene, gate = self.scene(), Gate(1000)
        refs = ["vanessa/greeting:a", "vanessa/greeting:b"]
        for number, ref in enumerate(refs):
            data = images.sif(seed=number)
            scene.image(ref, data, [Reply(data, gate=gate), Reply(data)])
        tasks = [Task(self, scene, *refs), Task(self, scene, *refs[::-1])]
        self.until("both downloads", lambda: len(scene.blobs()) == 2)
        gate.open()
        for task in tasks:
            self.assertExit(task.finish(), 0)
        self.assertFiles(scene, "greeting_a.sif", "greeting_b.sif")
        self.assertEqual(len(scene.blobs()), 2)

    def test_failures_are_everybodys(self):
        """Nobody waits for who has failed, and all say the same."""
        data = images.sif()
        for what, code, reply in (("404", 3, servers.not_found()),
                                  ("403", 6, servers.xml_denied()),
                                  ("wrong", 5, Reply(images.sif(seed=1)))):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data, reply=reply)
                for result in self.together(scene, 8):
                    self.assertFails(result, code)
                self.assertFiles(scene)


@unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
class Reading(Many):
    """What a waiter reads of the image."""

    def traced(self, scene, *args, env=None):
        log = os.path.join(self.folder, "trace-%d" % next(self.numbers))
        return self.follow(scene, *args, wrap=traced(log, *READS, "mmap"),
                           env=spull.without_leaks(env)), log

    def read_bytes(self, scene, log):
        calls = calls_in(log)
        self.assertEqual([call for call in calls if call.name == "mmap" and
                          scene.path(NAME) in call.args], [])
        return sum(call.result for call in calls
                   if call.path == scene.path(NAME))

    def test_waiters(self):
        for what, env in (("with attributes", {}),
                          ("without", preload(self.folder, "xattrs"))):
            with self.subTest(what):
                scene, data, gate = self.gated()
                leader = self.lead(scene, gate)
                waiters = [self.traced(scene, env=env) for _ in range(3)]
                gate.open()
                self.assertEachPulled(scene, [leader] + [
                    waiter for waiter, _ in waiters], data)
                for _, log in waiters:
                    # Its first bytes, at each look that finds it.
                    self.assertLessEqual(self.read_bytes(scene, log), 4096)

    def test_what_is_to_be_replaced(self):
        """It is read once, to see whether it differs; not at every look."""
        scene, data, gate = self.gated()
        scene.put(NAME, image(SMALL, seed=1))
        leader = self.lead(scene, gate, "--force")
        waiter, log = self.traced(scene, "--force")
        time.sleep(2)  # some looks; the more, the worse
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertLessEqual(self.read_bytes(scene, log), SMALL + 4096)


class Takeover(Many):
    def test_killed(self):
        """What the journal has is not fetched again."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at, size="bytes")
        leader = self.lead(scene, gate, "--connections", "1")
        waiters = [self.follow(scene, "--connections", "1")
                   for _ in range(16)]
        self.wait_journal(scene, at)
        leader.kill()
        self.assertEachPulled(scene, waiters, data)
        self.assertOnce(scene, data, HELD)
        gate.open()

    def test_killed_with_several_connections(self):
        """Then some of the last second before the journal may be lost."""
        scene, killed = self.scene(), threading.Event()
        data = image(SIZE)

        def reply(_):
            slow = {} if killed.is_set() else {"drip": (1 << 13, 0.02)}
            return Reply(data, etag='"1"', **slow)

        scene.image(data=data, reply=reply, size="bytes")
        leader = Task(self, scene, "--connections", "4", REF)
        self.wait_journal(scene, 2 * MIB)
        waiters = [self.follow(scene, "--connections", "4") for _ in range(8)]
        killed.set()
        leader.kill()
        self.assertEachPulled(scene, waiters, data)
        self.assertGreater(len(scene.blobs()), 2)
        self.assertOnce(scene, data, 3 * MIB)

    def test_killed_before_its_first_journal(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiters = [self.follow(scene) for _ in range(8)]
        leader.kill()
        gate.open()
        self.assertEachPulled(scene, waiters, data)

    def test_interrupted(self):
        """It says goodbye: all that it has is taken up."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                scene, data, gate = self.gated(SIZE, 5 * MIB)
                leader = self.lead(scene, gate, "--connections", "1")
                waiters = [self.follow(scene) for _ in range(4)]
                leader.kill(number)
                self.assertExit(leader.finish(), -number)
                gate.open()
                self.assertEachPulled(scene, waiters, data)
                self.assertOnce(scene, data, CUT)

    def test_waiters_may_go(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGKILL):
            waiter = self.follow(scene)
            waiter.kill(number)
            self.assertExit(waiter.finish(), -number)
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        self.assertOnce(scene, data)

    def test_who_writes_on(self):
        """The file of one that was deposed is not the one that is installed:
        whoever still has it open writes into the void."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, at)
        with open(self.only(scene, ".part"), "r+b", buffering=0) as part:
            leader.kill()
            leader.finish()
            gate.open()
            self.assertExit(scene.run(REF), 0)
            part.write(b"garbage" * 1000)
            self.assertImage(scene.path(NAME), data)
            self.assertNotEqual(os.fstat(part.fileno()).st_ino,
                                os.stat(scene.path(NAME)).st_ino)

    def test_dead_leader_met_later(self):
        scene, data, gate = self.gated()
        self.dead(scene, gate)
        self.assertPulled(scene, scene.run(REF), data)

    def test_no_wait_for_the_dead(self):
        scene, data, gate = self.gated()
        self.dead(scene, gate)
        self.assertPulled(scene, scene.run("--wait", "0", REF), data)

    def test_who_does_not_get_on_still_lives(self):
        """Its journal shows a beat, though no byte comes."""
        scene, data, gate = self.gated(at=100000)
        with self.gates_that_last():
            leader = self.lead(scene, gate, "--stall-timeout", "600")
            self.wait_journal(scene, 100000)
            first = self.journal(scene)
            self.until("a beat",
                       lambda: self.journal(scene) not in ("", first))
        gate.open()
        self.assertPulled(scene, leader.finish(), data)

    def test_part_that_was_removed(self):
        """Somebody tidies up under a download: it does not wait for itself."""
        scene, data, gate = self.gated(at=SMALL - 1)
        leader = self.lead(scene, gate)
        os.unlink(self.only(scene, ".part"))
        gate.open()
        result = leader.finish(spull.TIMEOUT // 2)
        self.assertIn(result.code, (0, 7), result)
        if result.code == 0:
            self.assertPulled(scene, result, data)

    def test_inode_of_one_that_failed(self):
        """Its number may be another file's by now, which nobody verified."""
        scene, _, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene)
        number = os.stat(self.only(scene, ".part")).st_ino
        waiter.kill(signal.SIGSTOP)
        leader.kill(signal.SIGINT)
        leader.finish()
        self.assertFiles(scene)
        other = image(SMALL, seed=1)
        for attempt in range(100):  # until it has the number, if it can
            path = scene.put("other-%d" % attempt, other)
            if os.stat(path).st_ino == number:
                break
        os.rename(path, scene.path(NAME))
        gate.open()
        waiter.kill(signal.SIGCONT)
        self.assertExit(waiter.finish(), 8)
        self.assertEqual(scene.read(NAME), other)


class Patience(Many):
    def test_none(self):
        for args, env in ((["--wait", "0"], {}), ([], {"SPULL_WAIT": "0"})):
            with self.subTest(args):
                scene, data, gate = self.gated()
                leader = self.lead(scene, gate)
                self.assertFails(scene.run(*args, REF, env=env), 4,
                                 "another process", str(leader.process.pid))
                gate.open()
                self.assertPulled(scene, leader.finish(), data)
                self.assertOnce(scene, data)

    def test_some(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene, "--wait", "2")
        result = waiter.finish()
        self.assertExit(result, 4)
        self.assertSays(result, "another process")
        gate.open()
        self.assertPulled(scene, leader.finish(), data)

    def test_log(self):
        """Without a terminal, a waiter says so every 30 s and no more often."""
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        log = os.path.join(self.folder, "log")
        start, times = time.monotonic(), 8
        with open(log, "wb") as file:
            waiter = scene.start(*UNHURRIED, REF, stderr=file,
                                 env=hurried(self.folder, times))
        self.addCleanup(put_down, waiter)

        def lines():
            with open(log) as file:
                return [line for line in file if "is downloading it" in line]

        self.until("a second line", lambda: len(lines()) >= 2)
        self.assertGreaterEqual(time.monotonic() - start, 2 * 30 / times)
        self.assertRegex(lines()[0], r"^spull: .*-%d is downloading it"
                         % leader.process.pid)
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        self.assertExit(spull.finish(waiter), 0)
        self.assertOnce(scene, data)

    def test_enough(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene, "--wait", "3600")
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)


@unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
class Strangers(Many):
    def test_dead_leader_that_cannot_be_removed(self):
        """In a sticky directory only its owner could: no reason to try for
        ever."""
        scene, data, gate = self.gated()
        os.chmod(scene.cwd, 0o1777)
        self.dead(scene, gate)
        result = scene.run(REF, wrap=as_nobody(), timeout=spull.TIMEOUT // 2)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), data)

    def test_many_after_one_that_cannot_be_removed(self):
        """Past its link, too, one leads and the others wait; of each user
        whose task was killed there, one stands in the way."""
        scene, second = self.scene(), Gate(SMALL // 2)
        data, first, third = image(SMALL), Gate(30000), Gate(30000)
        scene.image(data=data, reply=[
            Reply(data, gate=gate) for gate in (first, third, second)] +
            [Reply(data)])
        os.chmod(scene.cwd, 0o1777)
        for gate, wrap in ((first, []), (third, as_user(NOBODY - 1))):
            leader = Task(self, scene, REF, wrap=wrap)
            gate.wait_reached()
            leader.kill()
            leader.finish()
            gate.open()
        leader = Task(self, scene, REF, wrap=as_nobody())
        second.wait_reached()
        waiters = [self.follow(scene, wrap=as_nobody()) for _ in range(4)]
        self.assertFails(scene.run("--wait", "0", REF, wrap=as_nobody()), 4,
                         str(leader.process.pid))
        second.open()
        for task in [leader] + waiters:
            self.assertExit(task.finish(), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertEqual(len(scene.blobs()), 3)
        self.assertEqual(len([name for name in os.listdir(scene.cwd)
                              if name.endswith(".lead")]), 2)

    def test_another_users_download(self):
        """What a stranger claims to have verified is read before it is
        believed."""
        scene, data, gate = self.gated()
        os.chmod(scene.cwd, 0o777)
        leader = self.lead(scene, gate, wrap=as_nobody())
        waiter = self.follow(scene)
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertOnce(scene, data)


if __name__ == "__main__":
    main()
