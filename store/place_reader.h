/* Reads many places for one set of fields, as a query does.  A block that several series share is
 * decoded once for those that follow: of each pack the last such block is kept, since series come
 * in order of id, as blocks have them.
 *
 * Thread: one at a time. */
#ifndef WEIR_STORE_PLACE_READER_H
#define WEIR_STORE_PLACE_READER_H

#include "store/view.h"

struct place_reader;

/* `view`, `fields` and `memory`, which all that is kept is taken from, are borrowed.  Decoded
 * blocks of more than keep_bytes_max in all are not kept; 0 where one series is all that will be
 * read. */
MUST_USE enum code place_reader_new(const struct view *view, const struct bytes *fields,
                                    uint32_t field_count, size_t keep_bytes_max,
                                    struct budget *memory, struct place_reader **reader,
                                    struct error *err);
void place_reader_free(struct place_reader *reader); /* NULL is fine */
/* As place_read().  The rows do not depend on what the reader keeps. */
MUST_USE enum code place_reader_read(struct place_reader *reader, const struct place *place,
                                     const struct series *series, struct arena *arena,
                                     struct rows *rows, struct error *err);
/* Stored bytes of the blocks that place_reader_read() read and decoded. */
uint64_t place_reader_bytes(const struct place_reader *reader);
/* The time of a row of a block that place_summaries() answers for.  The block read last is kept. */
MUST_USE enum code place_reader_time(struct place_reader *reader, const struct place *place,
                                     uint32_t row, int64_t *time, struct error *err);

#endif
