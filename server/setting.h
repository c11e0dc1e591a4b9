/* The settings of the program: one row each, and where they are kept.  A setting `drain_ms` is the
 * YAML key drain_ms, the variable WEIR_DRAIN_MS and the flag --drain-ms; a row of limit_rows is a
 * setting too: limits: {series_max: …}, WEIR_LIMITS_SERIES_MAX, --limit-series-max. */
#ifndef WEIR_SERVER_SETTING_H
#define WEIR_SERVER_SETTING_H

#include "base/log.h"
#include "ingest/follow/tail_place.h"
#include "model/limits.h"
#include "net/address_guard.h"

enum { SETTING_CONTACT_SIZE_MAX = 200 };

struct settings {
    const char *data;
    const char *listen;
    const char *tenants;                   /* NULL = open mode */
    const char *registry;                  /* instead of tenants; NULL = none */
    const char *registry_credentials_file; /* NULL = none */
    const char *port_file;                 /* NULL = none */
    const char *peer_listen;               /* NULL = other members ask this one nothing */
    const char *peer_secret_file;          /* of it; NULL = none */
    const char *peer_address;              /* likewise; NULL = the one really bound */
    const char *secrets_key_file;          /* NULL = the node's own, without a registry */
    bool insecure_listen, accept_clock;
    unsigned log_level;                   /* an enum log_level */
    unsigned log_format;                  /* auto, logfmt, json: see config_log_format() */
    uint64_t http_threads, query_threads; /* 0 = one per core */
    uint64_t query_helpers_max;
    uint64_t query_at_once_values_max; /* 0 = none is answered at once */
    uint64_t ballast_bytes;
    uint64_t drain_ms;
    uint64_t slow_query_ms;          /* 0 = none is told */
    struct address_rules pull_allow; /* besides what is public */
    const char *pull_contact;        /* NULL = none */
    uint64_t pull_body_bytes_max, pull_plain_bytes_max;
    struct tail_places pull_files; /* that sources may follow files in */
    struct limits limits;
};

enum setting_kind {
    SETTING_TEXT,   /* const char * */
    SETTING_SIZE,   /* uint64_t */
    SETTING_MS,     /* uint64_t */
    SETTING_COUNT,  /* uint64_t */
    SETTING_BOOL,   /* bool */
    SETTING_CHOICE, /* unsigned, the index of the choice */
    SETTING_RULES,  /* struct address_rules, a list */
    SETTING_PLACES, /* struct tail_places, a list */
};

struct setting_row {
    const char *name, *initial, *help;
    const char *value; /* what help calls it */
    enum setting_kind kind;
    bool optional;              /* TEXT: may be empty, and is NULL then */
    size_t offset;              /* in struct settings */
    uint64_t most;              /* of COUNT, SIZE and MS */
    const char *const *choices; /* NULL-terminated */
};

extern const struct setting_row setting_rows[];
extern const size_t setting_row_count;

/* Reads `text` into its place.  It is NUL-terminated and outlives `settings`.  E_CONFIG; the text
 * of the error does not name the setting. */
MUST_USE enum code setting_put(const struct setting_row *row, const char *text,
                               struct settings *settings, struct error *err);

#endif
