#include "store/delivery/chain_read.h"

#include <inttypes.h>
#include <stdlib.h>

enum { BACK_MAX = CHAIN_CHECKPOINT_EVERY };

struct reading {
    struct archive *archive;
    struct bytes tenant, database;
    char database_name[CHAIN_DATABASE_SIZE];
    struct hash128 incarnation;
    struct buf body; /* of the entry asked for last */
    /* From the newest back to a checkpoint, their bytes and arrays in the arena. */
    struct arena arena;
    struct chain_entry entries[BACK_MAX];
    size_t count;
};

static enum code fetch(struct reading *reading, uint64_t number, struct error *err)
{
    char id[CHAIN_ID_SIZE];

    chain_entry_id(&reading->incarnation, number, id);
    buf_clear(&reading->body);
    return reading->archive->operations->get(reading->archive, reading->database, ARCHIVE_MANIFESTS,
                                             bytes_of(id), &reading->body, err);
}

static enum code exists(struct reading *reading, uint64_t number, bool *there, struct error *err)
{
    struct error found = {0};
    enum code code = fetch(reading, number, &found);

    *there = code == OK;
    if (code == OK || code == E_NOT_FOUND)
        return OK;
    if (err != NULL)
        *err = found;
    return code;
}

/* A chain has no gaps: its end is between an entry that is there and one that is not. */
static enum code find_last(struct reading *reading, uint64_t *last, struct error *err)
{
    uint64_t low = 0, high = 1;
    bool there;
    enum code code = exists(reading, low, &there, err);

    if (code == OK && !there)
        return error_set(err, E_NOT_FOUND, "there is no chain of this incarnation");
    while (code == OK && there) {
        code = exists(reading, high, &there, err);
        if (code || !there)
            break;
        low = high;
        if (high > UINT64_MAX / 2)
            return error_set(err, E_CORRUPT, "a chain without an end");
        high *= 2;
    }
    while (code == OK && high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        code = exists(reading, middle, &there, err);
        *(there ? &low : &high) = middle;
    }
    *last = low;
    return code;
}

/* The fetched body. */
static enum code open_entry(const struct reading *reading, uint64_t number, struct arena *arena,
                            struct chain_entry *entry, struct error *err)
{
    struct bytes bytes = arena_copy(arena, buf_bytes(&reading->body));
    enum code code;

    if (bytes.data == NULL)
        return error_set(err, E_MEMORY, "no memory for a chain entry");
    code = chain_entry_decode(bytes, arena, entry, err);
    if (code)
        return code;
    if (entry->number != number ||
        memcmp(&entry->incarnation, &reading->incarnation, sizeof(entry->incarnation)) != 0 ||
        !bytes_equal(entry->tenant, reading->tenant))
        return error_set(err, E_CORRUPT,
                         "it says of itself that it is entry %" PRIu64 " of tenant %.*s",
                         entry->number, BYTES_ARG(entry->tenant));
    return OK;
}

static enum code take_entry(struct reading *reading, uint64_t number, struct error *err)
{
    enum code code = fetch(reading, number, err);

    if (code)
        return code == E_NOT_FOUND ? error_set(err, E_CORRUPT, "it is not there") : code;
    code = open_entry(reading, number, &reading->arena, &reading->entries[reading->count], err);
    if (code == OK)
        reading->count++;
    return code;
}

static enum code read_back(struct reading *reading, uint64_t last, struct error *err)
{
    uint64_t number = last;

    for (;;) {
        enum code code = take_entry(reading, number, err);

        if (code) {
            error_context(err, "chain entry %" PRIu64, number);
            return code;
        }
        if (reading->entries[reading->count - 1].checkpoint)
            return OK;
        if (number == 0 || reading->count == BACK_MAX)
            return error_set(err, E_CORRUPT,
                             "chain entry %" PRIu64 " is no checkpoint, nor are %zu behind it",
                             number, reading->count - 1);
        number--;
    }
}

static enum code come_to(struct reading *reading, struct chain_list *list,
                         struct chain_about *about, struct error *err)
{
    enum code code = OK;

    for (size_t i = reading->count; code == OK && i-- > 0;)
        code = chain_list_apply(list, &reading->entries[i], err);
    about->through = reading->entries[0].through;
    about->packs = list->count;
    for (size_t i = 0; code == OK && i < list->count; i++) {
        const struct manifest_entry *entry = &list->packs[i].entry;

        if (__builtin_add_overflow(about->rows, entry->row_count, &about->rows) ||
            __builtin_add_overflow(about->bytes, entry->bytes, &about->bytes))
            code = error_set(err, E_CORRUPT, "its packs are larger than any disk");
    }
    return code;
}

