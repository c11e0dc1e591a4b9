/* Submissions from chance.  Times, series and fields come from small sets, so that corrections,
 * repeats and retractions meet; values are wide, so that no two rows are mistaken for each
 * other. */
#include <assert.h>
#include <stdlib.h>

#include "codec/record.h"
#include "codec/series_key.h"
#include "world.h"

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

static struct bytes copy(struct world *world, struct bytes bytes)
{
    struct bytes made = arena_copy(&world->arena, bytes);

    assert(made.data != NULL);
    return made;
}

static int64_t some_time(struct world *world)
{
    static const int64_t edges[] = {INT64_MIN + 2, -1, 0, 1, INT64_MAX - 1};

    if (below(world, 40) == 0)
        return edges[below(world, COUNT_OF(edges))];
    if (below(world, 4) == 0) /* fast and almost in order */
        return world->clock.wall - (int64_t)below(world, 1000000000);
    return INT64_C(1700000000000000000) + (int64_t)below(world, 300) * 1000000000;
}

/* The type a field has mostly: fields 0..2 are numbers, 3 strings, 4 bools, 5 numbers. */
static enum value_type some_type(struct world *world, uint32_t field)
{
    if (below(world, 12) == 0)
        return TYPE_RETRACTED;
    if (field == 3)
        return TYPE_STRING;
    if (field == 4)
        return TYPE_BOOL;
    if (below(world, 6) == 0)
        return (enum value_type)(TYPE_F64 + below(world, 3));
    return (enum value_type)(TYPE_F64 + field % 3);
}

static struct known_cell some_cell(struct world *world, enum value_type type)
{
    struct known_cell cell = {.type = type};
    double real;

    switch (type) {
    case TYPE_F64:
        switch (below(world, 4)) {
        case 0:
            real = (double)below(world, 100000) / 100;
            break;
        case 1:
            real = below(world, 2) ? -0.0 : 5e-324;
            break;
        default:
            do {
                cell.bits = random_next(&world->random);
                memcpy(&real, &cell.bits, sizeof(real));
            } while (real != real || real - real != 0);
        }
        memcpy(&cell.bits, &real, sizeof(real));
        break;
    case TYPE_I64:
    case TYPE_U64:
        cell.bits = random_next(&world->random) >> below(world, 64);
        break;
    case TYPE_BOOL:
        cell.bits = below(world, 2);
        break;
    case TYPE_STRING: {
        char text[96];
        size_t size = below(world, 8) == 0 ? 0 : below(world, sizeof(text));

        for (size_t i = 0; i < size; i++)
            text[i] = (char)(below(world, 3) == 0 ? random_next(&world->random) : 'a');
        cell.text = copy(world, (struct bytes){text, size});
        break;
    }
    case TYPE_NONE:
    case TYPE_RETRACTED:
        break;
    }
    return cell;
}

static union cell batch_cell(struct task *task, const struct known_cell *known)
{
    union cell cell = {.u64 = known->bits};

    if (known->type == TYPE_STRING) {
        struct text *text = arena_alloc(&task->arena, sizeof(*text) + known->text.size);

        assert(text != NULL);
        text->size = (uint32_t)known->text.size;
        memcpy(text->data, known->text.data, known->text.size);
        cell.text = text;
    }
    return cell;
}

/* Puts the row into the batch, its fields in order of name (field_name() ascends). */
static void batch_add(struct task *task, const struct known_row *row, uint32_t line)
{
    struct world *world = task->world;
    const struct known_series *series = &world->series[row->series];
    struct batch_field fields[FIELD_COUNT];
    struct bytes measurement = measurement_name(series->measurement);
    struct batch_table *table;
    uint32_t count = 0, index, at, column = 0;

    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if (row->cells[i].type != TYPE_NONE)
            fields[count++] = (struct batch_field){field_name(i), row->cells[i].type};
    index = batch_series_index(&task->batch, series->key, measurement);
    table = batch_table_find(&task->batch, measurement, fields, count);
    assert(index != UINT32_MAX && table != NULL);
    at = batch_row_begin(&task->batch, table);
    assert(at != UINT32_MAX);
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if (row->cells[i].type != TYPE_NONE)
            table->columns[column++][at] = batch_cell(task, &row->cells[i]);
    batch_row_done(&task->batch, table, index, line, row->time);
    if (row->revision != INT64_MIN && !batch_row_revision(&task->batch, table, row->revision))
        abort();
}

