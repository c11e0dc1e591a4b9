/* What a source tells of itself beside its counts: part of struct pull_source, written by the
 * puller's thread under its lock, read under it by any. */
#ifndef WEIR_INGEST_PULL_PULL_TOLD_H
#define WEIR_INGEST_PULL_PULL_TOLD_H

#include "ingest/rows/value_finds.h"

struct pull_source;

enum pull_state {
    PULL_LOADING, /* what it knows of its work is being read */
    PULL_RESTING,
    PULL_PULLING,
    PULL_WRONG,     /* its document */
    PULL_ELSEWHERE, /* another node pulls it */
    PULL_FILLING,   /* told alone: it rests, and history is asked for; */
    PULL_PAUSED,    /* as is this */
    PULL_STATES
};
extern const char *const pull_state_names[PULL_STATES];

struct pull_told {
    struct value_finds finds; /* since its document is in force */
    char *warnings;           /* a list of JSON; NULL: there is none */
    bool filling;             /* between pulls: windows of history are asked for */
    char waits[160];          /* what the next request waits for; empty: nothing */
    int64_t waits_until_ns;   /* wall, a whole second; 0: not known */
    int64_t newest_ns;        /* up to where the newest windows were had; 0: none was */
};

/* Its state as people are told it.  Under the lock. */
enum pull_state told_state(const struct pull_source *source);
/* A page's. */
void told_finds(struct pull_source *source, const struct value_finds *finds);
/* At the end of a turn: whether history is asked for, and what for it waits until `when`, which is
 * units_when(). */
struct moment;
void told_turn(struct pull_source *source, int64_t when, const struct moment *now);
/* Its progress waits for this to be loaded; empty: for nothing. */
void told_loading(struct pull_source *source, const char *waits);
/* It has another document, or ends. */
void told_forget(struct pull_source *source);

#endif
