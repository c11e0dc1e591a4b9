/* Every state of every row (versions=all). */
#include "query/answer.h"

/* Told on an earlier page. */
static bool is_told(const struct answer *answer, size_t group, int64_t time, int64_t known_from)
{
    const struct query *query = answer->plan.query;

    if (!query->resumed || group != answer->plan.group_first || time != query->cursor.time ||
        series_id_compare(answer->plan.series[group]->id, query->cursor.id) != 0)
        return false;
    return query->descending ? known_from >= query->cursor.known_from
                             : known_from <= query->cursor.known_from;
}

static enum code versions_series(struct answer *answer, size_t group, struct error *err)
{
    bool descending = answer->plan.query->descending;
    const struct known *known;
    int64_t time;
    size_t count;
    enum code code = OK;

    history_begin(&answer->history, &answer->scan);
    while (!code && !answer->more) {
        code = history_next(&answer->history, &time, &known, &count, err);
        for (size_t i = 0; i < count && !code && !answer->more; i++) {
            const struct known *state = &known[descending ? count - 1 - i : i];
            struct result_row out = {.time = time,
                                     .known_from = state->from,
                                     .known_to = state->to,
                                     .values = state->values};

            if (!is_told(answer, group, time, state->from))
                code = answer_emit(answer, group, &out, err);
        }
    }
    return code == E_END ? OK : code;
}

const struct answer_way way_versions = {.series = versions_series};