/* By (series, time, line); `ingest` holds the line until the rows are merged. */
static int line_order(const void *left, const void *right)
{
    const struct known_row *a = left, *b = right;

    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->ingest < b->ingest ? -1 : a->ingest > b->ingest;
}

/* Within a request the later line wins, field by field. */
static void known_merge(struct task *task)
{
    size_t kept = 0;

    qsort(task->rows, task->row_count, sizeof(*task->rows), line_order);
    for (size_t i = 0; i < task->row_count; i++) {
        const struct known_row *row = &task->rows[i];
        struct known_row *old = kept > 0 ? &task->rows[kept - 1] : NULL;

        if (!old || old->series != row->series || old->time != row->time) {
            task->rows[kept++] = *row;
            continue;
        }
        for (uint32_t f = 0; f < FIELD_COUNT; f++)
            if (row->cells[f].type != TYPE_NONE)
                old->cells[f] = row->cells[f];
        if (old->revision == INT64_MIN || row->revision == INT64_MIN)
            old->revision = INT64_MIN;
        else if (row->revision > old->revision)
            old->revision = row->revision;
    }
    task->row_count = kept;
}

/* Series, tenants and fields as the ingest room would give them. */
static void resolve(struct task *task, const struct tenant *tenant)
{
    struct world *world = task->world;
    struct error err = {0};
    enum code code = OK;

    if (!batch_resolve(&task->batch))
        abort();
    for (uint32_t i = 0; i < task->batch.series_count && code == OK; i++) {
        struct batch_series *series = &task->batch.series[i];

        code =
            catalog_series(world->catalog, tenant, series->key, UINT64_MAX, &series->series, &err);
        if (code == OK)
            series->id = series->series->id;
    }
    for (struct batch_table *table = task->batch.tables; table && code == OK; table = table->next)
        for (uint32_t i = 0; i < table->field_count && code == OK; i++)
            if (table->row_count > 0)
                code =
                    catalog_claim(world->catalog, tenant, table->measurement, table->fields[i].name,
                                  table->fields[i].type, UINT64_MAX, &err);
    if (code)
        world_fail(world, "catalog: %s", err.text);
}

static void make_rows(struct task *task, const struct tenant *tenant, size_t rows_max)
{
    struct world *world = task->world;
    size_t count = 1 + below(world, rows_max);
    uint32_t series =
        task->tenant + (uint32_t)below(world, SERIES_COUNT / TENANT_COUNT) * TENANT_COUNT;
    uint32_t mask = 0;
    bool one_series = below(world, 2) == 0, regular = below(world, 2) == 0;
    int64_t time = some_time(world);
    bool revised = below(world, 5) == 0;

    task->rows = ARENA_ARRAY(&world->arena, struct known_row, count);
    assert(task->rows != NULL);
    for (uint32_t line = 1; line <= count; line++) {
        struct known_row row = {.revision = INT64_MIN, .settled = INT64_MIN};

        if (!one_series)
            series =
                task->tenant + (uint32_t)below(world, SERIES_COUNT / TENANT_COUNT) * TENANT_COUNT;
        if (mask == 0 || !regular)
            mask = (uint32_t)(1 + below(world, (1 << FIELD_COUNT) - 1));
        row.series = series;
        row.time = regular && time < INT64_MAX - 2000000 ? time++ : some_time(world);
        for (uint32_t i = 0; i < FIELD_COUNT; i++)
            if (mask >> i & 1)
                row.cells[i] = some_cell(world, some_type(world, i));
        if (revised && below(world, 2) == 0)
            row.revision =
                world->clock.wall + (int64_t)below(world, 200) * 1000000000 - INT64_C(180000000000);
        batch_add(task, &row, line);
        row.ingest = line;
        task->rows[task->row_count++] = row;
    }
    known_merge(task);
    resolve(task, tenant);
}

