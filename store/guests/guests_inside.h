/* The inside of who follows other members, shared by guests.c (who, and threads), watch.c (a turn
 * of a chain), compose.c (what readers get), hurry.c, known.c and caught_up.c, and nobody else. */
#ifndef WEIR_STORE_GUESTS_GUESTS_INSIDE_H
#define WEIR_STORE_GUESTS_GUESTS_INSIDE_H

#include <pthread.h>

#include "base/random.h"
#include "base/thread.h"
#include "store/delivery/delivery_rules.h"
#include "store/guest_list.h"
#include "store/guests/follow.h"
#include "store/guests/guest_file.h"
#include "store/guests/guests.h"
#include "store/state.h"

/* A pack that a chain lists. */
struct guest {
    uint64_t number;
    struct hash128 hash;
    struct pack *pack; /* NULL: not yet, or */
    char *fault;       /* why not; owned */
    int64_t retry_ns;  /* then it is tried once more */
    bool no_room;      /* for want of room on our own disk */
};

/* A chain: a tenant, a shard and a member. */
struct watch {
    struct watch *next; /* of the post */
    struct ward *ward;
    struct post *post;
    uint32_t member;
    struct hash128 incarnation;
    /* The post's thread's. */
    struct follow follow;
    struct guest *guests; /* of follow.list, in its order */
    size_t guest_count;
    bool behind;      /* ... but for what the list has changed since */
    bool waits;       /* some of them were not tried yet */
    bool cramped;     /* for some there was no room on our own disk */
    bool whole;       /* readers were given a list that had all */
    bool unpublished; /* readers have something older */
    bool corrupt;     /* the chain, and it was told */
    int64_t due_ns;   /* not before this */
    /* The lock of struct guests guards: */
    int64_t looked_ns;         /* monotonic: when it was last read to its end; INT64_MIN = never */
    bool read;                 /* it was, since the start */
    bool refused;              /* it is damaged: nothing more of it can be read */
    bool named;                /* its shard is one of the tenant's */
    bool left;                 /* its author lists nothing more, as is known by now, */
    bool closed;               /* and all was read since then */
    struct guest_chain *chain; /* what readers get; NULL: nothing */
    /* What its author had said to be closed when a look began that found nothing new; and the least
     * of that, of all the tenant's chains of the author at that time.  INT64_MIN: nothing. */
    int64_t word, vouched;
};

/* A tenant. */
struct ward {
    const struct tenant *tenant;
    bool stale; /* the looker's: readers have not been given what follows as it is now */
    /* Under the lock of struct guests. */
    struct watch **watches;
    size_t watch_count;
    struct guest_author *authors; /* other members */
    size_t author_count;
    uint64_t sequence;
    /* Under the store's state lock. */
    uint64_t published;
};

/* A shard. */
struct post {
    struct post *next;
    struct guests *guests;
    char name[SHARD_NAME_SIZE];
    struct thread *thread; /* NULL without guests_start() */
    struct metric *packs, *bytes, *failures;
    /* Its thread's. */
    struct archive *archive; /* NULL: to be opened */
    struct watch *resume;    /* where the next turn begins; NULL: at the first */
    int64_t rest_ns, rest_until_ns;
    bool hurried; /* out of a rest: a failure then is none more */
    struct random random;
    enum code trouble; /* that was told; OK: none */
    _Atomic int64_t pack_count;
    struct watch *_Atomic watches; /* one that is made stays */
};

/* What a member said of all its chains. */
struct word {
    struct hash128 incarnation;
    int64_t closed;   /* all that it ever acknowledges up to this is listed */
    uint64_t version; /* of the registry, as it knew it at least */
};

/* A chain to be looked at at once. */
struct hurry {
    const struct tenant *tenant;
    struct hash128 incarnation;
    char shard[SHARD_NAME_SIZE];
};

enum { HURRIES_MAX = 64 };

/* A pack that its chain names no more; what was brought of it is there while views have it. */
struct replaced {
    struct replaced *next;
    const struct tenant *tenant;
    uint32_t member;
    struct hash128 incarnation; /* its */
    struct pack *pack;          /* a reference */
};

struct guests {
    struct store *store;
    const struct guest_rules *rules;
    struct thread *looker;
    _Atomic bool stop;
    pthread_mutex_t lock; /* guards what it is told to, and: */
    pthread_cond_t more;  /* it is time to stop, or to hurry */
    pthread_cond_t told;  /* readers were given something: */
    uint64_t told_count;
    uint64_t version;    /* of the registry: each shard that it names of a tenant has its watches */
    int64_t surveyed_ns; /* monotonic: when the last look at it began; INT64_MIN = none did */
    struct word *words;
    size_t word_count;
    struct hurry hurries[HURRIES_MAX];
    size_t hurry_count;
    struct replaced *replaced;
    struct guest_author *known; /* the looker's: all that were ever named but us, as of last */
    size_t known_count;
    struct post *posts; /* one that is made stays */
    /* By tenant ordinal; likewise.  The looker's, who changes it under the lock. */
    struct ward **wards;
    size_t ward_capacity;
};

/* A turn of the chain, if it is due.  *more: it has not come to its end.  What the shard refuses is
 * returned; what is wrong with the chain or a pack is told, to the log and to readers. */
MUST_USE enum code watch_turn(struct watch *watch, bool *more, struct error *err);
void watch_free(struct watch *watch);

/* hurry.c.  Under the lock: whether a chain there is to be looked at. */
bool hurry_is_for(const struct guests *guests, const struct post *post);
void hurry_take(struct post *post); /* its thread: these are due */
/* What no thread took is of no shard that is known, or taken soon. */
void hurry_forget(struct guests *guests);
void guests_tell(struct guests *guests); /* readers were given something */

/* unerased.c.  Takes the reference over. */
void replaced_add(const struct watch *watch, struct pack *pack);
/* Lets go of those that nobody else has. */
void replaced_sweep(struct guests *guests);
void replaced_release(struct guests *guests); /* of all, when threads have ended */
/* words.c.  All chains that there are to follow by the registry of this version have a watch. */
void words_follow(struct guests *guests, uint64_t version);
/* What its author has said by now, INT64_MIN: nothing, or of shards that are not known
 * here.  Before a look; after one that found nothing new, of which readers have all, that holds. */
int64_t word_of(struct watch *watch);
MUST_USE enum code word_keep(struct watch *watch, int64_t word, struct error *err);

/* Gives readers the tenant's guests as they are known now.  False: memory was short. */
bool ward_compose(struct guests *guests, struct ward *ward);
/* The same where nothing but what is said of members is new. */
bool ward_renew(struct guests *guests, struct ward *ward);

#endif
