/* SPDX-License-Identifier: MIT */
/*
 * finding: codes and severities, printable text, and an end to it.
 */
#include "finding.h"
#include "findings.h"
#include "limits.h"

static void codes_say_how_bad(void **state)
{
    static const char letters[] = "NWE";

    (void)state;
    for (int i = 0; i < SP_FINDING_COUNT; i++) {
        const char *code = sp_finding_code((enum sp_finding)i);
        assert_int_equal(code[0],
                         letters[sp_finding_severity((enum sp_finding)i)]);
        assert_int_equal(code[1], '-');
        assert_int_equal(strspn(code + 2, "abcdefghijklmnopqrstuvwxyz-"),
                         strlen(code + 2));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(code, sp_finding_code((enum sp_finding)j));
    }
}

static void text_is_printable(void **state)
{
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);

    (void)state;
    sp_finding_about(&findings, "a\nb", "c\033[31m");
    sp_finding_tell(&findings, SP_FINDING_JSON, "%s", "x\r\n\033]0;y\007");
    heard_is(&heard, "E-json", "one");
    assert_string_equal(heard.text, "x\\x0d\\x0a\\x1b]0;y\\x07");
}

static void long_text_is_cut(void **state)
{
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);
    static char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    sp_finding_about(&findings, text, text);
    sp_finding_tell(&findings, SP_FINDING_JSON, "%s", text);
    assert_string_equal(heard.text + strlen(heard.text) - 4, "x...");
}

static void one_document_has_its_say(void **state)
{
    struct heard heard;
    struct sp_findings findings = heard_by(&heard);

    (void)state;
    for (int i = 0; i < SP_FINDINGS_MAX * 3; i++) {
        heard.codes[0] = '\0';
        sp_finding_tell(&findings, SP_FINDING_SCHEMA, "%d", i);
        heard_is(&heard,
                 i < SP_FINDINGS_MAX    ? "W-schema"
                 : i == SP_FINDINGS_MAX ? "N-more"
                                        : "",
                 "one of many");
    }
    assert_int_equal(findings.counts[SPULL_WARNING], SP_FINDINGS_MAX * 3);
    assert_int_equal(findings.counts[SPULL_NOTE], 1);
    sp_finding_about(&findings, "another", "");
    sp_finding_tell(&findings, SP_FINDING_JSON, "heard again");
    heard_is(&heard, "E-json", "another document");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_say_how_bad),
        cmocka_unit_test(text_is_printable),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(one_document_has_its_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
