/* A registry on the standard input, for tests/registry/run: one command a line, one answer a line.
 *
 *     open files DIRECTORY COPY
 *     open zookeeper HOSTS COPY SESSION_MS DIGEST    COPY: a directory for the copy on disk; "-" =
 *     change HOSTS SESSION_MS DIGEST                 none.  DIGEST: "user:password"; "-" = none
 *     close
 *     connected MS                  waits until it is
 *     put KIND NAME EXPECTED HEX    HEX "-" = an empty text       ok VERSION
 *     fill KIND PREFIX COUNT SIZE   creates as many, by 16 threads    ok
 *     get KIND NAME                 ok VERSION present|missing HEX
 *     list KIND                     ok NAME:VERSION:present|missing...
 *     count                         ok RECORDS MISSING VERSION SEQUENCE HASH, of all but alive and
 * leases health                        ok STATE MISSING FROM_DISK KEPT SESSIONS TEXT wait SEQUENCE
 * MS              ok yes|no seen VERSION MS               ok NS: when (monotonic) a snapshot with
 * that version or a later came hold|release KIND NAME        ok held KIND NAME MS             waits
 * until it is           ok yes EPOCH, ok no watch KIND NAME               looks at it all the time
 * ok watched                       ok BEGIN:END:EPOCH...: from when to when (monotonic) it was held
 *
 * Answers are "ok ..." or "<slug of the code> <text of the error>".  What is no command ends it
 * with 2: it is a mistake in the test. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "discovery/registry_files.h"
#include "discovery/zookeeper.h"

enum { WORDS_MAX = 8, CHANGES_MAX = 100000, SPANS_MAX = 10000, TEXT_MAX = 600 << 10, FILLERS = 16 };

static struct registry *registry;
static struct fs *copy;
static int wait_ms = 3000;

/* When each version came. */
static pthread_mutex_t changes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t version;
    int64_t at_ns;
} changes[CHANGES_MAX];
static size_t change_count;
static size_t pairs_checked, pairs_wrong;

static struct {
    enum registry_kind kind;
    char name[REGISTRY_NAME_SIZE_MAX + 1];
    pthread_t thread;
    _Atomic bool running;
    pthread_mutex_t lock;
    struct {
        int64_t begin_ns, end_ns;
        uint64_t epoch;
    } spans[SPANS_MAX];
    size_t count;
} watching = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void give_up(const char *why)
{
    fprintf(stderr, "drive: %s\n", why);
    exit(2);
}

static int64_t now_ns(void)
{
    return clock_monotonic_ns(clock_system());
}

static void rest_ms(int count)
{
    nanosleep(&(struct timespec){.tv_sec = count / 1000, .tv_nsec = count % 1000 * 1000000L}, NULL);
}

static enum registry_kind kind_of(const char *word)
{
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        if (strcmp(word, registry_kind_name((enum registry_kind)i)) == 0)
            return (enum registry_kind)i;
    give_up("no kind");
    return 0;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c < 'a' || c > 'f')
        give_up("no hex");
    return (unsigned)(c - 'a') + 10;
}

static struct bytes from_hex(const char *word, char *room)
{
    size_t size = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;

    if (size > TEXT_MAX)
        give_up("too much hex");
    for (size_t i = 0; i < size; i++)
        room[i] = (char)(digit(word[2 * i]) << 4 | digit(word[2 * i + 1]));
    return (struct bytes){room, size};
}

static void put_hex(struct bytes bytes)
{
    if (bytes.size == 0)
        putchar('-');
    for (size_t i = 0; i < bytes.size; i++) {
        putc_unlocked("0123456789abcdef"[(unsigned char)bytes.data[i] >> 4], stdout);
        putc_unlocked("0123456789abcdef"[bytes.data[i] & 15], stdout);
    }
}

static void refuse(enum code code, const struct error *err)
{
    printf("%s %s\n", code_row(code)->slug, err->text);
    if (err->code != code)
        give_up("the error has another code");
}

static void say(enum code code, const struct error *err)
{
    if (code)
        refuse(code, err);
    else
        printf("ok\n");
}

/* --- opening --- */

static long number_of(const struct registry_record *record)
{
    char text[24] = "";

    if (record && record->text.size < sizeof(text))
        memcpy(text, record->text.data, record->text.size);
    return strtol(text, NULL, 10);
}

