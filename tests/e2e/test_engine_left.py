#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an earlier run left, in good order, damaged or forged, and what becomes
of it."""

import json
import os
import re
import shutil
import unittest

from harness import images
from harness.case import main
from harness.engine import MIB, NAME, REF, SIZE, Blob, sent
from harness.resume import DATA, HALT, OTHER, Resume, Run, journals, size_of
from harness.servers import unused_port
from harness.users import CAN_CHANGE, NOBODY, as_nobody


class Left(Resume):
    """What is left may be damaged, or no work of ours at all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.original = cls.class_folder()

    def setUp(self):
        super().setUp()
        if not os.listdir(self.original):
            run, = self.killed(Run(self))
            for name in os.listdir(run.scene.cwd):
                os.rename(run.scene.path(name),
                          os.path.join(self.original, name))
            type(self).done = run.done

    def copy(self):
        """A scene with the original's leavings: (scene, part, journal)."""
        scene = self.scene()
        shutil.copytree(self.original, scene.cwd, symlinks=True,
                        dirs_exist_ok=True)
        scene.image(data=DATA, reply=Blob(DATA), size="bytes")
        journal = journals(scene.cwd)[0]
        return scene, journal[:-len(".spans")] + ".part", journal

    def test_sound(self):
        """What the others are to be compared with."""
        scene, _, _ = self.copy()
        result, requests = self.again(scene)
        self.assertPulled(scene, result, DATA)
        self.assertRest(requests, self.done)

    WORTHLESS = [
        ("empty", lambda text: b""),
        ("one byte", lambda text: text[:1]),
        ("half", lambda text: text[:len(text) // 2]),
        ("no end", lambda text: text[:-4]),
        ("garbage", lambda text: images.noise(500)),
        ("zeros", lambda text: bytes(len(text))),
        ("another magic", lambda text: text.replace(b"spull-part 1",
                                                    b"spull-part 9")),
        ("no magic", lambda text: text.split(b"\n", 1)[1]),
        ("an unknown line", lambda text: text.replace(b"\nspan", b"\nspin")),
        ("a span without end", lambda text: re.sub(
            rb"span (\d+) \d+", rb"span \1", text)),
        ("a backward span", lambda text: re.sub(
            rb"span (\d+) (\d+)", rb"span \2 \1", text)),
        ("no number", lambda text: re.sub(
            rb"span \d+ \d+", b"span zero ten", text)),
        ("too long", lambda text: text.replace(
            b"end\n", b"span 0 1\n" * 20000 + b"end\n")),
    ]

    def test_worthless_journal(self):
        """Nothing of it is believed: the download starts over."""
        for what, change in self.WORTHLESS:
            with self.subTest(what):
                scene, _, journal = self.copy()
                with open(journal, "rb") as file:
                    text = change(file.read())
                with open(journal, "wb") as file:
                    file.write(text)
                self.starts_over(scene)

    def starts_over(self, scene):
        result, requests = self.again(scene)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        self.assertEqual(sent(requests), SIZE)

    def test_journal_that_is_no_file(self):
        for what, replace in (
                ("link", lambda path: os.symlink(path + ".aside", path)),
                ("dangling link", lambda path: os.symlink("nowhere", path)),
                ("directory", os.mkdir),
                ("FIFO", os.mkfifo),
                ("nothing", lambda path: None)):
            with self.subTest(what):
                scene, _, journal = self.copy()
                os.rename(journal, journal + ".aside")
                replace(journal)
                self.starts_over(scene)

    # Journals that can be read, and promise what is not so.
    PROMISES = [
        ("more than there is", b"span 0 %d" % SIZE),
        ("more than the blob", b"span 0 %d" % (100 * SIZE)),
        ("behind the end", b"span %d %d" % (SIZE + 5, SIZE + 500)),
        ("2^31", b"span %d %d" % (2**31, 2**31 + 1)),
        ("2^63", b"span 0 %d" % 2**63),
        ("from 2^63", b"span %d %d" % (2**63, 2**63 + 1)),
        ("2^64 - 1", b"span 0 %d" % (2**64 - 1)),
        ("2^64", b"span 0 %d" % 2**64),
        ("1000 digits", b"span 0 " + b"9" * 1000),
        ("negative", b"span -9 -1"),
        ("overlapping", b"span 0 4000000\nspan 1000000 4500000\nspan 5 9"),
        ("300 spans", b"\n".join(b"span %d %d" % (at * 1000, at * 1000 + 500)
                                 for at in range(300))),
        ("nothing", b"span 0 1"),
    ]

    def test_promises(self):
        """What is not there is fetched; what is wrong, the digest finds."""
        for what, lines in self.PROMISES:
            with self.subTest(what):
                scene, _, journal = self.copy()
                self.rewrite(journal, rb"(?m)^span .*(\nspan .*)*", lines)
                self.recovers(scene)

    def test_promised_sizes(self):
        for size in (0, 1, SIZE - 1, SIZE + 1, 2**63, 2**64 - 1, 2**64):
            with self.subTest(size):
                scene, _, journal = self.copy()
                self.rewrite(journal, rb"(?m)^size .*", b"size %d" % size)
                self.recovers(scene)

    @staticmethod
    def rewrite(path, pattern, text):
        with open(path, "rb") as file:
            old = file.read()
        new, count = re.subn(pattern, lambda _: text, old, count=1)
        assert count == 1, old
        with open(path, "wb") as file:
            file.write(new)

    def recovers(self, scene):
        """Exit 0, the right file, at most one download more, all clean."""
        result, requests = self.again(scene)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        self.assertLessEqual(sent(requests), 2 * SIZE)
        return result, requests

    def test_damaged_bytes(self):
        """The digest finds out; all comes afresh, once; nothing is left."""
        def flip(part):
            with open(part, "r+b") as file:
                file.seek(12345)
                byte = file.read(1)
                file.seek(12345)
                file.write(bytes([byte[0] ^ 1]))

        def lose(part):
            os.truncate(part, 12345)
            os.truncate(part, HALT)

        for what, damage in (("one bit", flip), ("zeros", lose)):
            for number in (1, 4):
                with self.subTest(what, connections=number):
                    scene, part, _ = self.copy()
                    damage(part)
                    result, requests = self.again(scene, connections=number)
                    self.assertPulled(scene, result, DATA)
                    self.assertSays(result, "mismatch", "afresh")
                    self.assertEqual(sent(requests),
                                     2 * SIZE - size_of(self.done))

    def test_part_that_is_not_what_it_was(self):
        secret = images.noise(HALT, seed=9)

        def link(part):
            with open(part + ".aside", "wb") as file:
                file.write(secret)
            os.symlink(part + ".aside", part)

        for what, replace in (
                ("shorter", lambda part: self.write(part, DATA[:MIB])),
                ("empty", lambda part: self.write(part, b"")),
                ("longer", lambda part: self.write(part, DATA + secret)),
                ("another's", lambda part: self.write(part, secret)),
                ("link", link),
                ("directory", os.mkdir),
                ("FIFO", os.mkfifo),
                ("nothing", lambda part: None)):
            with self.subTest(what):
                scene, part, _ = self.copy()
                os.unlink(part)
                replace(part)
                result, _ = self.recovers(scene)
                if what in ("link", "directory", "FIFO", "nothing"):
                    self.assertNotIn("mismatch", result.err)

    @staticmethod
    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_unreadable(self):
        """Mode 000, for somebody who is not root."""
        for which in (1, 2):
            with self.subTest(("part", "journal")[which - 1]):
                found = self.copy()
                scene = found[0]
                for name in [scene.folder, scene.home, scene.cwd] + [
                        scene.path(name) for name in os.listdir(scene.cwd)]:
                    os.chown(name, NOBODY, NOBODY, follow_symlinks=False)
                os.chmod(found[which], 0)
                before = len(scene.blobs())
                result = scene.run("--connections", "1", REF,
                                   wrap=as_nobody())
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertEqual(sent(scene.blobs()[before:]), SIZE)

    def test_changed_on_the_server(self):
        """What is there now is not what the manifest means."""
        for what, other in (("other bytes", OTHER),
                            ("longer", OTHER + bytes(5000)),
                            ("shorter", OTHER[:-5000])):
            for number in (1, 4):
                with self.subTest(what, connections=number):
                    scene, _, _ = self.copy()
                    blob = Blob(other, etag='"2"')
                    scene.image(data=DATA, reply=blob, size="bytes")
                    result, requests = self.again(scene, connections=number)
                    self.assertFails(result, 5)
                    self.assertFiles(scene)
                    self.assertLessEqual(sent(requests), 2 * SIZE + MIB)
                    blob.change(data=DATA)
                    self.assertPulled(scene, scene.run(REF), DATA)

    def test_no_ranges_any_more(self):
        """200 to the range: one stream from 0, and the part is of no use."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes",
                            reply=Blob(DATA, ranges="ignore"))
                result, requests = self.again(scene, connections=number)
                self.assertPulled(scene, result, DATA)
                self.assertLessEqual(sent(requests), SIZE + MIB)


    def test_only_the_whole_is_to_be_had(self):
        """Who could go on does not answer; who does, knows no ranges. What is
        left is worth a moment's wait, and not all tries."""
        port, holder = unused_port()
        self.addCleanup(holder.close)
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes", urls=[
                    "http://127.0.0.1:%d/x" % port,
                    scene.blob(Blob(DATA, ranges="ignore"))])
                result, requests = self.again(scene, "-v", "--retries", "5",
                                              REF, connections=number)
                self.assertPulled(scene, result, DATA)
                self.assertLess(result.err.count("again in"), 4, result)
                self.assertLessEqual(sent(requests), SIZE + MIB)

    def test_what_begins_again(self):
        """Bytes that were thrown away are not among those that were here."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes",
                            reply=Blob(DATA, ranges="ignore"))
                result = scene.run("--connections", number, "--progress-fd",
                                   "2", REF)
                self.assertPulled(scene, result, DATA)
                seen = [json.loads(line) for line in result.err.splitlines()
                        if line.startswith("{")]
                self.assertEqual((seen[-1]["phase"], seen[-1]["resumed"]),
                                 ("installing", 0))


if __name__ == "__main__":
    main()
