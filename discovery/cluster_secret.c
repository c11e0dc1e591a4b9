#include "discovery/cluster_secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "discovery/secret_line.h"

_Static_assert((int)SECRET_LINE_BYTES_MAX == (int)CLUSTER_SECRET_BYTES_MAX, "room for a line");

struct cluster_secret {
    const char *path;
    pthread_mutex_t lock;                /* guards: */
    char text[CLUSTER_SECRET_TEXT_SIZE]; /* zeros behind it */
};

enum code cluster_secret_renew(struct cluster_secret *secret, struct error *err)
{
    struct buf file = BUF_INIT(SECRET_LINE_FILE_BYTES_MAX);
    struct bytes line;
    enum code code = secret_line_read(secret->path, &file, &line, err);

    if (!code) {
        pthread_mutex_lock(&secret->lock);
        memset(secret->text, 0, sizeof(secret->text));
        memcpy(secret->text, line.data, line.size);
        pthread_mutex_unlock(&secret->lock);
    }
    secret_line_release(&file);
    return code;
}

enum code cluster_secret_open(const char *path, struct cluster_secret **out, struct error *err)
{
    struct cluster_secret *secret = calloc(1, sizeof(*secret));
    enum code code;

    *out = NULL;
    if (!secret)
        return error_set(err, E_MEMORY, "no memory for the cluster's secret");
    secret->path = path;
    pthread_mutex_init(&secret->lock, NULL);
    code = cluster_secret_renew(secret, err);
    if (code) {
        cluster_secret_close(secret);
        return code;
    }
    *out = secret;
    return OK;
}

void cluster_secret_close(struct cluster_secret *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret->text, sizeof(secret->text));
    pthread_mutex_destroy(&secret->lock);
    free(secret);
}

/* All bytes are compared, those behind the end too: the length is not told either. */
bool cluster_secret_is(struct cluster_secret *secret, struct bytes text)
{
    char shown[CLUSTER_SECRET_TEXT_SIZE] = {0}, held[CLUSTER_SECRET_TEXT_SIZE];
    bool fits = text.size <= CLUSTER_SECRET_BYTES_MAX, equal;

    if (fits && text.size > 0)
        memcpy(shown, text.data, text.size);
    cluster_secret_copy(secret, held);
    equal = sodium_memcmp(shown, held, sizeof(held)) == 0;
    fits &= text.size == strlen(held); /* of zeros behind it they are none the less equal */
    explicit_bzero(shown, sizeof(shown));
    explicit_bzero(held, sizeof(held));
    return fits && equal;
}

void cluster_secret_copy(struct cluster_secret *secret, char text[CLUSTER_SECRET_TEXT_SIZE])
{
    pthread_mutex_lock(&secret->lock);
    memcpy(text, secret->text, sizeof(secret->text));
    pthread_mutex_unlock(&secret->lock);
}
