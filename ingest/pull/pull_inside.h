/* What the files of a puller share.  Everything is the puller's thread's, but for what a comment
 * says otherwise. */
#ifndef WEIR_INGEST_PULL_PULL_INSIDE_H
#define WEIR_INGEST_PULL_PULL_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/random.h"
#include "discovery/source_record.h"
#include "ingest/pace/asked.h"
#include "ingest/pace/schedule.h"
#include "ingest/pace/window_set.h"
#include "ingest/pull/asking.h"
#include "ingest/pull/hidden.h"
#include "ingest/pull/limit_name.h"
#include "ingest/pull/partition_list.h"
#include "ingest/pull/pull_told.h"
#include "ingest/pull/puller.h"
#include "ingest/pull/reading.h"
#include "ingest/pull/seen_rows.h"
#include "ingest/pull/writing.h"
#include "ingest/rows/row_clock.h"

enum {
    PULL_FETCHES_KEPT = 32, /* of each source */
    PULL_TEXT_SIZE = 160,
    PULL_PARTITION_SIZE = 64,   /* of 32 fetches: most sources have none, or one short value */
    PULL_LIVE_MAX = 64,         /* windows of a partition that a pull has in hand at once */
    PULL_CONNECTIONS_MAX = 512, /* a host that stalls has half of what is left, at most */
    PULL_READ_MAX = 64,         /* pages that came and wait to be read: then nothing is asked */
    PULL_READERS_MAX = 16,      /* threads, as long as others wait for what is one tenant's alone */
    TOKEN_ANSWER_BYTES_MAX = 64 << 10,
    PARTITION_LIST_BYTES_MAX = 64 << 20, /* 10,000 of them take 2 MiB */
};

struct pull_source;
struct pull_try;

/* A window that was begun and is not done. */
struct pull_rest {
    struct pull_rest *next;
    int64_t start_ns, end_ns;
    uint32_t page_number;
    uint64_t rows;    /* of pages before */
    int64_t begun_ns; /* wall */
    char *page;       /* owned */
    bool live;
};

struct pull_partition {
    const struct source_partition *variables;
    char id[PARTITION_ID_SIZE];
    struct window_set windows;
    struct window_set failed; /* of history, since the last pull began: not asked before the next */
    struct window_set undone; /* was had, and is to be asked again, or was */
    int64_t history_ns;       /* what ends at or before it is history */
    struct pull_rest *rests;
    /* Of the last whole answer; owned, NULL = none. */
    char *etag, *modified, *body;
    bool noted;      /* the newest of its notes was met */
    uint32_t asking; /* units */
};

enum unit_state {
    UNIT_READY, /* to be asked when it may */
    UNIT_ASKED, /* under way */
    UNIT_READ,  /* came, and is with a reader */
};

/* One window of one partition of one source; its pages one after another. */
struct pull_unit {
    struct pull_unit *next; /* of its source */
    struct pull_source *source;
    struct pull_partition *partition;
    enum unit_state state;
    bool live;
    struct stretch_of_time window;
    /* Of the page at hand. */
    char *page; /* owned; NULL = the first */
    uint32_t page_number;
    uint64_t rows_before;
    int64_t begun_ns; /* when its first page was asked for last; wall */
    bool again;       /* was asked for since: what comes next is its first page */
    uint32_t attempt, redirects;
    uint32_t restarts;     /* from the first page: each counts as an attempt of all that follow */
    int64_t not_before_ns; /* boot */
    uint64_t *seen;        /* hashes of pages' positions; owned */
    size_t seen_count, seen_capacity;
    char last_body[HASH128_TEXT_SIZE]; /* its hash; empty: not known */
    bool token_again;                  /* one was refused, and another one is had */
    bool held;             /* rows of this page or one before wait to be compared: it is not done */
    bool ours;             /* what failed last is not its host's */
    struct seen_rows rows; /* of the window; a reader's while it has the page */
    struct row_order order; /* likewise */
    /* Of the request under way. */
    uint64_t token_number; /* which it had */
    struct arena arena;
    struct asking asking;
    struct hidden hidden; /* while a reader has its answer, too */
    struct fetch *fetch;
    struct moment began;
    char *redirect; /* Location, owned; NULL = none */
    unsigned redirect_status;
};

