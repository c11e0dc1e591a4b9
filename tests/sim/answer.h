/* What the store answers to a question, through the real view: places, place_read, every field or a
 * choice of them.  What the store says about itself on the way (order, bounds, summaries) is held
 * against what it gives. */
#ifndef WEIR_TESTS_SIM_ANSWER_H
#define WEIR_TESTS_SIM_ANSWER_H

#include "world.h"

/* Rows as the store gave them, by (time, ingest). */
struct answer {
    struct arena arena;
    struct known_row *rows;
    size_t count, capacity;
    enum code code; /* E_CORRUPT etc. */
};

struct question {
    uint32_t series;
    int64_t start, end;
    uint32_t mask; /* of fields asked for */
    bool latest;   /* rows may stand for their versions */
};

void answer_init(struct answer *answer);
void answer_release(struct answer *answer);
void answer_add(struct answer *answer, const struct known_row *row);
/* All rows of the series at S in the range, by (time, ingest).  Stops at the first code that is not
 * OK. */
void answer_ask(struct world *world, const struct view *view, const struct question *question,
                struct answer *answer);

int answer_order(const void *left, const void *right); /* of known rows, by (time, ingest) */
bool answer_same_row(const struct known_row *a, const struct known_row *b, uint32_t mask);

#endif
