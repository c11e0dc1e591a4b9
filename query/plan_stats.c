#include "query/plan_stats.h"

#include <stdlib.h>

#include "catalog/catalog.h"
#include "query/plan.h"

const struct stats_column stats_columns[] = {
    {"count",   "count" },
    {"missing", NULL    },
    {"min",     "min"   },
    {"max",     "max"   },
    {"mean",    "mean"  },
    {"std",     "stddev"},
    {"p5",      "p5"    },
    {"p25",     "p25"   },
    {"p50",     "p50"   },
    {"p75",     "p75"   },
    {"p95",     "p95"   },
    {"first",   "first" },
    {"last",    "last"  },
    {"sum",     "sum"   },
};

const size_t stats_column_count = COUNT_OF(stats_columns);

static int compare_names(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static bool make_columns(struct plan *plan)
{
    struct plan_column *columns = ARENA_ARRAY(&plan->arena, struct plan_column, stats_column_count);
    const struct aggregate_call *call = plan->query->aggregates;

    if (!columns)
        return false;
    for (size_t i = 0; i < stats_column_count; i++) {
        columns[i].name = bytes_of(stats_columns[i].name);
        if (stats_columns[i].aggregate)
            columns[i].aggregate = call++;
    }
    plan->columns = columns;
    plan->column_count = (uint32_t)stats_column_count;
    return true;
}

enum code plan_stats(struct plan *plan, const struct bytes *fields, uint32_t field_count,
                     const struct field_info *known, size_t known_count, struct error *err)
{
    struct bytes *names = ARENA_ARRAY(&plan->arena, struct bytes, field_count + known_count);
    uint32_t count = field_count;

    if (!names || field_count + known_count > UINT32_MAX || !make_columns(plan))
        return watch_memory(plan->watch, err);
    for (uint32_t i = 0; i < field_count; i++)
        names[i] = fields[i];
    if (field_count > 1)
        qsort(names, field_count, sizeof(*names), compare_names);
    for (size_t i = 0; i < known_count && field_count > 0; i++)
        if (!bsearch(&known[i].name, names, field_count, sizeof(*names), compare_names))
            names[count++] = known[i].name;
    plan->numbers = ARENA_ARRAY(&plan->arena, uint8_t, count); /* texts have statistics, too */
    if (!plan->numbers)
        return watch_memory(plan->watch, err);
    plan->told = names;
    plan->told_count = field_count;
    plan->fields = names;
    plan->field_count = count;
    return OK;
}
