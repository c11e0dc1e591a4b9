/* Every limit in one table: name (config key, flag, metric label), unit, default, range and
 * the code that answers when it is passed.  docs, `weir check-config` and the test of limits
 * are made from limit_rows. */
#ifndef WEIR_MODEL_LIMITS_H
#define WEIR_MODEL_LIMITS_H

#include "base/error.h"

struct limits {
    /* Of a request body and its points (per tenant where a tenant sets it). */
    uint64_t body_bytes_max; /* after decompression */
    uint64_t compression_ratio_max;
    uint64_t line_bytes_max;
    uint64_t name_bytes_max; /* measurement, tag key, field key */
    uint64_t tag_value_bytes_max;
    uint64_t string_bytes_max; /* one string value */
    uint64_t tags_max;         /* of a point */
    uint64_t fields_max;       /* of a point */
    uint64_t points_max;       /* of a request */
    uint64_t errors_max;       /* bad lines told in one answer */
    uint64_t json_depth_max;
    uint64_t csv_columns_max;        /* ignored ones included */
    uint64_t series_max;             /* active series of a tenant */
    uint64_t measurement_fields_max; /* distinct fields of a measurement */
    uint64_t points_per_second_max;  /* 0 = none */
    uint64_t record_bytes_max;       /* one request in the wal */
    /* Of a tenant with a shard. */
    uint64_t outbox_bytes_max;
    uint64_t shard_ack_ms_max;
    uint64_t shard_acks_max; /* at once */
    /* Of a query. */
    uint64_t query_ms_max;
    uint64_t query_memory_bytes_max;
    uint64_t query_rows_max;   /* scanned */
    uint64_t query_bytes_max;  /* of blocks read, as they are stored */
    uint64_t query_groups_max; /* windows x groups x columns */
    uint64_t query_result_bytes_max;
    uint64_t query_series_max;
    uint64_t queries_max;   /* at once, per tenant */
    uint64_t live_max;      /* readers of live changes, likewise */
    uint64_t page_rows_max; /* rows a page when limit= is given */
    /* Of sources, and of their pages that are tried. */
    uint64_t sources_max;       /* names, deleted ones included */
    uint64_t tenant_trials_max; /* at once */
    uint64_t trial_ms_max;
    /* Of the node. */
    uint64_t trials_max; /* at once, of all tenants */
    uint64_t connections_max;
    uint64_t peer_ms_max;          /* for another member to answer */
    uint64_t peer_reply_bytes_max; /* of rows, to another member */
    uint64_t erase_ms_max;         /* for all members to erase, and to say so at shards */
    uint64_t header_ms_max, body_ms_max, idle_ms_max;
    uint64_t ingest_bytes_max;  /* memory of requests being decoded or committed */
    uint64_t queries_bytes_max; /* memory of queries under way */
    uint64_t column_cache_bytes_max;
    uint64_t local_packs_bytes_max; /* 0 = none: all packs stay */
    uint64_t head_bytes_max;        /* all generations; more gives 503 */
    uint64_t generation_bytes_max;  /* sealed when it has grown so large */
    uint64_t generation_age_ms_max;
    uint64_t wal_bytes_max;
    uint64_t compact_packs_max;     /* plain packs of a tenant; more are merged */
    uint64_t compact_percent_max;   /* of a core's time */
    uint64_t live_interval_ms_max;  /* between two looks for what is to be told */
    uint64_t live_heartbeat_ms_max; /* after which a quiet stream says that it is there */
    uint64_t idempotency_keys_max;  /* per tenant */
    uint64_t idempotency_ms_max;
};

struct limit_row {
    const char
        *name; /* "body_bytes_max": also the YAML key under limits:, --limit-body-bytes-max */
    const char *help; /* one sentence */
    size_t offset;    /* of the uint64_t in struct limits */
    uint64_t initial, least, most;
    enum code code;  /* what passing it answers; OK = it delays or bounds, answers nothing */
    bool per_tenant; /* a tenant may have its own */
};

extern const struct limit_row limit_rows[];
extern const size_t limit_row_count;

void limits_init(struct limits *limits); /* the defaults */
uint64_t *limit_of(struct limits *limits, const struct limit_row *row);
const struct limit_row *limit_row_find(struct bytes name); /* NULL = unknown */

#endif
