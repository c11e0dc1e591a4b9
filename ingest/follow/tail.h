/* One file that grows: which one it is, whatever it is called, and how far it was read.  It is
 * read on from there, or from its beginning where it is not the file any more that it was.
 *
 * What was read goes into a batch; with whoever keeps that tail_settle() says whether it was kept,
 * or all of it is read again.  One thread. */
#ifndef WEIR_INGEST_FOLLOW_TAIL_H
#define WEIR_INGEST_FOLLOW_TAIL_H

#include "ingest/follow/tail_mark.h"
#include "ingest/follow/tail_place.h"
#include "ingest/follow/tail_rows.h"

struct tail_reading;

struct tail {
    struct tail *next, *next_joined;
    char key[TAIL_KEY_SIZE];
    char *path;                   /* owned: where it was found last */
    struct tail_mark mark;        /* what is durable; its path is none */
    struct tail_mark coming;      /* with what is in the batch */
    bool joined;                  /* there is something of it in the batch */
    bool known;                   /* there is a mark of it */
    bool skips;                   /* what stands there is not read, */
    bool skipped;                 /* and with what is in the batch that is done */
    bool wrong;                   /* it is not read on before it begins anew, */
    bool breaks;                  /* or will not be, once what is in the batch was kept */
    bool found;                   /* by the look that is under way */
    size_t path_index;            /* of its source: which of them found it last */
    bool deleted;                 /* it has no name left */
    bool ended;                   /* it is found nowhere, and read for the last time */
    int64_t gone_ns;              /* monotonic: since when it is found nowhere; 0 = it is */
    uint64_t size;                /* as it was seen last */
    int64_t changed_ns;           /* its own time of that, */
    int64_t grown_ns;             /* and ours, monotonic */
    uint64_t settled_size;        /* with which it was taken for whole */
    bool due;                     /* there may be something to read */
    int fd;                       /* -1: closed */
    struct tail_reading *reading; /* NULL: none is under way */
};

struct tail_terms {
    const struct source *source;
    const struct limits *limits;
    const struct tail_places *places;
    struct bytes tenant;
    struct batch *batch;
    char *buffer;         /* TAIL_BUFFER_SIZE */
    uint64_t *bytes_left; /* to be read before the batch is to be written; below 0 by one buffer */
    uint64_t *bytes_read; /* plain ones; counted up */
};

enum { TAIL_BUFFER_SIZE = 256 << 10 };

/* NULL: memory. */
struct tail *tail_new(const char *path, const struct stat *stat);
void tail_free(struct tail *tail);
/* Whether a look shows something new; takes its size and times. */
bool tail_look(struct tail *tail, const struct stat *stat, int64_t now_ns);
bool tail_rename(struct tail *tail, const char *path); /* false: memory */
/* Whether the mark is of this file, not of one that had its number before: reads a little. */
bool tail_is_marked(struct tail *tail, const struct tail_terms *terms,
                    const struct tail_mark *mark);
void tail_adopt(struct tail *tail, const struct tail_mark *mark);

/* Reads on.  `final`: nothing is to come, a last line counts as it stands.  *more: there is more
 * than `bytes_left`.  E_NOT_FOUND, E_FORBIDDEN, E_IO of the file, E_SYNTAX: it has no names of
 * columns, E_BAD_COMPRESSION: then it is not read on, and what came before is in the batch;
 * E_MEMORY: the batch is not to be kept. */
MUST_USE enum code tail_read(struct tail *tail, const struct tail_terms *terms, bool final,
                             bool *more, struct error *err);
/* Fills `coming`, for tail_mark_put(). */
void tail_prepare(struct tail *tail, int64_t time_ns);
/* What is in the batch was kept, or not. */
void tail_settle(struct tail *tail, bool kept);
/* It is found nowhere, and nobody writes to it any more, as far as one can know. */
bool tail_is_over(const struct tail *tail, int64_t now_ns);
/* Bytes of the file that are in no record. */
uint64_t tail_lag(const struct tail *tail);
/* Goes to rest: what it holds in memory goes, and where `close` its file. */
void tail_rest(struct tail *tail, bool close);
/* Of the newest bad record; empty: none. */
const char *tail_fault(const struct tail *tail);

#endif