/* A request beside those for pages. */
struct pull_errand {
    struct pull_source *source;
    enum errand_kind { ERRAND_TOKEN, ERRAND_LIST } kind;
    enum errand_state {
        ERRAND_NONE,  /* nothing is to be asked */
        ERRAND_READY, /* as of units */
        ERRAND_ASKED,
        ERRAND_READ,
    } state;
    struct limiter_key *key;
    char *key_name; /* owned */
    uint32_t attempt, redirects;
    int64_t not_before_ns; /* boot */
    bool token_again;
    uint64_t token_number;
    /* Of the request under way. */
    struct arena arena;
    struct asking asking;
    struct hidden hidden; /* as a unit's */
    struct moment began;
    char *redirect; /* Location, owned; NULL = none */
    unsigned redirect_status;
};

/* Partitions that are asked for. */
struct pull_list {
    struct pull_errand errand;
    struct source source;           /* that asks for them */
    struct listed *listed, *coming; /* in force, and those that take their place; owned */
    bool known;                     /* they were had */
    bool was_empty;                 /* the last list, where there was something before */
    bool pull_waits;                /* begins when it is had, or not */
    int64_t due_ns;                 /* wall */
};

struct pull_fetch_note {
    const char *kind; /* "page", "list", "token" */
    int64_t began_ns; /* wall */
    int64_t took_ns;
    int64_t start_ns, end_ns;            /* of the window; both 0: none */
    char partition[PULL_PARTITION_SIZE]; /* partition_print() */
    uint32_t page;
    unsigned status;
    const char *outcome;
    uint64_t bytes, rows, written, without_values;
    uint64_t added, same; /* of what was written, new; and what was not, as it was there */
    char text[PULL_TEXT_SIZE];
};

enum { PULL_OUTCOMES = SOURCE_FAIL + 3 }; /* of pull_outcome_name() */

struct pull_counts {
    uint64_t requests, unchanged, waits, retries, failures, bytes, rows, written, retracted,
        clipped, faulty, pages, windows, without_values, pulls;
    uint64_t added, same; /* points: of `written`, and beside it */
    uint64_t outcomes[PULL_OUTCOMES];
};

struct pull_source {
    struct pull_source *next;
    struct puller *puller;
    char *tenant_name, *name; /* owned */
    uint64_t version;
    bool asked;            /* in this turn */
    bool removed;          /* goes when nothing of it is under way */
    struct source *source; /* NULL: PULL_WRONG */
    bool replaced;         /* `coming` takes its place then; NULL: its document is wrong */
    struct source *coming;
    uint64_t coming_version;
    struct hash128 document, coming_document; /* of `source` and `coming`, as text */
    struct pull_wishes *wishes; /* what was asked of it, owned, NULL = nothing; taken up of it: */
    int64_t pull_taken_ns, backfill_taken_ns;
    struct arena arena; /* of partitions */
    const struct tenant *tenant;
    int64_t retention_ns;
    struct limiter_key *key;
    char *key_name;           /* owned */
    struct pull_list *list;   /* NULL: its document has them; owned, like */
    struct pull_token *token; /* NULL: it needs none */
    struct pull_partition *partitions;
    struct map partitions_by_id;
    size_t partition_count, partition_turn;
    struct pull_unit *units;
    size_t live_units, busy_units; /* asked or read, also errands */
    bool held;                     /* this node pulls it */
    /* Another one does, or this one ends: what a reader has of it is not written any more.  It may
     * have waited for long, and who pulls now has had newer pages since. */
    _Atomic bool lost;
    bool loading; /* a reader is at it */
    bool history_done;
    bool barred;     /* nothing is asked before the next pull: no token was to be had */
    bool failed;     /* in the pull under way */
    bool uncompared; /* likewise, for want of what was had before: its host is as good as ever */
    bool first;      /* it is the first one ever */
    bool anew; /* another document: what came before is asked for in full, until a pull is whole */
    bool due;  /* once it is loaded: its pull waited for the list of partitions */
    uint32_t failures;
    uint64_t place; /* in the jitter */
    int64_t last_ns, next_ns, expires_ns;
    int64_t held_ns; /* monotonic: since when `held` */
    /* Under the puller's lock, for status: */
    enum pull_state state;
    bool paused;
    struct pull_counts counts;
    char *error;   /* the last one, until a pull that began behind it came whole; owned, like */
    bool troubled; /* there was one since a pull began */
    int64_t error_ns, success_ns, reached_ns, told_next_ns;
    unsigned waiting; /* pages that ingest does not take now, ... */
    char *waits_for;  /* ... and why */
    struct pull_told told;
    int64_t ends_ns;                 /* nothing is behind from there on; 0: not known yet */
    struct pull_fetch_note *fetches; /* a ring once it is PULL_FETCHES_KEPT; until then it grows */
    size_t fetch_at, fetch_count, fetch_room;
};

