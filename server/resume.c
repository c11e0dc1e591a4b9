#include "server/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text_file.h"

enum { STATE_BYTES_MAX = 16 << 20, FILES_MAX = 100000, HASH_DIGITS = 32 };

static const char first_line[] = "weir import 1\n";

struct row {
    char *name; /* owned */
    struct resume_place place;
};

struct resume {
    char *path, *path_new; /* owned */
    struct hash128 options;
    struct row *rows; /* owned */
    size_t count;
};

void resume_print_hash(struct buf *text, const struct hash128 *hash)
{
    for (size_t i = 0; i < sizeof(hash->bytes); i++)
        buf_printf(text, "%02x", hash->bytes[i]);
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(struct bytes text, struct hash128 *hash)
{
    if (text.size != HASH_DIGITS)
        return false;
    for (size_t i = 0; i < sizeof(hash->bytes); i++) {
        int high = digit_of(text.data[2 * i]), low = digit_of(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash->bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* Cuts what stands before `end` off `rest`; false when it is not there. */
static bool next_word(struct bytes *rest, char end, struct bytes *word)
{
    const char *found = rest->size == 0 ? NULL : memchr(rest->data, end, rest->size);

    if (!found)
        return false;
    *word = bytes_slice(*rest, 0, (size_t)(found - rest->data));
    *rest = bytes_slice(*rest, word->size + 1, rest->size);
    return true;
}

static struct row *row_find(const struct resume *resume, struct bytes name)
{
    for (size_t i = 0; i < resume->count; i++)
        if (bytes_equal(bytes_of(resume->rows[i].name), name))
            return &resume->rows[i];
    return NULL;
}

static struct row *row_add(struct resume *resume, struct bytes name)
{
    struct row *rows, *row;

    if (resume->count == FILES_MAX)
        return NULL;
    rows = realloc(resume->rows, (resume->count + 1) * sizeof(*rows));
    if (!rows)
        return NULL;
    resume->rows = rows;
    row = &rows[resume->count];
    *row = (struct row){.name = strndup(name.data, name.size)};
    if (!row->name)
        return NULL;
    resume->count++;
    return row;
}

/* "file 12 1 <hash> name" behind "file ". */
static bool parse_row(struct resume *resume, struct bytes line)
{
    struct bytes bytes, lines, hash;
    struct resume_place place;
    struct row *row;

    if (!next_word(&line, ' ', &bytes) || number_parse_u64(bytes, &place.bytes) ||
        !next_word(&line, ' ', &lines) || number_parse_u64(lines, &place.lines) ||
        !next_word(&line, ' ', &hash) || !parse_hash(hash, &place.hash) || line.size == 0 ||
        memchr(line.data, '\0', line.size))
        return false;
    row = row_add(resume, line);
    if (row)
        row->place = place;
    return row != NULL;
}

static enum code parse(struct resume *resume, struct bytes text, const struct hash128 *options,
                       struct error *err)
{
    struct bytes line;

    if (!next_word(&text, '\n', &line) || line.size + 1 != sizeof(first_line) - 1 ||
        memcmp(line.data, first_line, line.size) != 0 || !next_word(&text, '\n', &line) ||
        line.size != 8 + HASH_DIGITS || memcmp(line.data, "options ", 8) != 0 ||
        !parse_hash(bytes_slice(line, 8, line.size), &resume->options))
        return error_set(err, E_CONFIG, "this is no state of an import");
    if (memcmp(&resume->options, options, sizeof(*options)) != 0)
        return error_set(err, E_CONFIG,
                         "this import was begun with another server or other flags; take the "
                         "same, or another file to begin anew");
    while (text.size > 0)
        if (!next_word(&text, '\n', &line) || line.size < 5 || memcmp(line.data, "file ", 5) != 0 ||
            !parse_row(resume, bytes_slice(line, 5, line.size)))
            return error_set(err, E_CONFIG, "this is no state of an import, or it is damaged");
    return OK;
}

static enum code load(struct resume *resume, const struct hash128 *options, struct error *err)
{
    struct buf text = BUF_INIT(STATE_BYTES_MAX);
    enum code code = text_file_read(resume->path, STATE_BYTES_MAX, &text, err);

    resume->options = *options;
    if (code == E_NOT_FOUND)
        code = OK;
    else if (!code) {
        code = parse(resume, buf_bytes(&text), options, err);
        if (code)
            error_context(err, "%s", resume->path);
    }
    buf_release(&text);
    return code;
}

static void print(const struct resume *resume, struct buf *text)
{
    buf_put_text(text, first_line);
    buf_put_text(text, "options ");
    resume_print_hash(text, &resume->options);
    for (size_t i = 0; i < resume->count; i++) {
        const struct resume_place *place = &resume->rows[i].place;

        buf_printf(text, "\nfile %llu %llu ", (unsigned long long)place->bytes,
                   (unsigned long long)place->lines);
        resume_print_hash(text, &place->hash);
        buf_printf(text, " %s", resume->rows[i].name);
    }
    buf_put_char(text, '\n');
}

static enum code replace(const struct resume *resume, struct bytes text, struct error *err)
{
    int fd = open(resume->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool written =
        fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size && fdatasync(fd) == 0;
    enum code code = written ? OK : error_set_errno(err, errno, "write %s", resume->path_new);

    if (fd >= 0)
        close(fd);
    if (!code && rename(resume->path_new, resume->path) != 0)
        code = error_set_errno(err, errno, "rename %s", resume->path_new);
    return code;
}

static enum code save(const struct resume *resume, struct error *err)
{
    struct buf text = BUF_INIT(STATE_BYTES_MAX);
    enum code code;

    print(resume, &text);
    code = buf_finish(&text, err);
    if (!code)
        code = replace(resume, buf_bytes(&text), err);
    buf_release(&text);
    return code;
}

enum code resume_open(const char *path, const struct hash128 *options, struct resume **resume,
                      struct error *err)
{
    struct resume *made = calloc(1, sizeof(*made));
    enum code code = OK;

    *resume = NULL;
    if (made)
        made->path = strdup(path);
    if (!made || !made->path || asprintf(&made->path_new, "%s.new", path) < 0)
        code = error_set(err, E_MEMORY, "no memory for the state of the import");
    if (!code)
        code = load(made, options, err);
    if (!code) /* what cannot be written is told before anything is sent */
        code = save(made, err);
    if (code) {
        resume_close(made);
        return code;
    }
    *resume = made;
    return OK;
}

void resume_close(struct resume *resume)
{
    if (!resume)
        return;
    for (size_t i = 0; i < resume->count; i++)
        free(resume->rows[i].name);
    free(resume->rows);
    free(resume->path);
    free(resume->path_new);
    free(resume);
}

bool resume_find(const struct resume *resume, const char *name, struct resume_place *place)
{
    const struct row *row = row_find(resume, bytes_of(name));

    if (row)
        *place = row->place;
    return row != NULL;
}

enum code resume_note(struct resume *resume, const char *name, const struct resume_place *place,
                      struct error *err)
{
    struct row *row = row_find(resume, bytes_of(name));

    if (strchr(name, '\n'))
        return error_set(err, E_CONFIG, "the name of a file to resume has no line ends");
    if (!row)
        row = row_add(resume, bytes_of(name));
    if (!row)
        return error_set(err, E_MEMORY, "no memory for the state of the import");
    row->place = *place;
    return save(resume, err);
}
