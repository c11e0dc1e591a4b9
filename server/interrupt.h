/* SIGINT and SIGTERM as a question that long work asks now and then, so that it ends in order and
 * can say how to go on. */
#ifndef WEIR_SERVER_INTERRUPT_H
#define WEIR_SERVER_INTERRUPT_H

#include <stdint.h>

#include "base/bytes.h"

/* From now on the first signal is only noted; a second one ends the process at once.  SIGPIPE is
 * ignored: a reader that left is an error of write(). */
void interrupt_watch(void);
bool interrupt_came(void);
/* Sleeps, but not beyond a signal; false when one came. */
bool interrupt_sleep(uint64_t ms);
/* As the signal would have ended the process: for a reader of our output that left. */
_Noreturn void interrupt_die_of_pipe(void);

#endif
