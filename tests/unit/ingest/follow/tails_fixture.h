/* A source that follows files, over a real store, by turns that a test takes. */
#ifndef WEIR_TESTS_UNIT_INGEST_FOLLOW_TAILS_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_FOLLOW_TAILS_FIXTURE_H

#include "tests/unit/ingest/follow/tail_fixture.h"

#include "ingest/follow/tails_inside.h"

struct tails_fixture {
    struct tail_fixture files;
    struct ground ground;
    struct recall recall;
    enum code recall_code;  /* what is said of marks: a fault, */
    bool recall_partial;    /* or not all, */
    struct tail_mark mark;  /* or this, with an inode, */
    struct tail_mark later; /* and this; */
    const char *mark_node;  /* each of this node, NULL: without one; */
    const char *later_node;
    const struct tail_mark *began; /* and this, without an inode, of the node itself; NULL: none */
    const char *node;              /* its number, NULL: not yet */
    int64_t retention_ns;
    unsigned asked;
    struct tails_parts parts;
    struct tails tails;
    struct tails_source *source;
    int64_t now_ns;
};

/* As a row that was read. */
static inline enum code
tails_give_mark(const struct tail_mark *mark, const char *node,
                enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
                void *taker, struct error *err)
{
    const struct series_tag tags[] = {
        {BYTES("file"), BYTES("x")                        },
        {BYTES("node"), bytes_of(node == NULL ? "" : node)}
    };
    static const struct bytes names[] = {BYTES("device"),    BYTES("faults"),    BYTES("head"),
                                         BYTES("head_size"), BYTES("inode"),     BYTES("last"),
                                         BYTES("offset"),    BYTES("last_size"), BYTES("packed"),
                                         BYTES("raw"),       BYTES("rows"),      BYTES("within")};
    const uint64_t values[] = {mark->device, mark->faults,    mark->head.hash, mark->head.size,
                               mark->inode,  mark->last.hash, mark->offset,    mark->last.size,
                               mark->packed, mark->raw,       mark->rows,      mark->within};
    enum value_type types[COUNT_OF(values)];
    union cell cells[COUNT_OF(values)];
    const struct recalled_row row = {tags,  1 + (node != NULL), mark->time_ns, names, types,
                                     cells, COUNT_OF(values)};

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        types[i] = TYPE_I64;
        cells[i].u64 = values[i];
    }
    return take(taker, &row, err);
}

static inline enum code
tails_rows(void *context, struct bytes tenant, struct bytes measurement,
           const struct series_tag *matched, uint32_t matched_count, int64_t start, int64_t end,
           enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
           void *taker, bool *partial, struct error *err)
{
    struct tails_fixture *fixture = context;
    enum code code = OK;

    (void)matched, (void)matched_count, (void)start, (void)end;
    assert_true(bytes_equal(tenant, BYTES("default")));
    assert_true(bytes_equal(measurement, BYTES("\x01lab")));
    fixture->asked++;
    *partial = fixture->recall_partial;
    if (fixture->recall_code)
        return error_set(err, fixture->recall_code, "nobody answers");
    if (fixture->mark.inode != 0)
        code = tails_give_mark(&fixture->mark, fixture->mark_node, take, taker, err);
    if (code == OK && fixture->later.inode != 0)
        code = tails_give_mark(&fixture->later, fixture->later_node, take, taker, err);
    if (code == OK && fixture->began != NULL)
        code = tails_give_mark(fixture->began, fixture->node, take, taker, err);
    return code;
}

static inline enum code tails_node(void *context, char node[TAIL_NODE_SIZE], struct error *err)
{
    const struct tails_fixture *fixture = context;

    if (fixture->node == NULL)
        return error_set(err, E_NOT_READY, "no number yet");
    (void)snprintf(node, TAIL_NODE_SIZE, "%s", fixture->node);
    return OK;
}

static inline bool tails_tenant(void *context, struct bytes name, const struct tenant **tenant,
                                struct limits *limits, int64_t *retention_ns)
{
    const struct tails_fixture *fixture = context;

    assert_true(bytes_equal(name, BYTES("default")));
    *tenant = fixture->ground.tenant;
    *limits = fixture->ground.limits;
    *retention_ns = fixture->retention_ns;
    return true;
}

static inline struct tails_source *tails_new_source_of(struct tails_fixture *fixture,
                                                       const char *path, const char *blocks)
{
    struct tails_message message = {.tenant = strdup("default"),
                                    .name = strdup("lab"),
                                    .source = tail_source(&fixture->files.arena, path, blocks)};
    struct tails_source *source = tails_source_new(&fixture->tails, &message);

    assert_non_null(source);
    return source;
}

static inline struct tails_source *tails_new_source(struct tails_fixture *fixture,
                                                    const char *blocks)
{
    return tails_new_source_of(fixture, tail_path(&fixture->files, "*"), blocks);
}

static inline void tails_fixture_init(struct tails_fixture *fixture, const char *blocks)
{
    *fixture = (struct tails_fixture){
        .now_ns = INT64_C(1000000000000), .node = "", .retention_ns = INT64_MAX};
    tail_fixture_init(&fixture->files, "*", "");
    ground_init(&fixture->ground);
    ground_open(&fixture->ground);
    fixture->recall = (struct recall){.rows = tails_rows, .context = fixture};
    fixture->parts = (struct tails_parts){.intake = &fixture->ground.environment,
                                          .recall = &fixture->recall,
                                          .places = &fixture->files.places,
                                          .clock = clock_system(),
                                          .node = tails_node,
                                          .tenant = tails_tenant,
                                          .context = fixture};
    fixture->tails.parts = fixture->parts;
    fixture->tails.buffer = malloc(TAIL_BUFFER_SIZE);
    pthread_mutex_init(&fixture->tails.lock, NULL);
    fixture->source = fixture->tails.sources = tails_new_source(fixture, blocks);
}

static inline void tails_fixture_release(struct tails_fixture *fixture)
{
    tails_source_free(fixture->source);
    pthread_mutex_destroy(&fixture->tails.lock);
    free(fixture->tails.buffer);
    ground_close(&fixture->ground);
    ground_remove(&fixture->ground);
    tail_fixture_release(&fixture->files);
}

/* As after a start; what the former knew is given by `mark` and `later`, or forgotten. */
static inline void tails_start_anew(struct tails_fixture *fixture, const char *blocks)
{
    struct tails_source *former = fixture->source;

    fixture->source = fixture->tails.sources = tails_new_source(fixture, blocks);
    tails_source_free(former);
}

/* A turn, so much later. */
static inline void tails_turn(struct tails_fixture *fixture, int64_t later_ms)
{
    fixture->now_ns += later_ms * 1000000;
    (void)tails_source_turn(fixture->source, fixture->now_ns);
}

#endif
