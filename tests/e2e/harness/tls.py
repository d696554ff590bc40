# SPDX-License-Identifier: MIT
"""A private certificate authority, made on the spot with openssl(1)."""

import os
import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(folder, *args):
    subprocess.run(["openssl"] + list(args), cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Authority:
    """One CA in a folder; ca_file is what its users have to trust."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.ca_file = os.path.join(self.folder, "ca.pem")
        openssl(self.folder, "req", "-x509", *CURVE, "-days", "2",
                "-subj", "/CN=spull tests", "-keyout", "ca.key",
                "-out", "ca.pem")

    def issue(self, names="IP:127.0.0.1,DNS:localhost", days=2):
        """A server's (certificate file, key file)."""
        stem = "leaf-%d" % len(os.listdir(self.folder))
        with open(os.path.join(self.folder, stem + ".ext"), "w") as file:
            file.write("subjectAltName=%s\n" % names)
        openssl(self.folder, "req", "-new", *CURVE, "-subj", "/CN=server",
                "-keyout", stem + ".key", "-out", stem + ".csr")
        openssl(self.folder, "x509", "-req", "-in", stem + ".csr",
                "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", str(days), "-extfile", stem + ".ext", "-out",
                stem + ".pem")
        return (os.path.join(self.folder, stem + ".pem"),
                os.path.join(self.folder, stem + ".key"))
