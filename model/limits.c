#include "model/limits.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND UINT64_C(1000) /* in ms, as hours and days below */
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* A row is its member with: default, least, most, code, whether a tenant may have its own, help. */
#define LIMIT(member, first, low, high, answer, tenant, text)                                      \
    {                                                                                              \
        .name = #member, .help = (text), .offset = offsetof(struct limits, member),                \
        .initial = (first), .least = (low), .most = (high), .code = (answer),                      \
        .per_tenant = (tenant)                                                                     \
    }

const struct limit_row limit_rows[] = {
    LIMIT(body_bytes_max, 32 * MIB, KIB, 4 * GIB, E_BODY_LARGE, true,
          "Bytes of a request body, after decompression."),
    LIMIT(compression_ratio_max, 100, 1, 100000, E_COMPRESSION_RATIO, true,
          "How many times its compressed size a body may grow to (the first MiB is free)."),
    LIMIT(line_bytes_max, MIB, 64, 64 * MIB, E_LINE_LONG, true,
          "Bytes of one line of line protocol or NDJSON, or one record of CSV."),
    LIMIT(name_bytes_max, 255, 1, 64 * KIB, E_NAME_LONG, true,
          "Bytes of a measurement, a tag key or a field key."),
    LIMIT(tag_value_bytes_max, 4 * KIB, 1, MIB, E_VALUE_LONG, true, "Bytes of a tag value."),
    LIMIT(string_bytes_max, 64 * KIB, 1, 16 * MIB, E_VALUE_LONG, true,
          "Bytes of one string value."),
    LIMIT(tags_max, 64, 0, 4096, E_TAGS_MANY, true, "Tags of a point."),
    LIMIT(fields_max, 1024, 1, 65536, E_FIELDS_MANY, true, "Fields of a point."),
    LIMIT(points_max, 1000000, 1, 100000000, E_POINTS_MANY, true,
          "Points of one request, bad ones included."),
    LIMIT(errors_max, 10000, 1, 1000000, OK, true,
          "Bad lines told in one answer; all are counted."),
    LIMIT(json_depth_max, 32, 4, 512, E_DEPTH, true, "How deep JSON may nest."),
    LIMIT(csv_columns_max, 4096, 1, 65536, E_FIELDS_MANY, true,
          "Columns of a CSV body, those that are ignored included."),
    LIMIT(series_max, 1000000, 1, 1000000000, E_SERIES_LIMIT, true, "Active series of a tenant."),
    LIMIT(measurement_fields_max, 4096, 1, 1000000, E_FIELDS_MANY, true,
          "Distinct fields of a measurement."),
    LIMIT(points_per_second_max, 0, 0, 1000000000, E_RATE_LIMIT, true,
          "Points a second that a tenant may write; 0 = any."),
    LIMIT(record_bytes_max, 48 * MIB, KIB, 48 * MIB, E_RECORD_LARGE, false,
          "Bytes of one request in the wal."),
    LIMIT(outbox_bytes_max, 16 * GIB, KIB, 1024 * GIB, E_OUTBOX_FULL, true,
          "Bytes of packs that may wait for a tenant's shard; above it writes are refused until "
          "it took some."),
    LIMIT(shard_ack_ms_max, 30 * SECOND, 1, HOUR, E_NOT_DELIVERED, true,
          "Milliseconds that a write with ack=shard waits for the tenant's shard."),
    LIMIT(shard_acks_max, 256, 0, 100000, E_ACKS_MANY, true,
          "Writes with ack=shard of a tenant at once."),

    LIMIT(query_ms_max, 60 * SECOND, 1, DAY, E_TIMEOUT, true, "Milliseconds a query may take."),
    LIMIT(query_memory_bytes_max, 256 * MIB, MIB, 64 * GIB, E_QUERY_MEMORY, true,
          "Bytes of memory of one query."),
    LIMIT(query_rows_max, 500000000, 1, UINT64_C(1000000000000), E_QUERY_ROWS, true,
          "Rows one query may scan."),
    LIMIT(query_bytes_max, 16 * GIB, KIB, 1024 * GIB, E_QUERY_BYTES, true,
          "Bytes of blocks one query may read, as they are stored."),
    LIMIT(query_groups_max, 1000000, 1, 1000000000, E_QUERY_GROUPS, true,
          "Windows x groups x columns of one query."),
    LIMIT(query_result_bytes_max, 4 * GIB, KIB, 1024 * GIB, E_QUERY_RESULT, true,
          "Bytes of one answer, before compression."),
    LIMIT(query_series_max, 1000000, 1, 1000000000, E_SERIES_MANY, true,
          "Series one selection may match."),
    LIMIT(queries_max, 32, 1, 10000, E_QUERIES_MANY, true,
          "Queries and lists of a tenant at once."),
    LIMIT(live_max, 256, 0, 100000, E_LIVE_MANY, true,
          "Readers of live changes of a tenant at once."),
    LIMIT(page_rows_max, 10000000, 1, 1000000000, E_BAD_PARAMETER, true,
          "Rows of one page, the most that limit= takes."),
    LIMIT(sources_max, 2000, 0, 100000, E_SOURCES_MANY, true,
          "Names that a tenant may give sources, those of deleted ones included."),
    LIMIT(tenant_trials_max, 4, 0, 48, E_TRIALS_MANY, true,
          "Pages of sources that a tenant may have tried at once (POST /v1/sources:test without a "
          "body)."),
    LIMIT(trial_ms_max, 60 * SECOND, 1, HOUR, E_TIMEOUT, true,
          "Milliseconds that a page which is tried is waited for, whatever its document says."),

    LIMIT(trials_max, 16, 0, 48, E_BUSY, false,
          "Pages of sources that are tried at once, of all tenants."),
    LIMIT(
        connections_max, 1024, 1, 1000000, OK, false,
        "Connections at once; more wait to be accepted, and while nearly all are taken one may do "
        "nothing for a second only."),
    LIMIT(peer_ms_max, 2 * SECOND, 10, HOUR, E_PARTIAL, false,
          "Milliseconds a query waits for what another member has not delivered."),
    LIMIT(peer_reply_bytes_max, 64 * MIB, KIB, 64 * MIB, E_QUERY_RESULT, false,
          "Bytes of rows that another member gets for a question; more are not told, and missing."),
    LIMIT(erase_ms_max, 60 * SECOND, 10, HOUR, E_UNERASED, false,
          "Milliseconds an erasure waits for other members, and for what they delivered."),
    LIMIT(header_ms_max, 10 * SECOND, 100, HOUR, E_SLOW_CLIENT, false,
          "Milliseconds a client may take for its request's head."),
    LIMIT(body_ms_max, 120 * SECOND, 100, DAY, E_SLOW_CLIENT, false,
          "Milliseconds a client may take for its request's body."),
    LIMIT(idle_ms_max, 30 * SECOND, 100, DAY, OK, false,
          "Milliseconds a connection may do nothing."),
    LIMIT(ingest_bytes_max, 256 * MIB, MIB, 1024 * GIB, E_BUSY, false,
          "Bytes of memory of all requests that are being decoded or committed."),
    LIMIT(queries_bytes_max, 512 * MIB, MIB, 1024 * GIB, E_BUSY, false,
          "Bytes of memory of all queries under way."),
    LIMIT(column_cache_bytes_max, 128 * MIB, 0, 1024 * GIB, OK, false,
          "Bytes of memory of decoded columns that are kept for the next question; 0 = none are."),
    LIMIT(
        local_packs_bytes_max, 0, 0, UINT64_C(1024) * 1024 * GIB, OK, false,
        "Bytes of files of packs on this machine, those aside that no shard has or that are to be "
        "merged; beyond, blocks are read at the shard that has them. 0 = all packs stay."),
    LIMIT(head_bytes_max, 512 * MIB, 2 * MIB, 1024 * GIB, E_BUSY, false,
          "Bytes of memory of rows that are not in packs yet."),
    LIMIT(generation_bytes_max, 64 * MIB, MIB, 64 * GIB, OK, false,
          "A head generation of so many bytes is sealed."),
    LIMIT(generation_age_ms_max, 60 * SECOND, 100, DAY, OK, false,
          "A head generation so many milliseconds old is sealed."),
    LIMIT(compact_packs_max, 8, 2, 1000, OK, false,
          "So many sealed packs of a tenant are merged with what is there of their time."),
    LIMIT(compact_percent_max, 50, 1, 100, OK, false,
          "Percent of one core's time that merging packs takes at most."),
    LIMIT(wal_bytes_max, 8 * GIB, 64 * MIB, 1024 * GIB, E_BUSY, false, "Bytes of the wal on disk."),
    LIMIT(live_interval_ms_max, 100, 10, 60 * SECOND, OK, false,
          "Milliseconds after which new commits are told to live readers at the latest."),
    LIMIT(live_heartbeat_ms_max, 15 * SECOND, 100, HOUR, OK, false,
          "Milliseconds after which a quiet live stream says that it is there."),
    LIMIT(idempotency_keys_max, 1000000, 1, 100000000, OK, false,
          "Idempotency keys remembered of a tenant."),
    LIMIT(idempotency_ms_max, DAY, SECOND, 30 * DAY, OK, false,
          "Milliseconds an idempotency key is remembered."),
};

const size_t limit_row_count = COUNT_OF(limit_rows);

_Static_assert(COUNT_OF(limit_rows) * sizeof(uint64_t) == sizeof(struct limits),
               "every limit has a row");

void limits_init(struct limits *limits)
{
    for (size_t i = 0; i < limit_row_count; i++)
        *limit_of(limits, &limit_rows[i]) = limit_rows[i].initial;
}

uint64_t *limit_of(struct limits *limits, const struct limit_row *row)
{
    return (uint64_t *)(void *)((char *)limits + row->offset);
}

const struct limit_row *limit_row_find(struct bytes name)
{
    for (size_t i = 0; i < limit_row_count; i++)
        if (bytes_equal(bytes_of(limit_rows[i].name), name))
            return &limit_rows[i];
    return NULL;
}