static void changed(void *context)
{
    struct registry *of = *(struct registry **)context;
    struct registry_snapshot *snapshot;

    if (!of)
        return; /* it is being opened */
    snapshot = registry_get(of);
    pthread_mutex_lock(&changes_lock);
    pairs_checked++;
    pairs_wrong += number_of(registry_find(snapshot, REGISTRY_TENANTS, BYTES("pair"))) >
                   number_of(registry_find(snapshot, REGISTRY_SHARDS, BYTES("pair")));
    if (change_count < CHANGES_MAX) {
        changes[change_count].version = snapshot->version;
        changes[change_count++].at_ns = now_ns();
    }
    pthread_mutex_unlock(&changes_lock);
    registry_snapshot_put(snapshot);
}

static struct zookeeper_settings settings_of(char *hosts, const char *session, const char *digest)
{
    return (struct zookeeper_settings){.hosts = bytes_of(hosts),
                                       .session_ms = (int)strtol(session, NULL, 10),
                                       .digest = bytes_of(strcmp(digest, "-") == 0 ? "" : digest)};
}

static void open_registry(char **words, size_t count)
{
    struct registry_rules rules = {.changed = changed, .context = &registry, .wait_ms = wait_ms};
    struct error err = {0};
    enum code code = OK;

    if (registry)
        give_up("it is open");
    change_count = 0;
    if (strcmp(words[3], "-") != 0) {
        code = fs_posix_open(words[3], &copy, &err);
        rules.fs = copy;
        rules.snapshot_path = "registry";
    }
    if (!code && strcmp(words[1], "files") == 0 && count == 4) {
        code = registry_files_open(words[2], &rules, &registry, &err);
    } else if (!code && strcmp(words[1], "zookeeper") == 0 && count == 6) {
        struct zookeeper_settings settings = settings_of(words[2], words[4], words[5]);

        code = zookeeper_registry_open(&settings, &rules, &registry, &err);
    } else if (!code) {
        give_up("open what?");
    }
    say(code, &err);
}

static void stop_watching(void)
{
    if (!atomic_load(&watching.running))
        return;
    atomic_store(&watching.running, false);
    pthread_join(watching.thread, NULL);
}

static void close_registry(void)
{
    stop_watching();
    registry_close(registry);
    fs_posix_close(copy);
    registry = NULL;
    copy = NULL;
}

static void change(char **words)
{
    struct zookeeper_settings settings = settings_of(words[1], words[2], words[3]);
    struct error err = {0};

    say(zookeeper_registry_change(registry, &settings, &err), &err);
}

/* --- records --- */

static void put(char **words)
{
    static char text[TEXT_MAX];
    struct error err = {0};
    uint64_t version;
    enum code code =
        registry_put(registry, kind_of(words[1]), bytes_of(words[2]), strtoull(words[3], NULL, 10),
                     from_hex(words[4], text), &version, &err);

    if (code)
        refuse(code, &err);
    else
        printf("ok %" PRIu64 "\n", version);
}

struct filler {
    pthread_t thread;
    enum registry_kind kind;
    const char *prefix;
    size_t first, count, size;
    enum code code;
    struct error err;
};

static void *fill_some(void *context)
{
    struct filler *filler = context;
    char *text = malloc(filler->size + 1);

    for (size_t i = filler->first; i < filler->count && !filler->code; i += FILLERS) {
        char name[REGISTRY_NAME_SIZE_MAX + 1];
        uint64_t version;

        snprintf(name, sizeof(name), "%s%zu", filler->prefix, i);
        memset(text, 'a' + (int)(i % 26), filler->size);
        filler->code = registry_put(registry, filler->kind, bytes_of(name), 0,
                                    (struct bytes){text, filler->size}, &version, &filler->err);
    }
    free(text);
    return NULL;
}

static void fill(char **words)
{
    struct filler fillers[FILLERS];
    const struct filler *failed = NULL;

    for (size_t i = 0; i < FILLERS; i++) {
        fillers[i] = (struct filler){.kind = kind_of(words[1]),
                                     .prefix = words[2],
                                     .first = i,
                                     .count = strtoul(words[3], NULL, 10),
                                     .size = strtoul(words[4], NULL, 10)};
        if (pthread_create(&fillers[i].thread, NULL, fill_some, &fillers[i]))
            give_up("no thread");
    }
    for (size_t i = 0; i < FILLERS; i++) {
        pthread_join(fillers[i].thread, NULL);
        if (fillers[i].code)
            failed = &fillers[i];
    }
    say(failed ? failed->code : OK, failed ? &failed->err : NULL);
}

