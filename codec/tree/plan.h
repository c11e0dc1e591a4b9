/* A plan as rows.c and zip.c walk it: a trie of the names that lead to something wanted, from the
 * document down.  The rows' path is a chain of nodes in it, one a level; paths of slots hang where
 * they begin. */
#ifndef WEIR_CODEC_TREE_PLAN_H
#define WEIR_CODEC_TREE_PLAN_H

#include "codec/tree/rows.h"

#define TREE_NONE UINT32_MAX

struct tree_node {
    struct bytes name;           /* of the step that leads here; of '*' empty */
    uint64_t index;              /* the name as an element's number; UINT64_MAX: it is none */
    struct tree_node **children; /* by size, then bytes of their names */
    uint32_t child_count, child_room;
    struct tree_node *any; /* behind '*' */
    struct tree_node *parent;
    uint32_t *slots; /* that end here */
    uint32_t slot_count, slot_room;
    uint32_t level;  /* on the rows' chain, the document being 0; else TREE_NONE */
    uint32_t column; /* of a zip: what stands here is it, or behind '*' an element of it */
    bool star;       /* '*' leads here, of the rows' path or of a column */
    bool row;        /* what stands here is a row; of a zip, the object of its columns */
    bool indexed;    /* a child's name is an element's number */
    bool first_pass; /* something around rows ends here or beneath */
};

enum plan_kind {
    PLAN_ROW,
    PLAN_AROUND,
    PLAN_DOCUMENT,
    PLAN_COLUMN,
};

struct plan_slot {
    enum plan_kind kind;
    uint32_t place; /* PLAN_AROUND: the level it hangs from; PLAN_COLUMN: the column */
    uint32_t order; /* in the group of these */
};

/* Slots that hang from a level, or from a column. */
struct plan_group {
    uint32_t *slots;
    uint32_t count;
};

struct tree_plan {
    struct tree_node *root;
    const struct plan_slot *slots;
    struct plan_group *levels; /* level_count */
    struct tree_node **columns;
    struct plan_group *column_slots; /* column_count */
    uint32_t slot_count, level_count, column_count;
    uint32_t star_level; /* where the last '*' of the rows' path leads; TREE_NONE */
    uint32_t named;      /* the level in front of the first '*', or of the row */
    uint32_t depth;      /* levels of the trie */
    unsigned passes;
    bool zip;
    bool documents; /* the path began with '*' for each document */
};

/* The child of that name, or NULL. */
const struct tree_node *tree_node_child(const struct tree_node *node, struct bytes name);

#endif
