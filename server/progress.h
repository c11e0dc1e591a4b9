/* One line on the terminal that tells how far a command is.  It is rewritten a few times a second
 * and wiped before anything else is said. */
#ifndef WEIR_SERVER_PROGRESS_H
#define WEIR_SERVER_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct progress {
    FILE *out; /* NULL: nothing is told */
    int64_t begun_ns, told_ns;
    uint64_t skipped; /* of `done`, not worked for: left out of the rate */
    bool shown;
};

/* `out` is borrowed. */
void progress_begin(struct progress *progress, FILE *out);
/* Bytes of `total` (0 = unknown); `rest` is text behind them.  Rarely prints. */
void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *rest);
void progress_wipe(struct progress *progress);
/* "45 %  123.0 MiB of 270.0 MiB  56.0 MiB/s  3s left" after `ns` of work. */
void progress_print(struct buf *text, uint64_t done, uint64_t total, uint64_t skipped, int64_t ns);
/* "512 B", "1.5 MiB". */
void progress_print_size(struct buf *text, uint64_t bytes);

#endif