static void get(char **words)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    const struct registry_record *record =
        registry_find(snapshot, kind_of(words[1]), bytes_of(words[2]));

    if (!record) {
        printf("absent\n");
    } else {
        printf("ok %" PRIu64 " %s ", record->version, record->missing ? "missing" : "present");
        put_hex(record->text);
        printf("\n");
    }
    registry_snapshot_put(snapshot);
}

static void list(char **words)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    size_t first, end;

    registry_range(snapshot, kind_of(words[1]), &first, &end);
    printf("ok");
    for (size_t i = first; i < end; i++)
        printf(" %.*s:%" PRIu64 ":%s", BYTES_ARG(snapshot->records[i].name),
               snapshot->records[i].version, snapshot->records[i].missing ? "missing" : "present");
    printf("\n");
    registry_snapshot_put(snapshot);
}

static void count_records(void)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    struct hash128_state state;
    struct hash128 hash;
    char text[HASH128_TEXT_SIZE];
    size_t first, end;

    hash128_begin(&state);
    registry_range(snapshot, REGISTRY_ALIVE, &end, &first);
    for (size_t i = 0; i < end; i++) {
        hash128_add(&state, snapshot->records[i].name);
        hash128_add(&state, snapshot->records[i].text);
        hash128_add(&state, (struct bytes){(const char *)&snapshot->records[i].version,
                                           sizeof(snapshot->records[i].version)});
    }
    hash = hash128_end(&state);
    hash128_print(&hash, text);
    printf("ok %zu %zu %" PRIu64 " %" PRIu64 " %s\n", end, snapshot->missing_count,
           snapshot->version, snapshot->sequence, text);
    registry_snapshot_put(snapshot);
}

static void health(void)
{
    struct registry_health now = registry_health(registry);
    char state[32];

    snprintf(state, sizeof(state), "%s", registry_state_name(now.state));
    for (char *c = state; *c; c++)
        if (*c == ' ')
            *c = '_';
    printf("ok %s %zu %d %d %" PRIu64 " %s\n", state, now.missing_count, now.from_disk, now.kept,
           now.sessions, now.text);
}

static void seen(char **words)
{
    uint64_t version = strtoull(words[1], NULL, 10);
    int64_t until_ns = now_ns() + strtol(words[2], NULL, 10) * 1000000;
    int64_t at_ns = 0;

    while (!at_ns) {
        pthread_mutex_lock(&changes_lock);
        for (size_t i = 0; i < change_count && !at_ns; i++)
            if (changes[i].version >= version)
                at_ns = changes[i].at_ns;
        pthread_mutex_unlock(&changes_lock);
        if (now_ns() > until_ns)
            break;
        if (!at_ns)
            rest_ms(1);
    }
    if (at_ns)
        printf("ok %" PRId64 "\n", at_ns);
    else
        printf("timeout not seen\n");
}

static void order(void)
{
    pthread_mutex_lock(&changes_lock);
    printf("ok %zu %zu\n", pairs_checked, pairs_wrong);
    pthread_mutex_unlock(&changes_lock);
}

/* --- holding --- */

static void hold(char **words)
{
    struct error err = {0};

    say(registry_hold(registry, kind_of(words[1]), bytes_of(words[2]), BYTES("{\"of\":\"a test\"}"),
                      &err),
        &err);
}

static void held(char **words)
{
    int64_t until_ns = now_ns() + strtol(words[3], NULL, 10) * 1000000;
    uint64_t epoch = 0;

    while (!registry_held(registry, kind_of(words[1]), bytes_of(words[2]), &epoch)) {
        if (now_ns() >= until_ns) {
            printf("ok no\n");
            return;
        }
        rest_ms(1);
    }
    printf("ok yes %" PRIu64 "\n", epoch);
}

