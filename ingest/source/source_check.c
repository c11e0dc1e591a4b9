/* What holds between the blocks of a document. */
#include <stdio.h>

#include "ingest/source/source_reader.h"

static bool has_name(const struct source_partition *partition, struct bytes name)
{
    for (size_t i = 0; i < partition->count; i++)
        if (bytes_equal(partition->variables[i].name, name))
            return true;
    return false;
}

static void check_each(struct source_reader *reader, const struct source_use *use)
{
    const struct source_foreach *foreach = &reader->source->foreach;

    for (size_t i = 0; i < foreach->count; i++) {
        if (has_name(&foreach->partitions[i], use->name))
            continue;
        if (foreach->count == 1 && foreach->partitions[0].count == 0)
            source_fault_at(reader, use->pointer,
                            "${each.%.*s} stands for nothing without `foreach`",
                            BYTES_ARG(use->name));
        else
            source_fault_at(reader, use->pointer,
                            "${each.%.*s} stands for nothing in element %zu of `foreach`",
                            BYTES_ARG(use->name), i);
        return;
    }
    if (foreach->pick_count == 0)
        return;
    for (size_t i = 0; i < foreach->pick_count; i++)
        if (bytes_equal(foreach->picks[i].name, use->name))
            return;
    source_fault_at(reader, use->pointer, "${each.%.*s} is none of `vars` of `foreach`",
                    BYTES_ARG(use->name));
}

static void check_use(struct source_reader *reader, const struct source_use *use)
{
    const struct source *source = reader->source;
    enum source_page_kind page = source->page.kind;

    switch (use->kind) {
    case PLACE_EACH:
        check_each(reader, use);
        break;
    case PLACE_WINDOW_START:
    case PLACE_WINDOW_END:
        if (!source->window.given)
            source_fault_at(reader, use->pointer,
                            "${window.%s} stands for nothing without `window`",
                            use->kind == PLACE_WINDOW_START ? "start" : "end");
        break;
    case PLACE_PAGE_VALUE:
        if (page != SOURCE_PAGE_OFFSET && page != SOURCE_PAGE_NUMBER && page != SOURCE_PAGE_CURSOR)
            source_fault_at(reader, use->pointer,
                            "${page.value} stands for nothing without a `page` of type offset, "
                            "page or cursor");
        break;
    case PLACE_PAGE_LIMIT:
        if (source->page.limit == 0)
            source_fault_at(reader, use->pointer,
                            "${page.limit} stands for nothing without `limit` in `page`");
        break;
    default:
        break;
    }
}

static bool uses(const struct source_reader *reader, enum place_kind kind)
{
    for (size_t i = 0; i < reader->use_count; i++)
        if (reader->uses[i].kind == kind)
            return true;
    return false;
}

static bool in_query(const struct source_request *request, struct bytes name)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (bytes_equal(request->query[i].name, name))
            return true;
    return false;
}

/* What else goes into the query has names of its own. */
static void check_query(struct source_reader *reader)
{
    const struct source *source = reader->source;
    const struct source_page *page = &source->page;

    if (page->param.size > 0 && in_query(&source->request, page->param))
        source_fault_at(reader, BYTES("/page/param"), "`query` of `request` has this name, too");
    if (page->limit_param.size > 0 && in_query(&source->request, page->limit_param))
        source_fault_at(reader, BYTES("/page/limit_param"),
                        "`query` of `request` has this name, too");
    if (page->limit_param.size > 0 && bytes_equal(page->limit_param, page->param))
        source_fault_at(reader, BYTES("/page/limit_param"), "it is the same as `param`");
    if (source->auth.kind == SOURCE_AUTH_QUERY && source->auth.first.rest.size > 0 &&
        (in_query(&source->request, source->auth.first.rest) ||
         bytes_equal(source->auth.first.rest, page->param) ||
         bytes_equal(source->auth.first.rest, page->limit_param)))
        source_fault_at(reader, BYTES("/auth/name"), "the query has this name, too");
}

static void check_headers(struct source_reader *reader)
{
    const struct source *source = reader->source;
    struct bytes name = BYTES("Authorization");

    if (source->auth.kind == SOURCE_AUTH_NONE || source->auth.kind == SOURCE_AUTH_QUERY)
        return;
    if (source->auth.kind == SOURCE_AUTH_HEADER)
        name = source->auth.first.rest;
    for (size_t i = 0; i < source->request.header_count; i++)
        if (source->request.headers[i].name.size == name.size &&
            strncasecmp(source->request.headers[i].name.data, name.data, name.size) == 0)
            source_fault_at(reader, BYTES("/auth"), "`headers` of `request` has %.*s, too",
                            BYTES_ARG(name));
}

