#include "handlers/recall.h"

#include "catalog/catalog.h"
#include "handlers/app.h"
#include "handlers/peers.h"
#include "query/give.h"
#include "store/guests/caught_up.h"
#include "store/store.h"

struct recalling {
    enum code (*take)(void *taker, const struct recalled_row *row, struct error *err);
    void *taker;
    struct arena arena; /* of the two, for one row after the other */
    enum value_type *types;
    union cell *cells;
    uint32_t capacity;
};

static bool reserve(struct recalling *recalling, uint32_t count)
{
    if (count <= recalling->capacity)
        return true;
    recalling->types = ARENA_ARRAY(&recalling->arena, enum value_type, count);
    recalling->cells = ARENA_ARRAY(&recalling->arena, union cell, count);
    recalling->capacity = count;
    return recalling->types != NULL && recalling->cells != NULL;
}

static enum code take_row(void *context, const struct given_row *given, struct error *err)
{
    struct recalling *recalling = context;
    struct recalled_row row = {.tags = given->tags,
                               .tag_count = given->tag_count,
                               .time = given->time,
                               .fields = given->columns,
                               .count = given->count};

    if (!reserve(recalling, given->count))
        return error_set(err, E_MEMORY, "no memory to read what was written before");
    for (uint32_t i = 0; i < given->count; i++) {
        recalling->types[i] = given->values[i].type;
        recalling->cells[i] = given->values[i].cell;
    }
    row.types = recalling->types;
    row.cells = recalling->cells;
    return recalling->take(recalling->taker, &row, err);
}

/* Nobody's quota: as much as the rows that came say. */
static struct limits unbounded(const struct limits *limits)
{
    struct limits own = *limits;

    own.query_rows_max = own.query_bytes_max = own.query_series_max = UINT64_MAX;
    own.page_rows_max = UINT64_MAX;
    return own;
}

static enum code give(struct app *app, const struct tenant_settings *settings,
                      const struct query_range *range, struct recalling *recalling, bool *partial,
                      struct error *err)
{
    const struct limits limits = unbounded(&settings->limits);
    struct query_environment environment = {
        .store = app->store,
        .catalog = app->catalog,
        .tenant = catalog_tenant_find(app->catalog, settings->name),
        .limits = &limits,
        .retention_ns = settings->retention_ns,
        .history_ns = settings->history_ns,
        .clock = store_clock(app->store),
        .memory = &app->query_memory,
    };
    const struct give_terms terms = {.range = *range, .take = take_row, .context = recalling};
    struct asking asking;
    enum code code;

    asking_init(&asking, app->peers, &environment);
    code = query_give(&terms, &environment, partial, err);
    asking_release(&asking);
    return code;
}

static enum code
rows(void *context, struct bytes tenant, struct bytes measurement, const struct series_tag *matched,
     uint32_t matched_count, int64_t start, int64_t end,
     enum code (*take)(void *taker, const struct recalled_row *row, struct error *err), void *taker,
     bool *partial, struct error *err)
{
    struct app *app = context;
    struct directory_snapshot *snapshot = directory_get(app->directory);
    const struct tenant_settings *settings = directory_tenant(snapshot, tenant);
    struct recalling recalling = {.take = take, .taker = taker};
    struct query_range range = {measurement, start, end, NULL, matched_count};
    struct matcher *matchers;
    enum code code = OK;

    *partial = false;
    arena_init(&recalling.arena, SIZE_MAX, NULL);
    matchers = ARENA_ARRAY(&recalling.arena, struct matcher, matched_count);
    if (matchers == NULL)
        code = error_set(err, E_MEMORY, "no memory to read what was written before");
    for (uint32_t i = 0; matchers != NULL && i < matched_count; i++)
        matchers[i] = (struct matcher){matched[i].key, MATCH_EQUAL, matched[i].value};
    range.matchers = matchers;
    if (code == OK && settings == NULL)
        code = error_set(err, E_NOT_FOUND, "there is no tenant \"%.*s\"", BYTES_ARG(tenant));
    if (code == OK)
        code = give(app, settings, &range, &recalling, partial, err);
    arena_release(&recalling.arena);
    directory_put(snapshot);
    return code;
}

static enum code ready(void *context, struct bytes tenant, int64_t since_ns, struct error *err)
{
    struct app *app = context;
    const struct tenant *known = catalog_tenant_find(app->catalog, tenant);

    if (app->guests == NULL)
        return OK;
    if (known == NULL)
        return error_set(err, E_NOT_FOUND, "there is no tenant \"%.*s\"", BYTES_ARG(tenant));
    return guests_caught_up(app->guests, known, since_ns, err);
}

struct recall recall_of(struct app *app)
{
    return (struct recall){rows, app, ready};
}
