#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every exit status, and dying by the signal that came."""

import os
import signal
import socket

from harness import images, servers
from harness.case import Case, main
from harness.engine import REF
from harness.servers import Gate, Reply


class ExitStatus(Case):
    def test_0_done(self):
        scene = self.scene()
        data = scene.image()
        self.assertPulled(scene, scene.run(REF), data)

    def test_0_up_to_date(self):
        scene = self.scene()
        data = scene.image()
        for _ in range(2):
            self.assertPulled(scene, scene.run(REF), data)
        self.assertEqual(len(scene.blobs()), 1)

    def test_0_help_and_version(self):
        scene = self.scene()
        for args in (["--help"], ["-h"], ["help"], ["--version"]):
            with self.subTest(args):
                result = scene.run(*args)
                self.assertExit(result, 0)
                self.assertNotEqual(result.out, "")
                self.assertEqual(result.err, "")
        self.assertRegex(scene.run("--version").out, r"^spull \d+\.\d+\.\d+\n")

    USAGE = [
        ("a command without operand", ["tags"]),
        ("pull without operand", ["pull"]),
        ("no such command", ["tgas"]), ("no such option", ["--nope", REF]),
        ("no such letter", ["-Z", REF]), ("value missing", [REF, "-o"]),
        ("value too many", ["--force=yes", REF]),
        ("bad reference", ["a/b:c:d"]), ("no container", ["tags", "greeting"]),
        ("a tag where none can be", ["tags", "a/b:c"]),
        ("a pin where none can be", ["tags", "a/b@sha256:" + "0" * 64]),
        ("two operands where one can be", ["tags", "a/b", "c/d"]),
        ("two references for one file", ["-o", "x.sif", "a/b", "c/d"]),
        ("no such architecture", ["--arch", "z80", REF]),
        ("time that is none", ["--stall-timeout", "soon", REF]),
        ("registry that is none", ["-r", "gopher://host/", REF]),
        ("registry that is nothing", ["-r", "no-such-name", REF]),
        ("empty operand", [""]),
    ]

    def test_2_usage(self):
        scene = self.scene()
        scene.image()
        for what, args in self.USAGE:
            with self.subTest(what):
                self.assertFails(scene.run(*args), 2)
        self.assertEqual(scene.requests(), [])
        self.assertFiles(scene)

    def test_2_nothing(self):
        result = self.scene().run()
        self.assertExit(result, 2)
        self.assertEqual(result.out, "")
        self.assertIn("usage: spull", result.err)

    def test_2_configuration(self):
        scene = self.scene()
        scene.rc("# mine\nno-such-key = 1\n")
        self.assertFails(scene.run(REF), 2, ".spullrc:2", "no-such-key")

    NOT_FOUND = [
        ("container", ["vanessa/nope"]), ("tag", ["vanessa/greeting:nope"]),
        ("tags", ["tags", "vanessa/nope"]),
        ("manifest", ["manifest", "vanessa/greeting:nope"]),
        ("resolve", ["resolve", "vanessa/greeting:nope"]),
    ]

    def test_3_not_found(self):
        scene = self.scene()
        scene.image()
        for what, args in self.NOT_FOUND:
            with self.subTest(what):
                self.assertFails(scene.run(*args), 3, "404", "127.0.0.1")
        self.assertFiles(scene)

    def test_3_blob(self):
        for status in (404, 410):
            with self.subTest(status):
                scene = self.scene()
                scene.image(reply=servers.html("Gone", status))
                self.assertFails(scene.run(REF), 3, str(status), "127.0.0.1")
                self.assertFiles(scene)

    def test_4_nobody_listens(self):
        scene = self.scene()
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        url = "http://127.0.0.1:%d/registry" % port
        self.assertFails(scene.run("-r", url, REF), 4, "127.0.0.1", str(port))
        scene.image(urls=[url + "/image.sif"])
        self.assertFails(scene.run(REF), 4, "127.0.0.1", str(port))
        self.assertFiles(scene)

    def test_4_no_such_host(self):
        """A name that is reserved for not being there (RFC 6761)."""
        scene = self.scene()
        url = "http://host.invalid/registry"
        self.assertFails(scene.run("-r", url, REF), 4, "host.invalid")

    def test_4_not_http(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        scene = self.scene()
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        process = scene.start("-r", url, REF)
        self.addCleanup(process.kill)
        with listener.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (4, b""), err)

    BROKEN = {
        "500": lambda data: servers.html("Oops", 500),
        "503": lambda data: servers.html("Busy", 503),
        "429": lambda data: servers.html("Slow down", 429),
        "cut off": lambda data: Reply(data, cut=5000),
        "cut off before the body": lambda data: Reply(data, cut=0),
        "cut off, chunked": lambda data: Reply(data, cut=5000,
                                               length="chunked"),
        "reset": lambda data: Reply(data, cut=5000, reset=True),
    }

    def test_4_broken(self):
        """And it stays so, however often it is tried."""
        for what, reply in self.BROKEN.items():
            with self.subTest(what):
                scene = self.scene()
                data = images.sif()
                scene.image(data=data, reply=[reply(data),
                                              servers.html("Busy", 503)])
                self.assertFails(scene.run(REF), 4, "127.0.0.1")
                self.assertUnnamed(scene)

    def test_5_integrity(self):
        scene = self.scene()
        data = scene.image(reply=Reply(images.sif(seed=7)))
        self.assertFails(scene.run(REF), 5, images.sha256(data),
                         images.sha256(images.sif(seed=7)))
        self.assertFiles(scene)

    def test_6_denied(self):
        for status in (401, 403):
            with self.subTest(status):
                scene = self.scene()
                scene.image(reply=servers.html("No", status))
                self.assertFails(scene.run(REF), 6, str(status), "127.0.0.1")
                self.assertFiles(scene)

    def test_7_storage(self):
        """A path below a plain file can't be written, not even by root."""
        scene = self.scene()
        scene.image()
        scene.put("file", b"")
        self.assertFails(scene.run("-o", "file/image.sif", REF), 7,
                         "file", os.strerror(20))
        self.assertFiles(scene, "file")

    def test_7_stdout(self):
        """A result that nobody got is no success. It is said once."""
        scene = self.scene()
        scene.image()
        scene.put("list", b"%s\n# a comment\n" % REF.encode() * 9)
        for args in ("resolve", REF), ("resolve", "-f", "list"), \
                ("--json", "-d", "nowhere", "-f", "list"):
            with open("/dev/full", "w") as full:
                result = scene.run(*args, stdout=full)
            self.assertExit(result, 7)
            self.assertEqual(result.err.count("stdout: "), 1)

    def test_8_exists(self):
        scene = self.scene()
        scene.image()
        scene.put("greeting_latest.sif", b"mine")
        self.assertFails(scene.run(REF), 8, "greeting_latest.sif", "--force")
        self.assertEqual(scene.read("greeting_latest.sif"), b"mine")

    def test_first_failure_of_several(self):
        """The others go on, and the first failure's status is returned."""
        scene = self.scene()
        data = scene.image("a/good:1")
        scene.image("a/late:1", data=images.sif(seed=7),
                    reply=servers.html("Gone", 404))
        scene.image("a/bad:1", data=images.sif(seed=8),
                    reply=Reply(images.sif(seed=9)))
        result = scene.run("a/missing:1", "a/bad:1", "a/good:1", "a/late:1")
        self.assertExit(result, 3)
        self.assertEqual(result.lines, ["good_1.sif"])
        result = scene.run("a/bad:1", "a/good:1", "a/missing:1")
        self.assertExit(result, 5)
        self.assertEqual(result.lines, ["good_1.sif"])
        self.assertImage(scene.path("good_1.sif"), data)
        self.assertFiles(scene, "good_1.sif")

    def test_first_failure_of_resolve(self):
        scene = self.scene()
        data = scene.image("a/good:1")
        result = scene.run("resolve", "a/missing:1", "a/good:1")
        self.assertExit(result, 3)
        self.assertEqual(result.lines,
                         ["a/good:1@sha256:" + images.sha256(data)])


