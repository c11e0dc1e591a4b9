/* Random series against plots worked out the slow and obvious way, over places of all kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "tests/unit/query/fixture.c"

#define ASK "measurement=m&epoch=ns&format=csv&downsample="

__extension__ typedef __int128 naive_wide;

enum { ROWS_MAX = 600, FIELDS = 2, ROUNDS = 1500 };

struct naive_row {
    int64_t time;
    bool has[FIELDS], real[FIELDS];
    int value[FIELDS]; /* in halves; whole ones where it is no real */
    bool chosen[FIELDS];
    bool gap; /* stands behind it */
};

struct naive {
    struct naive_row rows[ROWS_MAX];
    size_t count;
    int64_t start, end, gap;
    uint32_t points;
    const char *method;
};

static double number(const struct naive_row *row, int field)
{
    return row->value[field] / 2.0;
}

static bool has_any(const struct naive_row *row)
{
    return row->has[0] || row->has[1];
}

static size_t bucket_of(const struct naive *naive, int64_t time, uint32_t buckets)
{
    return (size_t)(((naive_wide)time - naive->start) * buckets /
                    ((naive_wide)naive->end - naive->start));
}

static void choose_extremes(struct naive *naive, size_t bucket, int field)
{
    struct naive_row *first = NULL, *last = NULL, *least = NULL, *greatest = NULL;

    for (size_t i = 0; i < naive->count; i++) {
        struct naive_row *row = &naive->rows[i];

        if (!row->has[field] || bucket_of(naive, row->time, naive->points) != bucket)
            continue;
        first = first ? first : row;
        last = row;
        least = !least || number(row, field) < number(least, field) ? row : least;
        greatest = !greatest || number(row, field) > number(greatest, field) ? row : greatest;
    }
    if (!first)
        return;
    least->chosen[field] = greatest->chosen[field] = true;
    if (strcmp(naive->method, "m4") == 0)
        first->chosen[field] = last->chosen[field] = true;
}

static void choose_triangles(struct naive *naive, int field)
{
    uint32_t buckets = naive->points > 2 ? naive->points - 2 : 1;
    double length = (double)((uint64_t)naive->end - (uint64_t)naive->start);
    struct naive_row *of[ROWS_MAX];
    double x[ROWS_MAX], y[ROWS_MAX];
    size_t count = 0, before = 0;

    for (size_t i = 0; i < naive->count; i++) {
        if (!naive->rows[i].has[field])
            continue;
        of[count] = &naive->rows[i];
        x[count] = (double)((uint64_t)of[count]->time - (uint64_t)naive->start) / length;
        y[count] = number(of[count], field) * 0x1p-40;
        count++;
    }
    if (count == 0)
        return;
    of[0]->chosen[field] = of[count - 1]->chosen[field] = true;
    for (size_t i = 1, end; i + 1 < count; i = end) {
        size_t bucket = bucket_of(naive, of[i]->time, buckets), best = i, behind, next;
        double mean_x = x[count - 1], mean_y = y[count - 1], area = -1;

        for (end = i; end + 1 < count && bucket_of(naive, of[end]->time, buckets) == bucket;)
            end++;
        if (end + 1 < count) {
            behind = bucket_of(naive, of[end]->time, buckets);
            mean_x = mean_y = 0;
            for (next = end;
                 next + 1 < count && bucket_of(naive, of[next]->time, buckets) == behind; next++) {
                mean_x += x[next];
                mean_y += y[next];
            }
            mean_x /= (double)(next - end);
            mean_y /= (double)(next - end);
        }
        for (size_t j = i; j < end; j++) {
            double this_area = fabs((x[before] - mean_x) * (y[j] - y[before]) -
                                    (x[before] - x[j]) * (mean_y - y[before]));

            if (this_area > area) {
                area = this_area;
                best = j;
            }
        }
        of[best]->chosen[field] = true;
        before = best;
    }
}

static void find_gaps(struct naive *naive, bool all, uint32_t buckets)
{
    naive_wide gap = naive->gap;
    size_t most = 0;

    for (int field = 0; field < FIELDS; field++) {
        size_t count = 0;

        for (size_t i = 0; i < naive->count; i++)
            count += naive->rows[i].has[field];
        most = count > most ? count : most;
    }
    if (gap == 0 && most < 2)
        return;
    if (gap == 0) {
        naive_wide steps = 4 *
                           ((naive_wide)naive->rows[naive->count - 1].time - naive->rows[0].time) /
                           (naive_wide)(most - 1);

        gap = 2 * ((naive_wide)naive->end - naive->start) / naive->points;
        gap = steps > gap ? steps : gap;
    }
    for (size_t i = 0; i + 1 < naive->count; i++) {
        struct naive_row *row = &naive->rows[i];

        if ((naive_wide)row[1].time - row->time > gap &&
            (all || bucket_of(naive, row[1].time, buckets) != bucket_of(naive, row->time, buckets)))
            row->gap = true;
    }
}

