#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A store that is full, closed, or other people's; and its upkeep."""

import errno
import json
import os
import signal
import stat
import time
import unittest

from harness import images, spull
from harness.case import main
from harness.engine import CUT, MIB, NAME, REF, SIZE, image
from harness.many import SMALL, Task
from harness.preload import preload
from harness.servers import Gate, Reply
from harness.store import DAY, Stored
from harness.trace import WHY_NO_TRACE, injected
from harness.users import (CAN_CHANGE, IS_ALMIGHTY, NOBODY,
                           as_anybody_but_root, as_nobody, as_user)

GROUP = 54321
PROOF = "user.spull.proof"


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


class Full(Stored):
    def test_store(self):
        """Then the image is only where it belongs."""
        scene, data = self.published(MIB)
        self.mount(scene.store, "-t", "tmpfs", "-o", "size=512k", "none")
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "without the store", scene.store)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertEqual(self.seen(scene), ["sha256"])

    def test_destination(self):
        """What the store has is there for another try."""
        scene, data = self.published(MIB)
        self.mount(scene.cwd, "-t", "tmpfs", "-o", "size=512k", "none")
        for _ in range(2):
            self.assertFails(scene.run("-d", scene.cwd, REF), 7, scene.cwd)
            self.assertFiles(scene)
        self.assertStored(scene, data)
        self.assertOnce(scene, data)


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


class Races(Stored):
    def test_swapped_between_check_and_link(self):
        """Another file takes the name that is about to be linked."""
        other = image(SMALL, seed=1)
        for what in ("file", "link"):
            with self.subTest(what):
                scene, data = self.published()
                self.assertExit(scene.run(REF), 0)
                os.unlink(scene.path(NAME))
                swap = os.path.join(scene.store, "swap")
                victim = os.path.join(scene.folder, "victim")
                with open(swap if what == "file" else victim, "wb") as file:
                    file.write(other)
                if what == "link":
                    os.symlink(victim, swap)
                found = self.pulled(scene, env=dict(
                    preload(self.folder, "swap"), SWAP_FROM=swap))
                if found["placed"] == "reflink":
                    self.skipTest("nothing is linked on this file system")
                self.assertEqual(found["placed"], "copy")
                self.assertFalse(os.path.lexists(swap))
                self.assertImage(scene.path(NAME), data)
                self.assertFiles(scene, NAME)


