/* The document's blocks, in the order in which they need each other. */
#include "ingest/source/source.h"

#include <stdlib.h>

#include "ingest/source/source_reader.h"

enum {
    DOCUMENT_SIZE_MAX = 64 << 10,
    DEPTH_MAX = 16,
    SOURCE_BYTES_FIRST = 256, /* most documents need two KiB, in chunks of a quarter of it */
    SOURCE_BYTES_MAX = 16 << 20,
};

/* A source with its arena: one allocation to free. */
struct owned_source {
    struct source source;
    struct arena arena;
};

/* Letters and digits, and "_-." within. */
static bool name_good(struct bytes name)
{
    return place_name_good(name) && strchr("_-.", name.data[0]) == NULL;
}

void source_take_name(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;
    struct bytes text = source->name;

    if (value == NULL && text.size == 0) {
        source_fault(reader, "it is missing");
        return;
    }
    if (value != NULL && !source_text(reader, value, false, &text))
        return;
    if (source->name.size > 0 && !bytes_equal(text, source->name))
        source_fault(reader, "it is not the address's, \"%.*s\"; want that, or leave it out",
                     BYTES_ARG(source->name));
    source->name = text;
    if (!name_good(text))
        source_fault(reader,
                     "want a name of 1 to %d letters, digits, '_', '-' and '.', a letter or digit "
                     "first",
                     PLACE_NAME_SIZE_MAX);
}

void source_take_decode(struct source_reader *reader, const struct json *value, void *block)
{
    source_read_decode(reader, value, &((struct source *)block)->decode);
}

void source_take_rows(struct source_reader *reader, const struct json *value, void *block)
{
    source_read_rows(reader, value, &((struct source *)block)->decode);
}

void source_take_where(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;

    if (value != NULL)
        source_matches(reader, value, &source->where, &source->where_count);
}

void source_take_tags(struct source_reader *reader, const struct json *value, void *block)
{
    struct source *source = block;

    if (value != NULL)
        source_read_tags(reader, value, &source->tags, &source->tag_count);
}

static const struct source_key keys[] = {
    TAKE("name", source_take_name),
    KEY("paused", KEY_BOOL, source, paused),
    TAKE("schedule", source_take_schedule, .required = true),
    TAKE("request", source_take_request, .required = true),
    TAKE("auth", source_take_auth),
    TAKE("foreach", source_take_foreach),
    TAKE("window", source_take_window),
    TAKE("page", source_take_page),
    TAKE("conditional", source_take_conditional),
    TAKE("timeouts", source_take_timeouts),
    TAKE("limits", source_take_limits),
    TAKE("retry", source_take_retry),
    TAKE("outcomes", source_take_outcomes),
    TAKE("decode", source_take_decode, .required = true),
    TAKE("rows", source_take_rows),
    TAKE("where", source_take_where),
    TAKE("time", source_take_time, .required = true),
    KEY("measurement", KEY_PLACES, source, measurement, .places = SOURCE_MEASUREMENT_PLACES),
    TAKE("values", source_take_values, .required = true),
    TAKE("tags", source_take_tags),
    KEY("faults_max", KEY_COUNT, source, faults_max, .most = INT64_C(1) << 40),
    TAKE("versions", source_take_versions),
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a source's document");
}

/* The first fault is the error's, too. */
static enum code tell(const struct source_faults *faults, struct error *err)
{
    const struct source_fault *first = &faults->items[0];

    if (faults->count == 0)
        return OK;
    error_point(err, first->pointer);
    return error_set(err, E_BAD_PARAMETER, "%.*s%s", BYTES_ARG(first->text),
                     faults->count > 1 ? " (and more)" : "");
}

static enum code read_document(const struct json *root, struct owned_source *owned,
                               struct arena *speech, struct source_faults *faults,
                               struct error *err)
{
    struct source_reader *reader = ARENA_NEW(speech, struct source_reader);

    if (reader == NULL)
        return no_memory(err);
    reader->source = &owned->source;
    reader->arena = &owned->arena;
    reader->speech = speech;
    reader->faults = faults;
    if (json_member(root, "files") == NULL
            ? source_block(reader, root, keys, COUNT_OF(keys), &owned->source)
            : source_block(reader, root, source_file_keys, source_file_key_count, &owned->source))
        source_check(reader, root);
    return reader->starved ? no_memory(err) : tell(faults, err);
}

static enum code parse(struct bytes name, struct bytes json, struct owned_source *owned,
                       struct arena *speech, struct source_faults *faults, struct error *err)
{
    struct json *root = NULL;
    enum code code;

    owned->source.name = arena_copy(&owned->arena, name);
    if (owned->source.name.data == NULL)
        return no_memory(err);
    code = json_doc_parse(json, DEPTH_MAX, &root, err);
    if (code == E_DEPTH) {
        code = E_SYNTAX;
        if (err != NULL)
            err->code = code;
    }
    if (!code && json_kind(root) != JSON_KIND_OBJECT)
        code = error_set(err, E_SYNTAX, "the document is %s; want an object: a source",
                         json_kind_name(json_kind(root)));
    if (!code)
        code = read_document(root, owned, speech, faults, err);
    json_doc_free(root);
    return code;
}

enum code source_parse(struct bytes name, struct bytes json, struct arena *arena,
                       struct source **source, struct source_faults *faults, struct error *err)
{
    struct owned_source *owned;
    enum code code;

    *source = NULL;
    *faults = (struct source_faults){0};
    if (json.size > DOCUMENT_SIZE_MAX)
        return error_set(err, E_SYNTAX, "the document has %zu bytes; want at most %d", json.size,
                         DOCUMENT_SIZE_MAX);
    owned = calloc(1, sizeof(*owned));
    if (owned == NULL)
        return no_memory(err);
    arena_init(&owned->arena, SOURCE_BYTES_MAX, NULL);
    arena_begin_small(&owned->arena, SOURCE_BYTES_FIRST);
    owned->source.arena = &owned->arena;
    code = parse(name, json, owned, arena, faults, err);
    if (code)
        source_free(&owned->source);
    else
        *source = &owned->source;
    return code;
}

enum code source_plan(const struct source *source, struct arena *arena,
                      const struct tree_plan **plan, struct error *err)
{
    return tree_plan_make(&source->decode.rows, source->decode.rows_zip, source->slots,
                          source->slot_count, arena, plan, err);
}

void source_free(struct source *source)
{
    struct arena arena;

    if (source == NULL)
        return;
    arena = *source->arena;
    arena_release(&arena);
    free(source); /* the first member of what was allocated */
}
