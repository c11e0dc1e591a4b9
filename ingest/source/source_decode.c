/* What a body is written in, and where its rows are. */
#include "ingest/source/source_reader.h"

enum { COLUMNS_MAX = 4096, SKIP_MAX = 1000000 };

static const char *const names[] = {"json", "ndjson", "csv", "xml", "zip", NULL};

static void take_separator(struct source_reader *reader, const struct json *value, void *block)
{
    struct tree_columns *columns = block;
    char c;

    columns->separator = ',';
    if (value == NULL)
        return;
    c = json_kind(value) == JSON_KIND_TEXT && json_text_of(value).size == 1
            ? json_text_of(value).data[0]
            : '\0';
    if (c == '\t' || (c >= ' ' && c <= '~' && c != '"'))
        columns->separator = c;
    else
        source_fault(reader, "want one character, as \";\"; not a quote");
}

static const struct source_key csv_keys[] = {
    KEY("header", KEY_BOOL, tree_columns, header, .initial = true),
    TAKE("separator", take_separator),
    KEY("columns", KEY_TEXTS, tree_columns, names,
        .count_offset = offsetof(struct tree_columns, name_count), .most = COLUMNS_MAX),
    KEY("skip", KEY_COUNT_32, tree_columns, skip, .most = SKIP_MAX),
};

static void take_csv(struct source_reader *reader, const struct json *value,
                     struct tree_columns *columns)
{
    if (!source_block(reader, value, csv_keys, COUNT_OF(csv_keys), columns) || value == NULL)
        return;
    if (json_member(value, "columns") && !json_member(value, "header"))
        columns->header = false;
    if (columns->header && columns->name_count > 0)
        source_fault_key(reader, "columns", "the header has their names; want one of both");
    else if (!columns->header && columns->name_count == 0)
        source_fault_key(reader, "columns", "it is missing: without a header want their names");
}

/* `options` is what stands beside the name, or NULL. */
static void take_named(struct source_reader *reader, struct bytes name, const struct json *options,
                       struct source_decode *decode)
{
    if (bytes_equal(name, BYTES("zip"))) {
        if (options == NULL || decode->zip_archive) {
            source_fault(reader, "want what the files of an archive are, as {zip: xml}");
            return;
        }
        decode->zip_archive = true;
        source_read_decode(reader, options, decode);
        return;
    }
    decode->format = tree_format_find(name);
    if (decode->format == NULL)
        source_fault_unknown(reader, "format", name, names);
    else if (decode->format == &tree_csv)
        take_csv(reader, options, &decode->csv);
    else if (options != NULL && (json_kind(options) != JSON_KIND_OBJECT || json_count(options) > 0))
        source_fault(reader, "%s has no options; want its name alone", decode->format->name);
}

void source_read_decode(struct source_reader *reader, const struct json *value,
                        struct source_decode *decode)
{
    static const char form[] = "json, ndjson, csv, xml, or one of them with its options, as "
                               "{csv: {separator: \";\"}}";
    struct json *options = NULL;
    struct source_at at;
    struct bytes key;
    void *first = NULL;

    if (json_kind(value) == JSON_KIND_TEXT) {
        take_named(reader, json_text_of(value), NULL, decode);
        return;
    }
    if (!source_is(reader, value, JSON_KIND_OBJECT, form))
        return;
    if (json_count(value) != 1 || !json_next(value, &first, &key, &options)) {
        source_fault(reader, "want %s", form);
        return;
    }
    source_enter(reader, &at, key);
    take_named(reader, key, options, decode);
    source_leave(reader);
}

void source_want_columns(struct source_reader *reader, const struct tree_slot *slots, size_t count,
                         struct source_decode *decode)
{
    struct bytes *wanted;

    if (decode->format != &tree_csv || !decode->csv.header)
        return;
    wanted = ARENA_ARRAY(reader->arena, struct bytes, count);
    if (!source_has(reader, wanted))
        return;
    decode->csv.wanted = wanted;
    for (size_t i = 0; i < count; i++)
        if (!slots[i].document && slots[i].path.count > 0)
            wanted[decode->csv.wanted_count++] = slots[i].path.steps[0].name;
}

/* A line of NDJSON or record of CSV is a document by itself: "*" is it, and "*" + "/items" + "/" +
 * "*" what is in it. */
static bool within_line(struct source_reader *reader, const struct source_decode *decode,
                        struct bytes *text)
{
    bool csv = decode->format == &tree_csv;

    if (bytes_equal(*text, BYTES("*"))) {
        *text = BYTES("/");
        return true;
    }
    if (!csv && text->size > 2 && memcmp(text->data, "*/", 2) == 0) {
        *text = bytes_slice(*text, 1, text->size);
        return true;
    }
    source_fault(reader, csv ? "each record is a row: want \"*\", or nothing"
                             : "each line is a document: want \"*\", or a path as \"*/items/*\"");
    return false;
}

static void take_path(struct source_reader *reader, struct bytes text, struct source_decode *decode)
{
    bool lines = decode->format == &tree_csv || decode->format == &tree_ndjson;
    struct error err = {0};
    struct tree_path path;

    if (lines && !within_line(reader, decode, &text))
        return;
    if (!source_good(reader, tree_path_parse(text, true, reader->arena, &path, &err), &err))
        return;
    if (!path.absolute)
        source_fault(reader, "rows are found from the document: want a path that begins with a "
                             "slash, as /results/*");
    else
        decode->rows = path;
}

static const struct source_key zip_keys[] = {
    VALUE("zip", KEY_TEXT, .required = true),
};

void source_read_rows(struct source_reader *reader, const struct json *value,
                      struct source_decode *decode)
{
    struct bytes text = {NULL, 0};
    struct source_at at;

    if (decode->format == NULL)
        return; /* which was told */
    if (value == NULL && (decode->format == &tree_csv || decode->format == &tree_ndjson)) {
        take_path(reader, BYTES("*"), decode);
    } else if (value == NULL) {
        source_fault(reader, "it is missing; want the path to each row, as /results/*");
    } else if (json_kind(value) == JSON_KIND_OBJECT) {
        decode->rows_zip = true;
        if (decode->format == &tree_csv)
            source_fault(reader, "records of CSV are no columns to zip; want \"*\", or nothing");
        else if (source_block(reader, value, zip_keys, COUNT_OF(zip_keys), &text) &&
                 text.size > 0) {
            source_enter(reader, &at, BYTES("zip"));
            take_path(reader, text, decode);
            source_leave(reader);
        }
    } else if (source_text(reader, value, false, &text)) {
        take_path(reader, text, decode);
    }
}
