#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull mirror: a registry on disk that any server serves, and that a run with
nothing to do leaves as it is."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest

from harness import images, registry, spull, tree
from harness.case import main
from harness.mirror import OLD, Mirror
from harness.nginx import Nginx
from harness.preload import preload
from harness.servers import Gate, Reply, not_found, page, xml_denied
from harness.trace import WHY_NO_TRACE
from harness.users import IS_ALMIGHTY, as_anybody_but_root, as_nobody

SHARED = os.environ.get("SPULL_SHARED") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))))), "shared")
MIB = 1 << 20


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


class Contents(Mirror):
    def test_one_image(self):
        scene = self.scene()
        data = scene.image("vanessa/greeting:asciiart")
        result = self.mirror(scene, "vanessa/greeting:asciiart")
        self.assertPinned(result, {"vanessa/greeting:asciiart": data})
        self.assertTree(scene, {"vanessa/greeting:asciiart": data})
        one = tree.layer(self.tree(scene), "vanessa/greeting", "asciiart")
        self.assertEqual(one["size"], len(data))
        self.assertEqual(one["mediaType"], registry.LAYER)
        # The registry was asked for the manifest once, and for the blob once.
        self.assertEqual(len(scene.requests()), 2, scene.requests())

    def test_all_tags_of_a_container(self):
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2, "3": 1})
        expected = {"lab/solver:" + tag: data for tag, data in found.items()}
        self.assertPinned(self.mirror(scene, "lab/solver"), expected)
        self.assertTree(scene, expected)
        # Two tags are one image, and that one blob.
        self.assertEqual(len(tree.blobs(self.tree(scene))), 2)
        self.assertEqual(len(scene.blobs()), 2)

    def test_lists(self):
        scene = self.scene()
        one = scene.image("lab/a:1")
        two = scene.image("lab/b:2", images.sif(seed=2))
        scene.put("list", b"# what we need\nlab/a:1\n\nlab/b:2 # this too\n")
        result = self.mirror(scene, "-f", "list", "lab/a:1")
        self.assertPinned(result, {"lab/a:1": one, "lab/b:2": two})
        self.assertTree(scene, {"lab/a:1": one, "lab/b:2": two})

    def test_deep_names(self):
        scene = self.scene()
        data = scene.image("a/b/c/d:1.0+x")
        self.mirror(scene, "a/b/c/d:1.0+x")
        self.assertTree(scene, {"a/b/c/d:1.0+x": data})

    def test_another_registry(self):
        """The tree has the container's name, wherever it came from."""
        scene, other = self.scene(), self.scene()
        data = other.image("lab/solver:1")
        result = self.mirror(scene, other.base + "/lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": data})
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_pin(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5")
        pin = "lab/solver:1@sha256:" + images.sha256(data)
        result = self.mirror(scene, pin)
        self.assertEqual(result.lines, [pin])
        self.assertTree(scene, {"lab/solver:1": data})
        self.assertNotIn("weak", result.err)

    def test_an_archive_stays_one(self):
        """Its config says what comes out of it; an image's says nothing."""
        scene = self.scene()
        inner = images.sif(seed=5)
        for tag, data in (("zipped", images.gzipped(inner)), ("bare", inner)):
            url = scene.blob(Reply(data), path="/blobs/" + tag)
            scene.manifest("lab/solver:" + tag, page(registry.manifest_page(
                [registry.layer_page(registry.kib(data),
                                     registry.digest_of(data), [url])],
                registry.layer_page(4711, "sha256:" + "5" * 64, None,
                                    registry.CONFIG))))
            for _ in range(2):
                result = self.mirror(scene, "lab/solver:" + tag)
                self.assertNotIn("looks like", result.err)
            config = tree.document(self.tree(scene), "lab/solver/manifests",
                                   tag)["config"]
            self.assertEqual(config["size"],
                             4711 if tag == "zipped" else len(data))
            with open(self.blob(scene, data), "rb") as file:
                self.assertEqual(file.read(), data)

    def test_no_markup(self):
        """What strangers wrote is served as a web page of ours."""
        scene = self.scene()
        data = images.sif()
        url = scene.blob(Reply(data))
        scene.manifest("lab/solver:1", page(json.dumps(
            {"layers": [{"size": len(data), "urls": [url],
                         "digest": registry.digest_of(data),
                         "mediaType": "<script>alert(1)</script>"}],
             "annotations": {"title": "<img src=x onerror=alert(1)>&amp;"},
             "other": "<b>"})))
        self.mirror(scene, "lab/solver:1")
        folder = os.path.join(self.tree(scene), "lab/solver/manifests/1")
        text = tree.read(os.path.join(folder, "index.html"))
        for char in b"<>&":
            self.assertNotIn(char, text)
        self.assertEqual(tree.document(folder)["annotations"]["title"],
                         "<img src=x onerror=alert(1)>&amp;")
        self.assertNotIn("other", tree.document(folder))

    def test_modes(self):
        for mask in (0o022, 0o027, 0o002):
            scene = self.scene()
            data = scene.image("lab/solver:1")
            self.mirror(scene, "lab/solver:1",
                        preexec_fn=lambda mask=mask: os.umask(mask))
            for name in spull.files(self.tree(scene)):
                mode = os.stat(os.path.join(self.tree(scene), name)).st_mode
                wanted = 0o777 if stat.S_ISDIR(mode) else 0o666
                self.assertEqual(oct(stat.S_IMODE(mode)),
                                 oct(wanted & ~mask), name)
            self.assertTree(scene, {"lab/solver:1": data})

    def test_json(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", images.sif(arch="arm64"))
        for state, transferred in (("mirrored", len(data)), ("up-to-date", 0)):
            said = self.assertJson(self.mirror(scene, "--json", "lab/solver:1"))
            said.pop("seconds")
            self.assertEqual(said, {
                "reference": "lab/solver:1", "state": state,
                "pinned": "lab/solver:1@sha256:" + images.sha256(data),
                "path": "tree/blobs/sha256/" + images.sha256(data),
                "digest": registry.digest_of(data), "weak": False,
                "size": len(data), "transferred": transferred,
                "url": scene.server.url(scene.prefix + "/blobs/lab/solver/1")
                if transferred else None, "kind": "SIF", "arch": "arm64"})


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
                           ("ftp://h/x", ["http"]),
                           ("https://u:secret@h/x", ["password"]),
                           ("https://h/x?y", ["query"]),
                           ("https:///x", ["host"])):
            scene = self.scene()
            result = scene.run("mirror", "tree", "lab/a", "--base-url", url)
            self.assertFails(result, 2, *words)
            self.assertNotIn("secret", result.err)
            self.assertFiles(scene)


class Again(Mirror):
    """A second run."""

    def test_nothing_to_do(self):
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        weak = scene.image("lab/weak:1", images.sif(seed=3), form="md5")
        refs = ["lab/solver", "lab/weak:1", "--allow-md5"]
        self.mirror(scene, *refs)
        before = tree.snapshot(self.tree(scene))
        asked = len(scene.blobs())
        for more in ((), ("--prune",)):
            result = self.mirror(scene, *refs, *more)
            self.assertEqual(tree.snapshot(self.tree(scene)), before)
            self.assertPinned(result, dict(
                {"lab/solver:" + tag: data for tag, data in found.items()},
                **{"lab/weak:1": weak}))
        self.assertEqual(len(scene.blobs()), asked)
        self.assertSays(result, "up to date")

    @unittest.skipIf(IS_ALMIGHTY, "root may do anything")
    def test_read_only(self):
        """Who may only read the tree can still see that it is complete."""
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        how = {}
        if os.geteuid() == 0:
            how = {"wrap": as_nobody()}
            os.chmod(scene.home, 0o755)
        else:
            for where, _, _ in os.walk(self.tree(scene)):
                os.chmod(where, 0o555)
                self.addCleanup(os.chmod, where, 0o755)
        before = tree.snapshot(self.tree(scene))
        self.mirror(scene, "lab/solver:1", **how)
        scene.image("lab/solver:2", images.sif(seed=2))
        self.assertFails(scene.run("mirror", "tree", "lab/solver:2", **how), 7,
                         "Permission denied")
        self.assertEqual(tree.snapshot(self.tree(scene)), before)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_tag_that_moved(self):
        scene = self.scene()
        old = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        new = scene.image("lab/solver:1", images.sif(seed=2))
        result = self.mirror(scene, "lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": new})
        self.assertTree(scene, {"lab/solver:1": new},
                        ["blobs/sha256/" + images.sha256(old)])
        result = self.mirror(scene, "--prune")
        self.assertEqual(result.out, "")
        self.assertSays(result, "1 file removed")
        self.assertTree(scene, {"lab/solver:1": new})

    def test_goes_on_where_it_stopped(self):
        scene = self.scene()
        data = images.sif(2 * MIB)
        scene.image("lab/solver:1", data, reply=[
            Reply(data, cut=MIB), not_found(), Reply(data)])
        self.mirror(scene, "lab/solver:1", code=3)
        self.assertEqual(tree.check(self.tree(scene)), {})
        result = self.mirror(scene, "lab/solver:1")
        self.assertLess(scene.blobs()[-1].sent, len(data) - MIB // 2, result)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_damaged_blob_is_replaced(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        for spoilt in (data[:-1] + b"!", data[:-1], b""):
            path = self.blob(scene, data)
            os.unlink(path)
            with open(path, "wb") as file:
                file.write(spoilt)
            self.mirror(scene, "lab/solver:1")
            self.assertTree(scene, {"lab/solver:1": data})

    def test_what_is_missing_is_made_again(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        for name in ("lab/solver/tags", "lab/solver/manifests",
                     "lab", "blobs"):
            shutil.rmtree(os.path.join(self.tree(scene), name))
            self.mirror(scene, "lab/solver:1")
            self.assertTree(scene, {"lab/solver:1": data})

    def test_extends_what_is_there(self):
        """Tags that others have made stay; a stranger is not kept."""
        scene = self.scene()
        data = scene.image("lab/solver:2")
        there = registry.Registry(self.tree(scene))
        there.add("lab/solver:1", images.sif(seed=9))
        there.write("lab/solver/tags/index.html", registry.tags_page(
            "lab/solver", ["README.md", "1", "gone"]))
        self.mirror(scene, "lab/solver:2")
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["1", "2"])
        with open(self.blob(scene, data), "rb") as file:
            self.assertEqual(file.read(), data)


    @unittest.skipIf(IS_ALMIGHTY, "root may do anything")
    def test_a_folder_that_cannot_be_read(self):
        """Which tags there are can't be known then, and the list stays."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        os.makedirs(self.tree(scene))
        how = {}
        if os.geteuid() == 0:
            how = {"wrap": as_nobody()}
            os.chmod(scene.home, 0o755)
            os.chmod(self.tree(scene), 0o777)
        self.mirror(scene, "lab/solver", **how)
        # Of 1, there is a manifest already, and nothing but the list to do.
        listed = scene.put("tree/lab/solver/tags/index.html",
                           registry.tags_page("lab/solver", ["2"]))
        folder = os.path.join(self.tree(scene), "lab/solver/manifests")
        os.chmod(folder, 0o333)
        try:
            self.assertFails(scene.run("mirror", "tree", "lab/solver:1", **how),
                             7, "manifests", "Permission denied")
        finally:
            os.chmod(folder, 0o755)
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["2"])
        os.chmod(listed, 0o666)
        self.mirror(scene, "lab/solver:1", **how)
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["1", "2"])

    @unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
    def test_many_tags(self):
        """What a tag takes does not grow with the tags that are listed."""
        scene = self.scene()
        count = 64
        found = self.publish(scene, "lab/solver",
                             {"t%d" % number: 1 for number in range(count)})
        log = os.path.join(scene.folder, "trace")
        self.mirror(scene, "lab/solver", env=spull.without_leaks(), wrap=[
            "strace", "-f", "-o", log, "-e", "trace=%%stat"])
        self.assertTree(scene, {"lab/solver:" + tag: data
                                for tag, data in found.items()})
        with open(log) as file:
            looks = len(re.findall(r'"t\d+/index\.html"', file.read()))
        self.assertLess(looks, 12 * count)


class Failures(Mirror):
    def test_others_go_on(self):
        """Strangers, an expired blob, an md5, wrong bytes, no manifest."""
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"a": 1, "e": 2})
        scene.image("lab/solver:b", images.sif(seed=3), reply=not_found())
        scene.image("lab/solver:c", images.sif(seed=4), form="md5")
        scene.image("lab/solver:d", images.sif(seed=5),
                    reply=Reply(images.sif(seed=6)))
        scene.tags("lab/solver", page(registry.tags_page(
            "lab/solver", ["README.md", "../../etc", "a", "b", "c", "d", "e",
                           "nope"])))
        result = self.mirror(scene, "lab/solver", "lab/nope", code=3)
        expected = {"lab/solver:" + tag: data for tag, data in found.items()}
        self.assertPinned(result, expected)
        self.assertTree(scene, expected)
        self.assertSays(result, "lab/solver:b", "404", "weak digest",
                        "digest mismatch", "lab/solver:nope", "lab/nope",
                        "7 images: 2 installed, 5 failed")
        self.assertNotIn("README", result.err)
        result = self.mirror(scene, "lab/nope", "lab/never", code=3)
        self.assertSays(result, "2 images: 2 failed")

    def test_status_is_that_of_the_first(self):
        """Whether it failed before the others were begun, or not."""
        scene = self.scene()
        scene.image("lab/good:1")
        scene.image("lab/weak:1", form="md5")
        for order, code in ((("lab/weak:1", "lab/none"), 5),
                            (("lab/none", "lab/weak:1"), 3),
                            (("lab/good:1", "lab/none", "lab/weak:1"), 3),
                            (("lab/none", "lab/good:1@sha256:" + "0" * 64,
                              "lab/good:1"), 2)):
            self.assertExit(scene.run("mirror", "tree", *order), code)

    def test_json_of_failures(self):
        scene = self.scene()
        for ref in "lab/nope:1", "lab/nope":
            result = self.mirror(scene, "--json", ref, code=3)
            said = json.loads(result.out)
            self.assertEqual((said["reference"], said["state"],
                              said["status"]), (ref, "failed", 3))
            for name in "path", "digest", "size", "url":
                self.assertIsNone(said[name])
            self.assertEqual(said["transferred"], 0)
            self.assertIsInstance(said["seconds"], float)
        result = scene.run("mirror", "nowhere", "--prune", "--json")
        self.assertExit(result, 3)
        said = json.loads(result.out)
        self.assertEqual((said["reference"], said["path"]), (None, "nowhere"))

    def test_a_failure_leaves_the_old_image(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        before = tree.files(self.tree(scene))
        scene.image("lab/solver:1", images.sif(seed=2), reply=not_found())
        result = self.mirror(scene, "lab/solver:1", "--prune", code=3)
        self.assertSays(result, "nothing was pruned")
        self.assertEqual(tree.files(self.tree(scene)), before)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_an_empty_container(self):
        scene = self.scene()
        scene.tags("lab/solver", page(registry.tags_page("lab/solver", [])))
        self.assertFails(scene.run("mirror", "tree", "lab/solver"), 3,
                         "no tag")

    def test_weak(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5-base64")
        self.assertFails(scene.run("mirror", "tree", "lab/solver:1"), 5,
                         "weak", "--allow-md5")
        result = self.mirror(scene, "--allow-md5", "lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": data})
        self.assertSays(result, "weak")
        self.assertTree(scene, {"lab/solver:1": data})
        # From now on, the mirror vouches for these bytes and no others.
        pulled = scene.run("-r", "tree", "lab/solver:1")
        self.assertNotIn("weak", pulled.err)
        self.assertImage(scene.path("solver_1.sif"), data)
        # Another tag may mean the same image; there is one blob.
        scene.image("lab/solver:2", data, form="md5")
        said = self.assertJson(self.mirror(scene, "--allow-md5", "--json",
                                           "lab/solver:2"))
        self.assertTrue(said["weak"])
        self.assertTree(scene, {"lab/solver:1": data, "lab/solver:2": data})
        # And a tag that moves is noticed.
        new = scene.image("lab/solver:2", images.sif(seed=7), form="md5")
        self.mirror(scene, "--allow-md5", "lab/solver:2", "--prune")
        self.assertTree(scene, {"lab/solver:1": data, "lab/solver:2": new})

    def test_a_weak_blob_that_was_damaged(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5")
        self.mirror(scene, "--allow-md5", "lab/solver:1")
        with open(self.blob(scene, data), "r+b") as file:
            file.write(b"!")
        self.mirror(scene, "--allow-md5", "lab/solver:1")
        self.assertTree(scene, {"lab/solver:1": data})

    def test_usage(self):
        data = images.sif()
        pin = "@sha256:" + images.sha256(data)
        for args, words in (
                ((), ["nothing to do", "REF"]),
                (("lab/a:1", "lab/a:1" + pin), ["both would be lab/a:1"]),
                (("lab/a", "https://h/x/lab/a:latest"), None),
                (("lab/a:../x",), ["character"]),
                (("x",), ["collection"]),
                (("a/b/manifests:1",), ["manifests"]),
                (("a/b/manifests/c:1",), ["manifests"]),
                (("blobs/sha256:1",), ["blobs"]),
                (("blobs/sha256/x:1",), ["blobs"]),
                (("lab/a:README.md",), ["no tag"]),
                (("--add", "lab/a:1"), ["REF=FILE"]),
                (("--add", "lab/a:1="), ["REF=FILE"]),
                (("--add", "=x"), ["REF=FILE"]),
                (("--add", "lab/a:1%s=image.sif" % pin), ["no pin"]),
                (("--add", "https://h/lab/a:1=image.sif"), ["no registry"]),
                (("--add", "lab/a:1=image.sif", "--add", "lab/a:1=other.sif"),
                 ["both would be"]),
                (("--add", "lab/a:1=."), ["regular"]),
                (("--add", "lab/a:1=/dev/null"), ["regular"])):
            if words is None:
                continue
            scene = self.scene()
            scene.put("image.sif", data)
            result = scene.run("mirror", "tree", *args)
            self.assertFails(result, 2, *words)
            self.assertFiles(scene, "image.sif")
        self.assertFails(self.scene().run("mirror"), 2, "DIR")
        self.assertFails(self.scene().run("mirror", "", "--prune"), 3)

    def test_no_room(self):
        """8 MiB of memory for 6 images of 2 MiB: some come, and all that is
        listed is there."""
        for jobs, least in (("1", 2), ("6", 0)):
            self.fill_up(self.scene(), jobs, least)

    def fill_up(self, scene, jobs, least):
        refs = []
        for number in range(6):
            refs.append("lab/solver:%d" % number)
            scene.image(refs[-1], images.sif(2 * MIB, seed=number,
                                             payload=images.pattern))
        os.makedirs(self.tree(scene))
        # The tree is looked at by a second spull, in there, and copied out.
        script = 'mount -t tmpfs -o size=8m none tree || exit 99; ' \
            '"$@"; code=$?; cp -a tree copy; exit $code'
        wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                script, "sh"]
        if shutil.which("unshare") is None:
            self.skipTest("no unshare")
        result = scene.run("mirror", "tree", "-j", jobs, *refs, wrap=wrap)
        if result.code in (1, 99):
            self.skipTest("nothing can be mounted here: " + result.err)
        self.assertExit(result, 7)
        found = tree.check(scene.path("copy")).get("lab/solver", [])
        self.assertIn(len(found), range(least, 4))
        # A run may find no room for a list that another one then writes.
        self.assertLessEqual(len(result.lines), len(found))
        # What had come and could not be named may stay; no part does.
        for name in tree.blobs(scene.path("copy")):
            self.assertEqual(len(name), 64, result)

    def test_interrupted(self):
        """Dies by the signal, and has promised nothing."""
        scene = self.scene()
        data = images.sif(2 * MIB)
        gate = Gate(MIB)
        self.addCleanup(gate.open)
        scene.image("lab/a:1", images.sif(seed=1))
        scene.image("lab/solver:1", data, reply=Reply(data, gate=gate))
        process = scene.start("mirror", "tree", "-j1", "lab/a:1",
                              "lab/solver:1", "lab/b:1")
        gate.wait_reached()
        process.send_signal(signal.SIGTERM)
        result = spull.finish(process)
        self.assertExit(result, -signal.SIGTERM)
        self.assertEqual(tree.check(self.tree(scene)), {"lab/a": ["1"]})
        self.assertEqual(os.listdir(os.path.join(self.tree(scene), "blobs")),
                         ["sha256"])


class Files(Mirror):
    """--add"""

    def test_a_directory_of_images_becomes_a_registry(self):
        scene = self.scene()
        found = {}
        args = []
        for number in range(3):
            ref = "lab/solver:%d" % number
            found[ref] = images.sif(seed=number)
            scene.put("images/%d.sif" % number, found[ref])
            args += ["--add", "%s=images/%d.sif" % (ref, number)]
        self.assertPinned(self.mirror(scene, *args), found)
        self.assertTree(scene, found)
        before = tree.snapshot(self.tree(scene))
        result = self.mirror(scene, *args)
        self.assertEqual(tree.snapshot(self.tree(scene)), before)
        self.assertSays(result, "up to date")
        # The copies are files of their own.
        for number in range(3):
            scene.put("images/%d.sif" % number, b"changed")
        self.assertTree(scene, found)

    def test_it_says_what_it_does(self):
        """Which is no download."""
        scene = self.scene()
        scene.put("image.sif", images.sif())
        result = self.mirror(scene, "--add", "lab/a:1=image.sif")
        lines = result.err.splitlines()
        self.assertEqual(lines[0], "spull: lab/a:1: copying 40.0 KiB")
        self.assertRegex(lines[1], r"^spull: lab/a:1: 40\.0 KiB copied in "
                                   r"[\d.]+ s, verified$")
        self.assertEqual(len(lines), 2)
        result = self.mirror(scene, "--add", "lab/b:1=image.sif")
        self.assertRegex(result.err, r"^spull: lab/b:1: 40\.0 KiB, all of it "
                                     r"here already, in [\d.]+ s, verified\n$")

    def test_beside_references(self):
        scene = self.scene()
        one = scene.image("lab/a:1")
        two = images.squashfs(seed=4)
        scene.put("b.sif", two)
        self.mirror(scene, "lab/a:1", "--add", "lab/b=b.sif")
        self.assertTree(scene, {"lab/a:1": one, "lab/b:latest": two})

    def test_replaces_a_tag(self):
        scene = self.scene()
        for seed in (1, 2):
            data = images.sif(seed=seed)
            scene.put("image.sif", data)
            self.mirror(scene, "--add", "lab/a:1=image.sif", "--prune")
            self.assertTree(scene, {"lab/a:1": data})

    def test_an_installed_image(self):
        """Its note says what it is, as long as it is that."""
        scene = self.scene()
        data = scene.image("lab/a:1")
        self.assertExit(scene.run("lab/a:1"), 0)
        self.mirror(scene, "--add", "lab/b:1=a_1.sif")
        self.assertTree(scene, {"lab/b:1": data})
        changed = b"!" + data[1:]
        scene.put("a_1.sif", changed)
        self.mirror(scene, "--add", "lab/b:1=a_1.sif", "--prune")
        self.assertTree(scene, {"lab/b:1": changed})

    def test_a_link_to_an_image(self):
        scene = self.scene()
        data = images.sif()
        scene.put("a=b/image.sif", data)
        os.symlink("a=b/image.sif", scene.path("link"))
        self.mirror(scene, "--add", "lab/b:1=link", "--add",
                    "lab/b:2=a=b/image.sif")
        self.assertTree(scene, {"lab/b:1": data, "lab/b:2": data})

    def test_what_is_no_image(self):
        scene = self.scene()
        data = b"some text"
        scene.put("notes", data)
        self.assertSays(self.mirror(scene, "--add", "lab/b:1=notes"),
                        "neither a SIF nor a squashfs")
        self.assertTree(scene, {"lab/b:1": data})
        scene.put("empty", b"")
        self.assertFails(scene.run("mirror", "tree", "--add", "lab/c:1=empty"),
                         5, "empty")
        self.assertFails(scene.run("mirror", "tree", "--add", "lab/c:1=nope"),
                         3, "No such file")
        self.assertTree(scene, {"lab/b:1": data})

    def test_for_another_machine(self):
        """A mirror is for whoever: no warning; --arch is an order."""
        scene = self.scene()
        data = images.sif(arch="s390x")
        scene.put("image.sif", data)
        result = scene.run("mirror", "tree", "--add", "lab/a:1=image.sif",
                           "--arch", "ppc64le")
        self.assertFails(result, 5, "s390x")
        self.assertNotIn("warning",
                         self.mirror(scene, "--add", "lab/a:1=image.sif").err)
        self.assertTree(scene, {"lab/a:1": data})


class Prune(Mirror):
    def put(self, scene, name, data=b"something", age=0):
        path = scene.put(os.path.join("tree", name), data)
        if age:
            os.utime(path, (time.time() - age,) * 2)
        return path

    def test_endless_digits(self):
        """A document is a stranger's, and read once: this one took minutes."""
        scene = self.scene()
        scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        self.put(scene, "other/page/index.html",
                 b"a" * (2 << 20) + b"b" * 64 + b"a" * (1 << 20))
        for name in "ab":
            self.put(scene, "blobs/sha256/" + name * 64)
        self.put(scene, "blobs/sha256/" + "c" * 64)
        self.assertExit(scene.run("mirror", "tree", "--prune"), 0)
        left = os.listdir(scene.path("tree/blobs/sha256"))
        self.assertEqual(sorted(set(left) & {name * 64 for name in "abc"}),
                         ["a" * 64, "b" * 64])

    def wait_for_span(self, scene):
        """Until there is something to take up."""
        folder = os.path.join(self.tree(scene), "blobs", "sha256")
        end = time.monotonic() + spull.TIMEOUT
        while time.monotonic() < end:
            for name in os.listdir(folder):
                if not name.endswith(".spans"):
                    continue
                with open(os.path.join(folder, name)) as file:
                    first = re.search(r"(?m)^span 0 (\d+)$", file.read())
                if first and int(first.group(1)) >= 1 << 16:
                    return
            time.sleep(0.02)
        self.fail("no journal says what has come")

    def test_what_a_dead_process_has_left(self):
        """It is for the next run, however many others prune before."""
        scene = self.scene()
        self.mirror(scene, "--add", "lab/other:1=" +
                    scene.put("other.sif", images.sif(seed=3)))
        data, gate = images.sif(2 * MIB), Gate(MIB + MIB // 2)
        scene.image("lab/solver:1", data, Reply(data, gate=gate, etag='"1"'),
                    size="bytes")
        process = scene.start("mirror", "tree", "lab/solver:1")
        gate.wait_reached()
        self.wait_for_span(scene)
        process.terminate()
        spull.finish(process)
        left = [name for name in tree.blobs(self.tree(scene))
                if name.endswith((".part", ".spans"))]
        self.assertEqual(len(left), 2, left)
        result = self.mirror(scene, "--prune", "--json")
        self.assertEqual(self.assertJson(result)["removed"], 0)
        self.assertLessEqual(set(left), set(tree.blobs(self.tree(scene))))
        scene.image("lab/solver:1", data, Reply(data, etag='"1"'),
                    size="bytes")
        said = self.assertJson(self.mirror(scene, "--json", "lab/solver:1"))
        self.assertLess(said["transferred"], len(data))
        self.assertTree(scene, {"lab/solver:1": data,
                                "lab/other:1": images.sif(seed=3)})

    def test_what_goes_and_what_stays(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        part = ".spull-%s-node-1-0123456789abcdef" % ("0" * 32)
        stays = ["blobs/sha256/" + name for name in (
            "1" * 63, "g" * 64, "README", part + ".part")]
        stays += ["lab/.spull-index-1-2.new", "other/page/index.html",
                  "other/notes.txt"]
        for name in stays:
            self.put(scene, name)
        # Whatever names a digest, in whatever words, names a blob.
        for name in ("blobs/sha256/" + "c" * 64, "blobs/sha256/" + "d" * 64):
            self.put(scene, name)
            stays.append(name)
        self.put(scene, "other/page/index.html",
                 b"see " + b"C" * 64 + b" and x" + b"d" * 65)
        goes = ["blobs/sha256/" + "a" * 64, "blobs/sha256/" + "b" * 64]
        for name in goes:
            self.put(scene, name)
        for name in ("blobs/sha256/%s.spans" % part.replace("node", "old"),
                     "blobs/sha256/%s.part" % part.replace("node", "old"),
                     "blobs/sha256/.spull-0.weak",
                     "lab/solver/tags/.spull-index-9-9.new"):
            self.put(scene, name, age=OLD)
        result = self.mirror(scene, "--prune", "--json")
        said = self.assertJson(result)
        self.assertEqual((said["state"], said["removed"]), ("pruned", 6))
        self.assertTree(scene, {"lab/solver:1": data}, stays)

    def test_a_tag_is_removed_by_hand(self):
        """The recipe of the manual: rm, then --prune."""
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        self.mirror(scene, "lab/solver")
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests/1"))
        self.mirror(scene, "--prune")
        self.assertTree(scene, {"lab/solver:2": found["2"]})
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests/2"))
        self.mirror(scene, "--prune")
        self.assertEqual(tree.check(self.tree(scene)), {"lab/solver": []})
        self.assertEqual(tree.blobs(self.tree(scene)), [])

    def test_all_tags_are_removed_by_hand(self):
        """With the folder that they are in. What looks like a list there, and
        is the manifest of a tag called "tags", stays."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1})
        self.publish(scene, "lab/mesher", {"tags": 2})
        self.mirror(scene, "lab/solver", "lab/mesher")
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests"))
        path = os.path.join(self.tree(scene),
                            "lab/mesher/manifests/tags/index.html")
        with open(path) as file:
            manifest = dict(json.load(file), tags=["a"])
        with open(path, "w") as file:
            json.dump(manifest, file)
        self.mirror(scene, "--prune")
        with open(path) as file:
            self.assertEqual(json.load(file), manifest)
        self.assertEqual(len(tree.blobs(self.tree(scene))), 1)
        for name, tags in ("lab/solver", []), ("lab/mesher", ["tags"]):
            self.assertEqual(tree.document(self.tree(scene), name, "tags"),
                             {"name": name, "tags": tags})

    def test_doubt_removes_nothing(self):
        """A document that can't be read may name any blob."""
        def loop(path):
            os.symlink("index.html", path)

        def huge(path):
            with open(path, "wb") as file:
                file.truncate(5 * MIB)

        def away(path):
            os.symlink("/", os.path.dirname(path) + "/away")

        for spoil in (loop, huge, away):
            scene = self.scene()
            self.put(scene, "blobs/sha256/" + "a" * 64)
            os.makedirs(scene.path("tree/x/y/manifests/1"))
            spoil(scene.path("tree/x/y/manifests/1/index.html"))
            result = scene.run("mirror", "tree", "--prune")
            self.assertFails(result, 5 if spoil is huge else 7)
            self.assertEqual(tree.blobs(self.tree(scene)), ["a" * 64])

    def assertDoubt(self, scene, env=None, wrap=()):
        """A prune fails, and changes nothing."""
        before = tree.files(self.tree(scene))
        result = scene.run("mirror", "tree", "--prune", env=env, wrap=wrap)
        self.assertFails(result, 7, "tree/")
        self.assertEqual(tree.files(self.tree(scene)), before)

    def test_folders_that_cannot_be_read(self):
        """Nor does a folder that breaks off tell all that is in it: neither
        which blobs are named, nor which are claimed, nor which tags there
        are."""
        for folder in ("/lab", "/lab/solver/manifests/1", "/blobs",
                       "/lab/solver/manifests", "/blobs/sha256"):
            with self.subTest(folder=folder):
                scene = self.scene()
                self.publish(scene, "lab/solver", {"1": 1, "2": 2})
                self.mirror(scene, "lab/solver")
                env = preload(self.folder, "bad_folder")
                self.assertDoubt(scene, dict(env, BAD_FOLDER=folder))

    @unittest.skipIf(IS_ALMIGHTY, "root may read everything")
    def test_manifests_that_are_closed(self):
        """They are there all the same: the list of tags keeps them."""
        for name in ("lab/solver/manifests", "lab/solver/manifests/1"):
            with self.subTest(name=name):
                scene = self.scene()
                self.publish(scene, "lab/solver", {"1": 1, "2": 2})
                self.mirror(scene, "lab/solver")
                root = self.tree(scene)
                subprocess.run(["chmod", "-R", "a+rwX", scene.folder],
                               check=True)
                before = tree.files(root)
                os.chmod(os.path.join(root, name), 0)
                result = scene.run("mirror", "tree", "--prune",
                                   wrap=as_anybody_but_root())
                os.chmod(os.path.join(root, name), 0o755)
                self.assertFails(result, 7, name)
                self.assertEqual(tree.files(root), before)

    def test_links_within_the_tree(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        root = self.tree(scene)
        os.symlink("1", os.path.join(root, "lab/solver/manifests/stable"))
        os.symlink("..", os.path.join(root, "lab/loop"))
        self.mirror(scene, "--prune")
        self.assertEqual(tree.check(root)["lab/solver"], ["1", "stable"])
        with open(self.blob(scene, data), "rb") as file:
            self.assertEqual(file.read(), data)

    def test_what_another_one_needs(self):
        """A blob that a mirror has found, and is about to name, stays; when
        its process is gone, the claim counts no more."""
        scene = self.scene()
        for owner, code in ((os.getpid(), 1), (self.dead(), 0)):
            hexes = "a" * 64
            self.put(scene, "blobs/sha256/" + hexes)
            self.put(scene, "index.html")
            os.symlink(self.owner(owner), scene.path(
                "tree/blobs/.spull-%s-1-2.claim" % hexes))
            self.mirror(scene, "--prune")
            self.assertEqual(len(tree.blobs(self.tree(scene))), code)
            self.assertEqual(len(os.listdir(scene.path("tree/blobs"))),
                             1 + code)
            for name in os.listdir(scene.path("tree/blobs")):
                if name != "sha256":
                    os.unlink(scene.path("tree/blobs/" + name))

    @staticmethod
    def dead():
        child = subprocess.Popen(["true"])
        child.wait()
        return child.pid

    @staticmethod
    def owner(pid):
        """As the library writes it: boot, pid namespace, pid, start."""
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        try:
            with open("/proc/%d/stat" % pid) as file:
                start = file.read().rsplit(")", 1)[1].split()[19]
        except FileNotFoundError:
            start = 1
        return "%s %d %d %s" % (boot, os.stat("/proc/self/ns/pid").st_ino,
                                pid, start)

    def test_of_another_program(self):
        """OCI's layout has its blobs in the same place, and no index.html."""
        scene = self.scene()
        for name in ("oci-layout", "index.json", "blobs/sha256/" + "a" * 64):
            self.put(scene, name, b"{}")
        before = spull.files(self.tree(scene))
        self.assertFails(scene.run("mirror", "tree", "--prune"), 2,
                         "OCI image layout")
        self.assertEqual(spull.files(self.tree(scene)), before)

    def test_blobs_alone(self):
        """A tree that is being copied, the blobs first; or somebody else's."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1})
        self.mirror(scene, "lab/solver")
        shutil.move(self.tree(scene) + "/lab", scene.path("lab"))
        self.assertFails(scene.run("mirror", "tree", "--prune"), 2,
                         "tree has blobs", "no document")
        self.assertEqual(len(tree.blobs(self.tree(scene))), 1)
        shutil.move(scene.path("lab"), self.tree(scene) + "/lab")
        shutil.rmtree(self.tree(scene) + "/lab/solver/manifests")
        self.mirror(scene, "--prune")
        self.assertEqual(tree.blobs(self.tree(scene)), [])

    def test_no_tree(self):
        scene = self.scene()
        self.assertFails(scene.run("mirror", "nowhere", "--prune"), 3,
                         "nowhere")
        self.assertFiles(scene)


if __name__ == "__main__":
    main()
