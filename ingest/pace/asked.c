#include "ingest/pace/asked.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/number.h"
#include "ingest/pace/past.h"

enum {
    BOOT_SIZE = 37, /* of the kernel's name of this boot */
    PATH_SIZE = 256,
    FILE_BYTES_MAX = 4 << 20, /* then it is written anew, and again once it has doubled */
    WORDS = 5,
};

/* A line of the file. */
struct line {
    struct past_note note; /* of a wait: until its `last` */
    bool waits;
};

/* What is known of one name. */
struct asked_key {
    struct past past;
    bool recalled; /* what is known is in the limiter */
    /* Nobody may ask before: the latest that this boot was told, and that others were. */
    struct moment wait;
    int64_t wait_wall_ns;
    size_t size;
    char name[];
};

struct asked {
    struct fs *fs;
    char path[PATH_SIZE], path_new[PATH_SIZE], directory[PATH_SIZE];
    char boot[BOOT_SIZE];
    struct file *file;
    uint64_t size, size_max; /* of the file; above, it is written anew */
    struct map keys;
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

/* --- what is known --- */

static struct asked_key *key_find(struct asked *asked, struct bytes name)
{
    return map_get(&asked->keys, name);
}

static struct bytes key_name(const struct asked_key *key)
{
    return (struct bytes){key->name, key->size};
}

/* `recalled`: what is to be known of a new one the limiter has as well.  NULL: no memory. */
static struct asked_key *key_make(struct asked *asked, struct bytes name, bool recalled)
{
    struct asked_key *key = key_find(asked, name);

    if (key != NULL)
        return key;
    key = calloc(1, sizeof(*key) + name.size);
    if (key == NULL)
        return NULL;
    key->recalled = recalled;
    key->wait = (struct moment){INT64_MIN, INT64_MIN};
    key->wait_wall_ns = INT64_MIN;
    key->size = name.size;
    memcpy(key->name, name.data, name.size);
    if (map_put(&asked->keys, key_name(key), key))
        return key;
    free(key);
    return NULL;
}

static void key_free(struct asked_key *key)
{
    past_release(&key->past);
    free(key);
}

static enum code key_take(struct asked_key *key, const struct line *line, const struct moment *now,
                          struct error *err)
{
    const struct moment *last = &line->note.last;

    if (!line->waits)
        return past_add(&key->past, &line->note, now, err);
    if (last->boot_ns == INT64_MIN)
        key->wait_wall_ns = time_later(key->wait_wall_ns, last->wall_ns);
    else if (last->boot_ns > key->wait.boot_ns)
        key->wait = *last;
    return OK;
}

/* Nothing of it matters any more. */
static bool key_is_over(const struct asked_key *key, const struct moment *now)
{
    return key->past.count == 0 && key->wait.boot_ns <= now->boot_ns &&
           key->wait_wall_ns <= now->wall_ns;
}

static void drop_old(struct asked *asked, const struct moment *now)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&asked->keys, &i)) != NULL;) {
        struct asked_key *key = slot->value;

        past_thin(&key->past, now);
        if (!key_is_over(key, now))
            continue;
        map_remove(&asked->keys, key_name(key));
        key_free(key);
        i--; /* another may have moved here */
    }
}

/* --- lines: boot, its clock, the wall's, weight, name --- */

/* Of a wait boot is "wait=BOOT"; behind the weight of several stands "/SPAN". */
static const struct bytes wait_word = BYTES("wait");

static void put_line(const struct asked *asked, const struct line *line, struct bytes name,
                     struct buf *out)
{
    const struct past_note *note = &line->note;
    bool other = note->last.boot_ns == INT64_MIN;

    buf_printf(out, "%s%s %" PRId64 " %" PRId64 " %" PRIu32, line->waits ? "wait=" : "",
               other ? "-" : asked->boot, other ? 0 : note->last.boot_ns, note->last.wall_ns,
               note->weight);
    if (note->span_ns > 0)
        buf_printf(out, "/%" PRId64, note->span_ns);
    buf_printf(out, " %.*s\n", BYTES_ARG(name));
}