/* What a reader is given and gives back. */
struct pull_job {
    struct pull_job *next;
    struct pull_source *source;
    struct pull_unit *unit;     /* NULL: progress is to be loaded, ... */
    struct pull_errand *errand; /* ... or a list was asked for, */
    struct listed *listed;      /* which is this; owned */
    const struct tenant *tenant;
    struct limits limits;  /* as they were: they may change meanwhile */
    struct window_set had; /* by its partition, when the page came; owned */
    /* Of a page; owned by the job. */
    struct arena arena;
    struct staged *body;
    unsigned status;
    struct answer_header *headers;
    size_t header_count;
    int64_t fetched_ns, took_ns;
    uint64_t bytes;
    /* What became of it. */
    enum code code;
    struct error err;
    struct verdict verdict;
    struct reading_facts facts;
    struct writing_counts written;
    bool waiting;    /* it is one of the source's */
    bool blocks;     /* it is one of the puller's `blocked` */
    bool more, anew; /* anew: the window, as its pages do not fit together */
    struct page_position next_page;
    struct bytes page_hash; /* of its body; empty: not known */
    struct bytes etag, modified, body_hash;
    int64_t expires_ns;
    /* Of progress that was loaded. */
    bool caught_up;   /* not before what others had delivered ... */
    int64_t since_ns; /* ... by then was read, */
    bool whole;       /* nor without those who do not answer */
    struct pull_loaded {
        struct pull_loaded *next;
        char partition[PARTITION_ID_SIZE];
        struct progress_note note; /* texts in the arena */
    } * loaded;
};

struct pull_message {
    struct pull_message *next;
    char *tenant, *name;
    uint64_t version;
    char *json;
    size_t json_size;
    bool paused;
    struct pull_wishes *wishes; /* not NULL: these, and it is no declaration */
    bool secrets;               /* of the tenant, no source's */
};

/* A page that somebody waits for who only wants to see it, or what is needed to ask for it. */
struct pull_try {
    struct pull_try *next;
    struct puller *puller;
    struct bytes tenant;
    enum try_what {
        TRY_PAGE,
        TRY_LIST, /* of partitions */
        TRY_TOKEN,
    } what;
    const struct trial_terms *terms;
    const struct source *source; /* whose request it is */
    const struct source_partition *partition;
    struct bytes bearer;
    struct arena arena;
    struct asking asking;
    struct hidden hidden;
    struct limiter_key *key;
    struct bytes key_name; /* in the arena */
    int64_t until_ns;      /* boot: not asked by then it is given up; */
    int64_t ends_ns;       /* and so is all of the trial */
    int64_t cut_ns;        /* what that left of its time; 0 = as much as its document says */
    bool asked;
    struct fetch *fetch; /* then, until it has ended */
    struct moment began;
    /* Under the puller's lock: */
    bool done;
    enum code code;
    struct error err;
    struct staged *body;
    unsigned status;
    struct answer_header *headers;
    size_t header_count;
    int64_t took_ns;
};

