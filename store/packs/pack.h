/* A pack opened for reading: an immutable file (or a value of the index) of blocks with a
 * directory.  Format: docs/formats/pack.md.
 *
 * Thread: any; counted.  Reading blocks is I/O: query workers and the sealer only. */
#ifndef WEIR_STORE_PACKS_PACK_H
#define WEIR_STORE_PACKS_PACK_H

#include "base/arena.h"
#include "base/fs.h"
#include "base/hash.h"
#include "model/series.h"
#include "store/patience.h"

struct pack;
struct block_decoder;

enum { PACK_PATH_SIZE = 128 }; /* of the path of a pack's file, below the data directory */

/* What a pack's rows are.  docs/formats/pack.md */
enum pack_kind {
    PACK_PLAIN,   /* as they came, every version */
    PACK_CURRENT, /* compacted: one row a time, what its versions come to as of `settled` */
    PACK_HISTORY, /* the versions of those rows of a current pack that have more than one */
};

/* An entry of the directory, in the order of (measurement, series); blocks of one series follow
 * each other in time.  Lives as long as the pack. */
struct pack_block {
    struct bytes measurement;
    struct series_id series_first, series_last; /* the same when series_count is 1 */
    uint32_t series_count, row_count;
    int64_t time_first, time_last, ingest_first, ingest_last;
    bool times_unique;
    bool has_history; /* some rows stand for versions of a history pack */
    uint64_t offset;
    uint32_t size, crc;
};

/* Reads and checks head, footer and directory.  E_CORRUPT with the exact place, E_NOT_FOUND, E_IO.
 * *pack is NULL on failure.  `fs` is borrowed; no descriptor is kept. */
MUST_USE enum code pack_open_file(struct fs *fs, const char *path, struct pack **pack,
                                  struct error *err);
MUST_USE enum code pack_open_memory(struct bytes bytes, struct pack **pack,
                                    struct error *err); /* copied */
struct pack *pack_ref(struct pack *pack);
bool pack_is_last(const struct pack *pack); /* nobody else has a reference */
void pack_unref(struct pack *pack);         /* NULL is fine; the last one closes */
/* Which it is of all packs that this process opened. */
uint64_t pack_serial(const struct pack *pack);
/* Calls gone(context, serial) when it closes.  For who opened it, before others have it. */
void pack_on_close(struct pack *pack, void (*gone)(void *context, uint64_t serial), void *context);
const char *pack_name(const struct pack *pack); /* "acme/0000000000000011", for messages */

const struct hash128 *pack_incarnation(const struct pack *pack); /* whose number it has */

/* From now on it is a guest: another member's, known by what a shard lists (store/guests/).  For
 * who opened it, before others have it. */
MUST_USE enum code pack_make_guest(struct pack *pack, uint32_t member, struct error *err);
bool pack_is_guest(const struct pack *pack);
/* Likewise: values of this type of the field are not read, as if they were not there. */
MUST_USE enum code pack_refuse(struct pack *pack, struct bytes measurement, struct bytes field,
                               enum value_type type, struct error *err);
bool pack_refuses(const struct pack *pack, struct bytes measurement, struct bytes field,
                  enum value_type type);
struct pack_refused {
    struct bytes measurement, field;
    enum value_type type;
};
/* How much is refused, and what; `list` may be NULL. */
size_t pack_refused(const struct pack *pack, const struct pack_refused **list);

enum pack_kind pack_kind(const struct pack *pack);
/* Whether its blocks are not on this machine: reading one waits for the network then, and fails
 * with E_SHARD where the shard that has them does not answer (store/packs/pack_stub.h). */
bool pack_is_away(const struct pack *pack);
/* An away pack whose blocks have to be rewritten: it shall come back.  Stays said. */
void pack_want(struct pack *pack);
bool pack_is_wanted(const struct pack *pack);
/* Of its one mover (store/delivery/move.h), who could not move it: how long it rests, and until
 * when, of the monotonic clock. */
