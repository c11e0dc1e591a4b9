#include "server/declared_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "discovery/registry_folder.h"
#include "discovery/registry_image.h"
#include "discovery/secret_document.h"
#include "discovery/source_record.h"

enum { PATH_SIZE = 4096, LOCK_WAIT_MS = 10000 };

static const char file_name[] = "declared";

static enum code path_of(const char *data, char path[PATH_SIZE], struct error *err)
{
    if ((size_t)snprintf(path, PATH_SIZE, "%s/declared", data) >= PATH_SIZE)
        return error_set(err, E_CONFIG, "the path is too long: %s", data);
    return OK;
}

/* --- into a backup --- */

/* A node without a registry has records of this kind alone. */
static size_t keep_sources(struct registry_folder *folder)
{
    size_t kept = 0;

    for (size_t i = 0; i < folder->count; i++)
        if (folder->records[i].kind == REGISTRY_SOURCES)
            folder->records[kept++] = folder->records[i];
    return kept;
}

enum code declared_save(const char *data, struct fs *to, uint64_t *records, struct error *err)
{
    struct registry_folder folder;
    struct fs *root = NULL;
    char path[PATH_SIZE];
    size_t count = 0;
    enum code code = path_of(data, path, err);

    *records = 0;
    if (code || access(path, F_OK) != 0) /* opening would make it */
        return code;
    code = registry_folder_open(path, LOCK_WAIT_MS, &root, err);
    if (code)
        return code;
    code = registry_folder_read(path, root, &folder, err);
    if (code == OK && folder.damaged > 0)
        code = error_set(err, E_CORRUPT, "declared/%s", folder.text);
    if (code == OK)
        count = keep_sources(&folder);
    if (code == OK && count > 0)
        code = registry_image_save(to, "", file_name, folder.records, count, err);
    if (code == OK)
        *records = count;
    registry_folder_release(&folder);
    fs_posix_close(root);
    return code;
}

/* --- out of one --- */

static enum code note_secrets(const struct registry_record *record, struct arena *arena,
                              struct declared_report *report, struct error *err)
{
    const char *dot = memchr(record->name.data, '.', record->name.size);
    struct bytes tenant = {record->name.data,
                           dot != NULL ? (size_t)(dot - record->name.data) : record->name.size};
    struct secret_document document;
    enum code code = secret_document_parse(record->text, arena, &document, err);

    for (size_t i = 0; code == OK && i < document.count; i++) {
        if (report->secrets++ > 0)
            buf_put_text(&report->names, ", ");
        buf_printf(&report->names, "%.*s of %.*s", BYTES_ARG(document.secrets[i].name),
                   BYTES_ARG(tenant));
    }
    return code;
}

/* What is in a record is judged by who reads it; here it is counted. */
static enum code note_record(const struct registry_record *record, struct declared_report *report,
                             struct error *err)
{
    struct bytes tenant, name;
    struct source_record source;
    struct error ignored = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    if (!source_record_split(record->name, &tenant, &name))
        code = note_secrets(record, &arena, report, &ignored);
    else if ((code = source_record_parse(record->text, &arena, &source, &ignored)) == OK)
        report->sources += !source.deleted;
    arena_release(&arena);
    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "%s", ignored.text);
    return OK;
}

static enum code put_all(const char *path, struct registry_record *records, size_t count,
                         struct declared_report *report, struct error *err)
{
    struct fs *root = NULL;
    enum code code = registry_folder_open(path, LOCK_WAIT_MS, &root, err);

    for (size_t i = 0; code == OK && i < count; i++) {
        code = registry_folder_write(path, root, records[i].version - 1, &records[i], err);
        if (code == OK)
            code = note_record(&records[i], report, err);
    }
    fs_posix_close(root);
    return code;
}

enum code declared_restore(struct fs *from, uint64_t records, const char *data,
                           struct declared_report *report, struct error *err)
{
    struct buf image = BUF_INIT(REGISTRY_IMAGE_BYTES_MAX);
    struct registry_record *found = NULL;
    char path[PATH_SIZE];
    size_t count = 0;
    enum code code = path_of(data, path, err);

    *report = (struct declared_report){.names = BUF_INIT(DECLARED_NAMES_BYTES_MAX)};
    if (code || records == 0)
        return code;
    code = registry_image_load(from, file_name, &image, &found, &count, err);
    if (code == E_NOT_FOUND)
        code = error_set(err, E_CORRUPT, "it is not in the backup: %s", file_name);
    if (code == OK && count != records)
        code = error_set(err, E_CORRUPT, "%s: it has %zu records, the label says %" PRIu64,
                         file_name, count, records);
    if (code == OK)
        code = put_all(path, found, count, report, err);
    free(found);
    buf_release(&image);
    return code;
}
