/* How fast a page of a remote API becomes rows: JSON rows of about 100 bytes, fed in pieces of
 * 128 KiB, by a path, as a bare array, and with something around the rows (two passes); NDJSON, CSV
 * and XML of the same rows.  Prints rows and megabytes a second, the best of the rounds, and the
 * highest resident memory.
 *   bench_tree_rows [rows a page] [rounds] [times]
 * `times`: the rows stand so many times in a page, without its text ever being in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/tree/rows.h"

enum { PIECE = 128 << 10 };

static const struct page {
    const char *name;
    const struct tree_format *format;
    const char *before, *between, *after; /* the rows */
    const char *row;                      /* printf's, of its number twice */
    const char *rows;
    const char *slots[5];
} pages[] = {
#define JSON_ROW                                                                                   \
    "{\"period\":\"2022-10-31T%02u\",\"respondent\":\"BPAT\",\"type\":\"D\",\"value\":%u,"         \
    "\"value-units\":\"megawatthours\"}"
    {"json by path",
     &tree_json,
     "{\"response\":{\"total\":3,\"data\":[",      ",",
     "],\"frequency\":\"hourly\"},\"apiVersion\":\"2.1.12\"}", JSON_ROW,
     "/response/data/*",                                                                                                {"period", "respondent", "type", "value"}                },
    {"json bare array",
     &tree_json,
     "[",                                          ",",
     "]",                                                      JSON_ROW,
     "/*",                                                                                                              {"period", "respondent", "type", "value"}                },
    {"json, one slot",   &tree_json, "[",          ",",  "]",  JSON_ROW,                                  "/*",         {"value"}                                                },
    {"json, two passes",
     &tree_json,
     "{\"response\":{\"total\":3,\"data\":[",      ",",
     "],\"frequency\":\"hourly\"},\"apiVersion\":\"2.1.12\"}", JSON_ROW,
     "/response/data/*",                                                                                                {"period", "respondent", "type", "value", "../frequency"}},
    {"ndjson",
     &tree_ndjson,
     "",                                           "\n",
     "\n",                                                     JSON_ROW,
     "*",                                                                                                               {"period", "respondent", "type", "value"}                },
    {"csv",
     &tree_csv,
     "period,respondent,type,value,value-units\n", "\n",
     "\n",                                                     "2022-10-31T%02u,BPAT,D,%u,megawatthours",
     "*",                                                                                                               {"period", "respondent", "type", "value"}                },
    {"xml",
     &tree_xml,
     "<doc><row/>",                                "\n",
     "</doc>",                                                 "<row><period>2022-10-31T%02u</period><respondent>BPAT</respondent><type>D</type>"
     "<value>%u</value></row>",                                                             "/doc/row/*",
     {"period", "respondent", "type", "value"}                                                                                                                                   },
};

static void check(enum code code, const struct error *err)
{
    if (code == OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static enum code take(void *context, const struct tree_row *row, struct error *err)
{
    (void)err;
    *(uint64_t *)context += row->slots[0].text.size;
    return OK;
}

static void feed(const struct tree_format *format, struct tree_reader *reader, struct bytes text)
{
    struct error err = {0};

    for (size_t at = 0; at < text.size; at += PIECE)
        check(format->feed(reader,
                           bytes_slice(text, at, at + PIECE < text.size ? at + PIECE : text.size),
                           &err),
              &err);
}

static uint64_t read_page(const struct page *page, const struct tree_plan *plan, struct bytes rows,
                          unsigned times)
{
    static const struct tree_limits limits = {.depth_max = 64, .leaf_bytes_max = 1 << 20};
    static const struct tree_rows_limits rows_limits = {UINT64_MAX, 64 << 20};
    struct tree_rows *made = NULL;
    struct error err = {0};
    uint64_t sum = 0, count;

    check(tree_rows_open(plan, &rows_limits, take, &sum, &made, &err), &err);
    for (unsigned pass = 0; pass < tree_plan_passes(plan); pass++) {
        struct tree_sink sink = tree_rows_sink(made);
        struct tree_reader *reader = NULL;

        check(page->format->open(&limits, NULL, &sink, &reader, &err), &err);
        feed(page->format, reader, bytes_of(page->before));
        for (unsigned i = 0; i < times; i++) {
            if (i > 0)
                feed(page->format, reader, bytes_of(page->between));
            feed(page->format, reader, rows);
        }
        feed(page->format, reader, bytes_of(page->after));
        check(page->format->finish(reader, &err), &err);
        page->format->close(reader);
        check(tree_rows_passed(made, &err), &err);
    }
    count = tree_rows_count(made);
    tree_rows_close(made);
    return count;
}

static const struct tree_plan *make_plan(const struct page *page, struct arena *arena)
{
    const struct tree_plan *plan = NULL;
    struct tree_slot slots[COUNT_OF(page->slots)] = {0};
    struct tree_path rows;
    struct error err = {0};
    size_t count = 0;

    check(tree_path_parse(bytes_of(page->rows), true, arena, &rows, &err), &err);
    for (; count < COUNT_OF(slots) && page->slots[count] != NULL; count++)
        check(tree_path_parse(bytes_of(page->slots[count]), false, arena, &slots[count].path, &err),
              &err);
    check(tree_plan_make(&rows, false, slots, count, arena, &plan, &err), &err);
    return plan;
}

static void run(const struct page *page, unsigned rows, unsigned rounds, unsigned times)
{
    struct buf text = BUF_INIT((size_t)1 << 32);
    int64_t best = INT64_MAX;
    struct rusage usage;
    struct arena arena;
    const struct tree_plan *plan;
    uint64_t count = 0;

    arena_init(&arena, (size_t)1 << 20, NULL);
    plan = make_plan(page, &arena);
    for (unsigned i = 0; i < rows; i++) {
        if (i > 0)
            buf_put_text(&text, page->between);
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_printf(&text, page->row, i % 24, 1000 + i % 9000);
    }
    for (unsigned round = 0; round < rounds; round++) {
        int64_t start = clock_monotonic_ns(clock_system()), took;

        count = read_page(page, plan, buf_bytes(&text), times);
        took = clock_monotonic_ns(clock_system()) - start;
        best = took < best ? took : best;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%-18s %9llu rows of %3zu bytes: %5.2f M rows/s, %4.0f MB/s, %ld MiB\n", page->name,
           (unsigned long long)count, text.size / rows, (double)count * 1e3 / (double)best,
           (double)text.size * times * 1e3 / (double)best, usage.ru_maxrss / 1024);
    buf_release(&text);
    arena_release(&arena);
}

int main(int argc, char **argv)
{
    unsigned rows = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 100;
    unsigned times = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

    if (rows == 0 || rounds == 0 || times == 0) {
        fprintf(stderr, "want three whole numbers from 1\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        run(&pages[i], rows, rounds, times);
    return 0;
}
