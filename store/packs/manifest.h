/* The manifest: which packs a tenant has, as entries of the index.  A pack exists when an entry
 * names it.  docs/formats/index.md */
#ifndef WEIR_STORE_PACKS_MANIFEST_H
#define WEIR_STORE_PACKS_MANIFEST_H

#include "base/buf.h"
#include "base/hash.h"
#include "model/series.h"
#include "store/packs/pack.h"

/* Numbers are counted by the data directory that writes the packs.  Others who write packs under
 * its incarnation, once it is gone (store/guests/caretaker.h), draw theirs by chance from here on.
 */
#define PACK_NUMBER_DRAWN (UINT64_C(1) << 63)

/* What a data directory counts on from, where this number is taken. */
static inline uint64_t pack_number_behind(uint64_t number, uint64_t next)
{
    return number >= next && number < PACK_NUMBER_DRAWN ? number + 1 : next;
}

struct manifest_entry {
    uint64_t number;            /* of the pack, never used twice by this incarnation */
    struct hash128 incarnation; /* whose number it is */
    bool in_file;               /* else its bytes are in INDEX_PACK */
    uint64_t bytes;
    struct hash128 hash; /* of the bytes */
    uint64_t row_count, value_count;
    int64_t time_first, time_last, ingest_first, ingest_last;
    uint64_t lsn_first, lsn_last;
    enum pack_kind kind;
    int64_t settled; /* pack_settled(); INT64_MIN for a plain pack */
    int64_t floor;   /* versions that lost at or below this ingest time were dropped; likewise */
};

void manifest_entry_encode(const struct manifest_entry *entry, struct buf *out);
MUST_USE enum code manifest_entry_decode(struct bytes bytes, struct manifest_entry *entry,
                                         struct error *err);

/* The bytes of a pack as they were put into INDEX_PACK, out of the value that is there. */
struct bytes manifest_inline(const struct manifest_entry *entry, struct bytes value);

/* Keys of the index: tenant, NUL, then what orders the entries of the tenant. */
void index_key_tenant(struct bytes tenant, struct buf *out);
void index_key_u64(struct bytes tenant, uint64_t number, struct buf *out);
void index_key_i64(struct bytes tenant, int64_t number, struct buf *out);
void index_key_series(struct bytes tenant, struct series_id id, struct buf *out);
/* `field` is the value of the entry: its names can be longer than a key may be, so the key has
 * their hash. */
void index_key_field(struct bytes tenant, struct bytes field, struct buf *out);
/* Splits a key; false when it has no tenant. */
bool index_key_split(struct bytes key, struct bytes *tenant, struct bytes *rest);

/* E_CORRUPT when the pack that was opened is not the one of the entry, but perhaps another
 * tenant's.
 */
struct pack;
MUST_USE enum code manifest_entry_expect(const struct manifest_entry *entry, struct bytes tenant,
                                         const struct pack *pack, struct error *err);

/* "packs/acme/0000000000000011.pack" */
void pack_path(struct bytes tenant, uint64_t number, char path[PACK_PATH_SIZE]);

#endif