static void print_value(const struct naive_row *row, int field, struct buf *out)
{
    if (!row->chosen[field])
        return;
    if (row->real[field])
        buf_printf(out, "%.1f", number(row, field));
    else
        buf_printf(out, "%d", row->value[field] / 2);
}

static void naive_answer(struct naive *naive, struct buf *out)
{
    uint32_t buckets = naive->points;
    bool all;

    buf_put_text(out, "time,f,g\n");
    if (naive->count == 0)
        return;
    all = naive->count <= naive->points;
    if (strcmp(naive->method, "lttb") == 0)
        buckets = naive->points > 2 ? naive->points - 2 : 1;
    for (int field = 0; field < FIELDS; field++) {
        for (size_t i = 0; i < naive->count && all; i++)
            naive->rows[i].chosen[field] = naive->rows[i].has[field];
        if (!all && strcmp(naive->method, "lttb") == 0)
            choose_triangles(naive, field);
        else if (!all)
            for (size_t bucket = 0; bucket < naive->points; bucket++)
                choose_extremes(naive, bucket, field);
    }
    find_gaps(naive, all, buckets);
    for (size_t i = 0; i < naive->count; i++) {
        const struct naive_row *row = &naive->rows[i];

        if (row->chosen[0] || row->chosen[1]) {
            buf_printf(out, "%lld,", (long long)row->time);
            print_value(row, 0, out);
            buf_put_char(out, ',');
            print_value(row, 1, out);
            buf_put_char(out, '\n');
        }
        if (row->gap)
            buf_printf(out, "%lld,,\n", (long long)row->time + 1);
    }
}

/* --- random series --- */

static uint32_t below(struct random *random, uint32_t bound)
{
    return (uint32_t)random_below(random, bound);
}

static void fill_row(struct random *random, struct naive_row *row, uint32_t nulls, int range)
{
    for (int field = 0; field < FIELDS; field++) {
        row->has[field] = below(random, 10) >= nulls;
        row->real[field] = field == 0 || below(random, 3) == 0; /* g is of two types */
        row->value[field] = (int)below(random, (uint32_t)range) - range / 2;
        if (!row->real[field])
            row->value[field] *= 2;
    }
    if (!has_any(row)) {
        row->has[1] = row->real[1] = true;
    }
}

/* Lives as long as the fixture, which points into it. */
static const char *text_of(struct fixture *fixture, const struct naive_row *row)
{
    static const char *const names[] = {"f", "g"};
    const size_t size = 64;
    char *text = arena_alloc(&fixture->store.arena, size);
    size_t at = 0;

    assert_non_null(text);
    for (int field = 0; field < FIELDS; field++) {
        if (!row->has[field])
            continue;
        at += (size_t)snprintf(text + at, size - at, "%s%s=", at ? " " : "", names[field]);
        if (row->real[field])
            at += (size_t)snprintf(text + at, size - at, "%.1f", number(row, field));
        else
            at += (size_t)snprintf(text + at, size - at, "%di", row->value[field] / 2);
    }
    return text;
}

static void make_rows(struct random *random, struct naive *naive)
{
    uint32_t count = below(random, 3) ? below(random, ROWS_MAX) : below(random, 12);
    uint32_t nulls = below(random, 3) ? 0 : below(random, 9), gaps = below(random, 3) * 10;
    int64_t step = 1 + below(random, 100), time = (int64_t)below(random, 2000) - 1000;
    bool regular = below(random, 2);
    int range = 1 << (1 + below(random, 8));

    naive->count = count;
    for (uint32_t i = 0; i < count; i++) {
        naive->rows[i] = (struct naive_row){.time = time};
        fill_row(random, &naive->rows[i], nulls, range);
        time += regular ? step : 1 + below(random, (uint32_t)step);
        if (gaps && below(random, gaps) == 0)
            time += step * below(random, 300);
    }
}