class Signals(Case):
    SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def interrupt(self, scene, gate, number, *args, **how):
        """Sends the signal while the server holds its breath."""
        process = scene.start(*args, **how)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        gate.wait_reached()
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            gate.open()
        self.assertEqual(out, b"", err)
        return process.returncode

    def test_during_the_download(self):
        for number in self.SIGNALS:
            for at in (0, 100000):
                with self.subTest(number.name, at=at):
                    scene, gate = self.scene(), Gate(at)
                    data = images.sif(1 << 20)
                    scene.image(data=data, reply=Reply(data, gate=gate))
                    self.assertEqual(
                        self.interrupt(scene, gate, number, REF), -number)
                    self.assertUnnamed(scene)

    def test_before_the_answer(self):
        """While the registry has not said a word."""
        for number in self.SIGNALS:
            for args in ([REF], ["tags", "vanessa/greeting"]):
                with self.subTest(number.name, args=args):
                    scene, gate = self.scene(), Gate()

                    def hold(_, gate=gate):
                        gate.reached.set()
                        gate.opened.wait(servers.PATIENCE)

                    reply = servers.page("{}", before=hold)
                    scene.manifest(REF, reply)
                    scene.tags("vanessa/greeting", reply)
                    self.assertEqual(
                        self.interrupt(scene, gate, number, *args), -number)
                    self.assertFiles(scene)

    def test_the_old_image_stays(self):
        scene, gate = self.scene(), Gate(1000)
        old = images.sif(seed=1)
        data = images.sif(seed=2)
        scene.put("greeting_latest.sif", old)
        scene.image(data=data, reply=Reply(data, gate=gate))
        self.assertEqual(self.interrupt(scene, gate, signal.SIGTERM, "--force",
                                        REF), -signal.SIGTERM)
        self.assertEqual(scene.read("greeting_latest.sif"), old)
        self.assertUnnamed(scene, "greeting_latest.sif")

    def test_the_others_do_not_go_on(self):
        scene, gate = self.scene(), Gate(1000)
        data = images.sif()
        scene.image("a/first:1", data, reply=Reply(data, gate=gate))
        scene.image("a/second:1", images.sif(seed=1))
        code = self.interrupt(scene, gate, signal.SIGINT, "-j1", "a/first:1",
                              "a/second:1")
        self.assertEqual(code, -signal.SIGINT)
        self.assertUnnamed(scene)

    def test_next_run_installs(self):
        scene, gate = self.scene(), Gate(1000)
        data = images.sif()
        scene.image(data=data, reply=Reply(data, gate=gate))
        self.interrupt(scene, gate, signal.SIGHUP, REF)
        result = scene.run(REF)
        self.assertPulled(scene, result, data)

    def test_nohup(self):
        """A signal that the parent ignores stays ignored."""
        scene, gate = self.scene(), Gate(1000)
        data = images.sif()
        scene.image(data=data, reply=Reply(data, gate=gate))
        process = scene.start(
            REF, preexec_fn=lambda: signal.signal(signal.SIGHUP,
                                                  signal.SIG_IGN))
        self.addCleanup(process.kill)
        gate.wait_reached()
        process.send_signal(signal.SIGHUP)
        gate.open()
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        self.assertImage(scene.path("greeting_latest.sif"), data)

    def test_killed(self):
        """No handler runs; still there is nothing under the final name."""
        scene, gate = self.scene(), Gate(100000)
        data = images.sif(1 << 20)
        scene.image(data=data, reply=Reply(data, gate=gate))
        self.assertEqual(self.interrupt(scene, gate, signal.SIGKILL, REF),
                         -signal.SIGKILL)
        self.assertUnnamed(scene)
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertImage(scene.path("greeting_latest.sif"), data)


if __name__ == "__main__":
    main()