struct pack_rest {
    int64_t ns, until_ns;
};
struct pack_rest *pack_rest(struct pack *pack);
/* Counts all files of packs that were opened for blocks; as of when this one's was last, 0 = never.
 */
uint64_t pack_used(const struct pack *pack);
/* What head and footer say. */
struct pack_about {
    uint64_t number, bytes, row_count;
    bool in_file;
    int64_t time_first, time_last, ingest_first, ingest_last; /* 0 without rows */
    uint64_t lsn_first, lsn_last;
    enum pack_kind kind;
    int64_t settled, floor; /* INT64_MIN for a plain pack */
};
struct pack_about pack_about(const struct pack *pack);
/* Of a compacted pack: all versions and deletions up to this ingest time that the compaction saw
 * are in its rows, so that only an as_of before it, or what came later, needs the history.
 * INT64_MIN for a plain one. */
int64_t pack_settled(const struct pack *pack);
/* The next block at or after directory position *at (0 to begin; moved on) that may hold rows of
 * the series in [start, end); NULL at the end.  A shared block may not contain the series. */
const struct pack_block *pack_find(const struct pack *pack, struct bytes measurement,
                                   struct series_id id, int64_t start, int64_t end, size_t *at);
const struct pack_block *pack_blocks(const struct pack *pack, size_t *count);
/* Whether it has rows, all of which tell what sources have done. */
bool pack_is_notes(const struct pack *pack);
/* A pack's file, open for whoever reads many of its blocks.  The pack outlives it. */
struct pack_file;
MUST_USE enum code pack_file_open(const struct pack *pack, struct pack_file **file,
                                  struct error *err);
/* For all that is read through the file from now on. */
void pack_file_bear(struct pack_file *file, const struct patience *patience);
bool pack_file_is_of(const struct pack_file *file, const struct pack *pack);
void pack_file_close(struct pack_file *file); /* NULL is fine */
/* The encoded block, its CRC checked.  `file` is the pack's; NULL: it is opened for this read. */
MUST_USE enum code pack_read_block(const struct pack *pack, const struct pack_file *file,
                                   const struct pack_block *block, struct arena *arena,
                                   struct bytes *encoded, struct error *err);
/* The first bytes of the encoded block, at least its whole header, for block_open_header(), whose
 * CRC is the only check of them. */
MUST_USE enum code pack_read_block_header(const struct pack *pack, const struct pack_file *file,
                                          const struct pack_block *block, struct arena *arena,
                                          struct bytes *header, struct error *err);
/* Whether the header is of the block that the directory tells of. */
struct block_view;
bool pack_block_is(const struct pack_block *block, const struct block_view *view);
/* `size` bytes of the encoded block from its byte `at`, within it, unchecked: what covers them is
 * the checksum of their section. */
MUST_USE enum code pack_read_block_part(const struct pack *pack, const struct pack_file *file,
                                        const struct pack_block *block, size_t at, size_t size,
                                        struct arena *arena, struct bytes *part, struct error *err);
/* Canonical keys of its series, or encoded tombstones or notes that the pack carries, one after
 * another, while `each` gives OK.  `entry` is valid during the call. */
typedef enum code (*pack_each)(void *context, struct bytes entry, struct error *err);
MUST_USE enum code pack_walk_series(const struct pack *pack, pack_each each, void *context,
                                    struct error *err);
MUST_USE enum code pack_walk_tombstones(const struct pack *pack, pack_each each, void *context,
                                        struct error *err);
MUST_USE enum code pack_walk_notes(const struct pack *pack, pack_each each, void *context,
                                   struct error *err);
/* Walks everything: part hashes, every block decoded and its summaries compared (block_check), keys
 * against ids, totals. For `weir verify`. */
MUST_USE enum code pack_check(const struct pack *pack, struct block_decoder *decoder,
                              struct error *err);

#endif