struct puller {
    struct puller_parts parts;
    struct fetcher *fetcher;
    struct asked *asked; /* NULL: it is kept nowhere */
    struct limiter_notes notes;
    struct limiter *limiter;
    pthread_t thread;
    pthread_t readers[PULL_READERS_MAX];
    bool started;
    _Atomic bool stop;
    _Atomic bool tries_over; /* nobody is to wait for a page any more */
    /* The puller's thread's. */
    struct pull_source *sources; /* who asked last stands last; changed under the lock */
    size_t source_count;
    struct pull_counts gone; /* of sources that are no more; under the lock */
    int64_t opened_ns;       /* monotonic */
    int64_t wall_ahead_ns;   /* of the boot clock, when it was looked at last */
    struct random random;
    bool untidy;     /* something came that took memory, */
    int64_t tidy_ns; /* which is given back no sooner; boot */
    /* Under `lock`: */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct pull_message *messages, **messages_end;
    struct pull_job *jobs, **jobs_end, *results;
    unsigned reader_count;
    /* Of whom a reader has a page that waits for what is the tenant's alone. */
    const struct tenant *blocked[PULL_READERS_MAX];
    unsigned blocked_count;
    struct pull_try *tries; /* that have come; and those of the thread: */
    struct pull_try *trying;
    pthread_cond_t tried;
    _Atomic size_t job_count; /* read without it */
};

/* --- puller.c --- */
/* As limiter_join(), with what was asked before. */
MUST_USE enum code pull_join(struct puller *puller, struct bytes name,
                             const struct source_limits *limits, struct limiter_key **key,
                             struct error *err);
/* An answer says when to come again. */
void pull_wait(struct puller *puller, struct bytes name, struct limiter_key *key,
               int64_t until_wall_ns);

/* --- pull_request.c --- */
/* As parts.secret(); the value is hidden from then on. */
MUST_USE enum code pull_secret(const struct puller *puller, struct bytes tenant, struct bytes name,
                               struct bytes host, struct arena *arena, struct hidden *hidden,
                               struct bytes *value, struct error *err);
struct fetch_request pull_request(const struct puller *puller, const struct source *source,
                                  const struct asking *asking);
/* Empty: there is none. */
struct bytes answer_header_of(const struct fetch_answer *answer, const char *name);
bool answer_leads_on(const struct fetch_answer *answer); /* a redirect */
bool answer_is_final(const struct fetch_answer *answer); /* none came, nor would the next time */
/* False: no memory. */
bool answer_headers_copy(const struct fetch_answer *answer, struct arena *arena,
                         struct answer_header **headers, size_t *count);
/* Whether its host is up, for all that share the limits.  One of 5xx is taken for a fault until a
 * page's rule says that it is none: limiter_answered() then.  What leads on tells nothing, as what
 * it leads to may be down; `again` as limiter_failed() has it. */
void answer_weigh(const struct fetch_answer *answer, struct puller *puller,
                  const struct source_retry *retry, struct limiter_key *key,
                  const struct moment *began, bool again);
/* When to come again holds at once, for all that share the limits: a reader may be long in coming
 * to the answer, and one that was cut in its body never gets there. */
void answer_heed(const struct fetch_answer *answer, struct puller *puller,
                 const struct source *source, struct bytes key_name, struct limiter_key *key,
                 const struct moment *now);

/* --- pull_errand.c --- */
/* Finds out whose limits hold; errand_leave() also after a failure. */
MUST_USE enum code errand_join(struct pull_errand *errand, struct pull_source *source,
                               enum errand_kind kind, struct error *err);
void errand_leave(struct pull_errand *errand);
void errand_begin(struct pull_errand *errand);  /* from ERRAND_NONE on */
void errand_drop(struct pull_errand *errand);   /* unless it is under way */
void errand_forget(struct pull_errand *errand); /* what it asked with */
/* As units_when(). */
int64_t errand_when(const struct pull_errand *errand, const struct moment *now);
void errand_ask(struct pull_errand *errand, const struct moment *now);
void errand_try_again(struct pull_errand *errand, int64_t until_wall_ns, const char *text,
                      const struct moment *now);
void errand_failed(struct pull_errand *errand, const char *text, const struct moment *now);
struct pull_fetch_note errand_note(const struct pull_errand *errand, const char *outcome);
/* A token is wanted, or cannot be had: what waits for it is over.  When to look again, boot. */
int64_t errands_turn(struct pull_source *source, const struct moment *now);
/* The one that may be asked; NULL: none. */
struct pull_errand *errand_choose(const struct pull_source *source, const struct moment *now);

