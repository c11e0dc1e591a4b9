/* The measurement and tags of a source's values: those of the document, and one group more for each
 * value that has some of its own.  A group without places of the row is filled, checked and joined
 * with its like once; the others for each row, as far as it has values of them. */
#ifndef WEIR_INGEST_ROWS_ROW_GROUP_H
#define WEIR_INGEST_ROWS_ROW_GROUP_H

#include "ingest/rows/row_text.h"
#include "model/limits.h"
#include "model/series.h"

struct row_group_tag {
    const struct source_tag *tag; /* borrowed */
    struct row_text text;         /* unless it stands at a path */
};

struct row_group {
    struct row_text measurement;
    struct row_group_tag *tags;
    size_t tag_count;
    bool constant;
    /* Of the row at hand; of a constant one of all. */
    bool ready;
    struct row_group *same; /* the group that goes for this one; mostly itself */
    struct bytes measured;
    struct series_tag *now;
    size_t now_count;
    /* For its user: where its fields are. */
    uint32_t field_count, first, last;
};

struct row_groups {
    const struct source *source; /* borrowed, and so are partition and limits */
    const struct source_partition *partition;
    const struct limits *limits;
    struct arena *texts;     /* borrowed: of rows */
    struct row_group *items; /* room for all; the first is the document's */
    size_t count;
    bool bare; /* no value is the document's group's: that needs no measurement */
};

/* One more: of the document (`value` NULL) or of a value.  In the arena.  What is wrong with what
 * is constant in it, E_MEMORY. */
MUST_USE enum code row_group_add(struct row_groups *groups, const struct source_value *value,
                                 struct arena *arena, struct error *err);
/* Fills it of the row, unless it is; then group->same is the first that came to the same.  What is
 * wrong with the row, E_MEMORY. */
MUST_USE enum code row_group_ready(struct row_groups *groups, struct row_group *group,
                                   const struct tree_row *row, struct error *err);

/* Whether it may be a name or the value of a tag; `what` it is. */
MUST_USE enum code row_name_check(struct bytes text, const char *what, uint64_t bytes_max,
                                  enum code code_long, struct error *err);

#endif
