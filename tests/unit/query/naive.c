#include "tests/unit/query/naive.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

__extension__ typedef __int128 naive_integer;
__extension__ typedef __float128 naive_real;

struct naive_value {
    enum value_type type; /* TYPE_NONE = null */
    union cell cell;
    bool exact; /* `integer` instead of the cell */
    naive_integer integer;
};

struct naive_line { /* a row of the answer */
    uint32_t group;
    int64_t time, known_from, known_to;
    struct naive_value values[NAIVE_FIELDS_MAX * NAIVE_AGGREGATES_MAX];
};

struct naive_group {
    const char *tags[NAIVE_TAGS_MAX];
    const struct series *series; /* NULL unless the group is one series */
};

struct naive {
    const struct naive_question *q;
    struct naive_line *lines;
    uint32_t line_count, line_capacity;
    struct naive_group groups[64];
    uint32_t group_count;
    uint64_t skipped;
};

static struct bytes tag_of(const struct series *series, const char *key)
{
    for (uint32_t i = 0; i < series->tag_count; i++)
        if (bytes_equal(series->tags[i].key, bytes_of(key)))
            return series->tags[i].value;
    return BYTES("");
}

static bool matches(const struct selector *selector, const struct series *series)
{
    if (!bytes_equal(selector->measurement, series->measurement))
        return false;
    for (uint32_t i = 0; i < selector->matcher_count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        struct bytes value = BYTES("");

        for (uint32_t j = 0; j < series->tag_count; j++)
            if (bytes_equal(series->tags[j].key, matcher->key))
                value = series->tags[j].value;
        assert(matcher->op == MATCH_EQUAL || matcher->op == MATCH_NOT_EQUAL);
        if (bytes_equal(value, matcher->value) != (matcher->op == MATCH_EQUAL))
            return false;
    }
    return true;
}

static bool deleted(const struct naive *n, const struct twin_row *row, struct bytes field,
                    int64_t as_of)
{
    for (size_t i = 0; i < n->q->store->tombstone_count; i++) {
        const struct tombstone *t = &n->q->store->tombstones[i];
        bool named = t->field_count == 0;

        for (uint32_t j = 0; j < t->field_count; j++)
            named |= bytes_equal(t->fields[j], field);
        if (named && (t->erase || t->ingest <= as_of) && row->ingest < t->ingest &&
            row->time >= t->start && row->time < t->end && matches(&t->selector, row->series))
            return true;
    }
    return false;
}

/* The field of a series at a time, as of an ingest time. */
static struct naive_value stored_at(const struct naive *n, const struct series *series,
                                    int64_t time, const char *field, int64_t as_of)
{
    const struct store *store = n->q->store;
    const struct twin_row *best = NULL;
    struct naive_value value = {.type = TYPE_NONE};

    for (uint32_t i = 0; i < store->row_count; i++) {
        const struct twin_row *row = &store->rows[i];

        if (row->series != series || row->time != time || row->ingest > as_of)
            continue;
        for (uint32_t j = 0; j < row->cell_count; j++) {
            if (!bytes_equal(row->cells[j].field, bytes_of(field)) ||
                deleted(n, row, bytes_of(field), as_of))
                continue;
            if (best &&
                version_compare(row->revision, row->ingest, best->revision, best->ingest) <= 0)
                continue;
            best = row;
            value = (struct naive_value){.type = row->cells[j].type, .cell = row->cells[j].cell};
        }
    }
    if (value.type == TYPE_RETRACTED)
        value.type = TYPE_NONE;
    return value;
}

static naive_real real_of(const struct naive_value *value)
{
    if (value->type == TYPE_F64)
        return (naive_real)value->cell.f64;
    return value->type == TYPE_I64 ? (naive_real)value->cell.i64 : (naive_real)value->cell.u64;
}

