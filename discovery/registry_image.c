/* Lines that a person can read, and texts whose size the line before them tells:
 *
 *     weir-registry 1
 *     tenants acme 17 present 214 9a3bc4d2
 *     {...214 bytes...}
 *     end 1
 *
 * The check is a CRC32C over the line before it and the text.  What is cut lacks its end. */
#include "discovery/registry_image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/number.h"

#define FIRST_LINE "weir-registry 1\n"

enum { HEAD_SIZE_MAX = 256, WORDS = 6, PATH_SIZE_MAX = 512 };

static uint32_t check_of(struct bytes head, struct bytes text)
{
    return crc32c(crc32c(0, head), text);
}

void registry_image_put(const struct registry_record *records, size_t count, struct buf *out)
{
    buf_put(out, BYTES(FIRST_LINE));
    for (size_t i = 0; i < count; i++) {
        const struct registry_record *record = &records[i];
        char head[HEAD_SIZE_MAX];
        int size =
            snprintf(head, sizeof(head), "%s %.*s %" PRIu64 " %s %zu",
                     registry_kind_name(record->kind), BYTES_ARG(record->name), record->version,
                     record->missing ? "missing" : "present", record->text.size);
        struct bytes line = {head, (size_t)size};

        buf_put(out, line);
        buf_printf(out, " %08" PRIx32 "\n", check_of(line, record->text));
        buf_put(out, record->text);
        buf_put_char(out, '\n');
    }
    buf_printf(out, "end %zu\n", count);
}

struct place {
    struct bytes image;
    size_t at;
};

static bool line_take(struct place *place, struct bytes *line)
{
    struct bytes rest = bytes_slice(place->image, place->at, place->image.size);
    const char *end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;

    if (!end)
        return false;
    *line = (struct bytes){rest.data, (size_t)(end - rest.data)};
    place->at += line->size + 1;
    return true;
}

static size_t split(struct bytes line, struct bytes words[WORDS])
{
    size_t count = 0, first = 0;

    for (size_t i = 0; i <= line.size; i++) {
        if (i < line.size && line.data[i] != ' ')
            continue;
        if (count == WORDS)
            return 0;
        words[count++] = bytes_slice(line, first, i);
        first = i + 1;
    }
    return count;
}

static bool check_parse(struct bytes text, uint32_t *check)
{
    *check = 0;
    if (text.size != 8)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;

        if (digit == 16)
            return false;
        *check = *check << 4 | digit;
    }
    return true;
}

static bool kind_parse(struct bytes text, enum registry_kind *kind)
{
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        if (bytes_equal(text, bytes_of(registry_kind_name((enum registry_kind)i)))) {
            *kind = (enum registry_kind)i;
            return true;
        }
    return false;
}

/* The record whose line was taken last; false: it is damaged. */
static bool record_take(struct place *place, struct bytes line, struct registry_record *record)
{
    struct bytes words[WORDS];
    uint64_t size;
    uint32_t check;

    if (split(line, words) != WORDS || !kind_parse(words[0], &record->kind) ||
        !registry_name_valid(record->kind, words[1]) ||
        number_parse_u64(words[2], &record->version) || record->version == 0 ||
        number_parse_u64(words[4], &size) || size > REGISTRY_TEXT_SIZE_MAX ||
        !check_parse(words[5], &check))
        return false;
    record->name = words[1];
    record->missing = bytes_equal(words[3], BYTES("missing"));
    if (!record->missing && !bytes_equal(words[3], BYTES("present")))
        return false;
    if (place->image.size - place->at < size + 1 || place->image.data[place->at + size] != '\n')
        return false;
    record->text = bytes_slice(place->image, place->at, place->at + size);
    place->at += size + 1;
    return check == check_of((struct bytes){line.data, line.size - 9}, record->text);
}

static bool end_of(struct bytes line, size_t count)
{
    char want[32];

    snprintf(want, sizeof(want), "end %zu", count);
    return bytes_equal(line, bytes_of(want));
}