/* NULL: memory. */
static struct reading *reading_new(struct archive *archive, struct bytes tenant,
                                   const struct hash128 *incarnation)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    if (reading == NULL)
        return NULL;
    reading->archive = archive;
    reading->tenant = tenant;
    reading->incarnation = *incarnation;
    reading->body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    chain_database(tenant, reading->database_name);
    reading->database = bytes_of(reading->database_name);
    arena_init(&reading->arena, SIZE_MAX, NULL);
    return reading;
}

static void reading_free(struct reading *reading)
{
    arena_release(&reading->arena);
    buf_release(&reading->body);
    free(reading);
}

enum code chain_entry_read(struct archive *archive, struct bytes tenant,
                           const struct hash128 *incarnation, uint64_t number, struct arena *arena,
                           struct chain_entry *entry, struct error *err)
{
    struct reading *reading = reading_new(archive, tenant, incarnation);
    enum code code;

    if (reading == NULL)
        return error_set(err, E_MEMORY, "no memory to read a chain");
    code = fetch(reading, number, err);
    if (code == OK)
        code = open_entry(reading, number, arena, entry, err);
    if (code == E_CORRUPT)
        error_context(err, "database %s, chain entry %" PRIu64, reading->database_name, number);
    reading_free(reading);
    return code;
}

enum code chain_read(struct archive *archive, struct bytes tenant,
                     const struct hash128 *incarnation, struct chain_list *list,
                     struct chain_about *about, struct error *err)
{
    struct reading *reading = reading_new(archive, tenant, incarnation);
    char hex[HASH128_TEXT_SIZE];
    enum code code;

    *about = (struct chain_about){.incarnation = *incarnation};
    if (reading == NULL)
        return error_set(err, E_MEMORY, "no memory to read a chain");
    code = find_last(reading, &about->last, err);
    if (code == OK)
        code = read_back(reading, about->last, err);
    if (code == OK)
        code = come_to(reading, list, about, err);
    if (code) {
        hash128_print(incarnation, hex);
        error_context(err, "database %s, incarnation %s", reading->database_name, hex);
    }
    reading_free(reading);
    return code;
}

/* --- which there are --- */

struct authors {
    struct hash128 *incarnations; /* owned */
    size_t count;
};

static enum code note_id(void *context, struct bytes id, struct error *err)
{
    struct authors *authors = context;
    struct hash128 incarnation;
    uint64_t number;

    if (!chain_entry_id_parse(id, &incarnation, &number)) /* somebody else's document */
        return OK;
    for (size_t i = 0; i < authors->count; i++)
        if (hash128_equal(&authors->incarnations[i], &incarnation))
            return OK;
    if (authors->count == CHAIN_SURVEY_MAX)
        return error_set(err, E_CORRUPT, "more than %d chains", CHAIN_SURVEY_MAX);
    authors->incarnations[authors->count++] = incarnation;
    return OK;
}

enum code chain_authors(struct archive *archive, struct bytes tenant, struct hash128 **incarnations,
                        size_t *count, struct error *err)
{
    struct authors authors = {calloc(CHAIN_SURVEY_MAX, sizeof(*authors.incarnations)), 0};
    char database[CHAIN_DATABASE_SIZE];
    enum code code;

    *incarnations = NULL;
    *count = 0;
    if (authors.incarnations == NULL)
        return error_set(err, E_MEMORY, "no memory to look for chains");
    chain_database(tenant, database);
    code = archive->operations->list(archive, bytes_of(database), ARCHIVE_MANIFESTS, note_id,
                                     &authors, err);
    if (code)
        error_context(err, "database %s", database);
    if (code || authors.count == 0) {
        free(authors.incarnations);
        return code;
    }
    *incarnations = authors.incarnations;
    *count = authors.count;
    return OK;
}

static int farthest_first(const void *a, const void *b)
{
    const struct chain_about *left = a, *right = b;

    if (left->through != right->through)
        return left->through > right->through ? -1 : 1;
    return memcmp(&left->incarnation, &right->incarnation, sizeof(left->incarnation));
}

enum code chain_survey(struct archive *archive, struct bytes tenant, struct chain_about **chains,
                       size_t *count, struct error *err)
{
    struct hash128 *incarnations;
    struct chain_about *found;
    size_t found_count;
    enum code code = chain_authors(archive, tenant, &incarnations, &found_count, err);

    *chains = NULL;
    *count = 0;
    if (code || found_count == 0)
        return code;
    found = calloc(found_count, sizeof(*found));
    if (found == NULL)
        code = error_set(err, E_MEMORY, "no memory to look for chains");
    for (size_t i = 0; code == OK && i < found_count; i++) {
        struct chain_list list = {.count = 0};

        code = chain_read(archive, tenant, &incarnations[i], &list, &found[i], err);
        chain_list_release(&list);
    }
    free(incarnations);
    if (code) {
        free(found);
        return code;
    }
    qsort(found, found_count, sizeof(*found), farthest_first);
    *chains = found;
    *count = found_count;
    return OK;
}
