/* YAML documents for reading (the only file that includes libyaml is yaml_doc.c): maps, lists and
 * text.  What a text means (a number, a duration) is for whoever asked for it.  Anchors, aliases,
 * tags, duplicate keys, several documents and nesting above 16 are refused.
 *
 * Failure: E_CONFIG with the line, or E_MEMORY. */
#ifndef WEIR_CODEC_YAML_DOC_H
#define WEIR_CODEC_YAML_DOC_H

#include "base/arena.h"
#include "base/error.h"

enum yaml_kind { YAML_KIND_TEXT, YAML_KIND_LIST, YAML_KIND_MAP };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line;     /* from 1; of the key, for a map's members */
    struct bytes key;  /* of a map's member */
    struct bytes text; /* TEXT: with quotes and escapes resolved */
    bool plain;        /* TEXT: stands without quotes */
    const struct yaml_node *first, *next;
    size_t count; /* members or elements */
};

/* Everything lives in `arena`.  *root is NULL for a document without content. */
MUST_USE enum code yaml_doc_parse(struct bytes text, struct arena *arena,
                                  const struct yaml_node **root, struct error *err);

/* "line 7: <text>" as E_CONFIG, with err->line. */
enum code yaml_refuse(const struct yaml_node *node, struct error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Tells that the member's key is unknown, with the nearest of the names (NULL-terminated). */
enum code yaml_refuse_key(const struct yaml_node *member, const char *const *names,
                          struct error *err);

/* What the members of a map may be called, and who takes them. */
struct yaml_key {
    const char *name;
    enum code (*take)(void *context, const struct yaml_node *member, struct error *err);
};

enum { YAML_KEYS_MAX = 32 };
/* Hands each member to its row.  `what` the map is stands in the error when it is none; a key
 * without value (`acme:`) is an empty map. */
MUST_USE enum code yaml_map_take(const struct yaml_node *map, const char *what,
                                 const struct yaml_key *keys, size_t key_count, void *context,
                                 struct error *err);
/* The node is text and not empty, else refused. */
MUST_USE enum code yaml_text_take(const struct yaml_node *node, struct bytes *text,
                                  struct error *err);

#endif
