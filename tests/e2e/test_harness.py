#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The servers that the other tests rely on do what they are told."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import unittest

from harness import images, nginx, registry
from harness.case import Case, main
from harness.engine import Engine, put_down
from harness.servers import Gate, Reply

BODY = images.noise(1000)


class FaultServer(Case):
    def get(self, path, **headers):
        """Status, headers, and the body or the error that ended it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port,
                                                timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        try:
            body = answer.read()
        except (http.client.HTTPException, OSError) as why:
            body = why
        return answer.status, answer.headers, body

    RANGES = [
        # mode, Range, status, Content-Range, first and end of the body
        ("honour", None, 200, None, 0, 1000),
        ("honour", "bytes=0-99", 206, "bytes 0-99/1000", 0, 100),
        ("honour", "bytes=100-", 206, "bytes 100-999/1000", 100, 1000),
        ("honour", "bytes=990-2000", 206, "bytes 990-999/1000", 990, 1000),
        ("honour", "bytes=-10", 206, "bytes 990-999/1000", 990, 1000),
        ("honour", "bytes=1000-", 416, "bytes */1000", 0, 0),
        ("honour", "nonsense", 200, None, 0, 1000),
        ("ignore", "bytes=100-", 200, None, 0, 1000),
        ("wrong", "bytes=100-199", 206, "bytes 101-200/1000", 100, 200),
        ("refuse", "bytes=100-199", 416, "bytes */1000", 0, 0),
    ]

    def test_ranges(self):
        for mode, asked, status, shown, first, end in self.RANGES:
            with self.subTest(mode, asked=asked):
                self.server.on("/range", Reply(BODY, ranges=mode))
                found = self.get("/range", **({"Range": asked} if asked
                                              else {}))
                self.assertEqual(found[0], status)
                self.assertEqual(found[1]["Content-Range"], shown)
                self.assertEqual(found[2], BODY[first:end])
                self.assertEqual(self.server.record[-1].range, asked)
                self.assertEqual(self.server.record[-1].sent, end - first)

    def test_if_range(self):
        self.server.on("/tagged", Reply(BODY, etag='"1"'))
        self.assertEqual(self.get("/tagged", Range="bytes=9-",
                                  If_Range='"1"')[0], 206)
        self.assertEqual(self.get("/tagged", Range="bytes=9-",
                                  If_Range='"2"')[0], 200)

    def test_one_reply_after_the_other(self):
        self.server.on("/steps", Reply(status=503), Reply(BODY, etag='"1"'),
                       Reply(BODY, etag='"2"'))
        found = [self.get("/steps") for _ in range(4)]
        self.assertEqual([status for status, _, _ in found],
                         [503, 200, 200, 200])
        self.assertEqual([headers["ETag"] for _, headers, _ in found],
                         [None, '"1"', '"2"', '"2"'])

    def test_cuts(self):
        for reset, error in ((False, http.client.IncompleteRead),
                             (True, ConnectionResetError)):
            with self.subTest(reset=reset):
                self.server.on("/cut", Reply(BODY, cut=300, reset=reset))
                self.assertIsInstance(self.get("/cut")[2], error)
                self.assertEqual(self.server.record[-1].sent, 300)

    def test_lengths(self):
        for length, shown, encoding in ((True, "1000", None),
                                        (None, None, None),
                                        ("chunked", None, "chunked")):
            with self.subTest(length=length):
                self.server.on("/length", Reply(BODY, length=length))
                _, headers, body = self.get("/length")
                self.assertEqual(headers["Content-Length"], shown)
                self.assertEqual(headers["Transfer-Encoding"], encoding)
                self.assertEqual(body, BODY)
        self.server.on("/length", Reply(BODY, length=2000))
        self.assertIsInstance(self.get("/length")[2],
                              http.client.IncompleteRead)
        self.server.on("/length", Reply(BODY, length=500))
        self.assertEqual(self.get("/length")[2], BODY[:500])

    def test_gate(self):
        gate = Gate(400)
        self.server.on("/gate", Reply(BODY, gate=gate))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port,
                                                timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/gate")
        answer = connection.getresponse()
        self.assertEqual(answer.read(400), BODY[:400])
        gate.wait_reached()
        self.assertEqual(self.server.record[-1].sent, 400)
        gate.open()
        self.assertEqual(answer.read(), BODY[400:])

    def test_record(self):
        """Targets are kept as they were sent, one connection after another."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port,
                                                timeout=30)
        self.addCleanup(connection.close)
        self.server.on("/a//b%2Fc", Reply(BODY))
        for method, status in (("GET", 200), ("HEAD", 403)):
            connection.request(method, "/a//b%2Fc?x=@&y",
                               headers={"X-Test": "1"})
            answer = connection.getresponse()
            answer.read()
            seen = self.server.record[-1]
            self.assertEqual((seen.method, seen.target, seen.path,
                              seen.header("x-test"), seen.status),
                             (method, "/a//b%2Fc?x=@&y", "/a//b%2Fc", "1",
                              status))
        self.assertEqual(self.get("/nowhere")[0], 404)


