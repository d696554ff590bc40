/* SPDX-License-Identifier: MIT */
/*
 * http_rate: holds a body to a rate. libcurl can, too, but looks at its limit
 * only after it has read what there is, a hundred times its buffer: a small
 * image came at once. So here a piece that comes before its time makes libcurl
 * wait with it, and the network thread asks for it again. Network thread.
 */
#include <time.h>

#include "http_internal.h"

/* Microseconds for which a rate that was not used may be made up for. */
#define MAKE_UP_US 100000

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

bool sp_transfer_is_early(struct sp_transfer *transfer, size_t len)
{
    uint64_t now = 0;

    if (transfer->rate == 0 || transfer->url.scheme == SP_SCHEME_FILE)
        return false;
    now = now_us();
    if (transfer->due_us == 0)
        transfer->due_us = now;
    transfer->paused = now < transfer->due_us;
    if (transfer->paused)
        return true;
    if (transfer->due_us + MAKE_UP_US < now)
        transfer->due_us = now - MAKE_UP_US;
    transfer->due_us += (uint64_t)len * 1000000 / transfer->rate;
    return false;
}

CURLcode sp_transfer_go_on(struct sp_transfer *transfer)
{
    if (!transfer->paused || now_us() < transfer->due_us)
        return CURLE_OK;
    transfer->paused = false;
    return curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

int sp_transfer_wait_ms(const struct sp_transfer *transfer, int most)
{
    uint64_t now = 0;
    uint64_t wait = 0;

    if (!transfer->paused)
        return most;
    now = now_us();
    if (now < transfer->due_us)
        wait = (transfer->due_us - now + 999) / 1000;
    return wait < (uint64_t)most ? (int)wait : most;
}
