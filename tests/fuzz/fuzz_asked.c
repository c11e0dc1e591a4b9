/* Any bytes as the file of what was asked, as a machine without power may leave it: it opens, what
 * it says can be recalled, and what is written anew of it says the same. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "ingest/pace/asked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct source_rate rate = {3, 60 * MOMENT_SECOND};
static const struct source_limits limits = {
    .concurrency = 2, .rates = &rate, .rate_count = 1, .daily = 100};
static const struct moment now = {INT64_C(1700000000000000000), INT64_C(5000000000000)};

static char place[64], path[96];

static void remove_place(void)
{
    char folder[96];

    (void)unlink(path);
    snprintf(folder, sizeof(folder), "%s/pull", place);
    (void)rmdir(folder);
    (void)rmdir(place);
}

static void make_place(void)
{
    snprintf(place, sizeof(place), "%s/weir-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert(mkdtemp(place) != NULL);
    snprintf(path, sizeof(path), "%s/pull", place);
    assert(mkdir(path, 0700) == 0);
    snprintf(path, sizeof(path), "%s/pull/asked", place);
    (void)atexit(remove_place);
}

/* When the host may be asked, as the file says, and until when it is to be left alone. */
static void look(int64_t *when_ns, int64_t *waits_ns)
{
    struct limiter_key *key;
    struct limiter *limiter;
    struct limiter_notes notes;
    struct asked *asked;
    struct fs *fs;
    struct error err = {0};

    assert(fs_posix_open(place, &fs, &err) == OK);
    assert(asked_open(fs, "pull", &now, &asked, &err) == OK);
    notes = asked_notes(asked);
    assert(limiter_new(&notes, &limiter, &err) == OK);
    assert(limiter_join(limiter, BYTES("a"), &limits, &now, &key, &err) == OK);
    asked_recall(asked, BYTES("a"), key, &now);
    *when_ns = limiter_when(key, 1, &now);
    *waits_ns = limiter_waits_until(key, &now);
    if (*when_ns <= now.boot_ns) {
        assert(limiter_begin(limiter, key, 1, &now, &err) == OK);
        limiter_unsent(key, 1, &now);
        limiter_end(key, &now);
    }
    limiter_free(limiter);
    asked_close(asked);
    fs_posix_close(fs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t when_ns, waits_ns;
    FILE *file;

    if (place[0] == '\0')
        make_place();
    file = fopen(path, "wb");
    assert(file != NULL);
    assert(fwrite(data, 1, size, file) == size);
    assert(fclose(file) == 0);
    look(&when_ns, &waits_ns);
    assert(when_ns > INT64_MIN && waits_ns >= 0);
    return 0;
}
