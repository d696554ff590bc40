# SPDX-License-Identifier: MIT
"""Sets a case up, has it run, and takes everything down again."""

import contextlib
import os
import tempfile

import profiler
from contestants import Job
from lists import DocumentsJob, ListJob
from machine import Missing, Trouble, build_spull, compile_helper
from network import Network, Wire
from race import Race, rows_for
from report import Outcome, size_text
from servers import Authority, Registry, start_capped, start_nginx
import contestants

QUICK_RUNS = 3
QUICK_SHARE = 4  # of the size is what --quick leaves
RTT = 0.08


class Bench:
    """Folders, images and settings that all cases share."""

    def __init__(self, options, stack):
        self.options = options
        self.ram = stack.enter_context(tempfile.TemporaryDirectory(
            prefix="spull-bench-", dir=options.ram))
        self.disk = stack.enter_context(tempfile.TemporaryDirectory(
            prefix="spull-bench-", dir=options.disk))
        self.registry = Registry(os.path.join(self.ram, "registry"))
        self.spull = self.binary(options.spull)
        self.authority = None
        self.setups = 0

    def binary(self, path):
        if path is None:
            return build_spull(os.path.join(self.disk, "build"))
        if not os.access(path, os.X_OK):
            raise Trouble("%s is no program" % path)
        return os.path.abspath(path)

    def new_folder(self):
        self.setups += 1
        return os.path.join(self.ram, "nginx-%d" % self.setups)

    def certificates(self):
        if self.authority is None:
            self.authority = Authority(os.path.join(self.ram, "tls"))
        return self.authority

    def serve(self, case, stack):
        """Starts what a case is served by: (base URL, note, network)."""
        options = self.options
        if case.server == "capped":
            base, note = start_capped(stack, self.registry, self.ram,
                                      int(options.cap * 1e6))
            return base, note, None
        if case.server == "wire":
            network = stack.enter_context(Network(
                Wire(RTT, case.loss, int(options.rate * 1e6 / 8),
                     options.congestion), self.ram, options.relay))
            base = start_nginx(stack, self.registry, self.new_folder(),
                               network=network)
            return base, "nginx; " + network.note, network
        if case.server == "nginx":
            base = start_nginx(stack, self.registry, self.new_folder())
            return base, "nginx", None
        base = start_nginx(
            stack, self.registry, self.new_folder(), self.certificates(),
            http2=case.server == "http2")
        return base, "nginx", None

    def rounds(self, case):
        runs = QUICK_RUNS if self.options.quick else 7
        return (self.options.runs or runs) * case.repeat

    def size(self, case, size):
        if size is None:
            size = case.size
            if self.options.quick and size > 1 << 20:
                size //= QUICK_SHARE
        return size

    def out_folder(self, case, images):
        """Where contestants put it; there has to be room."""
        folder = self.disk if case.out == "disk" else self.ram
        room = os.statvfs(folder)
        largest = max(image.size for image in images)
        if largest > room.f_bavail * room.f_frsize:
            raise Missing("no room for %s in %s" % (
                size_text(largest), folder))
        return os.path.join(folder, "out")

    def run(self, case, size=None):
        """Runs a case; returns its Outcome."""
        if case.server is None:
            return self.run_without_server(case)
        if case.count > 0:
            return self.run_list(case)
        with contextlib.ExitStack() as stack:
            base, note, network = self.serve(case, stack)
            images = [self.registry.image(n, sparse=True)
                      for n in case.sizes] or \
                [self.registry.image(self.size(case, size))]
            folder = self.out_folder(case, images)
            jobs = [self.job(base, image, folder) for image in images]
            peers = case.needed() if self.options.quick else case.peers
            rows, absent = rows_for([case.racer, *peers], jobs)
            Race(self.ram, folder, network and network.client.path,
                 case.out == "disk").run(
                     rows, self.rounds(case), self.options.patience)
            account = network.finish() if network else ""
            return Outcome(case, images, note, rows, absent, account)

    def run_list(self, case):
        """Many images in each run, or many documents."""
        with contextlib.ExitStack() as stack:
            base, note, _ = self.serve(case, stack)
            folder = os.path.join(
                self.disk if case.out == "disk" else self.ram, "out")
            kind = DocumentsJob if case.name == "many-resolves" else ListJob
            job = kind(self.spull, self.registry.folder, base, case.count,
                       case.size, folder)
            rows, absent = rows_for([case.racer, *case.peers], [job])
            Race(self.ram, folder, on_disk=case.out == "disk").run(
                rows, self.rounds(case), self.options.patience)
            return Outcome(case, [], note, rows, absent, "")

    def job(self, base, image, folder):
        ca = self.authority.path("ca.pem") if base.startswith("https") \
            else None
        probe = compile_helper("probe", self.ram, "-lcurl", "-lcrypto")
        return Job(self.spull, base, self.registry.publish(image, base),
                   image, folder, ca, probe)

    def run_without_server(self, case):
        folder = os.path.join(self.ram, "out")
        job = Job(self.spull, "", "", None, folder)
        rows, absent = rows_for([case.racer, *case.peers], [job])
        Race(self.ram, folder).run(rows, self.rounds(case),
                                   self.options.patience)
        return Outcome(case, [], "", rows, absent, "")

    def profile(self, size=None):
        """Where spull's time goes in the loopback case, as text."""
        with contextlib.ExitStack() as stack:
            base = start_nginx(stack, self.registry, self.new_folder())
            image = self.registry.image(size or 1 << 30)
            job = self.job(base, image, os.path.join(self.ram, "out"))
            os.makedirs(job.folder, exist_ok=True)
            return profiler.profile(contestants.spull(job), self.ram,
                                    job.out)
