#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an installed image carries to show that it was verified, what that
saves, when it does not count; and the second look."""

import errno
import os
import shutil
import unittest

from harness import images, registry, spull
from harness.case import main
from harness.engine import MIB, NAME, REF, image
from harness.many import PROOF, SMALL, Many
from harness.preload import preload
from harness.servers import Reply
from harness.trace import READS, WHY_NO_TRACE, calls_in, injected, traced
from harness.users import CAN_CHANGE, NOBODY, as_nobody

LARGE = 64 * MIB
OTHER = image(SMALL, seed=1)


def why_no_attribute(folder):
    """"", or why none can be written there."""
    path = os.path.join(folder, "probe")
    with open(path, "w"):
        pass
    try:
        os.setxattr(path, PROOF, b"x")
    except OSError as why:
        return str(why)
    finally:
        os.unlink(path)
    return ""


class Proofs(Many):
    def setUp(self):
        super().setUp()
        why = WHY_NO_TRACE or why_no_attribute(self.folder)
        if why:
            self.skipTest(why)

    def installed(self, data=None):
        scene = self.scene()
        data = image(SMALL) if data is None else data
        scene.image(data=data)
        self.assertExit(scene.run(REF), 0)
        self.assertIn(images.sha256(data), self.proof(scene))
        return scene

    def proof(self, scene):
        return os.getxattr(scene.path(NAME), PROOF).decode()

    def read_by(self, scene, *args, wrap=()):
        """The result, and how many bytes of the image were read for it."""
        log = os.path.join(scene.folder, "trace")
        result = scene.run(*args, env=spull.without_leaks(),
                           wrap=traced(log, "mmap", *READS, options=wrap))
        calls = [call for call in calls_in(log)
                 if scene.path(NAME) in call.args]
        self.assertNotIn("mmap", [call.name for call in calls])
        return result, sum(call.result for call in calls)

    def assertUpToDate(self, scene, read, *args, **more):
        """... having read so many bytes of the image."""
        result, count = self.read_by(scene, *(args or [REF]), **more)
        self.assertExit(result, 0)
        self.assertEqual(result.lines, [NAME])
        self.assertEqual(count, read)


class UpToDate(Proofs):
    def test_costs_nothing(self):
        data = images.sif(LARGE, payload=images.pattern)
        scene = self.installed(data)
        asked = len(scene.requests())
        self.assertUpToDate(scene, 0)
        self.assertUpToDate(scene, 0, "--force", REF)
        self.assertEqual([request.path for request in scene.requests()[asked:]],
                         [scene.prefix + "/vanessa/greeting/manifests/latest/"]
                         * 2)
        self.assertFiles(scene, NAME)

    def test_pinned_costs_less(self):
        data = images.sif(LARGE, payload=images.pattern)
        scene = self.installed(data)
        asked = len(scene.requests())
        pin = "%s@sha256:%s" % (REF, images.sha256(data))
        self.assertUpToDate(scene, 0, pin)
        self.assertUpToDate(scene, 0, "--registry", "http://127.0.0.1:9", pin)
        self.assertEqual(len(scene.requests()), asked)

    def test_other_pin(self):
        """What is there does not stand for another pin."""
        scene = self.installed()
        pin = "%s@sha256:%s" % (REF, images.sha256(OTHER))
        self.assertFails(scene.run(pin), 5, "moved")

    def test_tag_that_moved(self):
        scene = self.installed()
        scene.image(data=OTHER)
        result, count = self.read_by(scene, REF)
        self.assertFails(result, 8, NAME)
        self.assertIn(count, (0, SMALL))
        self.assertExit(scene.run("--force", REF), 0)
        self.assertImage(scene.path(NAME), OTHER)
        self.assertUpToDate(scene, 0)

    def test_waiters_leave_it(self):
        scene = self.scene()
        scene.image(data=image(MIB))
        for result in self.together(scene, 8):
            self.assertExit(result, 0)
        self.assertUpToDate(scene, 0)

    def test_file_that_was_there(self):
        """It is read once, and proven from then on."""
        scene = self.scene()
        scene.put(NAME, scene.image(data=image(SMALL)))
        self.assertUpToDate(scene, SMALL)
        self.assertUpToDate(scene, 0)
        self.assertEqual(scene.blobs(), [])

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_file_that_nobody_may_write_to(self):
        """It gets its proof as well, and keeps its mode."""
        for mode in (0o444, 0o555, 0o2500):
            with self.subTest(oct(mode)):
                scene = self.scene()
                path = scene.put(NAME, scene.image(data=image(SMALL)))
                os.chown(path, NOBODY, NOBODY)
                os.chmod(path, mode)
                self.assertUpToDate(scene, SMALL, wrap=as_nobody())
                self.assertUpToDate(scene, 0, wrap=as_nobody())
                self.assertExit(scene.run("verify", NAME, wrap=as_nobody()), 0)
                self.assertEqual(oct(os.stat(path).st_mode & 0o7777),
                                 oct(mode))

    def test_md5(self):
        """A weak one proves no more than it did, and is still called weak."""
        scene = self.scene()
        data = image(SMALL)
        scene.image(data=data, form="md5")
        self.assertExit(scene.run("--allow-md5", REF), 0)
        result, count = self.read_by(scene, "--allow-md5", REF)
        self.assertSays(result, "weak")
        self.assertEqual(count, 0)
        scene.image(data=data)
        self.assertUpToDate(scene, SMALL)

    def test_no_image(self):
        """Something else than an image is looked at each time."""
        scene = self.scene()
        data = images.noise(SMALL)
        scene.image(data=data)
        self.assertSays(scene.run(REF), "neither")
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "neither", "up to date")


class Stale(Proofs):
    """A proof that does not fit is none."""

    def rows(self):
        """(what, change of a file, is it still the image?)"""
        yield "touched", os.utime, True
        yield "touched, a nanosecond", self.touch_slightly, True
        yield "modified", self.modify, False
        yield "modified and back", self.modify_twice, True
        yield "truncated", lambda path: os.truncate(path, SMALL - 1), False
        yield "emptied", lambda path: os.truncate(path, 0), False
        yield "longer", self.lengthen, False
        yield "copied", self.copy, True
        yield "copied, with its attribute", self.copy_all, True
        yield "replaced, with the attribute of the other", self.replace, False

    def touch_slightly(self, path):
        now = os.stat(path).st_mtime_ns
        os.utime(path, ns=(now, now + 1))

    def modify(self, path, by=1):
        with open(path, "r+b") as file:
            file.seek(SMALL // 2)
            byte = file.read(1)[0]
            file.seek(SMALL // 2)
            file.write(bytes([(byte + by) % 256]))

    def modify_twice(self, path):
        self.modify(path)
        self.modify(path, 255)

    def lengthen(self, path):
        with open(path, "ab") as file:
            file.write(b"x")

    def copy(self, path):
        shutil.copyfile(path, path + ".new")
        os.rename(path + ".new", path)

    def copy_all(self, path):
        shutil.copy2(path, path + ".new")
        os.rename(path + ".new", path)
        self.assertTrue(os.getxattr(path, PROOF))

    def replace(self, path):
        proof, state = os.getxattr(path, PROOF), os.stat(path)
        with open(path + ".new", "wb") as file:
            file.write(OTHER)
        os.setxattr(path + ".new", PROOF, proof)
        os.utime(path + ".new", ns=(state.st_mtime_ns, state.st_mtime_ns))
        os.rename(path + ".new", path)

    def test_changes(self):
        for what, change, same in self.rows():
            with self.subTest(what):
                scene = self.installed()
                change(scene.path(NAME))
                if same:
                    self.assertUpToDate(scene, SMALL)
                    self.assertUpToDate(scene, 0)
                else:
                    self.assertFails(scene.run(REF), 8, NAME, "--force")
                    self.assertExit(scene.run("--force", REF), 0)
                    self.assertImage(scene.path(NAME), image(SMALL))

    def test_what_changes_nothing(self):
        """Neither the mode nor another name is of the content."""
        scene = self.installed()
        os.chmod(scene.path(NAME), 0o700)
        os.link(scene.path(NAME), scene.path("other.sif"))
        self.assertUpToDate(scene, 0)

    def test_garbage(self):
        """It is hashed again, and gets its proof back."""
        for what, value in self.garbage(self.proof(self.installed())):
            with self.subTest(what):
                scene = self.installed()
                mine = self.proof(scene)
                os.setxattr(scene.path(NAME), PROOF, value)
                self.assertUpToDate(scene, SMALL)
                self.assertEqual(self.proof(scene), mine)

    def garbage(self, sound):
        words = sound.split(" ")
        other = "sha256:" + images.sha256(OTHER)
        yield "other digest", self.with_word(words, 1, other)
        yield "no digest", self.with_word(words, 1, "sha256:0")
        yield "unknown digest", self.with_word(words, 1, "sha1:" + "0" * 40)
        yield "version 2", self.with_word(words, 0, "2")
        yield "empty", b""
        yield "a NUL", b"\0"
        yield "cut", sound[:-len(words[-1])].encode().rstrip()
        yield "text", b"verified"
        yield "formats", b"%s%n" * 40
        yield "long word", self.with_word(words, 1, "sha256:" + "0" * 250)
        yield "long", b"1 " + b"x" * 2000
        yield "noise", images.noise(300)
        for place in (2, 3, 4, 5):
            for number in ("-1", "0", "9" * 40, "x"):
                yield "%s in place %d" % (number, place), \
                    self.with_word(words, place, number)

    @staticmethod
    def with_word(words, place, word):
        return " ".join(words[:place] + [word] + words[place + 1:]).encode()

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_strangers(self):
        """Who owns a file writes on it what they like."""
        scene = self.installed()
        os.chown(scene.path(NAME), NOBODY, NOBODY)
        self.assertUpToDate(scene, SMALL)

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_root(self):
        """Root's word is good for everybody."""
        scene = self.installed()
        self.assertUpToDate(scene, 0, wrap=as_nobody())

    def test_without_attributes(self):
        """It works the same, and reads."""
        scene = self.scene()
        data = scene.image(data=image(SMALL))
        env = preload(self.folder, "xattrs")
        self.assertPulled(scene, scene.run(REF, env=env), data)
        with self.assertRaises(OSError):
            self.proof(scene)
        result = scene.run(REF, env=env)
        self.assertPulled(scene, result, data)
        self.assertSays(result, "up to date")
        self.assertExit(scene.run("verify", NAME, env=env), 3)
        self.assertExit(scene.run("verify", "--ref", REF, NAME, env=env), 0)
        scene.put(NAME, OTHER)
        self.assertFails(scene.run(REF, env=env), 8)