/* A field, or a column computed of such. */
static struct naive_value column_at(const struct naive *n, const struct series *series,
                                    int64_t time, const char *name, int64_t as_of)
{
    const struct naive_let *let = NULL;
    struct naive_value a, b, value = {.type = TYPE_F64};
    double x, y;

    for (uint32_t i = 0; i < n->q->let_count; i++)
        if (strcmp(n->q->lets[i].name, name) == 0)
            let = &n->q->lets[i];
    if (!let)
        return stored_at(n, series, time, name, as_of);
    a = column_at(n, series, time, let->a, as_of);
    b = let->b ? column_at(n, series, time, let->b, as_of)
               : (struct naive_value){.type = TYPE_F64, .cell.f64 = let->number};
    if (value_kind(a.type) != KIND_NUMBER || value_kind(b.type) != KIND_NUMBER)
        return (struct naive_value){.type = TYPE_NONE};
    x = (double)real_of(&a);
    y = (double)real_of(&b);
    value.cell.f64 = let->op == '+'   ? x + y
                     : let->op == '-' ? x - y
                     : let->op == '*' ? x * y
                                      : x / y;
    if (!isfinite(value.cell.f64))
        value.type = TYPE_NONE;
    return value;
}

static bool fits(const struct naive_where *where, const struct naive_value *value)
{
    struct naive_value other = {.type = where->type, .cell = where->cell};
    bool equal, less = false;

    if (value_kind(value->type) != value_kind(where->type))
        return false;
    if (where->type == TYPE_STRING) {
        equal = bytes_equal(text_bytes(value->cell.text), bytes_of(where->text));
    } else if (where->type == TYPE_BOOL) {
        equal = value->cell.u64 == where->cell.u64;
    } else {
        equal = real_of(value) == real_of(&other);
        less = real_of(value) < real_of(&other);
    }
    if (strcmp(where->op, "=") == 0 || strcmp(where->op, "!=") == 0)
        return equal == (where->op[0] == '=');
    if (where->op[0] == '<')
        return less || (equal && where->op[1]);
    return (!less && !equal) || (equal && where->op[1]);
}

/* What the answer has of the row. */
static struct naive_value value_at(const struct naive *n, const struct series *series, int64_t time,
                                   const char *name, int64_t as_of)
{
    for (uint32_t i = 0; i < n->q->where_count; i++) {
        struct naive_value value = column_at(n, series, time, n->q->wheres[i].field, as_of);

        if (!fits(&n->q->wheres[i], &value))
            return (struct naive_value){.type = TYPE_NONE};
    }
    return column_at(n, series, time, name, as_of);
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t distinct(int64_t *list, uint32_t count)
{
    uint32_t kept = 0;

    qsort(list, count, sizeof(*list), compare_i64);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || list[kept - 1] != list[i])
            list[kept++] = list[i];
    return kept;
}

/* All times at which the series has a row in the range, in the order asked for. */
static uint32_t times_of(const struct naive *n, const struct series *series, bool descending,
                         int64_t **times)
{
    const struct store *store = n->q->store;
    uint32_t count = 0;

    *times = malloc((store->row_count + 1) * sizeof(**times));
    assert(*times);
    for (uint32_t i = 0; i < store->row_count; i++)
        if (store->rows[i].series == series && store->rows[i].time >= n->q->start &&
            store->rows[i].time < n->q->end)
            (*times)[count++] = store->rows[i].time;
    count = distinct(*times, count);
    for (uint32_t i = 0; descending && i < count / 2; i++) {
        int64_t swapped = (*times)[i];

        (*times)[i] = (*times)[count - 1 - i];
        (*times)[count - 1 - i] = swapped;
    }
    return count;
}

static struct naive_line *add_line(struct naive *n, uint32_t group, int64_t time)
{
    if (n->line_count == n->line_capacity) {
        n->line_capacity = n->line_capacity ? 2 * n->line_capacity : 64;
        n->lines = realloc(n->lines, n->line_capacity * sizeof(*n->lines));
        assert(n->lines);
    }
    n->lines[n->line_count] = (struct naive_line){.group = group, .time = time};
    return &n->lines[n->line_count++];
}

