/* SPDX-License-Identifier: MIT */
/*
 * probe: what a verified download costs at least on this machine.
 *
 * One libcurl handle whose bytes are written to a file, and one thread that
 * reads them back and hashes; no manifest, no retries, no locks, no names, no
 * flush, no care. spull can't be much quicker; how far it is from this says
 * what its care costs, and how far this is from `curl -o` what SHA-256 costs.
 *
 *     probe URL FILE [CA]
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/evp.h>

/* As spull's: of a write, and of a read for the hash. */
#define CHUNK ((size_t)64 << 10)
#define STEP  ((size_t)256 << 10)
/* Of the thread that hashes, behind the one that receives. */
#define NICER 3

struct file {
    int fd;
    unsigned char staged[CHUNK];
    size_t staged_len;
    uint64_t at; /* where staged begins */
    pthread_mutex_t lock;
    pthread_cond_t news;
    uint64_t written; /* under the lock, like over */
    bool over;
};

static void die(const char *what)
{
    fprintf(stderr, "probe: %s\n", what);
    exit(1);
}

static void tell(struct file *file, bool over)
{
    pthread_mutex_lock(&file->lock);
    file->written = file->at;
    file->over = over;
    pthread_cond_signal(&file->news);
    pthread_mutex_unlock(&file->lock);
}

static void flush(struct file *file)
{
    size_t len = file->staged_len;

    if (pwrite(file->fd, file->staged, len, (off_t)file->at) != (ssize_t)len)
        die("cannot write");
    file->at += len;
    file->staged_len = 0;
    if (file->at % STEP == 0)
        tell(file, false);
}

static size_t on_body(char *bytes, size_t one, size_t len, void *payload)
{
    struct file *file = payload;
    size_t left = one * len;

    while (left > 0) {
        size_t some = CHUNK - file->staged_len;
        if (some > left)
            some = left;
        memcpy(file->staged + file->staged_len, bytes, some);
        file->staged_len += some;
        bytes += some;
        left -= some;
        if (file->staged_len == CHUNK)
            flush(file);
    }
    return one * len;
}

/* Where the writer is, once that is behind at, or the end. */
static uint64_t frontier(struct file *file, uint64_t at)
{
    uint64_t written = 0;

    pthread_mutex_lock(&file->lock);
    while (file->written == at && !file->over)
        pthread_cond_wait(&file->news, &file->lock);
    written = file->written;
    pthread_mutex_unlock(&file->lock);
    return written;
}

static void *hash(void *payload)
{
    static unsigned char chunk[STEP];
    struct file *file = payload;
    EVP_MD_CTX *running = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t at = 0;
    uint64_t end = 0;

    if (nice(NICER) == -1 || !EVP_DigestInit_ex(running, EVP_sha256(), NULL))
        die("cannot hash");
    for (end = frontier(file, at); at < end; end = frontier(file, at)) {
        while (at < end) {
            size_t len = end - at < STEP ? (size_t)(end - at) : STEP;
            if (pread(file->fd, chunk, len, (off_t)at) != (ssize_t)len)
                die("cannot read");
            EVP_DigestUpdate(running, chunk, len);
            at += len;
        }
    }
    EVP_DigestFinal_ex(running, digest, NULL);
    EVP_MD_CTX_free(running);
    return NULL;
}

static CURLcode receive(const char *url, const char *ca, struct file *file)
{
    CURL *easy = curl_easy_init();
    CURLcode result = CURLE_FAILED_INIT;

    if (easy == NULL)
        return result;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CHUNK);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
    result = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return result;
}

int main(int argc, char **argv)
{
    static struct file file = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .news = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    CURLcode result = CURLE_OK;

    if (argc < 3)
        die("URL and FILE are needed");
    file.fd = open(argv[2], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file.fd < 0 || pthread_create(&thread, NULL, hash, &file) != 0)
        die("cannot begin");
    result = receive(argv[1], argc > 3 ? argv[3] : NULL, &file);
    if (result != CURLE_OK)
        die(curl_easy_strerror(result));
    flush(&file);
    tell(&file, true);
    pthread_join(thread, NULL);
    close(file.fd);
    return 0;
}
