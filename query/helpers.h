/* Threads that a query may borrow for a part of its work.  Who runs queries provides them, and
 * decides whether one can be spared: query/ knows neither threads nor other queries. */
#ifndef WEIR_QUERY_HELPERS_H
#define WEIR_QUERY_HELPERS_H

#include "base/bytes.h"

struct help {
    void (*run)(struct help *help); /* once, on the thread lent; `help` may be gone at its end */
};

struct helpers {
    unsigned most; /* for one query at once; at most CREW_HELPERS_MAX are asked for */
    /* A question that reads fewer values than that, as far as headers tell, asks for none: to hand
     * work over costs as much as some ten thousand of them. */
    uint64_t values_min;
    /* False, at once: no thread is idle.  True: help->run() is called soon. */
    bool (*lend)(struct helpers *helpers, struct help *help);
    /* Whether the thread has something better to do: it leaves when its piece is done. */
    bool (*wanted)(struct helpers *helpers);
};

#endif