static bool any_value(const struct naive_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (values[i].type != TYPE_NONE)
            return true;
    return false;
}

static bool equal_values(const struct naive_value *a, const struct naive_value *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].type != b[i].type)
            return false;
        if (a[i].type == TYPE_STRING
                ? !bytes_equal(text_bytes(a[i].cell.text), text_bytes(b[i].cell.text))
                : a[i].type != TYPE_NONE && a[i].cell.u64 != b[i].cell.u64)
            return false;
    }
    return true;
}

static void add_raw(struct naive *n, uint32_t group, const struct series *series)
{
    int64_t *times;
    uint32_t count = times_of(n, series, n->q->descending, &times);

    for (uint32_t i = 0; i < count; i++) {
        struct naive_line *line = add_line(n, group, times[i]);

        for (uint32_t f = 0; f < n->q->field_count; f++)
            line->values[f] = value_at(n, series, times[i], n->q->fields[f], n->q->as_of);
        if (!any_value(line->values, n->q->field_count))
            n->line_count--;
    }
    free(times);
}

/* The answer at every ingest time there is; equal ones that follow each other are one. */
static void add_versions(struct naive *n, uint32_t group, const struct series *series)
{
    const struct store *store = n->q->store;
    uint32_t most = store->row_count + (uint32_t)store->tombstone_count;
    int64_t *events = malloc((most + 1) * sizeof(*events)), *times;
    uint32_t count = times_of(n, series, n->q->descending, &times), event_count = 0;

    assert(events);
    for (uint32_t i = 0; i < store->row_count; i++)
        events[event_count++] = store->rows[i].ingest;
    for (uint32_t i = 0; i < store->tombstone_count; i++)
        events[event_count++] = store->tombstones[i].ingest;
    event_count = distinct(events, event_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = n->line_count;
        bool open = false;

        for (uint32_t e = 0; e < event_count && events[e] <= n->q->as_of; e++) {
            struct naive_line *line = add_line(n, group, times[i]), *before = line - 1;

            for (uint32_t f = 0; f < n->q->field_count; f++)
                line->values[f] = value_at(n, series, times[i], n->q->fields[f], events[e]);
            line->known_from = events[e];
            if (open && equal_values(before->values, line->values, n->q->field_count)) {
                n->line_count--;
                continue;
            }
            if (open)
                before->known_to = events[e];
            open = any_value(line->values, n->q->field_count);
            n->line_count -= !open;
        }
        for (uint32_t a = first, b = n->line_count; n->q->descending && a + 1 < b; a++, b--) {
            struct naive_line swapped = n->lines[a];

            n->lines[a] = n->lines[b - 1];
            n->lines[b - 1] = swapped;
        }
    }
    free(times);
    free(events);
}

/* --- windows --- */

struct naive_cell { /* one value of a window */
    int64_t time;
    uint32_t series;
    struct naive_value value;
    /* The series' number before it, whatever its window; TYPE_NONE = there is none. */
    struct naive_value before;
    int64_t time_before;
};

static struct naive_value real_value(naive_real real)
{
    double value = (double)real;

    if (!isfinite(value))
        return (struct naive_value){.type = TYPE_NONE};
    return (struct naive_value){.type = TYPE_F64, .cell.f64 = value};
}

/* min and max: of equal numbers the least type, and of the zeros the positive one. */
static bool better(const struct naive_value *a, const struct naive_value *b, bool max)
{
    naive_real x = real_of(a), y = real_of(b);

    if (x != y)
        return max ? x > y : x < y;
    return a->type < b->type;
}

static struct naive_value extreme(const struct naive_cell *cells, uint32_t count, bool max)
{
    struct naive_value best = {.type = TYPE_NONE};