static void make_tombstone(struct task *task)
{
    struct world *world = task->world;
    struct tombstone *tombstone = &task->tombstone;
    struct matcher *matcher = ARENA_NEW(&world->arena, struct matcher);
    struct bytes *field = ARENA_NEW(&world->arena, struct bytes);

    assert(matcher != NULL && field != NULL);
    task->deletes = true;
    tombstone->selector.measurement =
        measurement_name((uint32_t)below(world, MEASUREMENT_COUNT - 1));
    if (below(world, 2)) {
        *matcher =
            (struct matcher){BYTES("host"), (enum matcher_op)(1 + below(world, 4)), BYTES("h1")};
        tombstone->selector.matchers = matcher;
        tombstone->selector.matcher_count = 1;
    }
    tombstone->start = some_time(world);
    tombstone->end = INT64_MAX;
    if (below(world, 3) == 0) {
        *field = field_name((uint32_t)below(world, FIELD_COUNT));
        tombstone->fields = field;
        tombstone->field_count = 1;
    }
    task->submission.tombstone = tombstone;
}

static void make_note(struct task *task)
{
    struct world *world = task->world;
    char key[32];
    uint64_t hash[2] = {random_next(&world->random), random_next(&world->random)};

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (char)('a' + below(world, 26));
    task->noted = true;
    task->note.key = copy(world, (struct bytes){key, 1 + below(world, sizeof(key))});
    memcpy(task->note.body_hash.bytes, hash, sizeof(hash));
    task->note.status = below(world, 2) ? 204 : 200;
    if (task->note.status == 200)
        task->note.result = copy(world, BYTES("{\"accepted\":3}"));
    task->submission.note = &task->note;
}

void task_release(struct task *task)
{
    if (!task->lent)
        return;
    task->lent = false;
    batch_release(&task->batch);
    arena_release(&task->arena);
    buf_release(&task->payload);
}