class Verify(Proofs):
    def damage(self, scene):
        """Two bytes, and the time of the last write is as before."""
        path = scene.path(NAME)
        state = os.stat(path)
        with open(path, "r+b") as file:
            file.seek(SMALL // 2)
            file.write(b"\x55\xaa")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    def test_intact(self):
        scene = self.installed()
        for args in ([], ["--ref", REF], ["--ref", "%s@sha256:%s" % (
                REF, images.sha256(image(SMALL)))]):
            with self.subTest(args):
                result, count = self.read_by(scene, "verify", *args, NAME)
                self.assertExit(result, 0)
                self.assertEqual(result.lines, [NAME])
                self.assertEqual(count, SMALL)
        self.assertFiles(scene, NAME)

    def test_disk_that_rots(self):
        """What can't be read is named."""
        scene = self.installed()
        for args in ([], ["--ref", REF]):
            with self.subTest(args):
                wrap = injected("pread64:error=EIO", path=scene.path(NAME))
                result = scene.run("verify", *args, NAME, wrap=wrap,
                                   env=spull.without_leaks())
                self.assertFails(result, 7, NAME, os.strerror(errno.EIO))

    def test_asks_nobody(self):
        scene = self.installed()
        asked = len(scene.requests())
        self.assertExit(scene.run("verify", NAME), 0)
        self.assertEqual(len(scene.requests()), asked)
        self.assertExit(scene.run("verify", "--ref", REF, NAME), 0)
        self.assertEqual(len(scene.requests()), asked + 1)

    def test_damaged(self):
        """Also where the proof seems to hold."""
        scene = self.installed()
        self.damage(scene)
        for args in ([], ["--ref", REF]):
            with self.subTest(args):
                result = scene.run("verify", *args, NAME)
                self.assertFails(result, 5, NAME, "damaged",
                                 images.sha256(image(SMALL)))
                self.assertNotIn("moved on", result.err)

    def test_tag_moved_on(self):
        scene = self.installed()
        scene.image(data=OTHER)
        result = scene.run("verify", "--ref", REF, NAME)
        self.assertFails(result, 5, NAME, "intact", "moved on",
                         images.sha256(OTHER))
        self.assertNotIn("damaged", result.err)
        self.assertExit(scene.run("verify", NAME), 0)
        self.damage(scene)
        result = scene.run("verify", "--ref", REF, NAME)
        self.assertFails(result, 5, "damaged")
        self.assertNotIn("moved on", result.err)

    def test_unknown(self):
        scene = self.scene()
        data = scene.image(data=image(SMALL))
        scene.put(NAME, data)
        self.assertFails(scene.run("verify", NAME), 3, NAME, "--ref")
        self.assertExit(scene.run("verify", "--ref", REF, NAME), 0)
        self.assertExit(scene.run("verify", NAME), 0)
        self.assertUpToDate(scene, 0)

    def test_refreshes(self):
        scene = self.installed()
        mine = self.proof(scene)
        os.utime(scene.path(NAME))
        self.assertExit(scene.run("verify", NAME), 0)
        self.assertNotEqual(self.proof(scene), mine)
        self.assertUpToDate(scene, 0)

    def test_does_not_bless_damage(self):
        scene = self.installed()
        mine = self.proof(scene)
        self.damage(scene)
        os.utime(scene.path(NAME))
        self.assertFails(scene.run("verify", NAME), 5)
        self.assertEqual(self.proof(scene), mine)
        self.assertFails(scene.run(REF), 8)

    def test_no_files(self):
        scene = self.installed()
        os.mkdir(scene.path("folder"))
        os.mkfifo(scene.path("pipe"))
        os.symlink("nowhere", scene.path("link"))
        for name, code in (("nothing", 3), ("link", 3), ("folder", 7),
                           ("pipe", 7), (NAME + "/x", 7)):
            for args in ([], ["--ref", REF]):
                with self.subTest(name, args=args):
                    self.assertFails(scene.run("verify", *args, name), code,
                                     name)

    def test_registry_that_does_not_know(self):
        scene = self.installed()
        self.assertFails(scene.run("verify", "--ref", "vanessa/other", NAME),
                         3, "vanessa/other")
        self.assertFails(scene.run("verify", "--ref", "nonsense", NAME), 2)
        scene.manifest(REF, Reply(b"no manifest"))
        self.assertFails(scene.run("verify", "--ref", REF, NAME), 5)

    def test_through_a_link(self):
        scene = self.installed()
        os.symlink(NAME, scene.path("link"))
        result = scene.run("verify", "link")
        self.assertExit(result, 0)
        self.assertEqual(result.lines, ["link"])

    def test_several(self):
        """Each is looked at; the first that is not well decides."""
        scene = self.installed()
        os.rename(scene.path(NAME), scene.path("good"))
        self.assertExit(scene.run(REF), 0)
        self.damage(scene)
        result = scene.run("verify", "good", NAME, "nothing", "good")
        self.assertExit(result, 5)
        self.assertEqual(result.lines, ["good", "good"])
        self.assertSays(result, "damaged", "nothing")
        self.assertExit(scene.run("verify", "nothing", NAME), 3)
        self.assertExit(scene.run("verify", "good", "good"), 0)
        self.assertFails(scene.run("verify", "--ref", REF, "good", "good"), 2)
        self.assertFails(scene.run("verify"), 2)

    def test_json(self):
        scene = self.installed()
        found = self.assertJson(scene.run("verify", "--json", "--ref", REF,
                                          NAME))
        self.assertEqual(
            (found["path"], found["reference"], found["state"],
             found["digest"], found["weak"], found["size"]),
            (NAME, REF, "verified", "sha256:" + images.sha256(image(SMALL)),
             False, SMALL))
        self.damage(scene)
        result = scene.run("verify", "--json", NAME, "nothing")
        self.assertExit(result, 5)
        self.assertEqual(len(result.lines), 2)
        self.assertRegex(result.lines[0], '"path": ?"%s"' % NAME)

    def test_md5(self):
        scene = self.scene()
        data = image(SMALL)
        scene.image(data=data, form="md5")
        self.assertExit(scene.run("--allow-md5", REF), 0)
        self.assertSays(scene.run("verify", NAME), NAME, "weak")
        result = scene.run("verify", "--json", NAME)
        self.assertTrue(self.assertJson(result)["weak"])
        self.assertEqual(self.assertJson(result)["digest"],
                         registry.digest_of(data, "md5"))

    def test_md5_by_reference(self):
        """The option that the hint names is one of this command."""
        scene = self.scene()
        data = scene.image(data=image(SMALL), form="md5")
        scene.put(NAME, data)
        compare = ["verify", "--ref", REF, NAME]
        self.assertFails(scene.run(*compare), 5, "weak", "--allow-md5")
        for weak in (["--allow-md5"], ["--allow-md5", "--json"]):
            result = scene.run(*weak, *compare)
            self.assertExit(result, 0)
            self.assertSays(result, "weak")
        self.assertTrue(self.assertJson(result)["weak"])
        self.assertFails(scene.run("--no-allow-md5", *compare,
                                   env={"SPULL_ALLOW_MD5": "yes"}), 5, "weak")
        scene.put(NAME, OTHER)
        self.assertFails(scene.run("--allow-md5", *compare), 5, NAME)


if __name__ == "__main__":
    main()
