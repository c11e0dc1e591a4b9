/* Partitions that the document lists, or what asks for them. */
#include <stdlib.h>

#include "ingest/source/source_reader.h"

enum { PARTITIONS_MAX = 10000, VARIABLES_MAX = 32 };

static int by_name(const void *a, const void *b)
{
    const struct source_variable *left = a, *right = b;

    return bytes_compare(left->name, right->name);
}

static void take_partition(struct source_reader *reader, const struct json *value,
                           struct source_partition *partition)
{
    struct source_variable *variables;
    struct json *member;
    struct bytes key;
    size_t count = 0;

    if (!source_is(reader, value, JSON_KIND_OBJECT, "a map of names to texts"))
        return;
    if (json_count(value) > VARIABLES_MAX) {
        source_fault(reader, "there are %zu variables; want at most %d", json_count(value),
                     VARIABLES_MAX);
        return;
    }
    variables = ARENA_ARRAY(reader->arena, struct source_variable, json_count(value));
    if (!source_has(reader, variables))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_at here;

        source_enter(reader, &here, key);
        if (!place_name_good(key))
            source_fault(reader, "want a name of 1 to %d letters, digits, '_', '-' and '.'",
                         PLACE_NAME_SIZE_MAX);
        variables[count].name = arena_copy(reader->arena, key);
        (void)source_has(reader, variables[count].name.data);
        if (source_text(reader, member, false, &variables[count].value))
            count++;
        source_leave(reader);
    }
    qsort(variables, count, sizeof(*variables), by_name);
    *partition = (struct source_partition){variables, count};
}

static int by_content(const void *a, const void *b)
{
    const struct source_partition *left = *(const struct source_partition *const *)a;
    const struct source_partition *right = *(const struct source_partition *const *)b;
    int order = 0;

    for (size_t i = 0; order == 0 && i < left->count && i < right->count; i++) {
        order = bytes_compare(left->variables[i].name, right->variables[i].name);
        if (order == 0)
            order = bytes_compare(left->variables[i].value, right->variables[i].value);
    }
    if (order == 0)
        order = left->count < right->count ? -1 : left->count > right->count;
    return order;
}

