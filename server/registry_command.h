/* What the commands that read and change the registry have in common: `weir tenant add acme`. */
#ifndef WEIR_SERVER_REGISTRY_COMMAND_H
#define WEIR_SERVER_REGISTRY_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "discovery/registry.h"
#include "discovery/tenant_document.h"
#include "server/arguments.h"
#include "server/config.h"

enum { REGISTRY_ANSWER_BYTES_MAX = 256 << 20 };

struct registry_command;

/* `weir <command> <verb>`. */
struct registry_verb {
    const char *name;
    const char *usage; /* "usage: weir tenant add NAME …\n\nwhat it does\n" */
    const struct argument_row *rows;
    size_t row_count;
    const struct argument_row *repeated; /* flags that may stand several times */
    size_t repeated_count;
    size_t names; /* how many words behind the verb */
    enum code (*run)(struct registry_command *command, struct error *err);
};

enum { REGISTRY_ROWS_MAX = 16, REGISTRY_REPEATED_MAX = 2, REGISTRY_WORDS_MAX = 2 };

struct registry_command {
    const char *name; /* "tenant" */
    const struct registry_verb *verb;
    struct config *config;
    struct registry *registry;
    const char *values[REGISTRY_ROWS_MAX];
    struct argument_list lists[REGISTRY_REPEATED_MAX];
    struct bytes words[REGISTRY_WORDS_MAX];
    struct arena arena;
    const void *own; /* run()'s */
    bool refused;    /* set by run(): the command line is at fault */
};

/* The whole of a command with verbs; argv[0] is its name.  `about` is what help without a verb
 * says. */
int registry_command_run(const char *about, const struct registry_verb *verbs, size_t verb_count,
                         int argc, char **argv);

/* Flags that several have, for their tables. */
#define REGISTRY_ROW_JSON                                                                          \
    {                                                                                              \
        "json", NULL, "Print the answer as one JSON object."                                       \
    }
#define REGISTRY_ROW_EXPECT                                                                        \
    {                                                                                              \
        "expect", "VERSION", "Only if the record is at this version; else exit code 4."            \
    }

/* A change of one record.  `edit` appends the new text; `record` is NULL where there is none yet.
 * It may run several times, when others change the record at the same time. */
struct registry_change {
    enum registry_kind kind;
    struct bytes name;
    const char *expect; /* a version; NULL = any */
    enum code (*edit)(struct registry_command *command, void *context,
                      const struct registry_snapshot *records, const struct registry_record *record,
                      struct buf *text, struct error *err);
    void *context;
};
MUST_USE enum code registry_command_change(struct registry_command *command,
                                           const struct registry_change *change, uint64_t *version,
                                           struct error *err);
/* Says on stderr what was done, or on stdout as JSON. */
MUST_USE enum code registry_command_tell(const struct registry_command *command, const char *done,
                                         struct bytes name, uint64_t version, bool json,
                                         struct error *err);

/* The command line is at fault: E_BAD_PARAMETER. */
enum code registry_command_refuse(struct registry_command *command, struct error *err,
                                  const char *format, ...) PRINTF_LIKE(3, 4);
/* "name=…,version=…": the beginning of an object that tells a record, with its braces open. */
void registry_record_begin(const struct registry_record *record, struct buf *out);
/* The tenant that the first word names; `record` is NULL where there is none.  E_NOT_FOUND. */
MUST_USE enum code registry_command_tenant(struct registry_command *command,
                                           const struct registry_record *record,
                                           struct tenant_document *document, struct error *err);

/* A list of the records of a kind. */
struct registry_list {
    enum registry_kind kind;
    const char *member;  /* {"member":[…]} */
    const char *columns; /* of the table */
    /* Appends a record, as an object or as a row of the table, or nothing where it is left out.
     * Fails for want of memory alone: a record that is not right is told. */
    enum code (*print)(struct registry_command *command, const struct registry_snapshot *records,
                       const struct registry_record *record, bool json, struct buf *out,
                       struct error *err);
};
/* To stdout. */
MUST_USE enum code registry_list_print(struct registry_command *command,
                                       const struct registry_list *list, bool json,
                                       struct error *err);
/* A cell of a table in CSV, with the comma behind the one before. */
void registry_cell(struct buf *csv, bool first, struct bytes text);
/* CSV as a table to stdout. */
MUST_USE enum code registry_table_print(struct bytes csv, struct error *err);
MUST_USE enum code registry_json_print(struct buf *json, struct error *err);

#endif
