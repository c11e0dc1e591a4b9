/* A file is known by device and number, and by what stood in it: its first bytes, and those before
 * the offset.  A number is given again after a file is deleted, a device may have another one after
 * a start, and a file that was cut to nothing may be longer than before when it is looked at again:
 * bytes tell all of these.
 *
 * Rows go into the batch of whoever asks.  Nothing here moves the mark but tail_settle(): a batch
 * that is not kept has the file read from the mark again. */
#include "ingest/follow/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/inflate.h"

enum { FIRST_BYTES_MAX = 64 << 20, RATIO_MAX = 10000, PACKED_SIZE = 4 << 10 };

struct tail_reading {
    struct tail_rows *rows;
    struct tail_counts settled; /* as they were when the batch was kept last */
    bool begun;                 /* the names of columns are known */
    struct buf first;           /* the beginning, until they are */
    struct inflate *inflate;    /* NULL: the file is as it is */
    uint64_t raw;               /* bytes of the file that were read */
    uint64_t plain;             /* what of the content went to the rows, or was passed over */
    uint64_t drop;              /* bytes of it that were in rows already */
};

#define SECOND_NS INT64_C(1000000000)

/* Who writes to a file that was renamed may go on for a while, until it is told to open another. */
enum { DELETED_S = 3, RENAMED_S = 60 };

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to follow a file");
}

/* --- its life --- */

static int64_t changed_of(const struct stat *stat)
{
    return stat->st_mtim.tv_sec * INT64_C(1000000000) + stat->st_mtim.tv_nsec;
}

struct tail *tail_new(const char *path, const struct stat *stat)
{
    struct tail *tail = calloc(1, sizeof(*tail));

    if (tail == NULL || !tail_rename(tail, path)) {
        free(tail);
        return NULL;
    }
    tail->mark.device = stat->st_dev;
    tail->mark.inode = stat->st_ino;
    tail_key(stat->st_dev, stat->st_ino, tail->key);
    tail->fd = -1;
    tail->size = tail->settled_size = UINT64_MAX; /* so that the first look is news */
    return tail;
}

void tail_rest(struct tail *tail, bool closes)
{
    struct tail_reading *reading = tail->reading;

    if (reading != NULL) {
        tail_rows_close(reading->rows);
        buf_release(&reading->first);
        inflate_free(reading->inflate);
        free(reading);
        tail->reading = NULL;
    }
    if (closes && tail->fd >= 0) {
        (void)close(tail->fd);
        tail->fd = -1;
    }
}

void tail_free(struct tail *tail)
{
    if (tail == NULL)
        return;
    tail_rest(tail, true);
    free(tail->path);
    free(tail);
}

bool tail_rename(struct tail *tail, const char *path)
{
    char *copy;

    if (tail->path != NULL && strcmp(tail->path, path) == 0)
        return true;
    copy = strdup(path);
    if (copy == NULL)
        return false;
    free(tail->path);
    tail->path = copy;
    return true;
}

bool tail_look(struct tail *tail, const struct stat *stat, int64_t now_ns)
{
    uint64_t size = (uint64_t)stat->st_size;

    if (size == tail->size && changed_of(stat) == tail->changed_ns)
        return false;
    if (tail->size != UINT64_MAX && size < tail->size)
        tail->wrong = false; /* it was cut */
    /* The first look at one whose mark is of all of it is none. */
    tail->due = tail->due || tail->size != UINT64_MAX || !tail->known || size != tail->mark.raw;
    tail->size = size;
    tail->changed_ns = changed_of(stat);
    tail->grown_ns = now_ns;
    return true;
}

/* --- which file it is --- */

static enum code open_file(struct tail *tail, const struct tail_terms *terms, struct error *err)
{
    struct stat stat;
    enum code code = OK;

    if (tail->fd >= 0)
        return OK;
    code = tail_places_open(terms->places, terms->tenant, tail->path, &tail->fd, &stat, err);
    if (code)
        return code;
    if (stat.st_dev == tail->mark.device && stat.st_ino == tail->mark.inode)
        return OK;
    tail_rest(tail, true); /* the next look finds out */
    return error_set(err, E_NOT_FOUND, "%s is another file now", tail->path);
}