    for (uint32_t i = 0; i < count; i++)
        if (value_kind(cells[i].value.type) == KIND_NUMBER &&
            (best.type == TYPE_NONE || better(&cells[i].value, &best, max)))
            best = cells[i].value;
    if (best.type == TYPE_F64 && best.cell.f64 == 0)
        best.cell.f64 = 0;
    return best;
}

static struct naive_value sum_or_mean(const struct naive_cell *cells, uint32_t count, bool mean)
{
    naive_integer integer = 0;
    naive_real real = 0;
    uint32_t numbers = 0;
    bool integers = true;

    for (uint32_t i = 0; i < count; i++) {
        const struct naive_value *value = &cells[i].value;

        if (value_kind(value->type) != KIND_NUMBER)
            continue;
        numbers++;
        integers &= value->type != TYPE_F64;
        if (value->type == TYPE_F64)
            real += (naive_real)value->cell.f64;
        if (value->type == TYPE_I64)
            integer += value->cell.i64;
        if (value->type == TYPE_U64)
            integer += (naive_integer)value->cell.u64;
    }
    if (numbers == 0)
        return (struct naive_value){.type = TYPE_NONE};
    /* Integers are added apart: those of 64 bits would push small reals out of the 113. */
    if (integers && !mean)
        return (struct naive_value){.type = TYPE_I64, .exact = true, .integer = integer};
    real += (naive_real)integer;
    return real_value(mean ? real / numbers : real);
}

#include "tests/unit/query/naive_aggregates.c"

static struct naive_value aggregate(const char *name, const struct naive_cell *cells,
                                    uint32_t count)
{
    const struct naive_cell *chosen = NULL;
    struct naive_value value;

    if (naive_more(name, cells, count, &value))
        return value;
    if (strcmp(name, "count") == 0)
        return (struct naive_value){.type = TYPE_U64, .cell.u64 = count};
    if (strcmp(name, "sum") == 0 || strcmp(name, "mean") == 0)
        return sum_or_mean(cells, count, strcmp(name, "mean") == 0);
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
        return extreme(cells, count, strcmp(name, "max") == 0);
    for (uint32_t i = 0; i < count; i++) { /* cells stand by series, then time */
        if (strcmp(name, "first") == 0 && (!chosen || cells[i].time < chosen->time))
            chosen = &cells[i];
        if (strcmp(name, "last") == 0 && (!chosen || cells[i].time >= chosen->time))
            chosen = &cells[i];
    }
    return chosen ? chosen->value : (struct naive_value){.type = TYPE_NONE};
}

static int64_t naive_window(int64_t every, int64_t time)
{
    const int64_t week = 7 * 86400 * (int64_t)1000000000;
    naive_integer from = every > 0 && every % week == 0 ? 4 * (naive_integer)week / 7 : 0;
    naive_integer count, start;

    if (every == 0)
        return 0;
    count = ((naive_integer)time - from) / every;
    while (count * every + from > time)
        count--;
    while ((count + 1) * every + from <= time)
        count++;
    start = count * every + from;
    return start < INT64_MIN ? INT64_MIN : (int64_t)start;
}

static bool in_group(const struct naive *n, const struct naive_group *group,
                     const struct series *series)
{
    if (group->series)
        return group->series == series;
    for (uint32_t i = 0; i < n->q->group_tag_count; i++)
        if (!bytes_equal(tag_of(series, n->q->group_tags[i]), bytes_of(group->tags[i])))
            return false;
    return true;
}

static bool selected(const struct naive *n, const struct series *series)
{
    if (!n->q->host)
        return true;
    return bytes_equal(tag_of(series, "host"), bytes_of(n->q->host)) != n->q->host_not;
}

static bool needs_numbers(const char *name)
{
    static const char *const any[] = {"count", "first", "last", "mode", "distinct"};

    for (size_t i = 0; i < COUNT_OF(any); i++)
        if (strcmp(name, any[i]) == 0)
            return false;
    return true;
}

