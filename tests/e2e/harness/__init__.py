# SPDX-License-Identifier: MIT
"""What the end-to-end tests are made of: servers, registries, images, spull.

Nothing in here knows what spull should do; that is said by the tests. All
servers listen on 127.0.0.1, on ports that the kernel chose.
"""