/* Of equal partitions the later ones: each would be asked for the same. */
static void find_equal(struct source_reader *reader, const struct source_partition *partitions,
                       size_t count)
{
    const struct source_partition **sorted =
        ARENA_ARRAY(reader->speech, const struct source_partition *, count);

    if (!source_has(reader, sorted))
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &partitions[i];
    qsort(sorted, count, sizeof(*sorted), by_content);
    for (size_t i = 1; i < count; i++) {
        size_t one = (size_t)(sorted[i - 1] - partitions), two = (size_t)(sorted[i] - partitions);
        struct source_at at;

        if (by_content(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        source_enter_element(reader, &at, one > two ? one : two);
        source_fault(reader, "it is the same as element %zu", one > two ? two : one);
        source_leave(reader);
    }
}

static void take_list(struct source_reader *reader, const struct json *value,
                      struct source_foreach *foreach)
{
    size_t count = json_count(value), faults = source_fault_total(reader);
    struct source_partition *partitions;

    if (count == 0 || count > PARTITIONS_MAX) {
        source_fault(reader, "there are %zu partitions; want 1 to %d", count, PARTITIONS_MAX);
        return;
    }
    partitions = ARENA_ARRAY(reader->arena, struct source_partition, count);
    if (!source_has(reader, partitions))
        return;
    for (size_t i = 0; i < count; i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        take_partition(reader, json_element(value, i), &partitions[i]);
        source_leave(reader);
    }
    if (source_fault_total(reader) > faults)
        return;
    find_equal(reader, partitions, count);
    foreach
        ->partitions = partitions;
    foreach
        ->count = count;
}

/* --- asked for --- */

/* What is read of a foreach that asks. */
struct asked {
    struct source_foreach *foreach;
    struct source_request request;
    struct source_decode decode;
    struct tree_slot *slots; /* of its plan */
    int64_t every_ns;
};

static void take_request(struct source_reader *reader, const struct json *value, void *block)
{
    struct asked *asked = block;

    source_read_request(reader, value, 1U << PLACE_NOW, &asked->request);
}

static void take_decode(struct source_reader *reader, const struct json *value, void *block)
{
    struct asked *asked = block;

    source_read_decode(reader, value, &asked->decode);
    if (asked->decode.zip_archive)
        source_fault_key(reader, "zip", "a list of partitions is one document; want no archive");
}

static void take_rows(struct source_reader *reader, const struct json *value, void *block)
{
    struct asked *asked = block;

    source_read_rows(reader, value, &asked->decode);
}

static bool take_pick(struct source_reader *reader, const struct json *value,
                      struct source_pick *pick)
{
    static const struct source_key keys[] = {
        VALUE("path", KEY_TEXT, .required = true, .empty = true)};
    struct bytes text = {NULL, 0};
    struct error err = {0};
    struct source_at at;
    bool good;

    if (!source_block(reader, value, keys, COUNT_OF(keys), &text) || text.data == NULL)
        return false;
    source_enter(reader, &at, BYTES("path"));
    good =
        source_good(reader, tree_path_parse(text, false, reader->arena, &pick->path, &err), &err);
    source_leave(reader);
    return good;
}

/* Each is a slot of the rows' plan. */
static void take_vars(struct source_reader *reader, const struct json *value, void *block)
{
    struct asked *asked = block;
    struct source_foreach *foreach = asked->foreach;
    struct tree_slot *slots;
    struct source_pick *picks;
    struct json *member;
    struct bytes key;

    if (!source_is(reader, value, JSON_KIND_OBJECT, "a map of names to {path: …}"))
        return;
    if (json_count(value) == 0 || json_count(value) > VARIABLES_MAX) {
        source_fault(reader, "there are %zu; want 1 to %d", json_count(value), VARIABLES_MAX);
        return;
    }
    picks = ARENA_ARRAY(reader->arena, struct source_pick, json_count(value));
    slots = ARENA_ARRAY(reader->arena, struct tree_slot, json_count(value));
    if (!source_has(reader, picks) || !source_has(reader, slots))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_pick *pick = &picks[foreach->pick_count];
        struct source_at here;

        source_enter(reader, &here, key);
        if (!place_name_good(key))
            source_fault(reader, "want a name of 1 to %d letters, digits, '_', '-' and '.'",
                         PLACE_NAME_SIZE_MAX);
        pick->name = arena_copy(reader->arena, key);
        if (source_has(reader, pick->name.data) && take_pick(reader, member, pick))
            slots[foreach->pick_count++].path = pick->path;
        source_leave(reader);
    }
    foreach
        ->picks = picks;
    asked->slots = slots;
}

static const struct source_key keys[] = {
    TAKE("request", take_request, .required = true),
    TAKE("decode", take_decode, .required = true),
    TAKE("rows", take_rows),
    TAKE("vars", take_vars, .required = true),
    KEY("every", KEY_DURATION, asked, every_ns, .initial = INT64_C(86400000), .least = 60000,
        .most = INT64_C(366) * 86400000),
};

static void take_asked(struct source_reader *reader, const struct json *value,
                       struct source_foreach *foreach)
{
    struct asked *asked = ARENA_NEW(reader->arena, struct asked);
    struct error err = {0};
    enum code code;

    if (!source_has(reader, asked))
        return;
    asked->foreach = foreach;
    (void)source_block(reader, value, keys, COUNT_OF(keys), asked);
    foreach
        ->request = &asked->request;
    foreach
        ->decode = &asked->decode;
    foreach
        ->every_ns = asked->every_ns;
    if (asked->decode.rows.absolute && foreach->pick_count > 0) {
        code = tree_plan_make(&asked->decode.rows, asked->decode.rows_zip, asked->slots,
                              foreach->pick_count, reader->arena, &foreach->plan, &err);
        (void)source_good(reader, code, &err);
        source_want_columns(reader, asked->slots, foreach->pick_count, &asked->decode);
    }
}

static void take_none(struct source_reader *reader, struct source_foreach *foreach)
{
    struct source_partition *partition = ARENA_NEW(reader->arena, struct source_partition);

    (void)source_has(reader, partition);
    foreach
        ->partitions = partition;
    foreach
        ->count = 1;
}

void source_take_foreach(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_foreach *foreach = &((struct source *)block)->foreach;

    if (value == NULL)
        take_none(reader, foreach);
    else if (json_kind(value) == JSON_KIND_ARRAY)
        take_list(reader, value, foreach);
    else if (source_is(reader, value, JSON_KIND_OBJECT,
                       "a list of maps, or an object with a request"))
        take_asked(reader, value, foreach);
}
