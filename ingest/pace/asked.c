#include "ingest/pace/asked.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"

enum {
    BOOT_SIZE = 37, /* of the kernel's name of this boot */
    PATH_SIZE = 256,
    FILE_BYTES_MAX = 4 << 20, /* then it is written anew, and again once it has doubled */
    WORDS = 5,
};

/* Longer than any limit looks back, also where the wall clock, which alone tells the age of a line,
 * was set forward by as much as is usual. */
static const int64_t kept_ns = SOURCE_RATE_SPAN_MAX_NS + 3600 * MOMENT_SECOND;

struct asked_note {
    struct asked_note *next;
    struct moment began; /* boot_ns INT64_MIN: of another boot */
    uint32_t weight;
    bool waits; /* until `began` */
    bool recalled;
    size_t size;
    char name[];
};

struct asked {
    struct fs *fs;
    char path[PATH_SIZE], path_new[PATH_SIZE], directory[PATH_SIZE];
    char boot[BOOT_SIZE];
    struct file *file;
    uint64_t size, size_max;  /* of the file; above, it is written anew */
    int64_t wall_ns;          /* the newest that was told */
    struct asked_note *notes; /* of before this start, and since, the newest first */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for what was asked");
}

/* Without it every note is of another boot, and the wall clock tells its age. */
static void find_boot(char boot[BOOT_SIZE])
{
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, boot, BOOT_SIZE - 1);

    if (file >= 0)
        (void)close(file);
    if (size != BOOT_SIZE - 1)
        snprintf(boot, BOOT_SIZE, "-");
    boot[BOOT_SIZE - 1] = '\0';
}

/* --- notes --- */

static enum code add_note(struct asked *asked, struct bytes name, const struct asked_note *like,
                          struct error *err)
{
    struct asked_note *note = malloc(sizeof(*note) + name.size);

    if (note == NULL)
        return no_memory(err);
    memcpy(note, like, sizeof(*note));
    note->next = asked->notes;
    note->size = name.size;
    memcpy(note->name, name.data, name.size);
    asked->notes = note;
    return OK;
}

static void drop_old(struct asked *asked, int64_t wall_ns)
{
    for (struct asked_note **at = &asked->notes; *at != NULL;) {
        struct asked_note *note = *at;

        if (time_between(note->began.wall_ns, wall_ns) < kept_ns) {
            at = &note->next;
            continue;
        }
        *at = note->next;
        free(note);
    }
}

/* --- lines: boot, its clock, the wall's, weight, name; of a wait boot is "wait=BOOT" --- */

static const struct bytes wait_word = BYTES("wait");

static void put_line(const struct asked *asked, const struct asked_note *note, struct bytes name,
                     struct buf *out)
{
    bool other = note->began.boot_ns == INT64_MIN;

    buf_printf(out, "%s%s %" PRId64 " %" PRId64 " %" PRIu32 " %.*s\n", note->waits ? "wait=" : "",
               other ? "-" : asked->boot, other ? 0 : note->began.boot_ns, note->began.wall_ns,
               note->weight, BYTES_ARG(name));
}

static bool split(struct bytes line, struct bytes words[WORDS])
{
    size_t at = 0;

    for (int i = 0; i < WORDS - 1; i++) {
        size_t first = at;

        while (at < line.size && line.data[at] != ' ')
            at++;
        if (at == line.size)
            return false;
        words[i] = bytes_slice(line, first, at++);
    }
    words[WORDS - 1] = bytes_slice(line, at, line.size);
    return words[WORDS - 1].size > 0;
}

static enum code take_line(struct asked *asked, struct bytes line, struct error *err)
{
    struct asked_note note = {.next = NULL};
    struct bytes words[WORDS];
    uint64_t weight;

    if (!split(line, words) || number_parse_i64(words[1], &note.began.boot_ns) != OK ||
        number_parse_i64(words[2], &note.began.wall_ns) != OK ||
        number_parse_u64(words[3], &weight) != OK || weight > LIMITER_RATE_COUNT_MAX)
        return OK;
    note.weight = (uint32_t)weight;
    note.waits = words[0].size >= wait_word.size && /* "wait" alone: of a version before */
                 memcmp(words[0].data, wait_word.data, wait_word.size) == 0;
    if (note.waits && words[0].size > wait_word.size)
        words[0] = bytes_slice(words[0], wait_word.size + 1, words[0].size);
    if (!bytes_equal(words[0], bytes_of(asked->boot)) || asked->boot[0] == '-')
        note.began.boot_ns = INT64_MIN;
    return add_note(asked, words[4], &note, err);
}

static enum code take_lines(struct asked *asked, struct bytes text, struct error *err)
{
    enum code code = OK;

    while (code == OK && text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);

        if (end == NULL)
            break; /* was being written */
        code = take_line(asked, bytes_slice(text, 0, (size_t)(end - text.data)), err);
        text = bytes_slice(text, (size_t)(end - text.data) + 1, text.size);
    }
    return code;
}

/* --- the file --- */

static enum code read_file(struct asked *asked, struct error *err)
{
    struct file *file;
    uint64_t size = 0;
    char *text = NULL;
    enum code code = fs_open(asked->fs, asked->path, FS_READ, &file, err);