/* Up to `size` bytes from `at` on. */
static ssize_t read_at(const struct tail *tail, void *into, size_t size, uint64_t at)
{
    ssize_t got;

    do
        got = pread(tail->fd, into, size, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool is_print(const struct tail *tail, const struct tail_print *print, uint64_t at)
{
    char bytes[TAIL_PRINT_SIZE];
    struct tail_print now;

    if (print->size == 0)
        return true;
    if (print->size > sizeof(bytes) ||
        read_at(tail, bytes, print->size, at) != (ssize_t)print->size)
        return false;
    now = tail_print_of((struct bytes){bytes, print->size});
    return now.hash == print->hash;
}

static bool is_same(const struct tail *tail, const struct tail_mark *mark)
{
    return is_print(tail, &mark->head, 0) &&
           is_print(tail, &mark->last, mark->offset - mark->last.size);
}

bool tail_is_marked(struct tail *tail, const struct tail_terms *terms, const struct tail_mark *mark)
{
    struct error err = {0};

    return open_file(tail, terms, &err) == OK && is_same(tail, mark);
}

void tail_adopt(struct tail *tail, const struct tail_mark *mark)
{
    uint64_t device = tail->mark.device;

    tail->mark = *mark;
    tail->mark.device = device;
    tail->mark.path = (struct bytes){"", 0};
    tail->known = true;
    tail->settled_size = UINT64_MAX;
}

/* It was cut, or is another file under the same number. */
static void begin_anew(struct tail *tail)
{
    tail_rest(tail, false);
    tail->mark = (struct tail_mark){.time_ns = tail->mark.time_ns,
                                    .device = tail->mark.device,
                                    .inode = tail->mark.inode,
                                    .path = BYTES("")};
    tail->joined = false;
    tail->skips = tail->wrong = tail->breaks = false;
}

/* --- reading --- */

static struct bytes encoding_of(const char *first, size_t size)
{
    if (size >= 2 && memcmp(first, "\x1f\x8b", 2) == 0)
        return BYTES("gzip");
    if (size >= 4 && memcmp(first, "\x28\xb5\x2f\xfd", 4) == 0)
        return BYTES("zstd");
    return BYTES("");
}

static enum code open_reading(struct tail *tail, const struct tail_terms *terms, struct error *err)
{
    const struct tail_rows_terms rows = {.source = terms->source,
                                         .limits = terms->limits,
                                         .batch = terms->batch,
                                         .within = tail->mark.within,
                                         .discards = false};
    char magic[4];
    ssize_t got = read_at(tail, magic, sizeof(magic), 0);
    struct bytes encoding = encoding_of(magic, got < 0 ? 0 : (size_t)got);
    struct tail_reading *reading = calloc(1, sizeof(*reading));
    enum code code;

    if (reading == NULL)
        return no_memory(err);
    tail->reading = reading;
    reading->first = BUF_INIT(FIRST_BYTES_MAX);
    code = tail_rows_open(&rows, &reading->rows, err);
    if (code == OK && encoding.size > 0)
        code = inflate_new(encoding, UINT64_MAX, RATIO_MAX, &reading->inflate, err);
    if (code)
        tail_rest(tail, false);
    else
        reading->drop = tail->mark.offset;
    return code;
}

/* Bytes behind the names. */
static enum code feed(struct tail *tail, struct bytes piece, struct error *err)
{
    struct tail_reading *reading = tail->reading;
    size_t drop = piece.size < reading->drop ? piece.size : (size_t)reading->drop;

    reading->plain += piece.size;
    reading->drop -= drop;
    piece = bytes_slice(piece, drop, piece.size);
    return piece.size == 0 ? OK : tail_rows_feed(reading->rows, piece, err);
}

/* The first bytes are kept until the names are known; then they count as read, or are dropped with
 * what was read before. */
static enum code begin(struct tail *tail, struct bytes piece, bool whole, struct error *err)
{
    struct tail_reading *reading = tail->reading;
    size_t size = 0;
    enum code code;

    buf_put(&reading->first, piece);
    if (buf_finish(&reading->first, err) != OK)
        return error_set(err, E_SYNTAX, "%s: in its first %d bytes no row begins", tail->path,
                         FIRST_BYTES_MAX);
    code = tail_rows_begin(reading->rows, buf_bytes(&reading->first), whole, &reading->begun, &size,
                           err);
    if (code || !reading->begun)
        return code;
    reading->plain = size;
    reading->drop -= size < reading->drop ? size : reading->drop;
    if (reading->inflate == NULL && reading->drop > 0) {
        reading->raw = reading->plain = tail->mark.offset;
        reading->drop = 0;
    } else {
        code = feed(tail, bytes_slice(buf_bytes(&reading->first), size, reading->first.size), err);
    }
    buf_release(&reading->first);
    return code;
}

struct unpacking {
    struct tail *tail;
    const struct tail_terms *terms;
};

static enum code take_plain(void *context, struct bytes piece, struct error *err)
{
    struct unpacking *unpacking = context;
    const struct tail_terms *terms = unpacking->terms;
    struct tail *tail = unpacking->tail;

    *terms->bytes_read += piece.size;
    *terms->bytes_left -= piece.size < *terms->bytes_left ? piece.size : *terms->bytes_left;
    return tail->reading->begun ? feed(tail, piece, err) : begin(tail, piece, false, err);
}

/* What stands there is read until its end, or as much as may be at once. */
static enum code read_on(struct tail *tail, const struct tail_terms *terms, bool *more,
                         struct error *err)
{
    struct tail_reading *reading = tail->reading;
    struct unpacking unpacking = {tail, terms};
    enum code code = OK;

    *more = false;
    while (code == OK) {
        /* Little is unpacked at once: it may become a thousand times as much. */
        size_t size = reading->inflate == NULL ? TAIL_BUFFER_SIZE : PACKED_SIZE;
        ssize_t got;

        size = size < *terms->bytes_left ? size : (size_t)*terms->bytes_left;
        if (*terms->bytes_left == 0) {
            *more = true;
            break;
        }
        got = read_at(tail, terms->buffer, size, reading->raw);
        if (got < 0)
            return error_set_errno(err, errno, "%s", tail->path);
        if (got == 0)
            break;
        reading->raw += (size_t)got;
        code = reading->inflate == NULL
                   ? take_plain(&unpacking, (struct bytes){terms->buffer, (size_t)got}, err)
                   : inflate_feed(reading->inflate, (struct bytes){terms->buffer, (size_t)got},
                                  take_plain, &unpacking, err);
    }
    return code;
}

/* Nothing comes behind: what waits for its end has come to it. */
static enum code finish(struct tail *tail, struct error *err)
{
    struct tail_reading *reading = tail->reading;
    enum code code = OK;

    if (!reading->begun)
        code = begin(tail, (struct bytes){"", 0}, true, err);
    return code == OK && reading->begun ? tail_rows_finish(reading->rows, err) : code;
}

/* --- what stands there is passed over --- */

/* Behind the last line that is whole; of a file without one, within a line. */
static enum code skip_lines(struct tail *tail, const struct tail_terms *terms, struct error *err)
{
    uint64_t end = tail->size, at = end > TAIL_BUFFER_SIZE ? end - TAIL_BUFFER_SIZE : 0;
    ssize_t got = read_at(tail, terms->buffer, (size_t)(end - at), at);
    const char *newline;

    if (got < 0)
        return error_set_errno(err, errno, "%s", tail->path);
    newline = got == 0 ? NULL : memrchr(terms->buffer, '\n', (size_t)got);
    tail->coming = tail->mark;
    tail->coming.offset =
        newline == NULL ? at + (uint64_t)got : at + (uint64_t)(newline - terms->buffer) + 1;
    tail->coming.within = newline == NULL && tail->coming.offset > 0;
    tail->coming.raw = end;
    tail->joined = tail->skipped = true;
    return OK;
}

/* --- all of it --- */

/* A half line may have been taken back, and another one written. */
static void read_half_again(struct tail_reading *reading)
{
    size_t held = tail_rows_held(reading->rows);

    tail_rows_drop_held(reading->rows);
    reading->raw -= held;
    reading->plain -= held;
}

/* Whether what is kept of a file in which no row has begun still stands there, at its beginning and
 * where it was read to: there is no mark yet that would tell. */
static bool first_is_same(const struct tail *tail)
{
    const struct tail_reading *reading = tail->reading;
    struct bytes first = buf_bytes(&reading->first);
    size_t size = first.size < TAIL_PRINT_SIZE ? first.size : TAIL_PRINT_SIZE;
    const struct tail_print head = tail_print_of(bytes_slice(first, 0, size));
    const struct tail_print last = tail_print_of(bytes_slice(first, first.size - size, first.size));

    return is_print(tail, &head, 0) && is_print(tail, &last, first.size - size);
}

static void join(struct tail *tail)
{
    const struct tail_reading *reading = tail->reading;
    const struct tail_counts *counts = tail_rows_counts(reading->rows);
    uint64_t held = tail_rows_held(reading->rows);

    if (!reading->begun || reading->drop > 0)
        return;
    tail->coming = tail->mark;
    tail->coming.offset = reading->plain - held;
    tail->coming.raw = reading->raw;
    tail->coming.packed = reading->inflate != NULL;
    tail->coming.within = tail_rows_within(reading->rows);
    tail->coming.rows += counts->points - reading->settled.points;
    tail->coming.faults += counts->faults - reading->settled.faults;
    tail->joined = tail->coming.offset != tail->mark.offset ||
                   tail->coming.within != tail->mark.within ||
                   counts->points != reading->settled.points;
}

static enum code read_open(struct tail *tail, const struct tail_terms *terms, bool final,
                           bool *more, struct error *err)
{
    bool skips = tail->skips;
    enum code code = OK;

    if (tail->reading == NULL)
        code = open_reading(tail, terms, err);
    else
        tail_rows_batch(tail->reading->rows, terms->batch);
    if (code)
        return code;
    if (skips && tail->reading->inflate == NULL) {
        tail_rest(tail, false);
        return skip_lines(tail, terms, err);
    }
    tail_rows_discard(tail->reading->rows, skips);
    code = read_on(tail, terms, more, err);
    if (code == OK && final && !*more)
        code = finish(tail, err);
    if (code != E_MEMORY) /* what stands before a fault of the file is as good as ever */
        join(tail);
    tail->skipped = skips && !*more;
    tail->skips = skips && (*more || tail->joined);
    return code;
}

enum code tail_read(struct tail *tail, const struct tail_terms *terms, bool final, bool *more,
                    struct error *err)
{
    struct stat stat;
    bool broken;
    enum code code = open_file(tail, terms, err);

    *more = false;
    tail->due = false;
    if (code)
        return code;
    if (fstat(tail->fd, &stat) != 0)
        return error_set_errno(err, errno, "%s", tail->path);
    tail->size = (uint64_t)stat.st_size;
    tail->changed_ns = changed_of(&stat);
    if (!is_same(tail, &tail->mark) || (tail->mark.packed && tail->size < tail->mark.raw))
        begin_anew(tail);
    else if (tail->reading != NULL && tail->reading->inflate == NULL && !tail->reading->begun &&
             !first_is_same(tail))
        tail_rest(tail, false);
    else if (tail->reading != NULL && tail->reading->inflate == NULL)
        read_half_again(tail->reading);
    tail->skips = tail->skips && tail->size > 0;
    if (tail->wrong || tail->size == 0)
        return OK;
    code = read_open(tail, terms, final, more, err);
    broken = code == E_SYNTAX || code == E_BAD_COMPRESSION || code == E_COMPRESSION_RATIO;
    tail->wrong = broken && !tail->joined; /* what came before it may have to be read again */
    tail->breaks = broken && tail->joined;
    tail->due = code == E_MEMORY || (code == OK && *more);
    if (code == E_MEMORY)
        tail_rest(tail, false);
    return code;
}

static void print_at(const struct tail *tail, uint64_t at, size_t size, struct tail_print *print)
{
    char bytes[TAIL_PRINT_SIZE];

    *print = (struct tail_print){0};
    if (size > 0 && tail->fd >= 0 && read_at(tail, bytes, size, at) == (ssize_t)size)
        *print = tail_print_of((struct bytes){bytes, size});
}

void tail_prepare(struct tail *tail, int64_t time_ns)
{
    struct tail_mark *coming = &tail->coming;
    bool packed = tail->reading != NULL && tail->reading->inflate != NULL;
    uint64_t read = packed ? tail->reading->raw : coming->offset;
    size_t head = read < TAIL_PRINT_SIZE ? (size_t)read : TAIL_PRINT_SIZE;
    size_t last = coming->offset < TAIL_PRINT_SIZE ? (size_t)coming->offset : TAIL_PRINT_SIZE;

    coming->time_ns = time_ns > coming->time_ns ? time_ns : coming->time_ns;
    coming->path = bytes_of(tail->path);
    if (coming->offset == tail->mark.offset && tail->known)
        return;
    /* Of one that is another since it was read the former stays, so that this is seen. */
    if (head > coming->head.size && is_print(tail, &coming->head, 0))
        print_at(tail, 0, head, &coming->head);
    coming->last = (struct tail_print){0};
    if (!packed)
        print_at(tail, coming->offset - last, last, &coming->last);
}

void tail_settle(struct tail *tail, bool kept)
{
    if (!tail->joined)
        return;
    tail->joined = false;
    if (!kept) {
        tail_rest(tail, false);
        tail->breaks = false;
        tail->due = true;
        return;
    }
    tail->wrong = tail->wrong || tail->breaks;
    tail->breaks = false;
    tail->mark = tail->coming;
    tail->mark.path = (struct bytes){"", 0};
    tail->known = true;
    tail->skips = tail->skips && !tail->skipped;
    if (tail->reading != NULL)
        tail->reading->settled = *tail_rows_counts(tail->reading->rows);
}

bool tail_is_over(const struct tail *tail, int64_t now_ns)
{
    int64_t quiet_ns = (tail->deleted || tail->fd < 0 ? DELETED_S : RENAMED_S) * SECOND_NS;

    return tail->gone_ns != 0 && now_ns - tail->gone_ns >= quiet_ns &&
           now_ns - tail->grown_ns >= quiet_ns;
}

uint64_t tail_lag(const struct tail *tail)
{
    uint64_t read = tail->mark.packed ? tail->mark.raw : tail->mark.offset;

    return tail->size != UINT64_MAX && tail->size > read ? tail->size - read : 0;
}

const char *tail_fault(const struct tail *tail)
{
    return tail->reading == NULL ? "" : tail_rows_fault(tail->reading->rows);
}
