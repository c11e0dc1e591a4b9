#include "store/packs/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { FIELDS = 2 };

/* "a" and "b" of a version; 0 = absent, R = retracted. */
enum { R = -1 };

struct sample {
    int64_t ingest, revision; /* 0: no revision */
    int64_t values[FIELDS];
};

struct made {
    struct rows rows;
    int64_t time, ingest, revision;
    struct rows_column columns[FIELDS];
    union cell cells[FIELDS];
};

static void make(const struct sample *sample, struct made *made)
{
    uint32_t n = 0;

    *made = (struct made){.time = 5, .ingest = sample->ingest, .revision = sample->revision};
    for (uint32_t f = 0; f < FIELDS; f++) {
        if (sample->values[f] == 0)
            continue;
        made->cells[n].i64 = sample->values[f] == R ? 0 : sample->values[f];
        made->columns[n] = (struct rows_column){
            f, sample->values[f] == R ? TYPE_RETRACTED : TYPE_I64, &made->cells[n], NULL};
        n++;
    }
    made->rows = (struct rows){1,
                               &made->time,
                               &made->ingest,
                               sample->revision == 0 ? NULL : &made->revision,
                               made->columns,
                               n};
}

/* "i10 a=1 b=2", R for retracted. */
static size_t print(const struct resolve_row *row, char *out)
{
    char *at = out;

    at += sprintf(at, "i%lld", (long long)row->ingest);
    for (uint32_t c = 0; c < row->rows.column_count; c++) {
        const struct rows_column *column = &row->rows.columns[c];

        at += sprintf(at, " %c=", "ab"[column->field]);
        at += column->type == TYPE_RETRACTED ? sprintf(at, "R")
                                             : sprintf(at, "%lld", (long long)column->cells[0].i64);
    }
    return (size_t)(at - out);
}