static size_t row_place(const struct known_series *series, int64_t time, int64_t ingest)
{
    size_t first = 0, end = series->row_count;

    while (first < end) {
        size_t middle = (first + end) / 2;
        const struct known_row *row = series->rows[middle];

        if (row->time < time || (row->time == time && row->ingest < ingest))
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static void hold_row(struct world *world, const struct known_row *row)
{
    struct known_series *series = &world->series[row->series];
    size_t at = row_place(series, row->time, row->ingest);

    if (series->row_count == series->row_capacity) {
        series->row_capacity = series->row_capacity * 2 + 64;
        series->rows = realloc(series->rows, series->row_capacity * sizeof(*series->rows));
        assert(series->rows != NULL);
    }
    memmove(&series->rows[at + 1], &series->rows[at],
            (series->row_count - at) * sizeof(*series->rows));
    series->rows[at] = row;
    series->row_count++;
    world->counts[COUNT_ROWS]++;
}

void task_settle(struct task *task, enum task_state state, int64_t ingest)
{
    struct world *world = task->world;
    size_t at;

    task->state = state;
    task_release(task);
    if (state != TASK_HELD)
        return;
    task->ingest = task->tombstone.ingest = task->note.ingest = ingest;
    for (size_t i = 0; i < task->row_count; i++) {
        struct known_row *row = &task->rows[i];

        row->ingest = ingest;
        if (row->revision > ingest) /* a source cannot know what comes after us */
            row->revision = ingest;
        hold_row(world, row);
    }
    if (world->held_count == world->held_capacity) {
        world->held_capacity = world->held_capacity * 2 + 64;
        world->held = realloc(world->held, world->held_capacity * sizeof(*world->held));
        assert(world->held != NULL);
    }
    for (at = world->held_count; at > 0 && world->held[at - 1]->ingest >= ingest; at--)
        ;
    if (at < world->held_count && world->held[at]->ingest == ingest)
        world_fail(world, "ingest time %lld was given to #%llu and to #%llu", (long long)ingest,
                   (unsigned long long)world->held[at]->number, (unsigned long long)task->number);
    memmove(&world->held[at + 1], &world->held[at],
            (world->held_count - at) * sizeof(*world->held));
    world->held[at] = task;
    world->held_count++;
}

static void task_done(struct submission *submission, enum code code, const struct error *err)
{
    struct task *task = (struct task *)submission;
    struct world *world = task->world;

    world_trace(world, "#%llu done %d at %lld", (unsigned long long)task->number, code,
                (long long)submission->ingest);
    if (task->state != TASK_WAITING) {
        world_fail(world, "#%llu is done twice", (unsigned long long)task->number);
        return;
    }
    if (code) {
        if (code == E_IO)
            world->dead = true;
        if (!world->trouble && code != E_DRAINING)
            world_fail(world, "#%llu: %s without a cause", (unsigned long long)task->number,
                       err ? err->text : "");
        world->counts[COUNT_UNKNOWN]++;
        task_settle(task, TASK_UNKNOWN, 0);
        return;
    }
    if (world->disk.off)
        world_fail(world, "#%llu is acknowledged without power", (unsigned long long)task->number);
    if (world->held_count > 0 && submission->ingest <= world->held[world->held_count - 1]->ingest)
        world_fail(world, "#%llu: ingest time %lld is not above %lld",
                   (unsigned long long)task->number, (long long)submission->ingest,
                   (long long)world->held[world->held_count - 1]->ingest);
    if (submission->ingest <= world->seen)
        world_fail(world, "#%llu: ingest time %lld is not above S = %lld, which was shown before",
                   (unsigned long long)task->number, (long long)submission->ingest,
                   (long long)world->seen);
    world->counts[COUNT_ACKNOWLEDGED]++;
    task_settle(task, TASK_HELD, submission->ingest);
}

static void task_keep(struct world *world, struct task *task)
{
    if (world->task_count == world->task_capacity) {
        world->task_capacity = world->task_capacity * 2 + 64;
        world->tasks = realloc(world->tasks, world->task_capacity * sizeof(*world->tasks));
        assert(world->tasks != NULL);
    }
    task->number = world->task_count;
    world->tasks[world->task_count++] = task;
}

struct task *task_submit(struct world *world, size_t rows_max)
{
    struct task *task = ARENA_NEW(&world->arena, struct task);
    struct error err = {0};
    const struct tenant *tenant;
    enum code code;

    assert(task != NULL);
    task->world = world;
    task->tenant = (uint32_t)below(world, TENANT_COUNT);
    task->lent = true;
    task->seen_before = world->seen;
    task->wall = world->clock.wall;
    arena_init(&task->arena, SIZE_MAX, NULL);
    batch_init(&task->batch, &task->arena, 10);
    task->payload = BUF_INIT(SIZE_MAX);
    task_keep(world, task);
    tenant = catalog_tenant(world->catalog, bytes_of(tenant_name(task->tenant)));
    assert(tenant != NULL);
    if (below(world, 4) == 0)
        make_note(task);
    if (below(world, 30) == 0)
        make_tombstone(task);
    else
        make_rows(task, tenant, rows_max);
    if (task->deletes)
        record_encode_delete(tenant->name, &task->note, &task->tombstone, &task->payload);
    else
        record_encode_rows(tenant->name, &task->note, &task->batch, &task->payload);
    assert(!task->payload.failed);
    task->submission.tenant = tenant;
    task->submission.payload = buf_bytes(&task->payload);
    task->submission.batch = task->deletes ? NULL : &task->batch;
    task->submission.done = task_done;
    task->state = TASK_WAITING;
    code = store_submit(world->store, &task->submission, &err);
    world_trace(world, "#%llu submitted: %zu rows, %zu bytes: %d %s",
                (unsigned long long)task->number, task->row_count, task->payload.size, code,
                err.text);
    if (code == OK) {
        world->counts[COUNT_SUBMITTED]++;
        return task;
    }
    world->counts[COUNT_REFUSED]++;
    task_settle(task, TASK_GONE, 0);
    if (code == E_IO)
        world->dead = true;
    else if (code != E_BUSY && code != E_DISK_FULL && code != E_CLOCK_SKEW &&
             code != E_RECORD_LARGE) /* some heads here are smaller than some requests */
        world_fail(world, "store_submit: %s", err.text);
    if ((code == E_IO || code == E_DISK_FULL) && !world->trouble)
        world_fail(world, "store_submit without a cause: %s", err.text);
    if (code == E_CLOCK_SKEW && !world_clock_is_odd(world))
        world_fail(world, "store_submit, nothing is odd about the clock: %s", err.text);
    return NULL;
}
