/* The in-memory twin of struct index: what is committed survives, transactions are whole,
 * readers see the state at their beginning.  A commit can meet a power cut, a full disk or an I/O
 * error; after the first and the last only opening again tells whether it took place. */
#ifndef WEIR_TESTS_SIM_MEMORY_INDEX_H
#define WEIR_TESTS_SIM_MEMORY_INDEX_H

#include "fake_disk.h"
#include "store/index.h"

struct index *memory_index_new(struct fake_disk *disk);
/* What a process that opens the index after this one ended finds.  No transaction is open. */
void memory_index_restart(struct index *index);
/* After a power cut; differs from a restart only under SABOTAGE_COMMIT. */
void memory_index_crash(struct index *index);
/* Flips one bit of a value of the table.  False: it has none.  For bit flips. */
bool memory_index_flip(struct index *index, enum index_table table, struct random *random);
void memory_index_free(struct index *index); /* NULL is fine */

#endif
