#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many references in one call, on a host that gives no answer: who waits for it
how often."""

import socket

from harness import images, registry, servers
from harness.case import main
from harness.lists import Lists, name_of
from harness.servers import Reply, page, redirect

TOOL = "lab/tool"


def nothing(_):
    """The connection ends before an answer begins."""
    raise servers.Hangup


SILENCE = Reply(before=nothing)


class Lost(Lists):
    """--retries 1, and one reference after another, unless a test says so: of
    a host that is there, each would be asked for twice."""

    RETRIES = ("--retries", "1")

    def setUp(self):
        super().setUp()
        self.gone = servers.FaultServer().start()
        self.addCleanup(self.gone.stop)

    def images(self, count):
        """A scene with a list of images whose blobs are on the host."""
        scene, found = self.scene(), {}
        for number in range(count):
            ref = "%s%d:v1" % (TOOL, number)
            found[ref] = scene.image(
                ref, images.sif(seed=number),
                urls=[self.gone.on("/%d" % number, SILENCE)])
        self.list_of(scene, "\n".join(found))
        return scene, found

    def asked(self, number):
        return len(self.gone.requests("/%d" % number))

    def run_all(self, scene, *args, jobs=1):
        return scene.run(*args, *self.RETRIES, "--jobs", str(jobs),
                         "-f", "images.txt")

    def test_images(self):
        scene, _ = self.images(5)
        result = self.run_all(scene, "-v")
        self.assertExit(result, 4)
        self.assertEqual([self.asked(number) for number in range(5)],
                         [2, 1, 1, 1, 1])
        self.assertSays(result, "was lost a moment ago", "5 failed")
        self.assertFiles(scene, "images.txt")

    def test_images_at_once(self):
        scene, _ = self.images(8)
        self.assertExit(self.run_all(scene, jobs=4), 4)
        self.assertLessEqual(len(self.gone.requests("/")), 4 * 2 + 4)
        self.assertGreaterEqual(len(self.gone.requests("/")), 8)

    def test_mirror(self):
        scene, _ = self.images(3)
        self.assertExit(self.run_all(scene, "mirror", "tree"), 4)
        self.assertEqual([self.asked(number) for number in range(3)], [2, 1, 1])

    def test_documents(self):
        scene = self.scene()
        self.list_of(scene, "\n".join("%s:%d" % (TOOL, number)
                                      for number in range(4)))
        for number in range(4):
            self.gone.on("/%s/manifests/%d/" % (TOOL, number), SILENCE)
        result = self.run_all(scene, "resolve", "-r", self.gone.url())
        self.assertExit(result, 4)
        self.assertEqual(len(self.gone.requests("/")), 5)

    def test_there_again(self):
        """One answer, and all is as if nothing had been."""
        scene, found = self.images(3)
        refs = list(found)
        self.gone.on("/1", Reply(found[refs[1]]))
        self.gone.on("/2", SILENCE, Reply(found[refs[2]]))
        self.assertExit(self.run_all(scene), 4)
        self.assertEqual([self.asked(number) for number in range(3)], [2, 1, 2])
        self.assertFiles(scene, "images.txt", *map(name_of, refs[1:]))

    def test_any_answer_will_do(self):
        scene, found = self.images(3)
        self.gone.on("/1", Reply(status=404))
        self.gone.on("/2", SILENCE, Reply(found[list(found)[2]]))
        self.assertExit(self.run_all(scene), 4)
        self.assertEqual([self.asked(number) for number in range(3)], [2, 1, 2])

    def test_answers_are_about_one_image(self):
        """Even if they say "not now"."""
        scene, _ = self.images(3)
        for number in range(3):
            self.gone.on("/%d" % number, Reply(status=503))
        self.assertExit(self.run_all(scene), 4)
        self.assertEqual([self.asked(number) for number in range(3)], [2, 2, 2])

    def test_redirects_are_about_one_image(self):
        """The host that sends there has given an answer."""
        scene, _ = self.images(2)
        for number in range(2):
            self.gone.on("/%d" % number,
                         redirect(self.gone.on("/away/%d" % number, SILENCE)))
        self.assertExit(self.run_all(scene), 4)
        self.assertEqual([self.asked(number) for number in range(2)], [2, 2])

    def test_another_address(self):
        """It is asked first, then."""
        scene, found = self.images(1)
        data = scene.image("lab/other:v1", urls=[
            self.gone.on("/other", SILENCE), scene.base + "/blob"])
        scene.on("/blob", Reply(data))
        result = scene.run(*self.RETRIES, "--jobs", "1", *found, "lab/other:v1")
        self.assertExit(result, 4)
        self.assertFiles(scene, "images.txt", "other_v1.sif")
        self.assertEqual(self.gone.requests("/other"), [])

    def test_check(self):
        """It tells of each blob all the same."""
        scene, found = self.images(3)
        for ref in found:
            container, tag = ref.split(":")
            scene.tags(container, page(registry.tags_page(container, [tag])))
        result = scene.run("check", *self.RETRIES, "--jobs", "1", scene.base,
                           *(ref.split(":")[0] for ref in found))
        self.assertExit(result, 5)
        self.assertSays(result, "3 errors")
        self.assertEqual([self.asked(number) for number in range(3)], [2, 1, 1])


class Unreachable(Lists):
    """Packets to it are lost, as where a machine or a firewall is."""

    def full(self):
        """The port of a listener with no room for one connection more."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            other = socket.socket()
            self.addCleanup(other.close)
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        return listener.getsockname()[1]

    def test_patience(self):
        """--connect-timeout is for those that may be there."""
        scene = self.scene()
        port = self.full()
        refs = []
        for number in range(2):
            refs.append("%s:%d" % (TOOL, number))
            scene.image(refs[-1], urls=["http://127.0.0.1:%d/%d" %
                                        (port, number)])
        result = scene.run("--jobs", "1", "--retries", "0",
                           "--connect-timeout", "6", *refs)
        self.assertExit(result, 4)
        self.assertRegex(result.err, r"(?s)tool:0: .*after ([6-9]|1\d)\d{3} m"
                                     r".*tool:1: .*after [3-5]\d{3} m")


if __name__ == "__main__":
    main()
