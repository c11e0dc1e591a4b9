#include "handlers/lending.h"

#include <stdlib.h>

enum {
    /* About 0.2 ms of decoding; to wake a thread and to merge what it made takes 20 to 50 us. */
    VALUES_MIN = 65536,
};

struct loan {
    struct job job; /* first */
    struct help *help;
};

static void run(struct job *job)
{
    struct loan *loan = (struct loan *)job;
    struct help *help = loan->help;

    free(loan);
    help->run(help);
}

static bool lend(struct helpers *helpers, struct help *help)
{
    struct lending *lending = (struct lending *)helpers;
    struct loan *loan;

    if (!workers_may_lend(lending->workers))
        return false;
    loan = malloc(sizeof(*loan));
    if (loan == NULL)
        return false;
    *loan = (struct loan){{.run = run}, help};
    if (workers_lend(lending->workers, &loan->job))
        return true;
    free(loan);
    return false;
}

static bool wanted(struct helpers *helpers)
{
    return workers_are_short(((struct lending *)helpers)->workers);
}

void lending_init(struct lending *lending, struct workers *workers, unsigned most,
                  struct metrics *metrics)
{
    *lending = (struct lending){
        .helpers = {.most = most, .values_min = VALUES_MIN, .lend = lend, .wanted = wanted},
        .workers = workers,
        .helped = metrics_get(metrics, "weir_query_helped_total",
                              "Queries that a second thread did a part of.", METRIC_COUNTER, ""),
    };
}

void lending_note(struct lending *lending, uint64_t pieces)
{
    metric_add(lending->helped, pieces > 0);
}