static void check_page(struct source_reader *reader)
{
    const struct source_page *page = &reader->source->page;

    if ((page->kind == SOURCE_PAGE_OFFSET || page->kind == SOURCE_PAGE_NUMBER ||
         page->kind == SOURCE_PAGE_CURSOR) &&
        page->param.size == 0 && !uses(reader, PLACE_PAGE_VALUE))
        source_fault_at(reader, BYTES("/page/param"),
                        "it is missing: each request would be for the first page; want the name, "
                        "or ${page.value} in `request`");
}

static void check_measurements(struct source_reader *reader)
{
    const struct source *source = reader->source;
    char pointer[64];

    for (size_t i = 0; i < source->value_count; i++) {
        if (source->values[i].has_measurement)
            continue;
        (void)snprintf(pointer, sizeof(pointer), "/values/%zu/measurement", i);
        source_fault_at(reader, arena_copy(reader->speech, bytes_of(pointer)),
                        "it is missing, here and beside `values`; want it in one place");
    }
}

static void check_tags(struct source_reader *reader, const char *around,
                       const struct source_tag *tags, size_t count)
{
    char pointer[64];

    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal(tags[i].name, BYTES("partition")))
            continue;
        (void)snprintf(pointer, sizeof(pointer), "%s/tags/partition", around);
        source_fault_at(reader, arena_copy(reader->speech, bytes_of(pointer)),
                        "what was delivered is kept beside its tags and one of this name: want "
                        "another one");
    }
}

/* A row's tags stand beside ours, where it is kept what was delivered (ingest/pull/progress.h). */
static void check_all_tags(struct source_reader *reader)
{
    const struct source *source = reader->source;
    char around[32];

    check_tags(reader, "", source->tags, source->tag_count);
    for (size_t i = 0; i < source->value_count; i++) {
        (void)snprintf(around, sizeof(around), "/values/%zu", i);
        check_tags(reader, around, source->values[i].tags, source->values[i].tag_count);
    }
}

/* What was delivered is looked for by measurement and by the window's own times. */
static void check_missing(struct source_reader *reader)
{
    const struct source *source = reader->source;
    bool of_rows = text_places_has(&source->measurement, PLACE_ROW);

    if (!source->window.given || !source->window.retract_missing)
        return;
    for (size_t i = 0; i < source->value_count; i++)
        of_rows |= source->values[i].has_measurement &&
                   text_places_has(&source->values[i].measurement, PLACE_ROW);
    if (!source->window.clip)
        source_fault_at(reader, BYTES("/window/missing"),
                        "`retract` is of the rows within a window: want `clip: true`");
    if (of_rows)
        source_fault_at(reader, BYTES("/window/missing"),
                        "`retract` has to know where rows are: want names of measurements "
                        "without ${row.…}");
}

/* The plan says what is wrong with one slot; which it is, slots by themselves tell. */
static void make_plan(struct source_reader *reader)
{
    struct source *source = reader->source;
    const struct tree_plan *plan = NULL;
    struct tree_slot *slots;
    struct error err = {0};
    enum code code;

    if (!source->decode.rows.absolute)
        return; /* which was told */
    slots = ARENA_ARRAY(reader->arena, struct tree_slot, reader->slot_count + 1);
    if (!source_has(reader, slots))
        return;
    memcpy(slots, reader->slots, reader->slot_count * sizeof(*slots));
    source->slots = slots;
    source->slot_count = reader->slot_count;
    source_want_columns(reader, slots, reader->slot_count, &source->decode);
    code = source_plan(source, source->files.given ? reader->arena : reader->speech, &plan, &err);
    source->plan = code == OK && source->files.given ? plan : NULL;
    if (code == E_MEMORY)
        reader->starved = true;
    for (size_t i = 0; code == E_BAD_PARAMETER && i < reader->slot_count; i++)
        if (tree_plan_make(&source->decode.rows, source->decode.rows_zip, &slots[i], 1,
                           reader->speech, &plan, &err) == E_BAD_PARAMETER)
            source_fault_at(reader, reader->slot_pointers[i], "%s", err.text);
    if (code == E_BAD_PARAMETER && source_fault_total(reader) == 0)
        source_fault_at(reader, BYTES("/rows"), "%s", err.text);
}

void source_check(struct source_reader *reader, const struct json *root)
{
    const struct source *source = reader->source;

    for (size_t i = 0; i < reader->use_count; i++)
        check_use(reader, &reader->uses[i]);
    if (source->window.given && json_member(root, "request") && !uses(reader, PLACE_WINDOW_START))
        source_fault_at(reader, BYTES("/window"),
                        "no window would be asked for: want ${window.start} in `request`");
    if (json_member(root, "measurement") == NULL)
        check_measurements(reader);
    check_missing(reader);
    check_page(reader);
    check_query(reader);
    check_headers(reader);
    make_plan(reader);
    if (source->files.given)
        source_check_files(reader);
    else
        check_all_tags(reader);
}