static void add_windows(struct naive *n, uint32_t group)
{
    const struct naive_question *q = n->q;
    uint32_t most = q->store->row_count + 1, start_count = 0;
    struct naive_cell *cells = malloc(most * sizeof(*cells));
    int64_t *starts = malloc(most * sizeof(*starts));
    int64_t earliest = INT64_MAX;
    bool numbers = false;

    assert(cells && starts);
    for (uint32_t a = 0; a < q->aggregate_count; a++)
        numbers |= needs_numbers(q->aggregates[a]);
    for (uint32_t s = 0; s < q->series_count; s++) {
        int64_t *times;
        uint32_t count;

        if (!selected(n, q->series[s]) || !in_group(n, &n->groups[group], q->series[s]))
            continue;
        count = times_of(n, q->series[s], false, &times);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t f = 0; f < q->field_count; f++)
                if (value_at(n, q->series[s], times[i], q->fields[f], q->as_of).type) {
                    starts[start_count++] = naive_window(q->every, times[i]);
                    earliest = times[i] < earliest ? times[i] : earliest;
                    break;
                }
        free(times);
    }
    start_count = distinct(starts, start_count);
    for (uint32_t w = 0; w < start_count; w++) {
        int64_t start = starts[q->descending ? start_count - 1 - w : w];
        struct naive_line *line = add_line(n, group, start);

        if (q->every == 0)
            line->time = q->start_given ? q->start : earliest;
        for (uint32_t f = 0; f < q->field_count; f++) {
            uint32_t cell_count = 0;

            for (uint32_t s = 0; s < q->series_count; s++) {
                struct naive_value value, before;
                int64_t *times, time_before = 0;
                uint32_t count;

                if (!selected(n, q->series[s]) || !in_group(n, &n->groups[group], q->series[s]))
                    continue;
                count = times_of(n, q->series[s], false, &times);
                value.type = TYPE_NONE;
                before = value;
                for (uint32_t i = 0; i < count; i++) {
                    if (value_kind(value.type) == KIND_NUMBER) {
                        before = value;
                        time_before = times[i - 1];
                    }
                    value = value_at(n, q->series[s], times[i], q->fields[f], q->as_of);
                    if (value.type == TYPE_NONE || naive_window(q->every, times[i]) != start)
                        continue;
                    n->skipped += numbers && (q->fields[f][0] == 'f' || q->fields[f][0] == 'g') &&
                                  value_kind(value.type) != KIND_NUMBER;
                    cells[cell_count++] =
                        (struct naive_cell){times[i], s, value, before, time_before};
                }
                free(times);
            }
            for (uint32_t a = 0; a < q->aggregate_count; a++)
                line->values[f * q->aggregate_count + a] =
                    aggregate(q->aggregates[a], cells, cell_count);
        }
    }
    free(cells);
    free(starts);
}

/* --- groups --- */

static int compare_groups(const void *a, const void *b)
{
    const struct naive_group *x = a, *y = b;

    for (uint32_t i = 0; i < NAIVE_TAGS_MAX; i++) {
        int order = x->tags[i] && y->tags[i] ? strcmp(x->tags[i], y->tags[i]) : 0;

        if (order != 0)
            return order;
    }
    return 0;
}

/* A NUL-terminated copy in the store's arena. */
static const char *text_of(const struct naive *n, struct bytes bytes)
{
    char *text = arena_zero((struct arena *)&n->q->store->arena, bytes.size + 1);

    assert(text);
    memcpy(text, bytes.data, bytes.size);
    return text;
}

static void make_groups(struct naive *n)
{
    const struct naive_question *q = n->q;
    bool each = q->aggregate_count == 0 || q->by_series;

    for (uint32_t s = 0; s < q->series_count; s++) {
        struct naive_group group = {.series = each ? q->series[s] : NULL};
        bool found = false;

        if (!selected(n, q->series[s]))
            continue;
        for (uint32_t g = 0; g < n->group_count && !found; g++)
            found = in_group(n, &n->groups[g], q->series[s]);
        if (found)
            continue;
        for (uint32_t i = 0; i < q->group_tag_count; i++)
            group.tags[i] = text_of(n, tag_of(q->series[s], q->group_tags[i]));
        assert(n->group_count < COUNT_OF(n->groups));
        n->groups[n->group_count++] = group;
    }
    if (!each)
        qsort(n->groups, n->group_count, sizeof(n->groups[0]), compare_groups);
}

