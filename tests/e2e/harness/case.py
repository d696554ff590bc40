# SPDX-License-Identifier: MIT
"""The test case that all tests here derive from, and its scenes."""

import itertools
import json
import os
import shutil
import tempfile
import time
import unicodedata
import unittest

from . import images, keeper, registry, servers, spull, tls


class Scene:
    """A registry below a base of its own, a home, a working directory.

    Rows of a table take one each, so that none sees what another one left.
    """

    def __init__(self, case, number, server):
        self.server = server
        self.prefix = "/scene-%d" % number
        self.base = server.url(self.prefix)
        self.folder = os.path.join(case.folder, "scene-%d" % number)
        self.home = os.path.join(self.folder, "home")
        self.cwd = os.path.join(self.folder, "work")
        self.env = {"SPULL_REGISTRY": self.base}
        os.makedirs(self.home)
        os.makedirs(self.cwd)

    # What the server has.

    def on(self, path, *replies):
        """Sets the replies for a path below the scene's base."""
        return self.server.on(self.prefix + path, *replies)

    def tags(self, container, *replies):
        return self.on("/%s/tags/" % container, *replies)

    def manifest(self, ref, *replies):
        container, tag = ref.rsplit(":", 1)
        return self.on("/%s/manifests/%s/" % (container, tag), *replies)

    def blob(self, *replies, path="/blobs/image.sif"):
        return self.on(path, *replies)

    def image(self, ref="vanessa/greeting:latest", data=None, reply=None,
              urls=None, **how):
        """Publishes an image with manifest and blob; returns its bytes.
        reply: what the blob's URL answers, or a list for one after another.
        """
        data = images.sif() if data is None else data
        if urls is None:
            replies = reply if isinstance(reply, list) else \
                [reply or servers.Reply(data)]
            urls = [self.blob(*replies,
                              path="/blobs/%s" % ref.replace(":", "/"))]
        self.manifest(ref, servers.page(registry.manifest_of(data, urls,
                                                             **how)))
        return data

    # What the server saw.

    def requests(self, path="/"):
        return self.server.requests(self.prefix + path)

    def blobs(self):
        return self.requests("/blobs/")

    # What spull does.

    def start(self, *args, env=None, cwd=None, **more):
        return spull.start(args, self.home, cwd or self.cwd,
                           dict(self.env, **(env or {})), **more)

    def run(self, *args, env=None, cwd=None, **more):
        return spull.run(args, self.home, cwd or self.cwd,
                         dict(self.env, **(env or {})), **more)

    # What is on disk.

    def path(self, name):
        return os.path.join(self.cwd, name)

    def put(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def rc(self, text):
        with open(os.path.join(self.home, ".spullrc"), "w") as file:
            file.write(text)


class Case(unittest.TestCase):
    """One fault server per class, one folder per test, scenes as needed."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        spull.binary()
        cls.numbers = itertools.count(1)
        cls.server = servers.FaultServer().start()
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def class_folder(cls):
        folder = new_folder()
        cls.addClassCleanup(shutil.rmtree, folder)
        return folder

    @classmethod
    def authority(cls):
        return tls.Authority(os.path.join(cls.class_folder(), "ca"))

    def setUp(self):
        self.folder = new_folder()
        self.addCleanup(shutil.rmtree, self.folder)

    def scene(self, server=None):
        return Scene(self, next(self.numbers), server or self.server)

    # What another process does.

    def until(self, what, happens):
        """Waits for what another process does; returns what came of it."""
        end = time.monotonic() + spull.TIMEOUT
        while time.monotonic() < end:
            found = happens()
            if found:
                return found
            time.sleep(0.005)
        self.fail("%s did not happen" % what)

    # How a run ended.

    def assertExit(self, result, code):
        self.assertEqual(result.code, code, result)

    def assertMentions(self, text, *words):
        for word in words:
            self.assertIn(word.lower(), text.lower(), text)

    def assertSays(self, result, *words):
        """stderr has all of these words, in either case."""
        self.assertMentions(result.err, *words)

    def assertFails(self, result, code, *words):
        """Exit status, nothing on stdout, "spull: WHAT: WHY" on stderr."""
        self.assertExit(result, code)
        self.assertEqual(result.out, "", result)
        self.assertRegex(result.err, r"(?m)^spull: .+: .+$", result)
        self.assertSays(result, *words)
        self.assertPrintable(result)

    def assertPrintable(self, result):
        """Nothing in there that could move a cursor or turn text around; JSON
        is indented with tabs."""
        for char in result.out.replace("\t", " ") + result.err:
            if char != "\n" and unicodedata.category(char) in ("Cc", "Cf",
                                                               "Zl", "Zp"):
                self.fail("%r was printed: %s" % (char, result))

    def assertJson(self, result):
        self.assertExit(result, 0)
        try:
            return json.loads(result.out)
        except ValueError as why:
            self.fail("%s: %s" % (why, result))

    # What is on disk.

    def assertFiles(self, scene, *names):
        """The working directory has these, and nothing else whatsoever."""
        self.assertEqual(spull.files(scene.cwd), sorted(names))

    def assertUnnamed(self, scene, *names):
        """No file got a name: all there is are names and hidden partials."""
        shown = [name for name in spull.files(scene.cwd)
                 if not name.startswith(".spull-")]
        self.assertEqual(shown, sorted(names))

    def assertImage(self, path, data, umask=0o022):
        """Byte for byte, a plain file of its own, with the right mode."""
        with open(path, "rb") as file:
            found = file.read()
        self.assertEqual(len(found), len(data), path)
        self.assertEqual(images.sha256(found), images.sha256(data), path)
        state = os.lstat(path)
        self.assertEqual(oct(state.st_mode), oct(0o100777 & ~umask), path)
        self.assertEqual(state.st_nlink, 1, path)

    def assertPulled(self, scene, result, data, name="greeting_latest.sif"):
        """That image, its path on stdout, and no other file."""
        self.assertExit(result, 0)
        self.assertEqual([os.path.normpath(line) for line in result.lines],
                         [os.path.normpath(name)], result)
        self.assertPrintable(result)
        self.assertImage(scene.path(name), data)
        self.assertFiles(scene, *parents(name), name)


def new_folder():
    folder = tempfile.mkdtemp(prefix="", dir=keeper.ground())
    os.chmod(folder, 0o755)
    return folder


def parents(name):
    """The folders that lead to a relative name."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def main():
    """Files of this folder end in this; a umask must not decide a test."""
    os.umask(0o022)
    unittest.main()