static void test_what_versions_come_to(void **state)
{
    static const uint8_t only_a[FIELDS] = {1, 0};
    static const struct {
        const char *name;
        struct sample versions[4];
        struct resolve_deletion deletions[3];
        int64_t floor;
        const char *current, *history;
    } cases[] = {
        {"one version is itself",                                   {{10, 0, {1, 2}}}, {{0}},                      INT64_MIN, "i10 a=1 b=2", ""},
        {"a correction wins field by field",
         {{10, 0, {1, 2}}, {20, 0, {3, 0}}},
         {{0}},
         INT64_MIN,                                                                                                           "i20 a=3 b=2",
         "i10 a=1 b=2, i20 a=3"                                                                                                                },
        {"the later revision wins, not the later ingest",
         {{10, 100, {1, 0}}, {20, 50, {3, 4}}},
         {{0}},
         INT64_MIN,                                                                                                           "i10 a=1 b=4",
         "i20 a=3 b=4, i10 a=1"                                                                                                                },
        {"a retraction takes back",
         {{10, 0, {1, 2}}, {20, 0, {R, 0}}},
         {{0}},
         INT64_MIN,                                                                                                           "i20 b=2",
         "i10 a=1 b=2, i20 a=R"                                                                                                                },
        {"all taken back: no row",
         {{10, 0, {1, 0}}, {20, 0, {R, 0}}},
         {{0}},
         INT64_MIN,                                                                                                           NULL,
         "i10 a=1, i20 a=R"                                                                                                                    },
        {"a retraction alone stays as it is",                       {{20, 0, {R, 0}}}, {{0}},                      INT64_MIN, "i20 a=R",     ""},
        {"copies of one row are one",
         {{10, 0, {1, 2}}, {10, 0, {1, 2}}},
         {{0}},
         INT64_MIN,                                                                                                           "i10 a=1 b=2",
         ""                                                                                                                                    },
        {"a deletion hides what was there",
         {{10, 0, {1, 2}}},
         {{15, 0, 9, false, NULL}},
         INT64_MIN,                                                                                                           NULL,
         "i10 a=1 b=2"                                                                                                                         },
        {"a deletion of a field",
         {{10, 0, {1, 2}}},
         {{15, 0, 9, false, only_a}},
         INT64_MIN,                                                                                                           "i10 b=2",
         "i10 a=1 b=2"                                                                                                                         },
        {"not what came later, nor another time",
         {{10, 0, {1, 2}}},
         {{10, 0, 9, false, NULL}, {15, 6, 9, false, NULL}, {15, 0, 5, false, NULL}},
         INT64_MIN,                                                                                                           "i10 a=1 b=2",
         ""                                                                                                                                    },
        {"a deletion lets an older revision win that came later",
         {{10, 100, {1, 0}}, {20, 50, {3, 0}}},
         {{15, 0, 9, false, NULL}},
         INT64_MIN,                                                                                                           "i10 a=3",
         "i20 a=3, i10 a=1"                                                                                                                    },
        {"what lost below the floor goes",
         {{10, 0, {1, 2}}, {20, 0, {3, 4}}, {30, 0, {5, 0}}},
         {{0}},
         25,                                                                                                                  "i30 a=5 b=4",
         "i20 a=3 b=4, i30 a=5"                                                                                                                },
        {"what lost above it stays",
         {{10, 0, {1, 0}}, {20, 0, {3, 0}}},
         {{0}},
         19,                                                                                                                  "i20 a=3",
         "i10 a=1, i20 a=3"                                                                                                                    },
        {"below it one is left: no history",
         {{10, 0, {1, 2}}, {20, 0, {3, 4}}},
         {{0}},
         20,                                                                                                                  "i20 a=3 b=4",
         ""                                                                                                                                    },
        {"a version that has the only cell of a field stays",
         {{10, 0, {1, 2}}, {20, 0, {3, 0}}},
         {{0}},
         50,                                                                                                                  "i20 a=3 b=2",
         "i10 a=1 b=2, i20 a=3"                                                                                                                },
        {"deleted below the floor: gone",
         {{10, 0, {1, 2}}},
         {{15, 0, 9, false, NULL}},
         15,                                                                                                                  NULL,
         ""                                                                                                                                    },
        {"a field deleted below the floor",
         {{10, 0, {1, 2}}},
         {{15, 0, 9, false, only_a}},
         15,                                                                                                                  "i10 b=2",
         ""                                                                                                                                    },
        {"deleted above the floor: kept for who asks as of before",
         {{10, 0, {1, 2}}},
         {{15, 0, 9, false, NULL}},
         14,                                                                                                                  NULL,
         "i10 a=1 b=2"                                                                                                                         },
        {"erased: gone at once",                                    {{10, 0, {1, 2}}}, {{15, 0, 9, true, NULL}},   INT64_MIN, NULL,          ""},
        {"a field erased",                                          {{10, 0, {1, 2}}}, {{15, 0, 9, true, only_a}}, INT64_MIN, "i10 b=2",     ""},
        {"erased, and written again",
         {{10, 0, {1, 2}}, {20, 0, {3, 0}}},
         {{15, 0, 9, true, NULL}},
         INT64_MIN,                                                                                                           "i20 a=3",
         ""                                                                                                                                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct resolve_version versions[4];
        struct made made[4];
        struct resolved resolved;
        struct resolve_row row;
        struct arena arena;
        size_t count = 0, deletions = 0;
        char current[100] = "", history[400] = "";
        char *at = history;

        for (; count < 4 && cases[i].versions[count].ingest != 0; count++) {
            make(&cases[i].versions[count], &made[count]);
            versions[count] = (struct resolve_version){&made[count].rows, 0};
        }
        while (deletions < 3 && cases[i].deletions[deletions].ingest != 0)
            deletions++;
        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(resolve(versions, count, cases[i].deletions, deletions, cases[i].floor,
                                 FIELDS, &arena, &resolved, NULL),
                         OK);
        if (resolved.has_current)
            print(&resolved.current, current);
        for (size_t h = 0; h < resolved.history_count; h++) {
            at += sprintf(at, "%s", h > 0 ? ", " : "");
            assert_int_equal(resolve_row_take(&resolved.history[h], cases[i].deletions, deletions,
                                              cases[i].floor, &arena, &row, NULL),
                             OK);
            at += print(&row, at);
        }
        if (resolved.has_current != (cases[i].current != NULL) ||
            (cases[i].current != NULL && strcmp(current, cases[i].current) != 0) ||
            strcmp(history, cases[i].history) != 0)
            fail_msg("%s: current \"%s\", history \"%s\"", cases[i].name,
                     resolved.has_current ? current : "none", history);
        arena_release(&arena);
    }
}

static void test_want_of_memory_is_told(void **state)
{
    static const struct sample sample = {
        10, 0, {1, 2}
    };
    struct resolve_version version;
    struct made made;
    struct resolved resolved;
    struct arena arena;
    struct error err = {0};

    (void)state;
    make(&sample, &made);
    version = (struct resolve_version){&made.rows, 0};
    arena_init(&arena, 16, NULL);
    assert_int_equal(resolve(&version, 1, NULL, 0, INT64_MIN, FIELDS, &arena, &resolved, &err),
                     E_MEMORY);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_versions_come_to),
        cmocka_unit_test(test_want_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
