#include "store/backup_label.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/time_text.h"
#include "codec/json_doc.h"

enum { FORMAT = 1, DEPTH_MAX = 4 };

enum kind { COUNT, HASH, TIME, BOOLEAN };

/* Members behind "format" and "weir", in this order. */
static const struct {
    const char *name;
    enum kind kind;
    size_t offset;
} members[] = {
    {"created",     TIME,    offsetof(struct backup_label, created_ns)          },
    {"flushed",     BOOLEAN, offsetof(struct backup_label, flushed)             },
    {"incarnation", HASH,    offsetof(struct backup_label, identity.incarnation)},
    {"sealed_lsn",  COUNT,   offsetof(struct backup_label, identity.sealed_lsn) },
    {"ingest_last", TIME,    offsetof(struct backup_label, identity.ingest_last)},
    {"packs",       COUNT,   offsetof(struct backup_label, totals.packs)        },
    {"pack_files",  COUNT,   offsetof(struct backup_label, totals.files)        },
    {"pack_bytes",  COUNT,   offsetof(struct backup_label, totals.file_bytes)   },
    {"rows",        COUNT,   offsetof(struct backup_label, totals.rows)         },
    {"values",      COUNT,   offsetof(struct backup_label, totals.values)       },
    {"index_bytes", COUNT,   offsetof(struct backup_label, index_bytes)         },
    {"index_hash",  HASH,    offsetof(struct backup_label, index_hash)          },
    {"declared",    COUNT,   offsetof(struct backup_label, declared)            },
};

enum { MEMBERS_WANTED = COUNT_OF(members) - 1 }; /* the last came later: where it lacks it is 0 */

static void put_member(const void *at, enum kind kind, struct buf *out)
{
    char text[TIMESTAMP_TEXT_SIZE];
    size_t size;

    switch (kind) {
    case COUNT:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case HASH:
        hash128_print(at, text);
        json_put_text(out, bytes_of(text));
        break;
    case TIME:
        size = timestamp_print(*(const int64_t *)at, text);
        json_put_text(out, (struct bytes){text, size});
        break;
    case BOOLEAN:
        buf_put_text(out, *(const bool *)at ? "true" : "false");
        break;
    }
}

void backup_label_encode(const struct backup_label *label, const char *version, struct buf *out)
{
    buf_printf(out, "{\n  \"format\": %d,\n  \"weir\": ", FORMAT);
    json_put_text(out, bytes_of(version));
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        buf_printf(out, ",\n  \"%s\": ", members[i].name);
        put_member((const char *)label + members[i].offset, members[i].kind, out);
    }
    buf_put_text(out, "\n}\n");
}

static bool take_member(const struct json *value, enum kind kind, void *at)
{
    switch (kind) {
    case COUNT:
        if (json_kind(value) != JSON_KIND_INTEGER || json_integer_of(value) < 0)
            return false;
        *(uint64_t *)at = (uint64_t)json_integer_of(value);
        return true;
    case HASH:
        return json_kind(value) == JSON_KIND_TEXT && hash128_parse(json_text_of(value), at);
    case TIME:
        return json_kind(value) == JSON_KIND_TEXT &&
               timestamp_parse(json_text_of(value), at, NULL) == OK;
    case BOOLEAN:
        if (json_kind(value) != JSON_KIND_BOOL)
            return false;
        *(bool *)at = json_bool_of(value);
        return true;
    }
    return false;
}

static enum code take_all(const struct json *root, struct backup_label *label, struct error *err)
{
    const struct json *format = json_member(root, "format");

    if (format == NULL || json_kind(format) != JSON_KIND_INTEGER)
        return error_set(err, E_CORRUPT, "it is no label of a backup: \"format\" is missing");
    if (json_integer_of(format) != FORMAT)
        return error_set(err, E_CORRUPT,
                         "the backup is of format %" PRId64 ", this program knows %d",
                         json_integer_of(format), FORMAT);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const struct json *value = json_member(root, members[i].name);

        if (value == NULL && i >= MEMBERS_WANTED)
            continue;
        if (value == NULL ||
            !take_member(value, members[i].kind, (char *)label + members[i].offset))
            return error_set(err, E_CORRUPT, "\"%s\" is %s", members[i].name,
                             value == NULL ? "missing" : "not what it should be");
    }
    return OK;
}

enum code backup_label_decode(struct bytes text, struct backup_label *label, struct error *err)
{
    struct json *root = NULL;
    enum code code = json_doc_parse(text, DEPTH_MAX, &root, err);

    *label = (struct backup_label){0};
    if (code == E_SYNTAX || code == E_DEPTH) {
        struct error found = err == NULL ? (struct error){0} : *err;

        return error_set(err, E_CORRUPT, "%s", found.text);
    }
    if (code)
        return code;
    code = take_all(root, label, err);
    json_doc_free(root);
    return code;
}

enum code backup_label_refuse(struct fs *fs, const char *path, struct error *err)
{
    struct error found = {0};
    struct file *file = NULL;
    enum code code = fs_open(fs, BACKUP_LABEL_NAME, FS_READ, &file, &found);

    fs_close(file);
    if (code == E_NOT_FOUND)
        return OK;
    if (code)
        return error_set(err, code, "%s", found.text);
    return error_set(err, E_CONFIG,
                     "%s is a backup, no data directory: weir restore --from %s --data NEW makes "
                     "one of it, and verifies everything",
                     path, path);
}