    if (code == E_NOT_FOUND)
        return OK;
    if (code)
        return code;
    code = fs_size(file, &size, err);
    if (code == OK && size > 0) {
        text = malloc(size);
        code = text == NULL ? no_memory(err) : fs_read_exactly(file, 0, text, size, err);
    }
    if (code == OK && size > 0)
        code = take_lines(asked, (struct bytes){text, size}, err);
    free(text);
    fs_close(file);
    return code;
}

/* What is kept, in a file of its own that takes the place of the old. */
static enum code write_anew(struct asked *asked, struct error *err)
{
    struct buf text = BUF_INIT(SIZE_MAX);
    struct bytes part;
    struct file *file = NULL;
    enum code code;

    for (const struct asked_note *note = asked->notes; note != NULL; note = note->next)
        put_line(asked, note, (struct bytes){note->name, note->size}, &text);
    code = buf_finish(&text, err);
    if (code == OK) {
        struct error none = {0};

        if (fs_unlink(asked->fs, asked->path_new, &none) != OK)
            none.code = OK; /* there was none */
        code = fs_open(asked->fs, asked->path_new, FS_CREATE, &file, err);
    }
    part = buf_bytes(&text);
    if (code == OK && part.size > 0)
        code = fs_write(file, 0, &part, 1, err);
    if (code == OK)
        code = fs_sync(file, err);
    if (code == OK)
        code = fs_rename(asked->fs, asked->path_new, asked->path, err);
    if (code == OK)
        code = fs_sync_dir(asked->fs, asked->directory, err);
    if (code) {
        fs_close(file);
    } else {
        fs_close(asked->file);
        asked->file = file;
        asked->size = part.size;
        asked->size_max = part.size > FILE_BYTES_MAX / 2 ? 2 * part.size : FILE_BYTES_MAX;
    }
    buf_release(&text);
    return code;
}

static enum code append(struct asked *asked, struct bytes name, const struct asked_note *like,
                        struct error *err)
{
    struct buf line = BUF_INIT(8192);
    struct bytes part;
    enum code code = OK;

    if (asked->size > asked->size_max) {
        drop_old(asked, asked->wall_ns);
        code = write_anew(asked, err);
    }
    put_line(asked, like, name, &line);
    if (code == OK)
        code = buf_finish(&line, err);
    part = buf_bytes(&line);
    if (code == OK)
        code = fs_write(asked->file, asked->size, &part, 1, err);
    if (code == OK) {
        asked->size += part.size;
        code = add_note(asked, name, like, err);
    }
    buf_release(&line);
    if (code)
        error_context(err, "%s", asked->path);
    return code;
}

static enum code note(void *context, struct bytes name, const struct moment *now, uint32_t weight,
                      struct error *err)
{
    const struct asked_note began = {.began = *now, .weight = weight, .recalled = true};
    struct asked *asked = context;

    asked->wall_ns = now->wall_ns;
    return append(asked, name, &began, err);
}

enum code asked_wait(struct asked *asked, struct bytes name, const struct moment *now,
                     int64_t until_wall_ns, struct error *err)
{
    const struct asked_note wait = {
        .began = {until_wall_ns, time_sum(now->boot_ns, time_between(now->wall_ns, until_wall_ns))},
        .waits = true,
        .recalled = true
    };

    return append(asked, name, &wait, err);
}

struct limiter_notes asked_notes(struct asked *asked)
{
    return (struct limiter_notes){note, asked};
}

void asked_recall(struct asked *asked, struct bytes name, struct limiter_key *key,
                  const struct moment *now)
{
    for (struct asked_note *at = asked->notes; at != NULL; at = at->next) {
        if (at->recalled || !bytes_equal((struct bytes){at->name, at->size}, name))
            continue;
        if (at->waits && at->began.boot_ns != INT64_MIN) /* whatever the wall clock says now */
            limiter_wait(key, now,
                         time_sum(now->wall_ns, time_between(now->boot_ns, at->began.boot_ns)));
        else if (at->waits)
            limiter_wait(key, now, at->began.wall_ns);
        else
            limiter_recall(key, now, &at->began, at->weight);
        at->recalled = true;
    }
}

enum code asked_open(struct fs *fs, const char *directory, int64_t wall_ns, struct asked **out,
                     struct error *err)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    enum code code;

    *out = NULL;
    if (asked == NULL)
        return no_memory(err);
    asked->fs = fs;
    asked->wall_ns = wall_ns;
    snprintf(asked->directory, sizeof(asked->directory), "%s", directory);
    snprintf(asked->path, sizeof(asked->path), "%s/asked", directory);
    snprintf(asked->path_new, sizeof(asked->path_new), "%s/asked.new", directory);
    find_boot(asked->boot);
    code = fs_make_dir(fs, directory, err);
    if (code == OK)
        code = read_file(asked, err);
    if (code == OK) {
        drop_old(asked, wall_ns);
        code = write_anew(asked, err);
    }
    if (code) {
        error_context(err, "%s", asked->path);
        asked_close(asked);
        return code;
    }
    *out = asked;
    return OK;
}

void asked_close(struct asked *asked)
{
    if (asked == NULL)
        return;
    while (asked->notes != NULL) {
        struct asked_note *at = asked->notes;

        asked->notes = at->next;
        free(at);
    }
    fs_close(asked->file);
    free(asked);
}