/* --- text --- */

static void put_time(const struct naive *n, struct buf *out, int64_t ns, bool json)
{
    char text[TIMESTAMP_TEXT_SIZE];
    bool quote = json && (n->q->epoch_ns == 0 || n->q->integer_text);
    size_t size;

    if (n->q->epoch_ns == 0) {
        size = timestamp_print(ns, text);
    } else {
        int64_t count = ns / n->q->epoch_ns;

        if (count * n->q->epoch_ns > ns)
            count--;
        size = (size_t)snprintf(text, sizeof(text), "%lld", (long long)count);
    }
    buf_printf(out, quote ? "\"%.*s\"" : "%.*s", (int)size, text);
}

static void put_json_text(struct buf *out, struct bytes text)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_put_text(out, "\\n");
        else if (c == '\t')
            buf_put_text(out, "\\t");
        else if ((unsigned char)c < ' ')
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_put_char(out, c);
    }
    buf_put_char(out, '"');
}

static void put_csv_text(struct buf *out, struct bytes text)
{
    bool quote = text.size == 0;

    for (size_t i = 0; i < text.size; i++)
        quote |= strchr(",\"\r\n", text.data[i]) != NULL;
    if (quote)
        buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buf_put_char(out, '"');
        buf_put_char(out, text.data[i]);
    }
    if (quote)
        buf_put_char(out, '"');
}

static void put_integer(struct buf *out, naive_integer integer)
{
    char digits[64];
    size_t at = sizeof(digits);
    bool negative = integer < 0;

    do {
        int digit = (int)(integer % 10);

        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        integer /= 10;
    } while (integer != 0);
    if (negative)
        digits[--at] = '-';
    buf_put(out, (struct bytes){digits + at, sizeof(digits) - at});
}

static void put_number(struct buf *out, const struct naive_value *value)
{
    char text[NUMBER_TEXT_SIZE];
    size_t size;

    if (value->exact) {
        put_integer(out, value->integer);
    } else if (value->type == TYPE_I64) {
        put_integer(out, value->cell.i64);
    } else if (value->type == TYPE_U64) {
        put_integer(out, (naive_integer)value->cell.u64);
    } else {
        size = number_print_f64(value->cell.f64, text);
        buf_put(out, (struct bytes){text, size});
        if (!memchr(text, '.', size) && !memchr(text, 'e', size))
            buf_put_text(out, ".0");
    }
}

static void put_value(const struct naive *n, struct buf *out, const struct naive_value *value,
                      bool json)
{
    bool quote = json && n->q->integer_text && value->type != TYPE_F64;

    if (value->type == TYPE_NONE) {
        buf_put_text(out, json ? "null" : "");
    } else if (value->type == TYPE_BOOL) {
        buf_put_text(out, value->cell.u64 ? "true" : "false");
    } else if (value->type == TYPE_STRING) {
        (json ? put_json_text : put_csv_text)(out, text_bytes(value->cell.text));
    } else {
        buf_put_text(out, quote ? "\"" : "");
        put_number(out, value);
        buf_put_text(out, quote ? "\"" : "");
    }
}

/* Texts and bools have no column of an aggregate that needs numbers. */
static bool has_column(const struct naive *n, uint32_t column)
{
    uint32_t count = n->q->aggregate_count;
    const char *field = count ? n->q->fields[column / count] : "";

    return count == 0 || !needs_numbers(n->q->aggregates[column % count]) ||
           (field[0] != 's' && field[0] != 'b');
}

