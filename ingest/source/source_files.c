/* Files that grow, in place of a request: their block, and which of the other blocks go with it. */
#include "ingest/source/source_reader.h"

#include <stdio.h>

enum { PATHS_MAX = 16, PATH_SIZE_MAX = 1024, LINE_BYTES = 1 << 20, DAY_MS = 86400000 };

/* To read a line again would not mend it, so faults are without bound unless the document has one.
 */
#define FAULTS_MAX (INT64_C(1) << 40)

static const char *const froms[] = {"start", "end", NULL};

static const struct source_key keys[] = {
    KEY("paths", KEY_TEXTS, source_files, paths, .required = true,
        .count_offset = offsetof(struct source_files, path_count), .most = PATHS_MAX),
    KEY("from", KEY_EITHER, source_files, from_end, .choices = froms),
    KEY("settle", KEY_DURATION, source_files, settle_ns, .least = 1000, .most = DAY_MS),
    KEY("line_bytes_max", KEY_SIZE, source_files, line_bytes_max, .initial = LINE_BYTES,
        .least = 1 << 10, .most = 16 << 20),
};

/* The step of a path from `at` on; its size is 0 behind a last slash. */
static struct bytes step_of(struct bytes path, size_t at)
{
    size_t end = at;

    while (end < path.size && path.data[end] != '/')
        end++;
    return bytes_slice(path, at, end);
}

static const char *path_fault(struct bytes path)
{
    if (path.size == 0 || path.data[0] != '/')
        return "want an absolute path, as \"/srv/lab/temps-*.csv\"";
    if (path.size > PATH_SIZE_MAX)
        return "the path has more than 1024 bytes";
    for (size_t at = 1; at <= path.size;) {
        struct bytes step = step_of(path, at);

        if (bytes_equal(step, BYTES("..")) || bytes_equal(step, BYTES(".")) ||
            (step.size == 0 && at < path.size))
            return "want a path without \"..\", \".\" and empty steps";
        at += step.size + 1;
    }
    return NULL;
}

void source_take_files(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;
    struct source_files *files = &source->files;
    char pointer[48];

    files->given = true;
    source->faults_max = UINT64_MAX; /* of one reading: files have their own */
    if (!source_block(reader, value, keys, COUNT_OF(keys), files))
        return;
    if (json_member(value, "paths") != NULL && files->path_count == 0 &&
        json_kind(json_member(value, "paths")) == JSON_KIND_ARRAY)
        source_fault_key(reader, "paths", "there are none; want 1 to %d", PATHS_MAX);
    for (size_t i = 0; i < files->path_count; i++) {
        const char *fault = path_fault(files->paths[i]);

        (void)snprintf(pointer, sizeof(pointer), "/files/paths/%zu", i);
        if (fault != NULL)
            source_fault_at(reader, arena_copy(reader->speech, bytes_of(pointer)), "%s", fault);
    }
}

/* --- what is of requests --- */

static void refuse(struct source_reader *reader, const struct json *value)
{
    if (value != NULL)
        source_fault(reader, "it is of sources that are asked; beside `files` want none");
}

static void no_key(struct source_reader *reader, const struct json *value, void *block)
{
    (void)block;
    refuse(reader, value);
}

/* Such a block has its defaults all the same. */
#define NONE_OF(BLOCK)                                                                             \
    static void no_##BLOCK(struct source_reader *reader, const struct json *value, void *block)    \
    {                                                                                              \
        refuse(reader, value);                                                                     \
        source_take_##BLOCK(reader, NULL, block);                                                  \
    }

NONE_OF(auth)
NONE_OF(foreach)
NONE_OF(window)
NONE_OF(page)
NONE_OF(conditional)
NONE_OF(timeouts)
NONE_OF(limits)
NONE_OF(retry)
NONE_OF(outcomes)

static void no_versions(struct source_reader *reader, const struct json *value, void *block)
{
    if (value != NULL)
        source_fault(reader, "rows of files that grow are known when they are read; want none");
    source_take_versions(reader, NULL, block);
}

const struct source_key source_file_keys[] = {
    TAKE("name", source_take_name),
    KEY("paused", KEY_BOOL, source, paused),
    TAKE("files", source_take_files, .required = true),
    TAKE("schedule", no_key),
    TAKE("request", no_key),
    TAKE("auth", no_auth),
    TAKE("foreach", no_foreach),
    TAKE("window", no_window),
    TAKE("page", no_page),
    TAKE("conditional", no_conditional),
    TAKE("timeouts", no_timeouts),
    TAKE("limits", no_limits),
    TAKE("retry", no_retry),
    TAKE("outcomes", no_outcomes),
    TAKE("decode", source_take_decode, .required = true),
    TAKE("rows", source_take_rows),
    TAKE("where", source_take_where),
    TAKE("time", source_take_time, .required = true),
    KEY("measurement", KEY_PLACES, source, measurement, .places = SOURCE_MEASUREMENT_PLACES),
    TAKE("values", source_take_values, .required = true),
    TAKE("tags", source_take_tags),
    KEY("faults_max", KEY_COUNT, source, files.faults_max, .initial = FAULTS_MAX,
        .most = FAULTS_MAX),
    TAKE("versions", no_versions),
};
const size_t source_file_key_count = COUNT_OF(source_file_keys);

void source_check_files(struct source_reader *reader)
{
    const struct source *source = reader->source;
    const struct tree_format *format = source->decode.format;

    if (source->decode.zip_archive || format == &tree_json || format == &tree_xml)
        source_fault_at(reader, BYTES("/decode"),
                        "a file that grows has a row, or a document of rows, in each line: want "
                        "csv or ndjson");
    else if (source->plan != NULL && tree_plan_passes(source->plan) > 1)
        source_fault_at(reader, BYTES("/rows"),
                        "a file that grows is read once: want nothing of what is around rows "
                        "(\"../x\", \"/x\")");
    if (source->time.fill)
        source_fault_at(reader, BYTES("/time/fill"),
                        "a file that grows has no end up to which a row could be repeated");
}
