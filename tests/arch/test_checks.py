#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks themselves: each must see what it is there to see, and only that.

A row is a file's name, its text, and how many complaints it must give.
"""
import unittest

import floors
import hardening
import maps
import options
import places
import shape
import source
import symbols
import tests
import words

HEAD = """/* SPDX-License-Identifier: MIT */
/*
 * ref: parses references.
 *
 * It knows no registry.
 */
"""


class Rows(unittest.TestCase):
    def rows(self, check, rows):
        for name, text, count in rows:
            with self.subTest(name=name, text=text):
                self.assertEqual(len(check(name, text)), count)


class Source(unittest.TestCase):
    def test_code(self):
        self.assertEqual(source.code('a("/* b */"); /* "c */ d'),
                         'a("       ");          d')
        self.assertEqual(source.code("'\"' x // y\nz"), "' ' x     \nz")
        self.assertEqual(source.code('"a\\"b" c'), '"    " c')

    def test_includes(self):
        text = '#include <a.h>\n/*\n#include "b.h"\n*/\n# include "c.h"\n'
        self.assertEqual(source.includes(text),
                         [(1, "<", "a.h"), (5, '"', "c.h")])

    def test_functions(self):
        text = ("static int\nfirst(int a,\n      int b)\n{\n    if (a) {\n"
                "    }\n}\n\nstruct s {\n    int x;\n};\n\n"
                "void second(void)\n{\n}\n")
        self.assertEqual(source.functions(text),
                         [("first", 1, 7), ("second", 13, 3)])


class Floors(Rows):
    def test_library(self):
        self.rows(floors.check_file, [
            ("lib/ref.c", '#include "ref.h"\n#include "err.h"', 0),
            ("lib/err.c", '#include "ref.h"', 1),
            ("lib/manifest.c", '#include "digest.h"', 0),
            ("lib/fetch.c", '#include "verify.h"', 1),
            ("lib/fetch.c", '#include "http.h"', 0),
            ("lib/http.c", '#include "part.h"', 1),
            ("lib/http_why.c", '#include "http_internal.h"', 0),
            ("lib/fetch.c", '#include "http_internal.h"', 1),
            ("lib/install.c", '#include "part_sealed.h"', 0),
            ("lib/http.c", '#include "part_sealed.h"', 1),
            ("lib/pull.c", '#include "spull.h"', 1),
            ("lib/ref.c", '#include <stdio.h>\n#include "ref.h"', 1),
            ("lib/ref.c", '#include "nowhere.h"', 1),
            ("lib/ref.c", '#include "../cli/opt.h"', 1),
            ("lib/attic.c", "", 1),
        ])

    def test_foreign(self):
        self.rows(floors.check_file, [
            ("lib/http_get.c", "#include <curl/curl.h>", 0),
            ("lib/fetch.c", "#include <curl/curl.h>", 1),
            ("lib/ref.c", "#include <cjson/cJSON.h>", 1),
            ("lib/verify.c", "#include <openssl/evp.h>", 1),
            ("lib/sif.c", "#include <archive_entry.h>", 1),
            ("lib/unpack.c", "#include <archive.h>", 0),
            ("cli/main.c", "#include <curl/curl.h>", 1),
        ])

    def test_command(self):
        def check(name, text):
            return floors.check_cli(name, text, {"opt.h"})
        self.rows(check, [
            ("cli/main.c", '#include <spull.h>\n#include "opt.h"', 0),
            ("cli/main.c", '#include "ref.h"', 1),
        ])

    def test_public(self):
        self.assertEqual(floors.check_public("#include <stdint.h>"), [])
        self.assertEqual(len(floors.check_public("#include <curl/curl.h>")), 1)

    def test_circles(self):
        self.assertEqual(floors.check_circles({"a": {"b"}, "b": set()}), [])
        self.assertEqual(
            floors.check_circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}),
            ["a circle: a -> b -> c -> a"])

    def test_map(self):
        text = "| 0 words | `err` `limits.h` |\n| 2 world | `http` |\n"
        self.assertEqual(floors.check_map(text, {"err", "limits", "http"}), [])
        self.assertEqual(len(floors.check_map(text, {"buf", "err"})), 1)
        self.assertEqual(len(floors.check_map(
            text.replace("| 2", "| 3"), {"err", "http"})), 1)

    def test_who_knows_whom(self):
        self.assertEqual(
            floors.who_knows_whom([("http_why", '#include "err.h"'),
                                   ("http", '#include "http_internal.h"')]),
            {"http": {"err"}})


class Words(Rows):
    def test(self):
        self.rows(words.check, [
            ("lib/ref.c", "strcpy(a, b);", 1),
            ("lib/ref.c", "/* strcpy(a, b) */ my_strcpy(a);", 0),
            ("lib/ref.c", 's = "strcpy(a)";', 0),
            ("lib/ref.c", "snprintf(a, n, b);", 0),
            ("lib/ref.c", "printf (a);", 1),
            ("cli/out.c", "printf(a);", 0),
            ("cli/out.c", "sprintf(a, b);", 1),
            ("lib/ref.c", "exit(1);", 1),
            ("cli/main.c", "return atoi(a) + alloca(3);", 2),
            ("lib/ref.c", "getenv(a);", 2),
            ("cli/rc.c", "getenv(a);", 0),
            ("cli/term.c", "getenv(a);", 1),
            ("cli/say.c", "fputs(a, stderr);", 0),
            ("cli/main.c", "fputs(a, stderr);", 1),
            ("lib/ref.c", "FILE *f = stdout;", 1),
            ("lib/http.c", "x->system(1); y.signal = 2;", 0),
            ("lib/ref.c", "extern int count;", 1),
            ("lib/include/spull.h", 'extern "C" {', 0),
            ("cli/term.c", "sigaction(SIGWINCH, &a, 0);", 1),
        ])


class Shape(Rows):
    def test_head(self):
        self.rows(shape.check_head, [
            ("lib/ref.c", HEAD, 0),
            ("lib/url.c", HEAD, 1),
            ("lib/ref.c", HEAD.replace("MIT", "ISC"), 1),
            ("lib/ref.c", "/* SPDX-License-Identifier: MIT */\nint a;\n", 1),
            ("cli/cmd_tags.c", HEAD.replace("ref:", "spull tags:"), 0),
        ])

    def test_sizes(self):
        def function(lines):
            return "void f(void)\n{\n" + "    g();\n" * (lines - 3) + "}\n"
        self.rows(shape.check_functions, [
            ("lib/ref.c", function(60), 0),
            ("lib/ref.c", function(61), 1),
        ])
        self.rows(shape.check_length, [
            ("lib/ref.c", "\n" * 500, 0),
            ("lib/ref.c", "\n" * 501, 1),
        ])

    def test_lines(self):
        self.rows(shape.check_lines, [
            ("a.c", "x" * 80 + "\n", 0),
            ("a.c", "x" * 81 + "\n", 1),
            ("a.c", "\u00e9" * 80 + "\n", 0),
            ("a.c", "x \n", 1),
            ("a.c", "x", 1),
            ("a.c", "x\n\n", 1),
        ])

    def test_licence(self):
        self.rows(shape.check_licence, [
            ("a.py", "#!x\n# SPDX-License-Identifier: MIT\n", 0),
            ("a.py", "#!x\n", 1),
        ])


class Symbols(unittest.TestCase):
    HEADER = """
        /* spull_old() is gone */
        #define spull_macro 1
        typedef void (*spull_log_fn)(void *payload);
        SPULL_API enum spull_code spull_pull(struct spull *s,
                                             spull_log_fn log);
    """

    def test_declared(self):
        self.assertEqual(symbols.declared(self.HEADER), {"spull_pull"})

    def test_defined(self):
        self.assertEqual(
            symbols.defined("libspull.a[ref.c.o]:\nspull_pull T 10 20\n"
                            "__odr_asan_x B 0 1\n\n"), {"spull_pull"})

    def test_shared(self):
        check = symbols.check_shared
        self.assertEqual(check({"spull_a"}, {"spull_a"}), [])
        self.assertEqual(len(check({"spull_a"}, {"spull_a", "sp_b"})), 1)
        self.assertEqual(len(check({"spull_a"}, set())), 1)

    def test_static(self):
        self.assertEqual(symbols.check_static({"spull_a", "sp_b"}), [])
        self.assertEqual(len(symbols.check_static({"helper", "spiral"})), 2)


class Places(Rows):
    def test(self):
        self.rows(places.check, [
            ("a", "see /usr/share/doc and ~/.spullrc", 0),
            ("a", "path=/" + "work/lib", 1),
            ("a", "cd /" + "home/joe", 1),
            ("a", "in /" + "tmp/xyz", 1),
            ("a", "http://host/" + "home/page", 0),
            ("a", "${TMPDIR:-/" + "tmp}", 0),
        ])


class Maps(Rows):
    FUNCTIONS = {"a.c": {"one", "two"}, "a_b.c": {"three"}}

    def test_names(self):
        self.rows(lambda name, text: maps.check(name, text, self.FUNCTIONS), [
            ("m", "`one()` in `a.c`, `three()`, `a_b.c`, `x_NAME.c`", 0),
            ("m", "`one()` and `two()` in `a.c`", 0),
            ("m", "`four()`", 1),
            ("m", "`c.c`", 1),
            ("m", "`one()` in `a_b.c`", 1),
            ("m", "`one()` and `three()` in `a.c`", 1),
        ])

    def test_rooms(self):
        files = ["a.c", "a_b.c", "ab.c"]
        self.rows(lambda name, text: maps.check_room(name, text, files), [
            ("lib/a_internal.h", "a.c has this, a_b.c that", 0),
            ("lib/a_internal.h", "a.c has this", 1),
        ])


class Tests(Rows):
    def test_imports(self):
        self.rows(tests.check, [
            ("tests/e2e/test_a.py", "from harness import spull, trace", 0),
            ("tests/e2e/test_a.py", "# import test_b\nimport test_b", 1),
            ("tests/e2e/test_a.py", "from test_b import One, two", 1),
            ("tests/e2e/test_a.py", "from e2e import test_b as b", 1),
            ("tests/e2e/test_a.py", "def f():\n    import e2e.test_b", 1),
            ("tests/e2e/test_a.py", "b = __import__('test_b')", 1),
            ("tests/e2e/test_a.py", "import importlib\n"
             "b = importlib.import_module('test_b')", 1),
            ("tests/e2e/harness/a.py", "from ..test_b import One", 1),
        ])

    def test_head(self):
        self.rows(tests.check_head, [
            ("a.py", '# MIT\n"""Servers that lie."""\n', 0),
            ("a.py", "# MIT\nimport os\n", 1),
        ])

    def test_findings(self):
        self.rows(tests.check_findings, [
            ('{"E-a"}, {"N-b-c"}', '["E-a", "N-b-c"]', 0),
            ('{"E-a"}, {"N-b-c"}', '["E-a", "N-b"]', 1),
        ])


class Hardening(unittest.TestCase):
    GOOD = """
      Type:                              DYN (Shared object file)
      GNU_STACK      0x000000 0x0000 0x0000 0x000000 0x000000 RW  0x10
      GNU_RELRO      0x002d60 0x3d60 0x3d60 0x0002a0 0x0002a0 R   0x1
     0x000000006ffffffb (FLAGS_1)            Flags: NOW PIE
         2: 0000 0 FUNC    GLOBAL DEFAULT  UND __stack_chk_fail@GLIBC_2.4 (4)
         3: 0000 0 FUNC    GLOBAL DEFAULT  UND __memcpy_chk@GLIBC_2.3.4 (2)
    """

    def test(self):
        self.assertEqual(hardening.check("a", self.GOOD, True), [])
        for good, bad in (("DYN", "EXEC"), ("RW ", "RWE"), ("NOW", ""),
                          ("GNU_RELRO", ""), ("__stack_chk_fail", ""),
                          ("__memcpy_chk", "memcpy"), ("PIE", "")):
            with self.subTest(good):
                self.assertEqual(
                    len(hardening.check("a", self.GOOD.replace(good, bad),
                                        True)), 1)
        self.assertEqual(
            hardening.check("a", self.GOOD.replace("PIE", ""), False), [])


class Options(unittest.TestCase):
    DUMP = ("command\tpull\tinstall images\n"
            "option\tpull\t-d\t--dir\tDIR\tdir\tinstall in DIR\n"
            "option\tpull\t\t--allow-md5\t\tallow-md5\ttake an md5\n"
            "key\tdir\tpath\t\n"
            "key\tallow-md5\tflag\tno\n")
    MANUAL = (".It Cm pull Ar reference\n"
              ".It Fl d , Fl -dir Ar dir\n"
              ".It Fl -allow-md5 , Fl -no-allow-md5\nSee\n.Fl -gone .\n"
              ".It Ev SPULL_DIR\n.It Ev SPULL_ALLOW_MD5\n.It Ev HOME\n")
    KEYS = (".It Cm dir Pq path\nWhere to.\nDefault: here.\n"
            ".It Cm allow-md5 Pq flag\nTake it.\nDefault:\n.Ql no .\n"
            ".El\n")

    def good(self, check, text):
        self.assertEqual(check(options.Dump(self.DUMP), text), [])

    def bad(self, check, text, old, new, count=1):
        self.assertIn(old, text)
        self.assertEqual(
            len(check(options.Dump(self.DUMP), text.replace(old, new))), count)

    def test_manual(self):
        self.good(options.check_manual, self.MANUAL)
        for old, new in (("Cm pull", "Ar pull"), ("Fl d ,", ""),
                         ("Fl -dir", ""), (", Fl -no-allow-md5", ""),
                         (".It Ev SPULL_DIR\n", ""),
                         ("Ar dir", "Fl -new"), ("HOME", "SPULL_HOME"),
                         ("Ar reference", "Cm push")):
            self.bad(options.check_manual, self.MANUAL, old, new)

    def test_keys(self):
        self.good(options.check_keys, self.KEYS)
        for old, new in ((".It Cm dir", ".It Ar dir"), ("path", "text"),
                         (".Ql no", ".Ql yes"), (".Ql no ", ".Ql none "),
                         (".El", ".It Cm new Pq flag\n.El")):
            self.bad(options.check_keys, self.KEYS, old, new)

    def test_completion(self):
        def bash(dump, text):
            return options.check_completion(dump, "spull.bash", text)

        def fish(dump, text):
            return options.check_completion(dump, "spull.fish", text)
        text = "(-d --dir --allow-md5 --no-allow-md5)  # 1\n# --old\n"
        self.good(bash, text)
        self.bad(bash, text, "--dir", "")
        self.bad(bash, text, "--dir", "--dir --new")
        text = "complete -l dir\ncomplete -l allow-md5 -l no-allow-md5\n"
        self.good(fish, text)
        self.bad(fish, text, "-l dir", "-l dirs", 2)


if __name__ == "__main__":
    unittest.main()
