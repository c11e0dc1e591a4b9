/* What can go wrong, in one table: a code for the program, a slug and a title for
 * people, and whether the same call can succeed later.  http/problem.c maps codes
 * to HTTP statuses; docs/reference/errors.md is generated from the table. */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include "base/bytes.h"

enum code {
    OK = 0,
    /* Ours or the machine's; most can succeed later. */
    E_MEMORY,    /* an allocation failed or a memory cap was reached */
    E_BUSY,      /* a queue or budget is full */
    E_DISK_FULL, /* no space; heals alone when space returns */
    E_IO,        /* the disk failed */
    E_CORRUPT,   /* stored bytes fail their checks */
    E_CLOCK_SKEW,
    E_DRAINING,
    E_NOT_READY,
    E_NO_MEMBER, /* the registry has this node as none that takes writes */
    E_SHARD,     /* a shard that alone has some of the data does not give it */
    E_PARTIAL,   /* strict=true and something is missing */
    E_UNERASED,  /* other members, or shards, may still have it */
    E_TIMEOUT,   /* our own deadline for the work passed */
    E_CANCELLED, /* the client left */
    E_END,       /* an iterator has no more; never shown */
    E_INTERNAL,
    E_EXISTS,
    E_CONFLICT,     /* a record of the registry is at another version than was expected */
    E_PRECONDITION, /* the same, of If-Match and If-None-Match */
    E_CONFIG,       /* configuration or command line */
    /* The request's framing. */
    E_BAD_REQUEST,
    E_BODY_LARGE,
    E_COMPRESSION_RATIO,
    E_BAD_COMPRESSION,
    E_UNSUPPORTED_ENCODING,
    E_UNSUPPORTED_TYPE,
    E_NOT_ACCEPTABLE,
    E_SLOW_CLIENT,
    E_NOT_FOUND,
    E_METHOD,
    E_UNAUTHORIZED,
    E_FORBIDDEN,
    E_RATE_LIMIT,
    /* Shards. */
    E_OUTBOX_FULL,
    E_NOT_DELIVERED, /* within the time; stored all the same */
    E_ACKS_MANY,     /* too many wait for it */
    /* Remote APIs. */
    E_ADDRESS, /* one that sources may not reach */
    E_TLS,     /* a certificate that does not hold, or no TLS at all */
    E_SOURCES_MANY,
    E_TRIALS_MANY, /* of a tenant at once */
    /* Parameters. */
    E_BAD_PARAMETER,
    E_UNKNOWN_PARAMETER,
    E_MISSING_PARAMETER,
    E_NOT_SUPPORTED,
    E_AS_OF_FUTURE,
    E_BEFORE_HISTORY,
    E_BAD_CURSOR,
    /* Points: each can stand at a line; E_INVALID_POINTS is the whole request's. */
    E_INVALID_POINTS,
    E_SYNTAX,
    E_BAD_NUMBER,
    E_NUMBER_RANGE, /* does not fit its type */
    E_NOT_FINITE,
    E_BAD_TIME,
    E_TIME_RANGE,
    E_BAD_UTF8,
    E_BAD_NAME,
    E_NO_FIELDS,
    E_DUPLICATE_TAG,
    E_DUPLICATE_FIELD,
    E_LINE_LONG,
    E_NAME_LONG,
    E_VALUE_LONG,
    E_TAGS_MANY,
    E_FIELDS_MANY,
    E_FIELD_KIND,
    E_SERIES_LIMIT,
    E_RECORD_LARGE,
    E_POINTS_MANY,
    E_DEPTH, /* JSON nested too deep */
    E_IDEMPOTENCY_MISMATCH,
    E_IDEMPOTENCY_IN_FLIGHT,
    /* Queries. */
    E_QUERY_ROWS,  /* more rows scanned than allowed */
    E_QUERY_BYTES, /* more bytes of blocks read than allowed */
    E_QUERY_MEMORY,
    E_QUERY_GROUPS, /* windows x groups x columns above the cap */
    E_QUERY_RESULT, /* result bytes above the cap */
    E_QUERIES_MANY, /* too many at once */
    E_LIVE_MANY,
    E_SERIES_MANY, /* a selection matches too many series */
    /* Sources. */
    E_BAD_PAGE, /* what a remote API answered cannot be taken */
    CODE_COUNT
};

struct code_row {
    const char *slug;  /* stable, snake_case, what clients compare with */
    const char *title; /* one short sentence without a full stop */
    bool retry_helps;  /* the same request can succeed later */
};

/* `code` is below CODE_COUNT.  The row lives for ever. */
const struct code_row *code_row(enum code code);

enum { ERROR_TEXT_SIZE = 384, ERROR_POINTER_SIZE = 128 };

/* An error for people.  Fixed size, no heap; zero is "no error".  Functions leave
 * it untouched on success. */
struct error {
    enum code code;
    uint32_t line;    /* of the input, from 1; 0 = not about a line */
    unsigned retry_s; /* the same call may succeed after so many seconds; 0 = not known */
    char pointer[ERROR_POINTER_SIZE]; /* a parameter's name or an RFC 6901 pointer, or "" */
    char text[ERROR_TEXT_SIZE];       /* what, where, what would be right */
};

/* Sets code and text (cut to fit, control bytes replaced) and returns `code`, so that
 * `return error_set(err, E_X, ...)` reads well.  `err` may be NULL. */
enum code error_set(struct error *err, enum code code, const char *format, ...) PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__ /* which sees no body: it would follow paths where E_X is OK */
#define error_set(err, code, ...) ((void)(error_set)(err, code, __VA_ARGS__), (code))
#endif

/* As error_set(), with errno's text appended: "open x: No such file".  ENOSPC, EDQUOT
 * and EFBIG give E_DISK_FULL, ENOMEM, EMFILE and ENFILE give E_MEMORY, everything else E_IO. */
enum code error_set_errno(struct error *err, int number, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<context>: " before the text.  No effect on NULL. */
void error_context(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* When the same call may succeed; base/drain.h knows.  No effect on NULL. */
void error_retry(struct error *err, unsigned seconds);

/* Sets the pointer (cut to fit). */
void error_point(struct error *err, struct bytes pointer);

#endif
