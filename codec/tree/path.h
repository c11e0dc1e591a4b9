/* Where something stands in a document: RFC 6901 pointers, with `*` for each element or member, and
 * `../` from a row to what it is in.  docs/reference/sources.md tells them to people. */
#ifndef WEIR_CODEC_TREE_PATH_H
#define WEIR_CODEC_TREE_PATH_H

#include "base/arena.h"
#include "base/buf.h"

struct tree_step {
    struct bytes name; /* of a member; digits may mean an element of an array as well */
    bool any;          /* '*' */
};

struct tree_path {
    bool absolute; /* from the document; else from the row */
    uint32_t up;   /* `../`, of a path that is not absolute */
    const struct tree_step *steps;
    size_t count; /* 0: the document, the row, or what is `up` above it, itself */
};

enum { TREE_PATH_STEPS_MAX = 64, TREE_PATH_SIZE_MAX = 1024 };

/* Copied into the arena.  "/" is the document, "" the row, ".." what the row is in.
 * E_BAD_PARAMETER: too long, an empty name, `~` before something else than 0 and 1, `..` behind a
 * name or a leading slash, `*` where `stars` is false; with what is wrong and where.  E_MEMORY. */
MUST_USE enum code tree_path_parse(struct bytes text, bool stars, struct arena *arena,
                                   struct tree_path *path, struct error *err);
/* As it is written. */
void tree_path_print(const struct tree_path *path, struct buf *out);
/* A name as it stands in a path, with ~0 and ~1. */
void tree_path_print_name(struct bytes name, struct buf *out);

#endif