enum code registry_image_parse(struct bytes image, struct registry_record **records, size_t *count,
                               struct error *err)
{
    struct place place = {.image = image};
    struct registry_record *made = NULL;
    size_t used = 0, room = 0, at = 0;
    struct bytes line;

    *records = NULL;
    *count = 0;
    if (image.size < sizeof(FIRST_LINE) - 1 ||
        !bytes_equal(bytes_slice(image, 0, sizeof(FIRST_LINE) - 1), BYTES(FIRST_LINE)))
        return error_set(err, E_CORRUPT, "byte 0: no line \"weir-registry 1\"");
    place.at = sizeof(FIRST_LINE) - 1;
    for (;;) {
        at = place.at;
        if (!line_take(&place, &line))
            break;
        if (end_of(line, used) && place.at == image.size) {
            *records = made ? made : malloc(1); /* none is an array, too */
            *count = used;
            return *records ? OK : error_set(err, E_MEMORY, "no memory for an array");
        }
        if (used == room) {
            struct registry_record *grown;

            room = room ? 2 * room : 8;
            grown = realloc(made, room * sizeof(*made));
            if (!grown) {
                free(made);
                return error_set(err, E_MEMORY, "no memory for %zu records", room);
            }
            made = grown;
        }
        if (!record_take(&place, line, &made[used]) || used == REGISTRY_RECORDS_MAX)
            break;
        used++;
    }
    free(made);
    return error_set(err, E_CORRUPT, "byte %zu: a record that fails its check, or a cut file", at);
}

enum code registry_file_replace(struct fs *fs, const char *directory, const char *name,
                                struct bytes bytes, struct error *err)
{
    char path[PATH_SIZE_MAX], beside[PATH_SIZE_MAX];
    const char *slash = directory[0] ? "/" : "";
    struct file *file = NULL;
    enum code code;

    snprintf(path, sizeof(path), "%s%s%s", directory, slash, name);
    snprintf(beside, sizeof(beside), "%s%s~%s", directory, slash, name);
    code = fs_unlink(fs, beside, err); /* of a process that died */
    if (!code || code == E_NOT_FOUND)
        code = fs_open(fs, beside, FS_CREATE, &file, err);
    if (code)
        goto out;
    code = fs_write(file, 0, &bytes, 1, err);
    if (!code)
        code = fs_sync(file, err);
    fs_close(file);
    if (!code)
        code = fs_rename(fs, beside, path, err);
    if (!code)
        code = fs_sync_dir(fs, directory, err); /* else the name may vanish */

out:
    if (code)
        error_context(err, "%s", path);
    return code;
}

enum code registry_image_save(struct fs *fs, const char *directory, const char *name,
                              const struct registry_record *records, size_t count,
                              struct error *err)
{
    struct buf image = BUF_INIT(REGISTRY_IMAGE_BYTES_MAX);
    enum code code;

    registry_image_put(records, count, &image);
    code = buf_finish(&image, err);
    if (!code)
        code = registry_file_replace(fs, directory, name, buf_bytes(&image), err);
    buf_release(&image);
    return code;
}

enum code registry_image_load(struct fs *fs, const char *path, struct buf *image,
                              struct registry_record **records, size_t *count, struct error *err)
{
    struct file *file = NULL;
    uint64_t size = 0;
    char *into;
    enum code code;

    *records = NULL;
    *count = 0;
    code = fs_open(fs, path, FS_READ, &file, err);
    if (code)
        return code;
    code = fs_size(file, &size, err);
    if (!code && size > REGISTRY_IMAGE_BYTES_MAX)
        code = error_set(err, E_CORRUPT, "%" PRIu64 " bytes", size);
    if (!code) {
        into = buf_extend(image, (size_t)size);
        code = into ? fs_read_exactly(file, 0, into, (size_t)size, err) : buf_finish(image, err);
    }
    fs_close(file);
    if (!code)
        code = registry_image_parse(buf_bytes(image), records, count, err);
    if (code)
        error_context(err, "%s", path);
    return code;
}
