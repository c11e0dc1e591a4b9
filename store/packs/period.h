/* Hours, days and months of UTC: what compacted packs are cut by. */
#ifndef WEIR_STORE_PACKS_PERIOD_H
#define WEIR_STORE_PACKS_PERIOD_H

#include <stdint.h>

enum period { PERIOD_HOUR, PERIOD_DAY, PERIOD_MONTH };

/* The longest one of which `bytes` over [first, last] come to at most `bytes_max`; an hour if none.
 */
enum period period_choose(uint64_t bytes, int64_t first, int64_t last, uint64_t bytes_max);
/* The start of the one that holds `time`, not below INT64_MIN. */
int64_t period_start(enum period period, int64_t time);
/* The start of the next one, not above INT64_MAX. */
int64_t period_end(enum period period, int64_t time);

#endif