/* --- pull_token.c --- */
MUST_USE enum code token_new(struct pull_source *source, struct error *err);
void token_free(struct pull_source *source);
struct pull_errand *token_errand(const struct pull_source *source); /* NULL: it needs none */
bool token_is_good(const struct pull_source *source, const struct moment *now); /* or not needed */
/* For a request, which has to know its number; empty where it needs none. */
struct bytes token_use(struct pull_source *source, uint64_t *number);
/* An answer says that it is none.  True: ask once more, with another one. */
bool token_refused(struct pull_source *source, bool *again, uint64_t number);
void token_failed(struct pull_source *source, const char *why, const struct moment *now);
void token_take(struct pull_errand *errand, const struct fetch_answer *answer,
                const struct moment *now);

/* --- pull_list.c --- */
MUST_USE enum code list_new(struct pull_source *source, struct error *err);
void list_free(struct pull_source *source);
void listed_free(struct listed *listed);                           /* NULL is fine */
struct pull_errand *list_errand(const struct pull_source *source); /* NULL: it needs none */
void list_reset(struct pull_source *source);                       /* this node begins to pull */
bool list_is_due(const struct pull_source *source, const struct moment *now);
bool list_is_asked(const struct pull_source *source); /* or is about to be in force */
void list_ask(struct pull_source *source, bool pull_waits);
void list_failed(struct pull_source *source, const char *why, const struct moment *now);
void list_hand_over(struct pull_errand *errand, struct fetch_answer *answer,
                    const struct moment *now);
MUST_USE enum code list_read(struct pull_job *job, struct error *err); /* a reader's */
void list_take(struct pull_job *job);
void list_turn(struct pull_source *source); /* a new one comes into force, once nothing is out */

/* --- pull_unit.c --- */
struct pull_unit *unit_add(struct pull_source *source, struct pull_partition *partition,
                           const struct stretch_of_time *window, bool live);
void unit_free(struct pull_unit *unit); /* also out of its source's list */
/* From when on its host allows one of the source's, and is up; boot.  INT64_MAX: after something
 * has ended. */
int64_t units_allowed(const struct pull_source *source, const struct moment *now);
/* The same of one that is ready; goes through all of them. */
int64_t units_when(const struct pull_source *source, const struct moment *now);
void unit_ask(struct pull_unit *unit, const struct moment *now);
void unit_rewind(struct pull_unit *unit); /* to its first page; none is with a reader */
/* Again after a wait of chance, and not before `until_wall_ns`, or it is over for this pull. */
void unit_try_again(struct pull_unit *unit, int64_t until_wall_ns, const struct moment *now,
                    const char *text);
void unit_give_up(struct pull_unit *unit, const char *text, const struct moment *now);
void unit_end(struct pull_unit *unit, bool failed, const struct moment *now);
/* Of the request that it began last. */
struct pull_fetch_note unit_note(const struct pull_unit *unit, const char *outcome);
struct moment pull_now(const struct puller *puller);

/* --- pull_answer.c --- */
/* A reader is done with its page: on, again, or over. */
void unit_take(struct pull_job *job);

/* --- pull_partition.c --- */
/* False: no memory. */
bool partitions_make(struct pull_source *source, const struct source_partition *partitions,
                     size_t count);
void partitions_release(struct pull_source *source);
/* "site=berlin, x=1", cut where it is too long; empty: it has no variables. */
void partition_print(const struct source_partition *partition, char text[PULL_PARTITION_SIZE]);
/* As before anything was read of its work. */
void partitions_forget(struct pull_source *source);
/* NULL: of a document of before. */
struct pull_partition *partition_find(const struct pull_source *source, const char *id);
/* What was done of a range is to be asked again. */
MUST_USE enum code partition_undo(struct pull_partition *partition, int64_t start_ns,
                                  int64_t end_ns, struct error *err);
/* Windows that touch the range begin at their first page. */
void partition_drop_rests(struct pull_partition *partition, int64_t start_ns, int64_t end_ns);
/* What it ever had, as far as is known; to be released, also after a failure.  E_MEMORY. */
MUST_USE enum code partition_had(const struct pull_partition *partition, struct window_set *had,
                                 struct error *err);
MUST_USE enum code partition_take_note(struct pull_partition *partition,
                                       const struct progress_note *note, bool windowed,
                                       struct bytes document, struct error *err);