static void put_key(const struct asked *asked, const struct asked_key *key,
                    const struct moment *now, struct buf *out)
{
    const struct line waits[] = {
        {{key->wait, 0, 0},                      true},
        {{{key->wait_wall_ns, INT64_MIN}, 0, 0}, true},
    };

    for (size_t i = 0; i < key->past.count; i++)
        put_line(asked, &(struct line){key->past.notes[i], false}, key_name(key), out);
    if (key->wait.boot_ns > now->boot_ns)
        put_line(asked, &waits[0], key_name(key), out);
    if (key->wait_wall_ns > now->wall_ns)
        put_line(asked, &waits[1], key_name(key), out);
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

static bool parse_weight(struct bytes word, struct past_note *note)
{
    const char *slash = memchr(word.data, '/', word.size);
    size_t size = slash == NULL ? word.size : (size_t)(slash - word.data);
    uint64_t weight;

    if (slash != NULL &&
        (number_parse_i64(bytes_slice(word, size + 1, word.size), &note->span_ns) != OK ||
         note->span_ns < 0))
        return false;
    if (number_parse_u64(bytes_slice(word, 0, size), &weight) != OK ||
        weight > LIMITER_RATE_COUNT_MAX)
        return false;
    note->weight = (uint32_t)weight;
    return true;
}

static enum code take_line(struct asked *asked, struct bytes text, const struct moment *now,
                           struct error *err)
{
    struct line line = {.waits = false};
    struct moment *last = &line.note.last;
    struct bytes words[WORDS];
    struct asked_key *key;

    if (!split(text, words) || number_parse_i64(words[1], &last->boot_ns) != OK ||
        number_parse_i64(words[2], &last->wall_ns) != OK || !parse_weight(words[3], &line.note))
        return OK;
    line.waits = words[0].size >= wait_word.size && /* "wait" alone: of a version before */
                 memcmp(words[0].data, wait_word.data, wait_word.size) == 0;
    if (line.waits && words[0].size > wait_word.size)
        words[0] = bytes_slice(words[0], wait_word.size + 1, words[0].size);
    if (!bytes_equal(words[0], bytes_of(asked->boot)) || asked->boot[0] == '-')
        last->boot_ns = INT64_MIN;
    key = key_make(asked, words[4], false);
    return key == NULL ? no_memory(err) : key_take(key, &line, now, err);
}

static enum code take_lines(struct asked *asked, struct bytes text, const struct moment *now,
                            struct error *err)
{
    enum code code = OK;

    while (code == OK && text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);

        if (end == NULL)
            break; /* was being written */
        code = take_line(asked, bytes_slice(text, 0, (size_t)(end - text.data)), now, err);
        text = bytes_slice(text, (size_t)(end - text.data) + 1, text.size);
    }
    return code;
}

/* --- the file --- */

static enum code read_file(struct asked *asked, const struct moment *now, struct error *err)
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
        code = take_lines(asked, (struct bytes){text, size}, now, err);
    free(text);
    fs_close(file);
    return code;
}

/* What is kept, in a file of its own that takes the place of the old. */
static enum code write_anew(struct asked *asked, const struct moment *now, struct error *err)
{
    struct buf text = BUF_INIT(SIZE_MAX);
    const struct map_slot *slot;
    struct bytes part;
    struct file *file = NULL;
    enum code code;

    drop_old(asked, now);
    for (size_t i = 0; (slot = map_next(&asked->keys, &i)) != NULL;)
        put_key(asked, slot->value, now, &text);
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

static enum code append(struct asked *asked, struct bytes name, const struct line *line,
                        const struct moment *now, struct error *err)
{
    struct buf text = BUF_INIT(8192);
    struct asked_key *key;
    struct bytes part;
    enum code code = OK;

    if (asked->size > asked->size_max)
        code = write_anew(asked, now, err);
    put_line(asked, line, name, &text);
    if (code == OK)
        code = buf_finish(&text, err);
    part = buf_bytes(&text);
    if (code == OK)
        code = fs_write(asked->file, asked->size, &part, 1, err);
    if (code == OK) {
        asked->size += part.size;
        key = key_make(asked, name, true);
        code = key == NULL ? no_memory(err) : key_take(key, line, now, err);
    }
    buf_release(&text);
    if (code)
        error_context(err, "%s", asked->path);
    return code;
}

static enum code note(void *context, struct bytes name, const struct moment *now, uint32_t weight,
                      struct error *err)
{
    const struct line line = {
        {*now, 0, weight},
        false
    };

    return append(context, name, &line, now, err);
}

enum code asked_wait(struct asked *asked, struct bytes name, const struct moment *now,
                     int64_t until_wall_ns, struct error *err)
{
    int64_t boot_ns = time_sum(now->boot_ns, time_between(now->wall_ns, until_wall_ns));
    const struct line line = {
        {{until_wall_ns, boot_ns}, 0, 0},
        true
    };

    return append(asked, name, &line, now, err);
}

struct limiter_notes asked_notes(struct asked *asked)
{
    return (struct limiter_notes){note, asked};
}

void asked_recall(struct asked *asked, struct bytes name, struct limiter_key *key,
                  const struct moment *now)
{
    struct asked_key *known = key_find(asked, name);

    if (known == NULL || known->recalled)
        return;
    known->recalled = true;
    for (size_t i = 0; i < known->past.count; i++)
        limiter_recall(key, now, &known->past.notes[i].last, known->past.notes[i].weight);
    if (known->wait.boot_ns != INT64_MIN) /* whatever the wall clock says now */
        limiter_wait(key, now,
                     time_sum(now->wall_ns, time_between(now->boot_ns, known->wait.boot_ns)));
    if (known->wait_wall_ns != INT64_MIN)
        limiter_wait(key, now, known->wait_wall_ns);
}

enum code asked_open(struct fs *fs, const char *directory, const struct moment *now,
                     struct asked **out, struct error *err)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    enum code code;

    *out = NULL;
    if (asked == NULL)
        return no_memory(err);
    asked->fs = fs;
    snprintf(asked->directory, sizeof(asked->directory), "%s", directory);
    snprintf(asked->path, sizeof(asked->path), "%s/asked", directory);
    snprintf(asked->path_new, sizeof(asked->path_new), "%s/asked.new", directory);
    find_boot(asked->boot);
    code = fs_make_dir(fs, directory, err);
    if (code == OK)
        code = read_file(asked, now, err);
    if (code == OK)
        code = write_anew(asked, now, err);
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
    const struct map_slot *slot;

    if (asked == NULL)
        return;
    for (size_t i = 0; (slot = map_next(&asked->keys, &i)) != NULL;)
        key_free(slot->value);
    map_release(&asked->keys);
    fs_close(asked->file);
    free(asked);
}
