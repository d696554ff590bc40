#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks that are full, quotas that are used up, and limits that are reached:
for real, on file systems made for the test where the machine allows that."""

import os
import re
import resource
import signal
import struct
import unittest

from harness import spull
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import MIB, NAME, REF, image, sent
from harness.hosts import SPACE, WHY_NO_SPACE
from harness.many import HELD, Many, Task
from harness.mounts import Mounted, command
from harness.servers import Gate, Reply
from harness.trace import WHY_NO_TRACE, WRITES, calls_in, injected, traced
from harness.users import CAN_CHANGE, NOBODY, as_nobody

ROOM = 8 * MIB


class FullDisk(Mounted):
    def test_too_large(self):
        """Known from the answer's head, if not from the manifest."""
        for args in ([], ["--connections", "1"], ["--strict-size"]):
            with self.subTest(args):
                scene = self.on_tmpfs()
                scene.image(data=image(2 * ROOM), size="bytes")
                result = scene.run("-d", scene.cwd, *args, REF,
                                   cwd=scene.folder)
                self.assertNoRoom(scene, result, 28, scene.cwd,
                                  "MiB needed", "MiB left")
                self.assertFiles(scene)
                self.assertGreaterEqual(self.free(scene), ROOM - MIB // 8)

    def test_before_the_first_byte(self):
        """A manifest that counts bytes says it all, strictly read or not."""
        for args in (["--strict-size"], []):
            with self.subTest(args):
                scene = self.on_tmpfs()
                scene.image(data=image(2 * ROOM), size="bytes")
                result = scene.run(*args, REF)
                self.assertNoRoom(scene, result, 28, "16 MiB needed")
                # All of it, or less what a journal takes.
                self.assertRegex(result.err, "[78] MiB left")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)

    def test_before_the_first_byte_is_written(self):
        """Of KiB, the answer's head tells how many bytes they are."""
        if WHY_NO_TRACE:
            self.skipTest(WHY_NO_TRACE)
        for connections in ("1", "4"):
            with self.subTest(connections=connections):
                scene = self.on_tmpfs()
                scene.image(data=image(2 * ROOM))
                log = os.path.join(scene.folder, "trace")
                wrap = ["strace", "-f", "-o", log, "-e", "trace=pwrite64"]
                result = scene.run("--connections", connections, REF,
                                   wrap=wrap,
                                   env=spull.without_leaks())
                self.assertNoRoom(scene, result, 28, "16 MiB needed")
                self.assertEqual(len(scene.blobs()), 1)
                with open(log, errors="replace") as file:
                    self.assertNotIn("pwrite64(", file.read())

    def test_size_unknown(self):
        """The disk is full when it is full; the partial file is in the way
        of everybody, and goes."""
        scene = self.on_tmpfs()
        scene.image(data=image(2 * ROOM), reply=Reply(
            image(2 * ROOM), length="chunked"), size="bytes")
        for args in ([], ["--connections", "1"]):
            result = scene.run("-d", scene.cwd, *args, REF, cwd=scene.folder)
            self.assertNoRoom(scene, result, 28, scene.cwd)
            self.assertFiles(scene)
            self.assertGreaterEqual(self.free(scene), ROOM - MIB // 8)

    def test_old_image_stays(self):
        scene = self.on_tmpfs()
        scene.image(data=image(6 * MIB), size="bytes")
        old = image(4 * MIB, seed=1)
        scene.put(NAME, old)
        self.assertNoRoom(scene, scene.run("--force", REF), 28)
        self.assertEqual(scene.read(NAME), old)
        self.assertFiles(scene, NAME)

    def test_just_enough(self):
        scene = self.on_tmpfs()
        data = scene.image(data=image(7 * MIB), size="bytes")
        self.assertPulled(scene, scene.run(REF), data)

    def test_resume_with_room_for_one(self):
        """What an earlier run left needs no second copy of itself."""
        for seize in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(seize):
                scene, gate = self.on_tmpfs(), Gate(5 * MIB)
                data = image(6 * MIB)
                scene.image(data=data, size="bytes", reply=[
                    Reply(data, gate=gate, etag='"1"'),
                    Reply(data, etag='"1"')])
                leader = self.lead(scene, gate, "--connections", "1")
                self.wait_journal(scene, 5 * MIB)
                leader.kill(seize)
                self.assertExit(leader.finish(), -seize)
                gate.open()
                self.assertPulled(scene, scene.run(REF), data)
                self.assertLessEqual(sent(scene.blobs()), len(data) + MIB)

    def test_takeover_with_room_for_one(self):
        """Those who wait have the file of the dead one open, which would keep
        its blocks."""
        scene, gate = self.on_tmpfs(), Gate(5 * MIB)
        data = image(7 * MIB)
        scene.image(data=data, size="bytes", reply=[
            Reply(data, gate=gate, etag='"1"'), Reply(data, etag='"1"')])
        leader = self.lead(scene, gate, "--connections", "1")
        waiters = [self.follow(scene) for _ in range(4)]
        self.wait_journal(scene, 5 * MIB)
        leader.kill()
        self.assertExit(leader.finish(), -signal.SIGKILL)
        gate.open()
        self.assertEachPulled(scene, waiters, data)
        self.assertLessEqual(sent(scene.blobs()), len(data) + MIB)

    def test_disk_with_room_for_one(self):
        """The same where blocks are allocated late, and holes have extents."""
        scene = self.on_disk(16 * MIB, ["mkfs.ext4", "-q", "-m", "0", "-O",
                                        "^has_journal"])
        os.rmdir(scene.path("lost+found"))
        data, gate = image(12 * MIB), Gate(10 * MIB)
        scene.image(data=data, size="bytes", reply=[
            Reply(data, gate=gate, etag='"1"'), Reply(data, etag='"1"')])
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, 10 * MIB)
        leader.kill()
        leader.finish()
        gate.open()
        self.assertLess(self.free(scene), 10 * MIB)
        self.assertPulled(scene, scene.run(REF), data)
        self.assertLessEqual(sent(scene.blobs()), len(data) + MIB)

    def test_full_by_others(self):
        """An earlier run's bytes are no loss when a disk is full today."""
        scene, gate = self.on_tmpfs(), Gate(3 * MIB)
        data = image(6 * MIB)
        scene.image(data=data, size="bytes", reply=[
            Reply(data, gate=gate, etag='"1"'), Reply(data, etag='"1"')])
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, 3 * MIB)
        leader.kill(signal.SIGTERM)
        leader.finish()
        gate.open()
        scene.put("theirs", bytes(4 * MIB))
        for _ in range(2):
            self.assertNoRoom(scene, scene.run(REF), 28, "6 MiB needed in all",
                              "still missing")
            self.assertUnnamed(scene, "theirs")
        os.unlink(scene.path("theirs"))
        self.assertPulled(scene, scene.run(REF), data)
        self.assertLessEqual(sent(scene.blobs()), len(data) + MIB)

    def test_waiters(self):
        """The leader fails for all, each says so."""
        scene = self.on_tmpfs()
        scene.image(data=image(2 * ROOM), size="bytes")
        for result in self.together(scene, 4):
            self.assertNoRoom(scene, result, 28)
        self.assertFiles(scene)

    def test_no_inodes(self):
        for count in (1, 2, 3, 4):
            with self.subTest(count):
                scene = self.on_tmpfs("size=8m,nr_inodes=%d" % count)
                data = scene.image()
                result = scene.run("-d", scene.cwd, REF, cwd=scene.folder)
                if result.code != 0:
                    self.assertNoRoom(scene, result, 28, scene.cwd)
                    self.assertFiles(scene)
                else:
                    self.assertImage(scene.path(NAME), data)
                    self.assertFiles(scene, NAME)

    def test_read_only(self):
        scene = self.on_tmpfs("size=8m,ro")
        scene.image()
        result = scene.run("-d", scene.cwd, REF, cwd=scene.folder)
        self.assertNoRoom(scene, result, 30, scene.cwd)

    def test_nothing_is_written_to_make_room(self):
        """The emulation of a reservation writes a byte into each block."""
        if WHY_NO_TRACE:
            self.skipTest(WHY_NO_TRACE)
        for what, fault in (("as it is", []),
                            ("without", ["--inject=fallocate:"
                                         "error=EOPNOTSUPP"])):
            with self.subTest(what):
                scene = self.scene()
                data = scene.image(data=image(4 * MIB), size="bytes")
                log = os.path.join(scene.folder, "trace")
                wrap = traced(log, "fallocate", *WRITES, options=fault)
                self.assertPulled(scene, scene.run(
                    REF, wrap=wrap, env=spull.without_leaks()),
                    data)
                written = sum(call.result for call in calls_in(log)
                              if call.name in WRITES and
                              call.path.endswith(".part"))
                self.assertEqual(written, len(data))


