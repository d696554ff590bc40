# SPDX-License-Identifier: MIT
"""Rounds: each contestant in turn does the same work, and is measured.

What a round leaves behind is gone before the next contestant starts, and the
order is turned by one each round, so that nobody always runs in the same
wake.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import contestants
from machine import Child, Trouble, compile_helper, environment, find, \
    sync_file_system

HANGING = 3600  # seconds after which a contestant is taken for dead
ROUNDS_MIN = 3  # that even the slowest has to do
PAUSE = 0.5     # seconds in which a wire runs empty


class Sample:
    """What one run took."""

    def __init__(self, seconds, cpu, peak):
        self.seconds = seconds
        self.cpu = cpu
        self.peak = peak


class Row:
    """One contestant with one image, and its samples so far."""

    def __init__(self, name, argv, image, job):
        self.name = name
        self.argv = argv
        self.image = image
        self.job = job
        self.samples = []
        self.failure = ""

    def spent(self):
        return sum(sample.seconds for sample in self.samples)


def rows_for(names, jobs):
    """A row for each contestant and job; those that aren't here are told."""
    rows = []
    absent = []
    for name in names:
        programs, command = contestants.ALL[name]
        if any(find(program) is None for program in programs):
            absent.append(name)
            continue
        for job in jobs:
            rows.append(Row(name, command(job), job.image, job))
    return rows, absent


class Race:
    """Runs rows against each other until all have had their rounds."""

    def __init__(self, work, folder, netns=None, on_disk=False):
        self.measure = compile_helper("measure", work)
        self.work = work
        self.folder = folder
        self.netns = netns
        self.on_disk = on_disk
        self.log = os.path.join(work, "contestant.log")

    def run(self, rows, rounds, patience):
        for number in range(rounds):
            turn = number % len(rows)
            for row in rows[turn:] + rows[:turn]:
                tired = number >= ROUNDS_MIN and row.spent() > patience
                if not row.failure and not tired:
                    self.run_one(row, number)
            self.tell(number + 1, rounds)

    @staticmethod
    def tell(done, rounds):
        if sys.stderr.isatty():
            sys.stderr.write("\r  round %d of %d " % (done, rounds))
            sys.stderr.write("\n" if done == rounds else "")
            sys.stderr.flush()

    def run_one(self, row, number):
        self.clear()
        argv = [self.measure, self.log, self.netns or "-", *row.argv]
        with Child(argv, env=environment(self.work), cwd=self.folder,
                   stdout=subprocess.PIPE) as child:
            try:
                out, _ = child.process.communicate(timeout=HANGING)
            except subprocess.TimeoutExpired:
                row.failure = "no end in sight"
                return
        numbers = out.split()
        if len(numbers) != 4:
            raise Trouble("measure said %r" % out)
        wall, cpu, peak, status = map(int, numbers)
        row.failure = self.fault(row, status, number == 0)
        if not row.failure:
            row.samples.append(Sample(wall / 1e9, cpu / 1e6, peak << 10))

    def clear(self):
        """Makes the folder empty, and the world as it was."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        if self.on_disk:
            sync_file_system(self.folder)
        if self.netns:
            time.sleep(PAUSE)

    def fault(self, row, status, thorough):
        """What is wrong with a run's result, or ""."""
        if status != 0:
            with open(self.log, errors="replace") as log:
                last = log.read().strip().split("\n")[-1]
            return "%s: %s" % (status_text(status), last)
        return row.job.fault(thorough)


def status_text(status):
    """As a shell has it: above 128 is a signal."""
    try:
        return "killed by %s" % signal.Signals(status - 128).name
    except ValueError:
        return "exit status %d" % status
