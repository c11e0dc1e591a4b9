/* The inside of a turn, shared by turn.c, sending.c and listing.c and nobody else. */
#ifndef WEIR_STORE_DELIVERY_TURN_INSIDE_H
#define WEIR_STORE_DELIVERY_TURN_INSIDE_H

#include "store/delivery/turn.h"

/* The turn's own, beside what the caller knows of it. */
struct work {
    struct turn *turn;
    struct store *store;
    struct recipient *recipient;
    struct bytes tenant, shard;
    char database[CHAIN_DATABASE_SIZE];
    struct diff diff;
    bool replaces;  /* packs that the chain names are to be removed */
    bool postponed; /* there is more to do at once */
    uint64_t sent_bytes;
    int64_t began_ns; /* to send */
};

/* Small sets of pack numbers. */
bool numbers_have(const uint64_t *numbers, size_t count, uint64_t number);
MUST_USE enum code numbers_add(uint64_t **numbers, size_t *count, uint64_t number,
                               struct error *err);

/* Whether it has to come in the entry that removes others. */
bool work_holds_back(const struct work *work, const struct diff_pack *pack);
bool work_is_sent(const struct work *work, uint64_t number);
bool work_is_damaged(const struct work *work, uint64_t number); /* here, or was not to be opened */
/* What is damaged does not count as waiting. */
void work_except_damaged(const struct work *work);
/* A reference to the pack if readers have it still; else NULL. */
struct pack *work_pack(const struct work *work, uint64_t number);
bool work_has_pack(const struct work *work, uint64_t number); /* the same, and no reference */
bool work_is_away(const struct work *work, uint64_t number);  /* readers have it, from a shard */
/* E_DRAINING when the turn was told to stop. */
MUST_USE enum code work_go_on(const struct work *work, struct error *err);
/* One call of the archive. */
MUST_USE enum code work_put(struct work *work, enum archive_collection collection,
                            const struct archive_document *documents, size_t count,
                            struct error *err);
/* The recipient gets nothing any more; E_CORRUPT. */
enum code work_stop(struct work *work, struct error *err);
/* What a change of the index gave: after E_IO it is as unknown as after a seal that failed so, and
 * the store stops. */
MUST_USE enum code work_heed_index(const struct work *work, enum code code, struct error *err);

/* sending.c: parts of packs that are to be added, up to the turn's bytes. */
MUST_USE enum code work_send(struct work *work, struct error *err);
/* listing.c: the chain's next entry, if there is something to be said. */
MUST_USE enum code work_list(struct work *work, struct error *err);

#endif