@unittest.skipIf(WHY_NO_SPACE, WHY_NO_SPACE)
@unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
class Woken(Mounted):
    def sleeper(self, ms, call, how):
        """(scene, data, one that sleeps for ms before it gives its complete
        file the name, one that takes it for lost, and is late in a call)."""
        scene = self.on_tmpfs()
        data = scene.image(data=image(5 * MIB), size="bytes")
        leader = Task(self, scene, REF, wrap=SPACE + injected(
            "renameat2:delay_enter=%d" % (1000 * ms), spull.without_leaks()))
        self.wait_journal(scene, 5 * MIB + HELD)
        waiter = self.follow(scene, *UNHURRIED, wrap=injected(
            "%s:%s" % (call, how),
            spull.without_leaks(hurried(self.folder))))
        return scene, data, leader, waiter

    def test_after_its_blocks_went(self):
        """On another host so to speak, one is about to give its complete file
        the name. It sleeps for too long, and its successor has no room but by
        taking the blocks. Between the two, the first one wakes up: its file
        must not get the name."""
        scene, data, leader, waiter = self.sleeper(
            10000, "fallocate", "delay_exit=8000000:when=1..2")
        self.assertExit(waiter.finish(), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertIn(leader.finish().code, (0, 7))
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertLessEqual(sent(scene.blobs()), len(data))

    def test_before_its_file_was_found(self):
        """It wakes up before its successor looks for what it left; that one
        has no room then, since the image takes it, which both want."""
        scene, data, leader, waiter = self.sleeper(
            6000, "getdents64", "delay_enter=8000000:when=1")
        self.assertExit(waiter.finish(), 0)
        self.assertExit(leader.finish(), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)


class Quota(Mounted):
    """Another user's, since root has none."""

    def setUp(self):
        super().setUp()
        if not CAN_CHANGE:
            self.skipTest("only root can be somebody else")

    def on_ext4(self):
        scene = self.on_disk(64 * MIB, ["mkfs.ext4", "-q", "-O", "quota"],
                             "usrquota")
        self.need(command("setquota", "-u", str(NOBODY), "0",
                          str(ROOM // 1024), "0", "0", scene.cwd))
        return scene

    def on_btrfs(self):
        scene = self.on_disk(256 * MIB, ["mkfs.btrfs", "-q"])
        self.need(command("btrfs", "quota", "enable", scene.cwd))
        self.need(command("btrfs", "qgroup", "limit", str(ROOM), scene.cwd))
        return scene

    def check(self, scene, *words):
        os.chmod(scene.cwd, 0o777)
        before = spull.files(scene.cwd)
        for reply in ({}, {"length": "chunked"}):
            with self.subTest(reply):
                data = image(2 * ROOM)
                scene.image(data=data, size="bytes",
                            reply=Reply(data, **reply))
                result = scene.run("-d", scene.cwd, REF, cwd=scene.folder,
                                   wrap=as_nobody())
                self.assertNoRoom(scene, result, 122, scene.cwd, "quota",
                                  *words)
                self.assertEqual(spull.files(scene.cwd), before)
                words = ()
        data = scene.image(data=image(MIB), size="bytes")
        self.assertExit(scene.run(REF, wrap=as_nobody()), 0)
        self.assertImage(scene.path(NAME), data)

    def test_ext4(self):
        self.check(self.on_ext4(), "16 MiB needed", "MiB left")

    def test_btrfs(self):
        """A limit that quotactl(2) knows nothing of."""
        self.check(self.on_btrfs())


class ToldQuota(Many):
    """A kernel that knows of a quota, and does not hold anybody to it."""

    def test_limits(self):
        for hard, used, left in ((8192, MIB, 7), (8192, 9 * MIB, 0),
                                 (16384, MIB, 15), (0, 99 * MIB, None),
                                 (17408, MIB, None)):
            with self.subTest(hard=hard, used=used):
                self.check(hard, used, left)

    def test_before_linux_5_14(self):
        """The device is asked by its name."""
        self.check(8192, MIB, 7, "quotactl",
                   "--inject=quotactl_fd:error=ENOSYS")

    def told(self, scene, hard, used, call="quotactl_fd", *more):
        """hard in KiB as in struct if_dqblk, used in bytes."""
        told = struct.pack("<8QI4x", hard, 0, used, 0, 0, 0, 0, 0, 1)
        wrap = ["strace", "-f", "-o", os.path.join(scene.folder, "trace"),
                "-e", "trace=quotactl,quotactl_fd", *more,
                "--inject=%s:retval=0:poke_exit=@arg4=%s" % (call, told.hex())]
        if command(*wrap, "true"):
            self.skipTest("strace can't do that")
        return wrap

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_whose_it_is(self):
        """The quota of the group that the directory hands down counts."""
        scene = self.scene()
        scene.image(data=image(MIB), size="bytes")
        os.chown(scene.cwd, NOBODY, NOBODY - 1)
        os.chmod(scene.cwd, 0o2775)
        os.chmod(scene.folder, 0o777)
        wrap = self.told(scene, 0, 0) + as_nobody()
        self.assertExit(scene.run(REF, wrap=wrap, env=spull.without_leaks()),
                        0)
        with open(os.path.join(scene.folder, "trace")) as file:
            asked = re.findall(r"quotactl_fd\(.*(USR|GRP)QUOTA\), (\d+)",
                               file.read())
        self.assertLessEqual({("USR", str(NOBODY)), ("GRP", str(NOBODY - 1))},
                             set(asked))

    def check(self, hard, used, left, *more):
        """left in MiB."""
        scene = self.scene()
        data = scene.image(data=image(2 * ROOM), size="bytes")
        wrap = self.told(scene, hard, used, *more)
        result = scene.run("-d", scene.cwd, REF, cwd=scene.folder, wrap=wrap,
                           env=spull.without_leaks())
        if left is None:
            self.assertExit(result, 0)
            self.assertImage(scene.path(NAME), data)
        else:
            self.assertFails(result, 7, scene.cwd, os.strerror(122), "quota",
                             "16 MiB needed", "%d MiB left" % left)
            self.assertFiles(scene)


class OtherDisks(Mounted):
    """A pull, a resumed one, and an up-to-date one on each."""

    KINDS = {"ext4": ["mkfs.ext4", "-q"], "xfs": ["mkfs.xfs", "-q"],
             "btrfs": ["mkfs.btrfs", "-q"], "vfat": ["mkfs.vfat"]}

    def test_kinds(self):
        for kind, make in self.KINDS.items():
            with self.subTest(kind):
                self.check_kind(self.on_disk(512 * MIB, make))

    def check_kind(self, scene):
        before = spull.files(scene.cwd)
        data, gate = image(9 * MIB), Gate(5 * MIB)
        scene.image(data=data, size="bytes", reply=[
            Reply(data, gate=gate, etag='"1"'), Reply(data, etag='"1"')])
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, 5 * MIB)
        leader.kill()
        leader.finish()
        self.assertExit(scene.run(REF), 0)
        self.assertLessEqual(sent(scene.blobs()), len(data) + MIB)
        gate.open()
        self.assertExit(scene.run(REF), 0)
        self.assertEqual(scene.read(NAME), data)
        self.assertEqual(spull.files(scene.cwd), sorted(before + [NAME]))


class Limits(Many):
    def test_file_size(self):
        """ulimit -f is met before a byte comes, or when it is reached; the
        signal that the kernel sends with it kills nobody."""
        data = image(9 * MIB)
        for reply in ({}, {"length": "chunked"}):
            for connections in ("1", "4"):
                with self.subTest(reply, connections=connections):
                    scene = self.scene()
                    scene.image(data=data, size="bytes",
                                reply=Reply(data, **reply))
                    result = scene.run(
                        "-d", scene.cwd, "--connections", connections, REF,
                        cwd=scene.folder, preexec_fn=lambda:
                        resource.setrlimit(resource.RLIMIT_FSIZE,
                                           (4 * MIB, 4 * MIB)))
                    self.assertFails(result, 7, scene.cwd, os.strerror(27))
                    self.assertFiles(scene)

    def test_descriptors(self):
        """With few of them left it works, or says what is missing."""
        for most in range(4, 20):
            with self.subTest(most):
                scene = self.scene()
                data = scene.image()
                result = scene.run(REF, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (most, most)))
                if result.code == 0:  # the mode may be a stricter one
                    self.assertEqual(scene.read(NAME), data)
                    self.assertFiles(scene, NAME)
                # Not even the loader had enough, or what libcurl brings along
                # gave up: libgcrypt aborts.
                elif result.code != 127 and "in libgcrypt" not in result.err:
                    self.assertIn(result.code, (1, 2, 4, 7), result)
                    self.assertRegex(result.err, r"(?m)^spull: ", result)
                    self.assertUnnamed(scene)


if __name__ == "__main__":
    main()
