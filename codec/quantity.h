/* Sizes, and the values of limits, to and from text as people write them in configuration. */
#ifndef WEIR_CODEC_QUANTITY_H
#define WEIR_CODEC_QUANTITY_H

#include "base/time_text.h"
#include "model/limits.h"

enum { QUANTITY_TEXT_SIZE = TIMESTAMP_TEXT_SIZE };

/* "4096", "512KiB", "64MiB", "1GiB", "2TiB".  E_BAD_PARAMETER. */
MUST_USE enum code size_parse(struct bytes text, uint64_t *bytes, struct error *err);
/* With the largest unit that leaves no remainder; returns the size. */
size_t size_print(uint64_t bytes, char text[QUANTITY_TEXT_SIZE]);
/* "30s", "250ms", or whole milliseconds without a unit; 0 is fine.  E_BAD_PARAMETER. */
MUST_USE enum code milliseconds_parse(struct bytes text, uint64_t *ms, struct error *err);
size_t milliseconds_print(uint64_t ms, char text[QUANTITY_TEXT_SIZE]);

/* By the end of the row's name: ..._bytes_max is a size, ..._ms_max milliseconds, else a count.
 * E_BAD_PARAMETER, also when it is outside the row's range; the text does not name the row. */
MUST_USE enum code limit_parse(const struct limit_row *row, struct bytes text, uint64_t *value,
                               struct error *err);
size_t limit_print(const struct limit_row *row, uint64_t value, char text[QUANTITY_TEXT_SIZE]);

#endif
