/* The directory is walked entry by entry, and each file read where it says: nothing is kept of one
 * when the next one is read.  What does not fit together, to the byte, is a damaged archive.
 *
 * This is our own, with zlib for what is packed: of the libraries at hand libzip and libarchive
 * keep the whole directory in memory (some 300 bytes for each 46 that are sent), libarchive brings
 * libxml2 and ICU, and Debian 12's minizip reads no sizes of zip64 where long has 64 bits. */
#include "codec/zip_archive.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/printable.h"
#include "codec/inflate.h"

enum {
    PIECE_SIZE = 64 * 1024,
    OUTPUT_FREE = 1024 * 1024,             /* the ratio counts above this */
    NAME_SIZE = 256,                       /* of a file, as far as it is looked at */
    NAME_SHOWN = 64,                       /* and told */
    RAW_DEFLATE = -15,                     /* zlib's number for it */
    FLAG_ENCRYPTED = 1 | 1 << 6 | 1 << 13, /* the old way, the strong one, of its headers */
    METHOD_STORED = 0,
    METHOD_DEFLATE = 8,
    EXTRA_ZIP64 = 1,
};

/* Sizes of what stands in it, without texts; signatures; and what says that zip64 has the number.
 */
enum { FILE_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20 };
enum { COMMENT_MAX = 65535, TAIL_SIZE = END_SIZE + COMMENT_MAX, EXTRA_HEAD_SIZE = 4 };
static const uint32_t file_signature = 0x04034b50, entry_signature = 0x02014b50,
                      end_signature = 0x06054b50, end64_signature = 0x06064b50,
                      locator_signature = 0x07064b50, far = UINT32_MAX;

struct entry {
    uint64_t number; /* from 1 */
    uint32_t flags, method, checksum;
    uint64_t packed, size, at; /* `at`: where the file begins */
    char name[NAME_SIZE];      /* with an end */
    bool folder;
};

struct zip_archive {
    const struct zip_archive_bytes *bytes;
    const struct zip_archive_limits *limits;
    const struct zip_archive_sink *sink;
    uint64_t directory_at, directory_end, count;
    struct entry entry;
    uint64_t packed, given; /* of all files so far */
    uint64_t came;          /* of this one, with ... */
    uint32_t checksum;      /* ... this one */
    char input[TAIL_SIZE];  /* a piece, or the end of all */
};

static uint64_t number_at(const char *at, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return number;
}

bool zip_archive_begins(struct bytes first)
{
    return first.size >= 4 && (number_at(first.data, 4) == file_signature ||
                               number_at(first.data, 4) == end_signature);
}

static enum code damaged(struct error *err)
{
    return error_set(err, E_BAD_COMPRESSION, "it is cut or damaged");
}

static enum code damaged_directory(struct error *err)
{
    return error_set(err, E_BAD_COMPRESSION,
                     "the archive is cut or damaged: its directory is not there, or not right");
}

/* In front of `end`, which is in the archive. */
static enum code read_at(struct zip_archive *archive, uint64_t at, uint64_t end, char *into,
                         size_t size, struct error *err)
{
    const struct zip_archive_bytes *bytes = archive->bytes;

    if (at > end || size > end - at)
        return damaged(err);
    return bytes->at(bytes->context, at, into, size, err);
}

/* --- the end of the directory --- */

/* It is the last thing, with a comment that reaches to the end of all. */
static enum code find_end(struct zip_archive *archive, uint64_t *at, const char **end,
                          struct error *err)
{
    uint64_t size = archive->bytes->size;
    size_t tail = size < TAIL_SIZE ? (size_t)size : TAIL_SIZE;
    enum code code = read_at(archive, size - tail, size, archive->input, tail, err);

    for (size_t comment = 0; code == OK && comment + END_SIZE <= tail; comment++) {
        *end = archive->input + tail - END_SIZE - comment;
        *at = size - END_SIZE - comment;
        if (number_at(*end, 4) == end_signature && number_at(*end + 20, 2) == comment)
            return OK;
    }
    return code ? code : damaged_directory(err);
}

