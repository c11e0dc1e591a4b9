/* Where the answer of a command goes: stdout, or a file that appears under its name once it is
 * whole.  A reader of stdout that left ends the process as SIGPIPE does, without a word. */
#ifndef WEIR_SERVER_OUTPUT_H
#define WEIR_SERVER_OUTPUT_H

#include "base/error.h"

struct output;

/* `path` NULL is stdout; else it is written as `path`.part, but a device or a pipe as it is.  A
 * directory is E_EXISTS.  *output is NULL on failure. */
MUST_USE enum code output_open(const char *path, struct output **output, struct error *err);
MUST_USE enum code output_write(struct output *output, struct bytes bytes, struct error *err);
/* Everything is written: syncs and renames. */
MUST_USE enum code output_finish(struct output *output, struct error *err);
uint64_t output_bytes(const struct output *output);
/* Removes a file that was not finished.  NULL is fine. */
void output_close(struct output *output);

#endif
