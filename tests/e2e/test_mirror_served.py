#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A mirror behind the servers that people have."""

import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

from harness import images, registry, spull, tree
from harness.case import main
from harness.mirror import Mirror
from harness.nginx import Nginx
from harness.servers import Reply, page, xml_denied

SHARED = os.environ.get("SPULL_SHARED") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))))), "shared")


class PythonServer:
    """python3 -m http.server, as people use it."""

    def __init__(self, root):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
             str(self.port)], cwd=root, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.base = "http://127.0.0.1:%d" % self.port
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("python3 -m http.server does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Served(Mirror):
    """What spull says of a tree, however it reads it."""

    IMAGES = {"vanessa/greeting:asciiart": 1, "vanessa/greeting:latest": 2,
              "lab/deep/solver:2.1": 1}

    simple = ()  # addresses of servers that know no ranges

    def real(self):
        """Two images that run, where they are at hand."""
        folder = os.path.join(SHARED, "fixtures", "images")
        if not os.path.isdir(folder):
            return {}
        return {"vanessa/greeting:" + name[9:-4]: tree.read(
            os.path.join(folder, name)) for name in os.listdir(folder)}

    def fill(self, scene, *args):
        found = {ref: images.sif(seed=seed)
                 for ref, seed in self.IMAGES.items()}
        found.update(self.real())
        for ref, data in found.items():
            scene.image(ref, data)
        scene.tags("vanessa/greeting", page(registry.tags_page(
            "vanessa/greeting", ["README.md", "latest", "asciiart"])))
        self.mirror(scene, "vanessa/greeting", "lab/deep/solver:2.1", *args)
        return found

    def nginx(self, root):
        server = Nginx(root, os.path.join(self.folder, "nginx"))
        self.addCleanup(server.stop)
        return server.base

    def python(self, root):
        server = PythonServer(root)
        self.addCleanup(server.stop)
        self.simple = (server.base, server.base + "/a%20b/images/")
        return server.base

    def assertServes(self, scene, base, found, name):
        """All that there is, by tags, resolve, check and pull."""
        checked = scene.run("check", "--deep", base, "vanessa/greeting",
                            "lab/deep/solver:2.1")
        self.assertExit(checked, 0)
        # http.server sends no parts of a file, which is its affair.
        self.assertEqual([line for line in checked.lines
                          if " W-blob-ranges: " not in line
                          or base not in self.simple], [], checked)
        tags = scene.run("-r", base, "tags", "vanessa/greeting")
        self.assertEqual(tags.lines, ["asciiart", "latest"], tags)
        for ref, data in found.items():
            pinned = scene.run("-r", base, "resolve", ref)
            self.assertEqual(pinned.out, "%s@sha256:%s\n" % (
                ref, images.sha256(data)), pinned)
            pulled = scene.run("-r", base, "--strict-size", "-o", name, ref,
                               "--force")
            self.assertExit(pulled, 0)
            self.assertImage(scene.path(name), data)

    def test_three_ways(self):
        scene = self.scene()
        found = self.fill(scene)
        root = self.tree(scene)
        for number, base in enumerate((self.nginx(root), self.python(root),
                                       root, "file://" + root)):
            self.assertServes(scene, base, found, "pulled-%d" % number)

    def test_moved(self):
        """Elsewhere, below a path, under another address: nothing changes."""
        scene = self.scene()
        found = self.fill(scene)
        os.makedirs(scene.path("site/a b"))
        os.rename(self.tree(scene), scene.path("site/a b/images"))
        root = scene.path("site")
        for base in (os.path.join(root, "a b/images"),
                     self.nginx(root) + "/a%20b/images",
                     self.python(root) + "/a%20b/images/"):
            self.assertServes(scene, base, found, "pulled")

    def test_an_object_store(self):
        """Folders are refused there; only whole keys are found."""
        scene = self.scene()
        found = self.fill(scene)
        root = self.tree(scene)
        store = self.scene()
        for name in spull.files(root):
            path = os.path.join(root, name)
            if not os.path.isdir(path):
                store.on("/" + name, Reply(tree.read(path)))
        for container in ("vanessa/greeting", "lab/deep/solver"):
            store.on("/%s/tags/" % container, xml_denied())
        self.assertServes(scene, store.base, found, "pulled")

    @unittest.skipUnless(shutil.which("curl") and shutil.which("jq"),
                         "needs curl and jq")
    def test_the_classic_line(self):
        scene = self.scene()
        os.makedirs(self.tree(scene))
        base = self.nginx(self.tree(scene))
        found = self.fill(scene, "--base-url", base + "/")
        for ref, data in found.items():
            container, tag = ref.split(":")
            line = "curl -sf %s/%s/manifests/%s/ | jq -r '.layers[].urls[0]'" \
                % (base, container, tag)
            url = subprocess.run(["sh", "-c", line], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip()
            self.assertEqual(url, "%s/blobs/sha256/%s" % (
                base, images.sha256(data)))
            script = 'curl -sf -o got "$1" && echo "$2  got" | sha256sum -c'
            subprocess.run(["sh", "-c", script, "sh", url,
                            images.sha256(data)], cwd=scene.folder, check=True,
                           stdout=subprocess.DEVNULL)
        self.assertServes(scene, base, found, "pulled")
        # And back to relative ones.
        self.fill(scene)
        tree.check(self.tree(scene))

    def test_bad_addresses(self):
        for url, words in (("file:///srv/tree", ["no web server"]),
                           ("/srv/tree", ["no URL"]),
                           ("ftp://u:secret@h/x", ["\"ftp://\"", "no web"]),
                           ("https://u:secret@h/x", ["password"]),
                           ("https://h/x?y", ["query"]),
                           ("https:///x", ["host"])):
            scene = self.scene()
            result = scene.run("mirror", "tree", "lab/a", "--base-url", url)
            self.assertFails(result, 2, *words)
            self.assertNotIn("secret", result.err)
            self.assertFiles(scene)


if __name__ == "__main__":
    main()