static uint32_t column_count(const struct naive *n)
{
    return n->q->field_count * (n->q->aggregate_count ? n->q->aggregate_count : 1);
}

static void column_name(const struct naive *n, uint32_t column, char name[128])
{
    uint32_t count = n->q->aggregate_count;

    if (count == 0)
        (void)snprintf(name, 128, "%s", n->q->fields[column]);
    else
        (void)snprintf(name, 128, "%.*s_%s", (int)strcspn(n->q->aggregates[column % count], "("),
                       n->q->aggregates[column % count], n->q->fields[column / count]);
}

static void put_known(const struct naive *n, struct buf *out, const struct naive_line *line,
                      const char *between, bool json)
{
    put_time(n, out, line->known_from, json);
    buf_put_text(out, between);
    if (line->known_to)
        put_time(n, out, line->known_to, json);
    else if (json)
        buf_put_text(out, "null");
}

/* `"k":"v"` of the group, each behind `lead` (the first behind `first`). */
static void put_tags(const struct naive *n, struct buf *out, const struct naive_group *group,
                     const char *first)
{
    const char *lead = first;

    for (uint32_t i = 0; group->series && i < group->series->tag_count; i++, lead = ",") {
        buf_put_text(out, lead);
        put_json_text(out, group->series->tags[i].key);
        buf_put_char(out, ':');
        put_json_text(out, group->series->tags[i].value);
    }
    for (uint32_t i = 0; !group->series && i < n->q->group_tag_count; i++) {
        if (!group->tags[i][0])
            continue;
        buf_put_text(out, lead);
        put_json_text(out, bytes_of(n->q->group_tags[i]));
        buf_put_char(out, ':');
        put_json_text(out, bytes_of(group->tags[i]));
        lead = ",";
    }
}

static void put_facts(const struct naive *n, struct buf *out)
{
    char text[TIMESTAMP_TEXT_SIZE];
    size_t size = timestamp_print(n->q->as_of, text);

    buf_printf(out, "\"next\":null,\"partial\":false,\"as_of\":\"%.*s\",\"final\":%s", (int)size,
               text, n->q->as_of_given ? "true" : "false");
    if (n->skipped)
        buf_printf(out, ",\"skipped\":%llu", (unsigned long long)n->skipped);
}

static void put_nested(const struct naive *n, struct buf *out)
{
    char name[128];

    buf_put_text(out, "{\"series\":[");
    for (uint32_t i = 0; i < n->line_count; i++) {
        const struct naive_line *line = &n->lines[i];

        if (i > 0 && line[-1].group == line->group) {
            buf_put_char(out, ',');
        } else {
            buf_put_text(out, i > 0 ? "]},{" : "{");
            buf_put_text(out, "\"measurement\":\"m\",\"tags\":{");
            put_tags(n, out, &n->groups[line->group], "");
            buf_put_text(out, "},\"columns\":[\"time\"");
            buf_put_text(out, n->q->versions ? ",\"known_from\",\"known_to\"" : "");
            for (uint32_t c = 0; c < column_count(n); c++) {
                if (!has_column(n, c))
                    continue;
                column_name(n, c, name);
                buf_printf(out, ",\"%s\"", name);
            }
            buf_put_text(out, "],\"rows\":[");
        }
        buf_put_char(out, '[');
        put_time(n, out, line->time, true);
        if (n->q->versions) {
            buf_put_char(out, ',');
            put_known(n, out, line, ",", true);
        }
        for (uint32_t c = 0; c < column_count(n); c++) {
            if (!has_column(n, c))
                continue;
            buf_put_char(out, ',');
            put_value(n, out, &line->values[c], true);
        }
        buf_put_char(out, ']');
    }
    buf_put_text(out, n->line_count ? "]}]," : "],");
    put_facts(n, out);
    buf_put_text(out, "}\n");
}

