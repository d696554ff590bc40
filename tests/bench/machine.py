# SPDX-License-Identifier: MIT
"""This machine: its description, and programs that are built and run on it."""

import ctypes
import os
import platform
import re
import shutil
import signal
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PR_SET_PDEATHSIG = 1
PATIENCE = 10  # seconds that a server may take to end

libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """What the person who runs the bench has to know; no traceback."""


class Missing(Trouble):
    """A case can't be run here, for lack of a program or a privilege."""


def check(result):
    """Of a call of the C library."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def sync_file_system(folder):
    """Nobody shall inherit the write-back of who ran before."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        check(libc.syncfs(fd))
    finally:
        os.close(fd)


def find(program):
    """Where a program is, or None; servers are in no user's PATH."""
    return shutil.which(program, path=os.environ.get("PATH", "") +
                        os.pathsep + "/usr/local/sbin:/usr/sbin:/sbin")


def need(program):
    found = find(program)
    if found is None:
        raise Missing("there is no %s" % program)
    return found


def environment(home):
    """What contestants see: no proxies, no configuration, one language."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home,
            "LC_ALL": "C"}


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process in a session of its own that never outlives this one."""

    def __init__(self, argv, fds=(), **popen):
        popen.setdefault("stdin", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            argv, pass_fds=fds, start_new_session=True,
            preexec_fn=die_with_parent, **popen)

    def stop(self):
        """Ends it, and whatever it started; returns what it had to say."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            out, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            out = b""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        return (out or b"").decode("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def compile_helper(name, folder, *libraries):
    """Builds one of the C programs beside this file; returns its path."""
    program = os.path.join(folder, name)
    if not os.path.exists(program):
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O2", "-std=c11", "-D_GNU_SOURCE",
             "-pthread", "-o", program, os.path.join(HERE, name + ".c"),
             *libraries],
            check=True)
    return program


def build_spull(folder):
    """Builds the tree as its users do; returns the binary."""
    quietly = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "-S", TOP, "-B", folder, "-DSPULL_TESTS=OFF",
                    "-DCMAKE_BUILD_TYPE=Release"], **quietly)
    subprocess.run(["cmake", "--build", folder, "--parallel",
                    str(os.cpu_count())], **quietly)
    return os.path.join(folder, "cli", "spull")


def first_match(path, pattern, otherwise="?"):
    with open(path, encoding="utf-8", errors="replace") as file:
        found = re.search(pattern, file.read(), re.M)
    return found[1].strip() if found else otherwise


def version(program, *args):
    """The first number with a dot that a program says about itself."""
    path = find(program)
    if path is None:
        return "missing"
    said = subprocess.run([path, *(args or ("--version",))],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    found = re.search(rb"\d+\.[\w.]+", said.stdout)
    return found[0].decode() if found else "?"


def file_system(folder):
    """The type of the file system that a folder is on."""
    said = subprocess.run(["df", "--output=fstype", folder],
                          stdout=subprocess.PIPE, check=True)
    return said.stdout.decode().split()[-1]


def describe(spull, ram, disk):
    """The machine as (what, value) pairs: what a number means nothing
    without."""
    memory = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
    load = os.getloadavg()
    return [
        ("processor", "%s, %d cores" % (
            first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)",
                        platform.machine()), os.cpu_count())),
        ("memory", "%d GiB" % round(memory / (1 << 20))),
        ("system", "%s, Linux %s" % (
            first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
            platform.release())),
        ("file systems", "%s for tmpfs, %s for disk" % (
            file_system(ram), file_system(disk))),
        ("load at the start", "%.2f %.2f %.2f" % load),
        ("programs", ", ".join("%s %s" % pair for pair in [
            ("spull", version(spull)), ("curl", version("curl")),
            ("wget", version("wget")), ("aria2c", version("aria2c")),
            ("sha256sum", version("sha256sum")),
            ("nginx", version("nginx", "-v"))])),
    ]