static void *watch_it(void *context)
{
    (void)context;
    while (atomic_load(&watching.running)) {
        uint64_t epoch = 0;
        int64_t before_ns = now_ns(), after_ns;
        bool is = registry_held(registry, watching.kind, bytes_of(watching.name), &epoch);
        size_t at;

        after_ns = now_ns();
        pthread_mutex_lock(&watching.lock);
        at = watching.count;
        /* One that was paused between does not know when it was told. */
        if (is && after_ns - before_ns < 5000000) {
            if (at > 0 && watching.spans[at - 1].epoch == epoch &&
                before_ns - watching.spans[at - 1].end_ns < 20000000) {
                watching.spans[at - 1].end_ns = before_ns;
            } else if (at < SPANS_MAX) {
                watching.spans[at].begin_ns = watching.spans[at].end_ns = before_ns;
                watching.spans[watching.count++].epoch = epoch;
            }
        }
        pthread_mutex_unlock(&watching.lock);
        rest_ms(1);
    }
    return NULL;
}

static void watch(char **words)
{
    watching.kind = kind_of(words[1]);
    snprintf(watching.name, sizeof(watching.name), "%s", words[2]);
    watching.count = 0;
    atomic_store(&watching.running, true);
    if (pthread_create(&watching.thread, NULL, watch_it, NULL))
        give_up("no thread");
    printf("ok\n");
}

static void watched(void)
{
    pthread_mutex_lock(&watching.lock);
    printf("ok");
    for (size_t i = 0; i < watching.count; i++)
        printf(" %" PRId64 ":%" PRId64 ":%" PRIu64, watching.spans[i].begin_ns,
               watching.spans[i].end_ns, watching.spans[i].epoch);
    printf("\n");
    pthread_mutex_unlock(&watching.lock);
}

/* --- commands --- */

static void wait_sequence(char **words)
{
    printf("ok %s\n",
           registry_wait(registry, strtoull(words[1], NULL, 10), (int)strtol(words[2], NULL, 10))
               ? "yes"
               : "no");
}

static void wait_connected(char **words)
{
    struct error err = {0};

    say(registry_wait_connected(registry, (int)strtol(words[1], NULL, 10), &err), &err);
}

static void release(char **words)
{
    registry_release(registry, kind_of(words[1]), bytes_of(words[2]));
    printf("ok\n");
}

static void patience(char **words)
{
    wait_ms = (int)strtol(words[1], NULL, 10);
    printf("ok\n");
}

static void do_close(void)
{
    close_registry();
    printf("ok\n");
}

static const struct {
    const char *name;
    size_t words; /* with the name; 0 = it counts them itself */
    void (*with)(char **words);
    void (*without)(void);
} commands[] = {
    {"change",    4, change,         NULL         },
    {"close",     1, NULL,           do_close     },
    {"connected", 2, wait_connected, NULL         },
    {"put",       5, put,            NULL         },
    {"fill",      5, fill,           NULL         },
    {"get",       3, get,            NULL         },
    {"list",      2, list,           NULL         },
    {"count",     1, NULL,           count_records},
    {"health",    1, NULL,           health       },
    {"wait",      3, wait_sequence,  NULL         },
    {"seen",      3, seen,           NULL         },
    {"order",     1, NULL,           order        },
    {"hold",      3, hold,           NULL         },
    {"release",   3, release,        NULL         },
    {"held",      4, held,           NULL         },
    {"watch",     3, watch,          NULL         },
    {"watched",   1, NULL,           watched      },
    {"patience",  2, patience,       NULL         },
};

static void obey(char *line)
{
    char *words[WORDS_MAX], *word;
    size_t count = 0;

    while ((word = strsep(&line, " ")) != NULL) {
        if (count == WORDS_MAX)
            give_up("too many words");
        words[count++] = word;
    }
    if (strcmp(words[0], "open") == 0 && count >= 4) {
        open_registry(words, count);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(words[0], commands[i].name) != 0)
            continue;
        if (count != commands[i].words)
            give_up("another number of words");
        if (!registry && commands[i].with != patience)
            give_up("nothing is open");
        if (commands[i].with)
            commands[i].with(words);
        else
            commands[i].without();
        return;
    }
    give_up(words[0]);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    setvbuf(stdout, NULL, _IOLBF, 0);
    log_setup(LOG_DEBUG, LOG_LOGFMT);
    while ((size = getline(&line, &room, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = '\0';
        obey(line);
    }
    free(line);
    if (registry)
        close_registry();
    return 0;
}
