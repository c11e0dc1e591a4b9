/* The configuration: defaults < file (YAML) < environment < flags.  What is unknown is refused with
 * its place and the nearest name, and every value knows where it came from.
 * Reference: docs/reference/config.md.
 *
 * Thread: one at a time; immutable after config_load(). */
#ifndef WEIR_SERVER_CONFIG_H
#define WEIR_SERVER_CONFIG_H

#include "base/buf.h"
#include "server/arguments.h"
#include "server/setting.h"

struct config;

/* All defaults. */
MUST_USE enum code config_new(struct config **config, struct error *err);
void config_free(struct config *config); /* NULL is fine */
/* The flags of all settings, and --config: for arguments_read() before config_load(). */
struct arguments *config_arguments(struct config *config);
/* Reads the file (--config, else WEIR_CONFIG, else ./weir.yaml or /etc/weir/weir.yaml where there
 * is one), then `environment` ("NAME=value", NULL-terminated), then the flags that arguments_read()
 * left, and checks the whole.  argv and environment outlive the config.  E_CONFIG, E_NOT_FOUND,
 * E_IO, E_MEMORY. */
MUST_USE enum code config_load(struct config *config, char *const *environment, struct error *err);

const struct settings *config_settings(const struct config *config);
/* The format to log in: the choice, or for "auto" by whether stderr is a terminal. */
enum log_format config_log_format(const struct config *config);
/* As a file that means the same, each value with its origin in a comment. */
void config_print(const struct config *config, struct buf *out);

#endif