class Pages(Case):
    """nginx answers as GitHub Pages does, and is gone afterwards."""

    def test_nginx(self):
        folder = self.folder
        made = registry.Registry(os.path.join(folder, "registry"))
        made.add("a/b:1", BODY)
        with nginx.Nginx(made.folder, os.path.join(folder, "nginx")) as server:
            for path, status, kind, location in (
                    ("/a/b/tags/", 200, "text/html", None),
                    ("/a/b/tags", 301, "text/html", "/a/b/tags/"),
                    ("/a/b/nope/", 404, "text/html", None),
                    ("/a/b/manifests/1/image.sif", 200,
                     "application/octet-stream", None)):
                with self.subTest(path):
                    connection = http.client.HTTPConnection(
                        "127.0.0.1", server.port, timeout=30)
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    self.assertEqual(answer.status, status)
                    self.assertTrue(answer.headers["Content-Type"].startswith(
                        kind))
                    self.assertEqual(answer.headers["Location"], location)
                    connection.close()
            process = server.process
        self.assertIsNotNone(process.poll())
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", server.port))


class Keeper(Engine):
    """Whatever becomes of a test, nothing is left of what it made."""

    # Has a folder, who works in it, one who knows of it only, and where that
    # may be, a file system.
    TEST = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from harness import case, keeper
folder = case.new_folder()
if os.geteuid() == 0:
    subprocess.run(["mount", "-t", "tmpfs", "none", folder],
                   stderr=subprocess.DEVNULL)
open(os.path.join(folder, "file"), "w").close()
pids = [subprocess.Popen(["sleep", "1000"], start_new_session=True,
                         stdout=subprocess.DEVNULL, **how).pid
        for how in ({"cwd": folder}, {"env": {"HOME": folder + "/home"}})]
print(keeper.ground(), *pids, flush=True)
sys.stdin.read()
"""

    def start(self):
        process = subprocess.Popen(
            [sys.executable, "-c", self.TEST, os.path.dirname(__file__)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(put_down, process)
        folder, *pids = process.stdout.readline().split()
        self.assertTrue(os.listdir(folder))
        return process, folder, [int(pid) for pid in pids]

    def test_its_end(self):
        """Then it is all gone, and not a moment later."""
        process, folder, pids = self.start()
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertTrue(self.is_gone(folder, pids))

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                process, folder, pids = self.start()
                process.send_signal(number)
                process.communicate()
                self.assertNotEqual(process.returncode, 0)
                self.until("a clean-up", lambda: self.is_gone(folder, pids))

    def test_the_others(self):
        """They have nothing to do with it."""
        (first, folder, pids), (second, *theirs) = self.start(), self.start()
        first.kill()
        first.communicate()
        self.until("a clean-up", lambda: self.is_gone(folder, pids))
        self.assertEqual(second.poll(), None)
        self.assertTrue(os.path.exists(theirs[0]))
        self.assertEqual([self.runs(pid) for pid in theirs[1]], [True, True])
        second.communicate()

    def is_gone(self, folder, pids):
        return not os.path.exists(folder) and \
            not any(self.runs(pid) for pid in pids)

    @staticmethod
    def runs(pid):
        """One that nobody has buried does not."""
        try:
            with open("/proc/%d/stat" % pid) as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


class Images(unittest.TestCase):
    def test_sif(self):
        for size in (128, 40960, 100001):
            data = images.sif(size, "arm64", seed=3)
            self.assertEqual(len(data), size)
            self.assertEqual(data, images.sif(size, "arm64", seed=3))
            self.assertNotEqual(data, images.sif(size, "arm64", seed=4))
            self.assertEqual(data[:48], images.LAUNCH + b"\0" +
                             b"SIF_MAGIC\0" + b"01\0" + b"04\0")
        self.assertEqual(images.sif(launch=False)[:32], bytes(32))
        self.assertEqual(images.squashfs()[:4], b"hsqs")

    def test_kib(self):
        """As du -k counts it, on a file system with blocks of 4 KiB."""
        for size, shown in ((1, 4), (4096, 4), (4097, 8), (40960, 40)):
            self.assertEqual(registry.kib(bytes(size)), shown)
        self.assertEqual(registry.digest_of(b"", "md5-base64"),
                         "md5:1B2M2Y8AsgTpgAmY7PhCfg==")


if __name__ == "__main__":
    main()