static void put_object(const struct naive *n, struct buf *out, const struct naive_line *line)
{
    char name[128];

    buf_put_text(out, "{\"time\":");
    put_time(n, out, line->time, true);
    if (n->q->versions) {
        buf_put_text(out, ",\"known_from\":");
        put_known(n, out, line, ",\"known_to\":", true);
    }
    put_tags(n, out, &n->groups[line->group], ",");
    for (uint32_t c = 0; c < column_count(n); c++) {
        if (!has_column(n, c))
            continue;
        column_name(n, c, name);
        buf_printf(out, ",\"%s\":", name);
        put_value(n, out, &line->values[c], true);
    }
    buf_put_char(out, '}');
}

static void put_csv(const struct naive *n, struct buf *out)
{
    static const char *const all_tags[] = {"host", "region"};
    bool each = n->q->aggregate_count == 0 || n->q->by_series;
    const char *tags[NAIVE_TAGS_MAX];
    uint32_t tag_count = 0;
    char name[128];

    for (uint32_t t = 0; each && t < COUNT_OF(all_tags); t++) {
        bool used = false;

        for (uint32_t g = 0; g < n->group_count; g++)
            used |= tag_of(n->groups[g].series, all_tags[t]).size > 0;
        if (used)
            tags[tag_count++] = all_tags[t];
    }
    for (uint32_t t = 0; t < n->q->group_tag_count; t++)
        tags[tag_count++] = n->q->group_tags[t];
    buf_put_text(out, n->q->versions ? "time,known_from,known_to" : "time");
    for (uint32_t t = 0; t < tag_count; t++)
        buf_printf(out, ",%s", tags[t]);
    for (uint32_t c = 0; c < column_count(n); c++) {
        if (!has_column(n, c))
            continue;
        column_name(n, c, name);
        buf_printf(out, ",%s", name);
    }
    buf_put_char(out, '\n');
    for (uint32_t i = 0; i < n->line_count; i++) {
        const struct naive_line *line = &n->lines[i];
        const struct naive_group *group = &n->groups[line->group];

        put_time(n, out, line->time, false);
        if (n->q->versions) {
            buf_put_char(out, ',');
            put_known(n, out, line, ",", false);
        }
        for (uint32_t t = 0; t < tag_count; t++) {
            struct bytes value =
                group->series ? tag_of(group->series, tags[t]) : bytes_of(group->tags[t]);

            buf_put_char(out, ',');
            if (value.size > 0)
                put_csv_text(out, value);
        }
        for (uint32_t c = 0; c < column_count(n); c++) {
            if (!has_column(n, c))
                continue;
            buf_put_char(out, ',');
            put_value(n, out, &line->values[c], false);
        }
        buf_put_char(out, '\n');
    }
}

void naive_answer(const struct naive_question *question, struct buf *out)
{
    struct naive *n = calloc(1, sizeof(*n));

    assert(n);
    n->q = question;
    make_groups(n);
    for (uint32_t g = 0; g < n->group_count; g++) {
        if (question->aggregate_count > 0)
            add_windows(n, g);
        else if (question->versions)
            add_versions(n, g, n->groups[g].series);
        else
            add_raw(n, g, n->groups[g].series);
    }
    if (strcmp(question->format, "csv") == 0) {
        put_csv(n, out);
    } else if (strcmp(question->format, "json") == 0) {
        put_nested(n, out);
    } else {
        bool lines = strcmp(question->format, "ndjson") == 0;

        buf_put_text(out, lines ? "" : "{\"rows\":[");
        for (uint32_t i = 0; i < n->line_count; i++) {
            buf_put_text(out, i > 0 && !lines ? "," : "");
            put_object(n, out, &n->lines[i]);
            buf_put_text(out, lines ? "\n" : "");
        }
        if (lines)
            buf_printf(out, "{\"_end\":{\"rows\":%u,", n->line_count);
        else
            buf_put_text(out, "],");
        put_facts(n, out);
        buf_put_text(out, lines ? "}}\n" : "}\n");
    }
    free(n->lines);
    free(n);
}