/* In front of the end: where another one is, that has numbers of 64 bits. */
static enum code read_end64(struct zip_archive *archive, uint64_t *end_at, uint64_t *size,
                            struct error *err)
{
    char locator[LOCATOR_SIZE], end[END64_SIZE];
    enum code code;

    if (*end_at < LOCATOR_SIZE)
        return damaged_directory(err);
    code = read_at(archive, *end_at - LOCATOR_SIZE, *end_at, locator, LOCATOR_SIZE, err);
    if (code == OK && number_at(locator, 4) != locator_signature)
        code = damaged_directory(err);
    if (code == OK)
        code = read_at(archive, number_at(locator + 8, 8), *end_at - LOCATOR_SIZE, end, END64_SIZE,
                       err);
    if (code)
        return code;
    if (number_at(end, 4) != end64_signature || number_at(end + 24, 8) != number_at(end + 32, 8))
        return damaged_directory(err);
    *end_at = number_at(locator + 8, 8);
    archive->count = number_at(end + 32, 8);
    *size = number_at(end + 40, 8);
    archive->directory_at = number_at(end + 48, 8);
    return OK;
}

static enum code find_directory(struct zip_archive *archive, struct error *err)
{
    const char *end = NULL;
    uint64_t end_at = 0, size = 0;
    enum code code = find_end(archive, &end_at, &end, err);

    if (code)
        return code;
    archive->count = number_at(end + 10, 2);
    size = number_at(end + 12, 4);
    archive->directory_at = number_at(end + 16, 4);
    if (number_at(end + 4, 4) != 0 || number_at(end + 8, 2) != archive->count)
        return error_set(err, E_BAD_COMPRESSION, "the archive is one of several parts, or damaged");
    if (archive->count == UINT16_MAX || size == far || archive->directory_at == far)
        code = read_end64(archive, &end_at, &size, err);
    if (code)
        return code;
    archive->directory_end = end_at;
    if (archive->directory_at > end_at || end_at - archive->directory_at != size)
        return damaged_directory(err);
    if (archive->count <= archive->limits->files_max)
        return OK;
    return error_set(err, E_BODY_LARGE,
                     "the archive has %" PRIu64 " files: at most %" PRIu64 " are allowed",
                     archive->count, archive->limits->files_max);
}

/* --- an entry of it --- */

static enum code take_far(const char *numbers, size_t size, size_t *at, uint64_t *number,
                          struct error *err)
{
    if (*number != far)
        return OK;
    if (size - *at < 8)
        return damaged(err);
    *number = number_at(numbers + *at, 8);
    *at += 8;
    return OK;
}

/* Of what stands behind the name: numbers that did not fit into 32 bits, those alone.  It is read
 * at once: some thousand parts of nothing, each by itself, would take minutes. */
static enum code take_extra(struct zip_archive *archive, uint64_t at, uint64_t end, size_t size,
                            struct error *err)
{
    struct entry *entry = &archive->entry;
    const char *extra = archive->input;
    size_t first = 0, next = 0, taken = 0;
    enum code code;

    if (entry->size != far && entry->packed != far && entry->at != far)
        return OK;
    code = read_at(archive, at, end, archive->input, size, err);
    if (code)
        return code;
    do {
        first = next + EXTRA_HEAD_SIZE;
        if (first > size)
            return damaged(err);
        next = first + number_at(extra + first - 2, 2);
        if (next > size)
            return damaged(err);
    } while (number_at(extra + first - EXTRA_HEAD_SIZE, 2) != EXTRA_ZIP64);
    extra += first;
    code = take_far(extra, next - first, &taken, &entry->size, err);
    if (code == OK)
        code = take_far(extra, next - first, &taken, &entry->packed, err);
    return code ? code : take_far(extra, next - first, &taken, &entry->at, err);
}