class Keeping(Stored):
    def filled(self, count):
        scene = self.scene()
        blobs = [image(SMALL, seed=number) for number in range(count)]
        for number, data in enumerate(blobs):
            self.plant(scene, data, data)
            self.age(self.entry(scene, data), 10 * number)
        return scene, blobs

    def age(self, path, days):
        past = time.time() - days * DAY - 60
        os.utime(path, (past, past), follow_symlinks=False)

    def store(self, scene, *args, **more):
        return scene.run("store", *args, **more)

    def paths(self, scene, blobs):
        return sorted(self.entry(scene, data) for data in blobs)

    def test_usage(self):
        scene = self.scene()
        for args, word in (([], "missing"), (["prune"], "--older-than"),
                           (["nonsense"], "nonsense"),
                           (["prune", "--older-than", "x"], "x"),
                           (["prune", "--older-than", "-1"], "-1"),
                           (["verify", "--older-than", "1"], "--older-than"),
                           (["prune", "verify"], "too many")):
            with self.subTest(args):
                self.assertFails(self.store(scene, *args), 2, word)
        for args in (["prune", "--older-than", "1"], ["verify"]):
            self.assertFails(self.store(scene, *args, env={
                "SPULL_STORE": None}), 2, "store")
            self.assertFails(self.store(scene, *args, "--store",
                                        scene.store + "x"), 7)

    def test_nothing_there(self):
        scene = self.scene()
        for args in (["prune", "--older-than", "0"], ["verify"]):
            result = self.store(scene, *args)
            self.assertExit(result, 0)
            self.assertEqual((result.out, self.seen(scene)), ("", []))

    def test_prune(self):
        scene, blobs = self.filled(4)
        result = self.store(scene, "prune", "--older-than", "15")
        self.assertExit(result, 0)
        self.assertEqual(sorted(result.lines), self.paths(scene, blobs[2:]))
        self.assertStored(scene, *blobs[:2])
        result = self.store(scene, "prune", "--older-than", "0", "--json")
        self.assertExit(result, 0)
        found = [json.loads(line) for line in result.lines]
        self.assertEqual(sorted(entry["path"] for entry in found),
                         self.paths(scene, blobs[:2]))
        for entry in found:
            self.assertEqual(entry["state"], "removed")
            self.assertTrue(entry["removed"])
            self.assertEqual(entry["size"], SMALL)
            self.assertTrue(entry["path"].endswith(entry["digest"][7:]))
        self.assertStored(scene)

    def test_prune_spares_what_is_in_use(self):
        """Another hard link costs nothing; and a pull is a use."""
        scene, (data, other) = self.filled(2)
        for blob in (data, other):
            self.age(self.entry(scene, blob), 50)
        os.link(self.entry(scene, other), os.path.join(scene.folder, "link"))
        scene.image(data=data)
        found = self.pulled(scene)
        os.unlink(scene.path(NAME))
        self.assertEqual(scene.blobs(), [])
        self.assertIsNotNone(found["placed"])
        result = self.store(scene, "prune", "--older-than", "40")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "")
        self.assertStored(scene, data, other)
        os.unlink(os.path.join(scene.folder, "link"))
        self.age(self.entry(scene, other), 50)
        result = self.store(scene, "prune", "--older-than", "40")
        self.assertEqual(result.lines, [self.entry(scene, other)])

    def test_prune_spares_what_is_not_its_own(self):
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        names = ["README", "a" * 63, "A" * 64, "a" * 65, ".hidden"]
        os.makedirs(folder)
        for name in names:
            open(os.path.join(folder, name), "w").close()
            self.age(os.path.join(folder, name), 100)
        os.mkdir(os.path.join(folder, "b" * 64))
        os.symlink(scene.home, os.path.join(folder, "c" * 64))
        result = self.store(scene, "prune", "--older-than", "1")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "")
        self.assertEqual(sorted(os.listdir(folder)),
                         sorted(names + ["b" * 64, "c" * 64]))

    def test_prune_tidies_up(self):
        """Old partial files, and leads of those who are no more."""
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        os.makedirs(folder)
        stem = ".spull-%s-host-1-%016x" % ("0" * 32, 1)
        fresh = ".spull-%s-host-1-%016x" % ("1" * 32, 1)
        for name in (stem + ".part", stem + ".spans", stem + ".spans.new",
                     fresh + ".part"):
            open(os.path.join(folder, name), "w").close()
        for name in os.listdir(folder):
            if name.startswith(stem):
                self.age(os.path.join(folder, name), 8)
        links = {"0" * 32: stem, "1" * 32: fresh}
        for label, part in links.items():
            os.symlink(part + ".part|- 0 0 0", os.path.join(
                folder, ".spull-%s.lead" % label))
        for _ in range(2):  # a lead goes once its part has gone
            self.assertExit(self.store(scene, "prune", "--older-than", "99"),
                            0)
        self.assertEqual(sorted(os.listdir(folder)), [
            fresh + ".part", ".spull-%s.lead" % ("1" * 32)])
        self.assertExit(self.store(scene, "prune", "--older-than", "99",
                                   "--keep-days", "0"), 0)
        self.assertEqual(len(os.listdir(folder)), 2)

    def rot(self, path):
        """A disk that changes a byte, and no date."""
        state = os.stat(path)
        mode = stat.S_IMODE(state.st_mode)
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.seek(SMALL // 2)
            byte = file.read(1)
            file.seek(SMALL // 2)
            file.write(bytes([byte[0] ^ 1]))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        os.chmod(path, mode)

    def test_verify(self):
        scene, blobs = self.filled(3)
        result = self.store(scene, "verify")
        self.assertExit(result, 0)
        self.assertEqual(sorted(result.lines), self.paths(scene, blobs))
        self.rot(self.entry(scene, blobs[1]))
        result = self.store(scene, "verify", "--json")
        self.assertExit(result, 5)
        self.assertSays(result, "damaged", self.entry(scene, blobs[1]))
        self.assertEqual(result.err.count("damaged"), 1)
        found = {entry["path"]: entry
                 for entry in map(json.loads, result.lines)}
        self.assertEqual(sorted(found), self.paths(scene, blobs))
        for data in blobs:
            entry = found[self.entry(scene, data)]
            bad = data is blobs[1]
            self.assertEqual(entry["state"], "failed" if bad else "verified")
            self.assertEqual(entry["removed"], bad)
            if bad:
                self.assertEqual((entry["error"], entry["status"]),
                                 ("integrity", 5))
        self.assertStored(scene, blobs[0], blobs[2])
        self.assertExit(self.store(scene, "verify"), 0)

    def test_verify_what_cannot_be_read(self):
        """It is named, and stays: the disk may be back tomorrow."""
        if WHY_NO_TRACE:
            self.skipTest(WHY_NO_TRACE)
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        wrap = injected("pread64:error=EIO", path=self.entry(scene, data))
        result = scene.run("store", "verify", wrap=wrap,
                           env=spull.without_leaks())
        self.assertFails(result, 7, images.sha256(data),
                         os.strerror(errno.EIO))
        self.assertStored(scene, data)

    def test_rot_is_repaired(self):
        """A pull can't see it; after verify it downloads afresh."""
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        entry = self.entry(scene, data)
        self.rot(entry)
        number = os.stat(entry).st_ino
        linked = os.stat(entry).st_nlink > 1
        result = self.store(scene, "verify")
        self.assertExit(result, 5)
        if linked:
            self.assertSays(result, "-inum %d" % number)
        self.assertStored(scene)
        os.unlink(scene.path(NAME))
        self.assertExit(scene.run(REF), 0)
        self.assertBytes(scene.path(NAME), data)
        self.assertEqual(len(scene.blobs()), 2)

    def test_verify_renews_proofs(self):
        scene, (data,) = self.filled(1)
        path = self.entry(scene, data)
        os.chmod(path, 0o555)
        try:
            os.setxattr(path, PROOF, b"stale")
        except OSError as why:
            if os.geteuid() == 0:
                self.skipTest(str(why))
        self.assertExit(self.store(scene, "verify"), 0)
        self.assertIn(images.sha256(data).encode(), os.getxattr(path, PROOF))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o555)

    def test_verify_what_is_no_file(self):
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        os.makedirs(folder)
        os.symlink("/etc/passwd", os.path.join(folder, "a" * 64))
        os.mkfifo(os.path.join(folder, "b" * 64))
        os.mkdir(os.path.join(folder, "c" * 64))
        result = self.store(scene, "verify")
        self.assertExit(result, 5)
        self.assertEqual(result.err.count("no regular file"), 3)
        self.assertEqual(os.listdir(folder), ["c" * 64])

    def test_stopped(self):
        """A signal in the middle: nothing is lost, and it dies by it."""
        scene, blobs = self.filled(2)
        big = os.path.join(scene.store, "sha256", "f" * 64)
        with open(big, "wb") as file:
            file.truncate(64 << 30)
        process = scene.start("store", "verify")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertTrue(os.path.exists(big))
        os.unlink(big)
        self.assertStored(scene, *blobs)


if __name__ == "__main__":
    main()
