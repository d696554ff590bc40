/* SPDX-License-Identifier: MIT */
/*
 * A name server that does not answer, for longer than any test waits. ASKED is
 * created when somebody asks.
 */
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS 3600

int getaddrinfo(const char *node, const char *service,
                const struct addrinfo *hints, struct addrinfo **out)
{
    const char *path = getenv("ASKED");

    (void)node;
    (void)service;
    (void)hints;
    (void)out;
    if (path != NULL)
        close(open(path, O_CREAT | O_WRONLY, 0600));
    sleep(SECONDS);
    return EAI_AGAIN;
}