/* --- pull_windows.c --- */
/* Units for what a pull asks, of each partition.  False: no memory for all of them. */
bool pull_take_live(struct pull_source *source, int64_t now_ns);
/* History that was under way goes on at once: the next pull may be a day away. */
void pull_begin_history(struct pull_source *source, int64_t now_ns);
/* Windows of before, one for each request that could be under way, of each partition in turn. */
void pull_take_history(struct pull_source *source, int64_t now_ns);
void pull_reached(struct pull_source *source); /* tells how far it has come */

/* --- pull_source.c --- */
void pull_declare(struct puller *puller, struct pull_message *message);
/* As it is now; its limits are not kept, as they are of more bytes than most of a source.  False:
 * it is not known. */
bool pull_find_tenant(struct pull_source *source, struct limits *limits);
/* Of that name, which it keeps, without a document.  NULL: no memory. */
struct pull_source *pull_make(struct puller *puller, struct pull_message *message);
struct pull_source *pull_find(const struct puller *puller, const char *tenant, const char *name);
/* What it knows of its work has been read. */
void pull_loaded_take(struct pull_job *job);
/* Begins a pull if one is due, takes up history; when it has to be looked at again, boot. */
int64_t pull_turn(struct pull_source *source, const struct moment *now);
/* The units of a pull that has begun. */
void pull_begin_units(struct pull_source *source, const struct moment *now);
/* Until the next one, counted from `last_ns`, and further away the more have failed. */
void pull_rest(struct pull_source *source, int64_t last_ns, bool failed, const struct moment *now);
void pull_drop_ready(struct pull_source *source);
bool pull_is_idle(const struct pull_source *source); /* nothing of it is under way */
void pull_clock_back(struct pull_source *source);    /* the wall clock was set back */
/* One of its units is over. */
void pull_unit_over(struct pull_source *source, bool failed, const struct moment *now);
void pull_free(struct pull_source *source);

/* --- pull_status.c --- */
void pull_text(char into[PULL_TEXT_SIZE], const char *text); /* cut where it is too long */
/* The same in memory of its own, which most sources need none of; nothing where there is none. */
void pull_keep_text(char **kept, const char *text);
void pull_tell(struct pull_source *source, const char *what, const char *text);
void pull_count_answer(struct pull_source *source, const struct fetch_answer *answer);
/* Asked once more, for the first time where there is a text. */
void pull_note_retry(struct pull_source *source, const char *text);
void pull_note_begin(struct pull_source *source); /* of a pull */
void pull_note_end(struct pull_source *source);
void pull_note_whole(struct pull_source *source); /* a pull is over and had all it asked for */
void pull_set_state(struct pull_source *source, enum pull_state state);
void pull_note_fetch(struct pull_source *source, const struct pull_fetch_note *note);
/* What is behind now, in seconds; -1: not known.  Under the lock. */
int64_t pull_lag_s(const struct pull_source *source, int64_t now_ns);
const char *pull_outcome_name(size_t outcome); /* those of documents, error, no_answer */

/* --- pull_metrics.c --- */
void pull_counts_add(struct pull_counts *sum, const struct pull_counts *counts);

/* --- pull_wishes.c --- */
void pull_wish(struct puller *puller, struct pull_message *message);
void pull_secrets(struct puller *puller, const char *tenant);
/* What was fetched by now of the window is not what somebody asked for. */
bool pull_asked_since(const struct pull_source *source, const struct progress_note *note);
/* A window that came whole, but for what was asked again since. */
MUST_USE enum code pull_done(const struct pull_source *source, struct pull_partition *partition,
                             const struct progress_note *note, struct error *err);
/* Its progress was read, by pull_done(), and its next pull is settled. */
void pull_wishes_known(struct pull_source *source);

/* --- pull_try.c --- */
/* Takes those that have come, asks what may be asked; when to look again, boot. */
int64_t tries_turn(struct puller *puller, const struct moment *now);
void tries_end(struct puller *puller); /* whoever waits is told so */

/* --- pull_reader.c --- */
bool reader_start(struct puller *puller);     /* one more; under the lock */
size_t reader_backlog(struct puller *puller); /* pages that somebody is or will be at soon */
/* Its pages wait for what is its own: more of them are of no use. */
bool reader_is_blocked(struct puller *puller, const struct tenant *tenant);
bool reader_send(struct puller *puller, struct pull_job *job);
void *reader_main(void *puller);
void job_free(struct pull_job *job);

#endif
