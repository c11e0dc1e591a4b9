/* What the files of the follower share.  Everything is its thread's, but for what a comment says
 * otherwise. */
#ifndef WEIR_INGEST_FOLLOW_TAILS_INSIDE_H
#define WEIR_INGEST_FOLLOW_TAILS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/map.h"
#include "ingest/follow/tail.h"
#include "ingest/follow/tails.h"

enum {
    TAILS_TEXT_SIZE = ERROR_TEXT_SIZE,
    TAILS_RECORDS_KEPT = 32,
    TAILS_OPEN_MAX = 256, /* files of a source, but for those in the record under way */
};

enum tails_state {
    TAILS_LOADING, /* how far files were read is being looked up */
    TAILS_FOLLOWING,
    TAILS_WAITING, /* rows are not taken at the moment */
    TAILS_PAUSED,
};

/* A mark that was read, until its file is found. */
struct tail_known {
    struct tail_known *next; /* of the same number */
    uint64_t inode;
    bool own; /* else of a node that had no number */
    struct tail_mark mark;
};

struct tails_record {
    int64_t began_ns, took_ns; /* wall; how long */
    uint64_t bytes, rows, faults;
    uint32_t files;
    bool failed;
    char file[TAILS_TEXT_SIZE], text[TAILS_TEXT_SIZE];
};

/* For people; under the lock. */
struct tails_told {
    enum tails_state state;
    uint64_t files, open, stopped, bytes, lag_bytes, rows, faults, records;
    int64_t success_ns, error_ns;
    char error[TAILS_TEXT_SIZE], file[TAILS_TEXT_SIZE];
    struct tails_record notes[TAILS_RECORDS_KEPT];
    uint64_t note_count;
};

struct tails_source {
    struct tails_source *next; /* changed under the lock */
    struct tails *tails;
    char *tenant_name, *name; /* owned */
    bool paused;
    struct source *source; /* owned */
    /* As of now: */
    const struct tenant *tenant;
    struct limits limits;
    int64_t retention_ns;
    struct bytes measurement; /* of marks */
    struct arena arena;       /* of it, and what is known */
    struct map known;         /* inode to struct tail_known */
    bool loaded;
    bool begun;       /* what stood there when the source began is known; */
    int64_t begun_ns; /* the time of the own row that says so, INT64_MIN: there is none */
    int64_t aged_ns;  /* wall: a mark up to then is written again; INT64_MIN: none */
    int64_t load_ns, loading_since_ns, look_ns, held_ns; /* monotonic: not before */
    struct tail *list;
    struct map by_key;
    size_t count, open_count;
    bool unread; /* there is more than a turn reads */
    /* Of the record under way. */
    struct batch batch;
    struct arena rows;
    struct tail *joined;
    uint64_t bytes_left, bytes_read;
    uint64_t record_bytes; /* of files, at most; 0 = as many as ever */
    uint64_t unfit;        /* rows of it that the tenant's limits, or kinds of fields, leave out */
    struct bytes unfit_why;
    struct tails_told told;
};

struct tails {
    struct tails_parts parts;
    char node[TAIL_NODE_SIZE]; /* known where a source is loaded */
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    char *buffer;
    struct tails_source *sources; /* as `told` of each under the lock */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct tails_message {
        struct tails_message *next;
        char *tenant, *name;
        bool paused;
        struct source *source;
    } * messages, **messages_end; /* under the lock */
};

/* --- tails_source.c --- */
struct tails_source *tails_source_new(struct tails *tails, struct tails_message *message);
void tails_source_free(struct tails_source *source);
/* Looks, reads, writes; when to come again, monotonic. */
int64_t tails_source_turn(struct tails_source *source, int64_t now_ns);

void tails_rest(struct tails_source *source, struct tail *tail, bool close);

/* --- tails_record.c --- */
/* A row is due that says that the source has begun. */
bool tails_record_begins(const struct tails_source *source);
/* Reads what is due, and writes it: false when nothing more can be done for now. */
bool tails_record_make(struct tails_source *source, int64_t now_ns);

/* --- tails_status.c --- */
void tails_tell(struct tails_source *source, const struct error *err);
void tails_tell_state(struct tails_source *source, enum tails_state state);
struct tails_source *tails_find(const struct tails *tails, struct bytes tenant, struct bytes name);

#endif
