#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many references in one call, on a host that gives no answer: how long it is
waited for."""

import threading

from harness import images, registry, servers, spull
from harness.case import main
from harness.clock import hurried
from harness.engine import put_down
from harness.lists import Lists, name_of
from harness.servers import Reply, page, redirect

TOOL = "lab/tool"
# Of a host that answers, in spite of all.
TRIES = 6
# Of images: each takes 15 to 31 s, or twice as long by a clock that runs so
# quickly, and two minutes have to go by until all is lost.
COUNT = 14
SURE = 9
QUICKLY = 60


def nothing(_):
    """The connection ends before an answer begins."""
    raise servers.Hangup


SILENCE = Reply(before=nothing)


def last(*args, **more):
    """Closes the connection: else libcurl asks a second time, by itself, when
    the next request over it gets no answer."""
    return Reply(*args, length=None, **more)


class OnOneHost(Lists):
    """The references of a list are taken one after another."""

    def setUp(self):
        super().setUp()
        self.gone = self.host()

    def host(self):
        server = servers.FaultServer().start()
        self.addCleanup(server.stop)
        return server

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

    def run_all(self, scene, *args, jobs=1):
        return scene.run(*args, "--retries", str(TRIES - 1), "--jobs",
                         str(jobs), "-f", "images.txt",
                         env=hurried(self.folder, QUICKLY))

    def asked(self, count):
        """How often, for each image."""
        names = [request.target.rpartition("/")[2]
                 for request in self.gone.requests("/")]
        return [names.count(str(number)) for number in range(count)]

    def assertLost(self, asked):
        """Patience was had with the first ones, and with no other."""
        self.assertEqual(asked[0], TRIES, asked)
        self.assertEqual(set(asked[SURE:]), {1}, asked)
        self.assertEqual(asked, sorted(asked, reverse=True))


class Lost(OnOneHost):
    def test_images(self):
        scene, _ = self.images(COUNT)
        result = self.run_all(scene)
        self.assertExit(result, 4)
        self.assertLost(self.asked(COUNT))
        self.assertSays(result, "no answer for minutes", "14 failed")
        self.assertFiles(scene, "images.txt")

    def test_images_at_once(self):
        scene, _ = self.images(40)
        self.assertExit(self.run_all(scene, jobs=4), 4)
        self.assertEqual(set(self.asked(40)[35:]), {1})

    def test_mirror(self):
        scene, _ = self.images(COUNT)
        self.assertExit(self.run_all(scene, "mirror", "tree"), 4)
        self.assertLost(self.asked(COUNT))

    def test_documents(self):
        scene = self.scene()
        targets = ["/%s/manifests/%d/" % (TOOL, number)
                   for number in range(COUNT)]
        self.list_of(scene, "\n".join("%s:%d" % (TOOL, number)
                                      for number in range(COUNT)))
        for target in targets:
            self.gone.on(target, SILENCE)
        result = self.run_all(scene, "resolve", "-r", self.gone.url())
        self.assertExit(result, 4)
        self.assertLost([len(self.gone.requests(target))
                         for target in targets])

    def test_redirects(self):
        """The one that sends there is not lost, and the other one is."""
        far = self.host()
        scene, _ = self.images(COUNT)
        for number in range(COUNT):
            self.gone.on("/%d" % number,
                         redirect(far.on("/%d" % number, SILENCE)))
        self.assertExit(self.run_all(scene), 4)
        self.assertLost(self.asked(COUNT))

    def test_another_address(self):
        """It is asked first, then, and that is all."""
        scene, found = self.images(COUNT)
        data = scene.image("lab/other:v1", urls=[
            self.gone.on("/other", SILENCE), scene.base + "/blob"])
        scene.on("/blob", Reply(data))
        self.list_of(scene, "\n".join([*found, "lab/other:v1"]))
        self.assertExit(self.run_all(scene), 4)
        self.assertFiles(scene, "images.txt", "other_v1.sif")
        self.assertEqual(self.gone.requests("/other"), [])


class There(OnOneHost):
    """Who gives an answer is not lost."""

    def test_again(self):
        for answer in (None, last(status=404), last(status=503)):
            with self.subTest(answer=answer and answer.status):
                self.gone = self.host()
                scene, found = self.images(COUNT)
                refs = list(found)
                self.gone.on("/11", SILENCE if answer is None else answer,
                             last(found[refs[11]]))
                self.gone.on("/12", SILENCE, last(found[refs[12]]))
                self.assertExit(self.run_all(scene), 4)
                there = {None: [], 404: refs[12:13], 503: refs[11:13]}
                self.assertFiles(
                    scene, "images.txt",
                    *map(name_of, there[answer and answer.status]))
                self.assertEqual(self.asked(COUNT)[12:],
                                 [2, TRIES] if answer else [1, 1])

    def test_not_now(self):
        scene, _ = self.images(SURE)
        for number in range(SURE):
            self.gone.on("/%d" % number, last(status=503))
        self.assertExit(self.run_all(scene), 4)
        self.assertEqual(self.asked(SURE), [TRIES] * SURE)

    def test_while_another_image_comes(self):
        """In one long answer, wherever that was asked for first."""
        data, done = images.sif(1600000), threading.Event()
        self.addCleanup(done.set)

        def slowly():
            for at in range(0, len(data), 4000):
                done.wait(0.1)
                yield data[at:at + 4000]

        scene, found = self.images(SURE)
        self.gone.on("/long", Reply(slowly, length=len(data)))
        scene.image("lab/long:v1", data, urls=[
            self.host().on("/", redirect(self.gone.url("/long")))])
        process = scene.start("--retries", str(TRIES - 1), "--jobs", "2",
                              "--stall-timeout", "3600", "lab/long:v1", *found,
                              env=hurried(self.folder, QUICKLY))
        self.addCleanup(put_down, process)
        self.until("the last try", lambda: self.asked(SURE)[-1] == TRIES)
        done.set()
        self.assertExit(spull.finish(process), 4)
        self.assertImage(scene.path("long_v1.sif"), data)
        self.assertEqual(self.asked(SURE), [TRIES] * SURE)

    def test_one_image(self):
        """Its own tries do not make it lose any."""
        scene, _ = self.images(1)
        result = scene.run("--retries", "11", "-f", "images.txt",
                           env=hurried(self.folder, QUICKLY))
        self.assertExit(result, 4)
        self.assertEqual(self.asked(1), [12])


class Check(OnOneHost):
    """One blob tells enough, of all that are there; a document does not."""

    def test_blobs(self):
        for label in ("a host of their own", "that of the documents"):
            for reply in (SILENCE, last(status=503)):
                with self.subTest(label, status=reply.status):
                    self.check(label == "a host of their own", reply)

    def check(self, apart, reply):
        scene = self.scene()
        self.gone = self.host() if apart else scene
        for number in range(3):
            container = "%s%d" % (TOOL, number)
            target = self.gone.on("/%d" % number, reply)
            scene.image(container + ":v1", images.sif(seed=number),
                        urls=[target])
            scene.tags(container, page(registry.tags_page(container, ["v1"])))
        result = scene.run("check", "--retries", "3", "--jobs", "1",
                           scene.base, *("%s%d" % (TOOL, number)
                                         for number in range(3)),
                           env=hurried(self.folder, QUICKLY))
        self.assertExit(result, 5)
        self.assertSays(result, "3 errors")
        # A connection that was used already may ask twice.
        first, *others = self.asked(3)
        self.assertGreater(first, 3)
        self.assertLess(max(others), 3 if reply is SILENCE else 2)


class Unreachable(Lists):
    """Packets to it are lost, as where a machine or a firewall is."""

    def test_patience(self):
        """--connect-timeout is for those that may be there."""
        scene = self.scene()
        port, sockets = servers.mute_port()
        self.addCleanup(sockets.close)
        refs = ["%s:%d" % (TOOL, number) for number in range(4)]
        for number, ref in enumerate(refs):
            scene.image(ref, urls=["http://127.0.0.1:%d/%d" % (port, number)])
        result = scene.run("--jobs", "1", "--retries", "1",
                           "--connect-timeout", "60", *refs,
                           env=hurried(self.folder))
        self.assertExit(result, 4)
        self.assertRegex(result.err, r"(?s)tool:0: .*after [6-9]\d{4} m"
                                     r".*tool:3: .*after [1-4]\d{4} m")


if __name__ == "__main__":
    main()