/* The entry at *at, which becomes that of the next one. */
static enum code read_entry(struct zip_archive *archive, uint64_t *at, struct error *err)
{
    struct entry *entry = &archive->entry;
    uint64_t end = archive->directory_end, name_at = *at + ENTRY_SIZE, extra_at;
    char head[ENTRY_SIZE];
    size_t name, extra, shown;
    enum code code = read_at(archive, *at, end, head, ENTRY_SIZE, err);

    if (code)
        return code;
    if (number_at(head, 4) != entry_signature)
        return damaged(err);
    entry->flags = (uint32_t)number_at(head + 8, 2);
    entry->method = (uint32_t)number_at(head + 10, 2);
    entry->checksum = (uint32_t)number_at(head + 16, 4);
    entry->packed = number_at(head + 20, 4);
    entry->size = number_at(head + 24, 4);
    entry->at = number_at(head + 42, 4);
    name = number_at(head + 28, 2);
    shown = name < NAME_SIZE - 1 ? name : NAME_SIZE - 1;
    code = read_at(archive, name_at, end, entry->name, shown, err);
    if (code)
        return code;
    entry->name[shown] = '\0';
    extra_at = name_at + name;
    extra = number_at(head + 30, 2);
    code = take_extra(archive, extra_at, end, extra, err);
    *at = extra_at + extra + number_at(head + 32, 2);
    if (code == OK && *at > end)
        code = damaged(err);
    entry->folder = entry->size == 0 && shown == name && name > 0 && entry->name[name - 1] == '/';
    return code;
}

/* --- a file --- */

/* Said or done, it is not to become larger than this. */
static enum code check_size(const struct zip_archive *archive, uint64_t more, struct error *err)
{
    const struct zip_archive_limits *limits = archive->limits;

    if (more > limits->bytes_max - archive->given)
        return error_set(err, E_BODY_LARGE,
                         "the archive has more than the %" PRIu64 " bytes allowed, unpacked",
                         limits->bytes_max);
    if (archive->given + more > OUTPUT_FREE &&
        (archive->given + more - 1) / limits->ratio_max >= archive->bytes->size)
        return error_set(err, E_COMPRESSION_RATIO,
                         "an archive of %" PRIu64 " bytes becomes more than %" PRIu64
                         " times as large",
                         archive->bytes->size, limits->ratio_max);
    return OK;
}

/* All files together have no more packed bytes than the archive: else some are used twice. */
static enum code check_entry(struct zip_archive *archive, struct error *err)
{
    const struct entry *entry = &archive->entry;

    if (entry->flags & FLAG_ENCRYPTED)
        return error_set(err, E_UNSUPPORTED_ENCODING, "it is encrypted");
    if (entry->method != METHOD_STORED && entry->method != METHOD_DEFLATE)
        return error_set(err, E_UNSUPPORTED_ENCODING,
                         "it is packed by method %" PRIu32 "; right are deflate and none",
                         entry->method);
    if (entry->packed > archive->bytes->size - archive->packed)
        return damaged(err);
    archive->packed += entry->packed;
    return check_size(archive, entry->size, err);
}

/* *at is where its bytes are. */
static enum code find_file(struct zip_archive *archive, uint64_t *at, struct error *err)
{
    const struct entry *entry = &archive->entry;
    uint64_t end = archive->directory_at;
    char head[FILE_SIZE];
    enum code code = read_at(archive, entry->at, end, head, FILE_SIZE, err);

    if (code)
        return code;
    *at = entry->at + FILE_SIZE + number_at(head + 26, 2) + number_at(head + 28, 2);
    if (number_at(head, 4) != file_signature || number_at(head + 8, 2) != entry->method ||
        *at > end || entry->packed > end - *at)
        return damaged(err);
    return OK;
}

static enum code give_piece(void *context, struct bytes piece, struct error *err)
{
    struct zip_archive *archive = context;
    enum code code = check_size(archive, piece.size, err);

    if (code)
        return code;
    if (piece.size > archive->entry.size - archive->came)
        return error_set(err, E_BAD_COMPRESSION, "it becomes larger than the archive says");
    if (archive->came == 0 && piece.size >= 4 && number_at(piece.data, 4) == file_signature)
        return error_set(err, E_BAD_COMPRESSION, "it is an archive itself, which is not entered");
    archive->came += piece.size;
    archive->given += piece.size;
    archive->checksum = inflate_checksum(archive->checksum, piece);
    return archive->sink->take(archive->sink->context, piece, err);
}