/* Rows in places as they come: blocks, single rows, with corrections that lie apart. */
static void store_rows(struct random *random, struct fixture *fixture, struct naive *naive)
{
    const struct series *series = fixture_series(fixture, "m", "");
    bool corrected = below(random, 3) == 0;

    for (size_t i = 0; i < naive->count;) {
        size_t end = i + 1 + below(random, below(random, 2) ? 100 : 10);
        uint32_t first = fixture->store.row_count;

        end = end < naive->count ? end : naive->count;
        for (; i < end; i++) {
            struct naive_row *row = &naive->rows[i];
            bool fix = corrected && below(random, 20) == 0;
            struct naive_row wrong = *row;

            if (fix) /* all fields that the right one has */
                for (int field = 0; field < FIELDS; field++)
                    wrong.value[field] = 1000;
            (void)fixture_row(fixture, series, row->time, 100, text_of(fixture, &wrong));
            if (fix)
                naive->rows[i].gap = true; /* noted for below */
        }
        twin_place(&fixture->store, first, fixture->store.row_count)->block = below(random, 8) > 0;
    }
    for (size_t i = 0; i < naive->count; i++) {
        if (!naive->rows[i].gap)
            continue;
        naive->rows[i].gap = false;
        (void)fixture_put(fixture, series, naive->rows[i].time, 200,
                          text_of(fixture, &naive->rows[i]));
    }
}

/* Those of [start, end) stay; what is not given becomes the rows' extent. */
static void cut_rows(struct random *random, struct naive *naive, char *question, size_t size)
{
    bool start = below(random, 2), end = below(random, 2);
    size_t at = strlen(question), kept = 0;

    naive->start = start ? (int64_t)below(random, 3000) - 1500 : INT64_MIN;
    naive->end =
        end ? (start ? naive->start : -1500) + 1 + (int64_t)below(random, 40000) : INT64_MAX;
    if (start)
        at += (size_t)snprintf(question + at, size - at, "&start=%lld", (long long)naive->start);
    if (end)
        (void)snprintf(question + at, size - at, "&end=%lld", (long long)naive->end);
    for (size_t i = 0; i < naive->count; i++)
        if (naive->rows[i].time >= naive->start && naive->rows[i].time < naive->end)
            naive->rows[kept++] = naive->rows[i];
    naive->count = kept;
    if (kept > 0 && !start)
        naive->start = naive->rows[0].time;
    if (kept > 0 && !end)
        naive->end = naive->rows[kept - 1].time + 1;
}

static void test_plots_are_what_the_obvious_way_gives(void **state)
{
    static const char *const methods[] = {"m4", "minmax", "lttb"};
    static struct naive naive;
    uint32_t headers = 0, times = 0;

    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct buf want = BUF_INIT(1 << 20);
        struct fixture *fixture = malloc(sizeof(*fixture));
        struct random random;
        char question[256];

        assert_non_null(fixture);
        random_seed(&random, round);
        fixture_init(fixture);
        naive = (struct naive){.method = methods[below(&random, 3)]};
        naive.points = 1 + below(&random, below(&random, 2) ? 10 : 200);
        fixture->store.steps_hidden = below(&random, 2);
        make_rows(&random, &naive);
        store_rows(&random, fixture, &naive);
        (void)snprintf(question, sizeof(question), ASK "%s&points=%u&fields=f,g", naive.method,
                       naive.points);
        if (below(&random, 3) == 0) {
            naive.gap = 1 + below(&random, 500);
            (void)snprintf(question + strlen(question), sizeof(question) - strlen(question),
                           "&gap=%lldns", (long long)naive.gap);
        }
        cut_rows(&random, &naive, question, sizeof(question));
        naive_answer(&naive, &want);
        if (fixture_ask(fixture, question) != OK)
            fail_msg("round %u: %s: %s", round, question, fixture->err.text);
        if (want.size != fixture->sink.body.size ||
            memcmp(want.data, fixture->sink.body.data, want.size) != 0)
            fail_msg("round %u: %s (%zu rows): got\n%.*s\nwant\n%.*s", round, question, naive.count,
                     (int)fixture->sink.body.size, fixture->sink.body.data, (int)want.size,
                     want.data);
        headers += fixture->store.headers_read;
        times += fixture->store.times_read;
        buf_release(&want);
        fixture_release(fixture);
        free(fixture);
    }
    assert_true(headers > 500); /* summaries were used, */
    assert_true(times > 50);    /* also of irregular times */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plots_are_what_the_obvious_way_gives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
