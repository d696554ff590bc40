/* SPDX-License-Identifier: MIT */
/*
 * check_ask: what a server says of a blob that it has.
 *
 * For check_blob.c alone, which knows what is worth asking.
 */
#ifndef SP_CHECK_ASK_H
#define SP_CHECK_ASK_H

#include "check_internal.h"

/* One blob that is looked at. */
struct look {
    struct sp_visit *visit;
    struct sp_checking *check;
    const struct sp_url *url;
    const struct sp_stated *stated;
    struct sp_seen *seen;
    struct spull_error *err;
    uint64_t bound; /* of what is read, where all of it is */
    bool unpack;    /* and unpacked */
    /* For check_ask.c, from one try to the next: */
    bool http1;   /* over HTTP/2 it broke */
    bool no_rest; /* the server was asked for a rest, and sent something else */
};

/*
 * Asks for the first bytes, or for all, up to bound, which are hashed and
 * written to copy (-1: nowhere). What comes of it is in look->seen, also that
 * the server has no answer; so both fail only where the session is to end, or
 * for what is the matter here.
 */
enum spull_code sp_ask_start(struct look *look);
enum spull_code sp_ask_all(struct look *look, int copy);

#endif