/* As it stands there, or through `inflate`. */
static enum code give_stored(struct zip_archive *archive, uint64_t at, struct inflate *inflate,
                             struct error *err)
{
    enum code code = OK;

    for (uint64_t left = archive->entry.packed; code == OK && left > 0;) {
        size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
        struct bytes piece = {archive->input, size};

        code = read_at(archive, at, archive->directory_at, archive->input, size, err);
        if (code == OK)
            code = inflate == NULL ? give_piece(archive, piece, err)
                                   : inflate_feed(inflate, piece, give_piece, archive, err);
        at += size;
        left -= size;
    }
    return code;
}

static enum code give_packed(struct zip_archive *archive, uint64_t at, struct error *err)
{
    struct inflate *inflate;
    enum code code = inflate_new_raw(UINT64_MAX, &inflate, err);

    if (code)
        return code;
    code = give_stored(archive, at, inflate, err);
    if (code == OK)
        code = inflate_finish(inflate, err);
    inflate_free(inflate);
    return code;
}

static enum code give_file(struct zip_archive *archive, uint64_t at, struct error *err)
{
    const struct entry *entry = &archive->entry;
    enum code code = entry->method == METHOD_DEFLATE ? give_packed(archive, at, err)
                                                     : give_stored(archive, at, NULL, err);

    if (code == OK && archive->came != entry->size)
        code = damaged(err);
    if (code == OK && archive->checksum != entry->checksum)
        code = error_set(err, E_BAD_COMPRESSION, "its checksum is another than the archive says");
    return code;
}

static enum code read_file(struct zip_archive *archive, struct error *err)
{
    const struct zip_archive_sink *sink = archive->sink;
    uint64_t at = 0;
    enum code code = check_entry(archive, err);

    if (code || archive->entry.folder)
        return code;
    code = find_file(archive, &at, err);
    if (code == OK)
        code = sink->begin(sink->context, archive->entry.number, err);
    archive->came = 0;
    archive->checksum = 0;
    if (code == OK)
        code = give_file(archive, at, err);
    return code ? code : sink->end(sink->context, err);
}

/* The name as far as it can be shown; it is said by whoever made the archive. */
static void tell_file(const struct entry *entry, struct error *err)
{
    struct bytes left = bytes_of(entry->name);
    size_t size = 0, next;

    while (size < NAME_SHOWN && (next = printable_size(left)) > 0) {
        size += next;
        left = bytes_slice(left, next, left.size);
    }
    error_context(err, "file %" PRIu64 " of the archive, \"%.*s%s\"", entry->number, (int)size,
                  entry->name, left.size > 0 ? "…" : "");
}

/* --- all of them --- */

static enum code read_files(struct zip_archive *archive, struct error *err)
{
    enum code code = find_directory(archive, err);
    uint64_t at = archive->directory_at;

    for (uint64_t i = 0; code == OK && i < archive->count; i++) {
        archive->entry = (struct entry){.number = i + 1};
        code = read_entry(archive, &at, err);
        if (code == OK)
            code = read_file(archive, err);
        if (code)
            tell_file(&archive->entry, err);
    }
    if (code == OK && at != archive->directory_end) /* else some would be lost without a word */
        code = damaged_directory(err);
    return code;
}

enum code zip_archive_read(const struct zip_archive_bytes *bytes,
                           const struct zip_archive_limits *limits,
                           const struct zip_archive_sink *sink, struct error *err)
{
    struct zip_archive *archive = calloc(1, sizeof(*archive));
    enum code code;

    assert(limits->ratio_max > 0);
    if (archive == NULL)
        return error_set(err, E_MEMORY, "no memory to unpack the archive");
    archive->bytes = bytes;
    archive->limits = limits;
    archive->sink = sink;
    code = read_files(archive, err);
    free(archive);
    return code;
}
