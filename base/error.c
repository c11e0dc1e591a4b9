/* The error table and the making of error texts.
 *
 * Texts carry pieces of the input they complain about, so they are made safe for a
 * terminal, a log and a JSON answer here, once: a control byte or a byte that is not
 * UTF-8 becomes '?', and a cut never leaves half a character. */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"

static const struct code_row rows[CODE_COUNT] = {
    [OK] = {"ok",                     "No error",                                         false},
    [E_MEMORY] = {"out_of_memory",          "Memory is used up for now",                        true },
    [E_BUSY] = {"overloaded",             "Too much work is waiting",                         true },
    [E_DISK_FULL] = {"disk_full",              "The disk is full",                                 true },
    [E_IO] = {"io_error",               "The disk failed",                                  true },
    [E_CORRUPT] = {"corrupt_data",           "Stored data fails its checks",                     false},
    [E_CLOCK_SKEW] = {"clock_skew",             "The clock cannot be trusted",                      true },
    [E_DRAINING] = {"shutting_down",          "The server is shutting down",                      true },
    [E_NOT_READY] = {"not_ready",              "The server is not ready yet",                      true },
    [E_NO_MEMBER] = {"not_a_member",           "The node is no active member of its registry",     true },
    [E_SHARD] = {"shard_unavailable",      "A shard that has a part does not answer",          true },
    [E_PARTIAL] = {"partial_result",         "A part of the answer is missing",                  true },
    [E_UNERASED] = {"erase_unfinished",       "The points are not gone everywhere yet",           true },
    [E_TIMEOUT] = {"timeout",                "The work took too long",                           true },
    [E_CANCELLED] = {"cancelled",              "The client left",                                  true },
    [E_END] = {"end",                    "There is no more",                                 false},
    [E_INTERNAL] = {"internal_error",         "The server made a mistake",                        true },
    [E_EXISTS] = {"already_exists",         "It exists already",                                false},
    [E_CONFLICT] = {"conflict",               "It was changed meanwhile",                         false},
    [E_PRECONDITION] = {"precondition_failed",    "It is not at the version that was named",          false},
    [E_CONFIG] = {"bad_configuration",      "The configuration is wrong",                       false},

    [E_BAD_REQUEST] = {"bad_request",            "The request is malformed",                         false},
    [E_BODY_LARGE] = {"body_too_large",         "The body is too large",                            false},
    [E_COMPRESSION_RATIO] = {"compression_ratio",      "The body expands too far",                         false},
    [E_BAD_COMPRESSION] = {"bad_compression",        "The compressed body is damaged",                   false},
    [E_UNSUPPORTED_ENCODING] = {"unsupported_encoding",   "The content encoding is not supported",
            false                                                                              },
    [E_UNSUPPORTED_TYPE] = {"unsupported_media_type", "The content type is not supported",                false},
    [E_NOT_ACCEPTABLE] = {"not_acceptable",         "No acceptable format for the answer",              false},
    [E_SLOW_CLIENT] = {"slow_client",            "The request came too slowly",                      true },
    [E_NOT_FOUND] = {"not_found",              "There is no such thing",                           false},
    [E_METHOD] = {"method_not_allowed",     "The method is not allowed here",                   false},
    [E_UNAUTHORIZED] = {"unauthorized",           "A valid token is needed",                          false},
    [E_FORBIDDEN] = {"forbidden",              "The token, or the Host, does not allow this",      false},
    [E_RATE_LIMIT] = {"rate_limited",           "Too many requests in this time",                   true },

    [E_OUTBOX_FULL] = {"outbox_full",            "Too much waits for the tenant's shard",            true },
    [E_NOT_DELIVERED] = {"not_delivered",          "The shard has not confirmed the points yet",       true },
    [E_ACKS_MANY] = {"too_many_shard_acks",    "Too many writes wait for the tenant's shard",      true },

    [E_ADDRESS] = {"address_refused",        "Sources may not reach this address",               false},
    [E_TLS] = {"tls_failed",             "No secure connection could be made",               true },
    [E_SOURCES_MANY] = {"too_many_sources",       "The tenant has as many sources as it may",         false},
    [E_TRIALS_MANY] = {"too_many_trials",        "Too many pages of sources are tried at once",      true },

    [E_BAD_PARAMETER] = {"bad_parameter",          "A parameter has a wrong value",                    false},
    [E_UNKNOWN_PARAMETER] = {"unknown_parameter",      "A parameter is not known",                         false},
    [E_MISSING_PARAMETER] = {"missing_parameter",      "A parameter is missing",                           false},
    [E_NOT_SUPPORTED] = {"not_supported",          "This is not supported",                            false},
    [E_AS_OF_FUTURE] = {"as_of_in_future",        "as_of lies in the future",                         true },
    [E_BEFORE_HISTORY] = {"before_history",         "as_of lies before the kept history",               false},
    [E_BAD_CURSOR] = {"bad_cursor",             "The cursor is not valid",                          false},

    [E_INVALID_POINTS] = {"invalid_points",         "Some points are not valid",                        false},
    [E_SYNTAX] = {"bad_syntax",             "The text does not follow the format",              false},
    [E_BAD_NUMBER] = {"bad_number",             "This is not a number",                             false},
    [E_NUMBER_RANGE] = {"number_out_of_range",    "The number does not fit its type",                 false},
    [E_NOT_FINITE] = {"not_finite",             "NaN and infinities cannot be stored",              false},
    [E_BAD_TIME] = {"bad_time",               "This is not a time",                               false},
    [E_TIME_RANGE] = {"time_out_of_range",      "The time does not fit 64-bit nanoseconds",         false},
    [E_BAD_UTF8] = {"bad_utf8",               "The text is not UTF-8",                            false},
    [E_BAD_NAME] = {"bad_name",               "The name is not allowed",                          false},
    [E_NO_FIELDS] = {"no_fields",              "The point has no fields",                          false},
    [E_DUPLICATE_TAG] = {"duplicate_tag",          "A tag is given twice",                             false},
    [E_DUPLICATE_FIELD] = {"duplicate_field",        "A field is given twice",                           false},
    [E_LINE_LONG] = {"line_too_long",          "The line is too long",                             false},
    [E_NAME_LONG] = {"name_too_long",          "The name is too long",                             false},
    [E_VALUE_LONG] = {"value_too_long",         "The value is too long",                            false},
    [E_TAGS_MANY] = {"too_many_tags",          "The point has too many tags",                      false},
    [E_FIELDS_MANY] = {"too_many_fields",        "The point has too many fields",                    false},
    [E_FIELD_KIND] = {"field_type_conflict",    "The field has another type",                       false},
    [E_SERIES_LIMIT] = {"series_limit",           "The tenant has as many series as it may",          false},
    [E_RECORD_LARGE] = {"record_too_large",       "The request is too large to be stored as a whole",
            false                                                                              },
    [E_POINTS_MANY] = {"too_many_points",        "The request has too many points",                  false},
    [E_DEPTH] = {"nested_too_deep",        "The JSON is nested too deeply",                    false},
    [E_IDEMPOTENCY_MISMATCH] = {"idempotency_mismatch",
            "The idempotency key was used with another body",                             false},
    [E_IDEMPOTENCY_IN_FLIGHT] = {"idempotency_in_flight",
            "A request with this idempotency key is under way",                           true },

    [E_QUERY_ROWS] = {"query_rows_limit",       "The query reads too many rows",                    false},
    [E_QUERY_BYTES] = {"query_bytes_limit",      "The query reads too many bytes",                   false},
    [E_QUERY_MEMORY] = {"query_memory_limit",     "The query needs too much memory",                  false},
    [E_QUERY_GROUPS] = {"query_groups_limit",     "The query makes too many groups",                  false},
    [E_QUERY_RESULT] = {"query_result_limit",     "The result is too large",                          false},
    [E_LIVE_MANY] = {"too_many_live_readers",  "Too many live readers are connected",              true },
    [E_QUERIES_MANY] = {"too_many_queries",       "Too many queries run at once",                     true },
    [E_SERIES_MANY] = {"too_many_series",        "The selection matches too many series",            false},

    [E_BAD_PAGE] = {"bad_page",               "What the remote API answered cannot be taken",     true },
};

const struct code_row *code_row(enum code code)
{
    assert((unsigned)code < CODE_COUNT);
    return &rows[code];
}

/* Copies what is printable of `from`, '?' for each other byte, cut to fit `room` bytes. */
static void copy_clean(char *to, size_t room, struct bytes from)
{
    size_t size = 0;

    while (from.size > 0) {
        size_t step = printable_size(from), taken = step == 0 ? 1 : step;

        if (size + taken >= room)
            break;
        if (step == 0)
            to[size] = '?';
        else
            memcpy(to + size, from.data, step);
        size += taken;
        from = bytes_slice(from, taken, from.size);
    }
    to[size] = '\0';
}

/* Twice the room, so that a context before a full text is cut at the end, not at its head. */
enum { SCRATCH_SIZE = 2 * ERROR_TEXT_SIZE };

enum code(error_set)(struct error *err, enum code code, const char *format, ...)
{
    char scratch[SCRATCH_SIZE];
    va_list arguments;

    assert(code > OK && code < CODE_COUNT);
    if (err == NULL)
        return code;
    va_start(arguments, format);
    (void)vsnprintf(scratch, sizeof(scratch), format, arguments);
    va_end(arguments);
    err->code = code;
    copy_clean(err->text, sizeof(err->text), bytes_of(scratch));
    return code;
}

static enum code code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return E_DISK_FULL;
    case ENOMEM:
    case EMFILE: /* descriptors are given back as memory is: no reason to give a disk up */
    case ENFILE:
        return E_MEMORY;
    default:
        return E_IO;
    }
}

/* Prints into scratch, at most `size_max` bytes; their number. */
static size_t print_part(char scratch[SCRATCH_SIZE], size_t size_max, const char *format,
                         va_list arguments)
{
    int size = vsnprintf(scratch, size_max + 1, format, arguments);

    if (size < 0)
        return 0;
    return (size_t)size < size_max ? (size_t)size : size_max;
}

enum code error_set_errno(struct error *err, int number, const char *format, ...)
{
    char scratch[SCRATCH_SIZE], unknown[32];
    const char *reason = strerrordesc_np(number); /* of any locale the plain English one */
    enum code code = code_of_errno(number);
    va_list arguments;
    size_t size;

    if (err == NULL)
        return code;
    if (reason == NULL) {
        (void)snprintf(unknown, sizeof(unknown), "error %d", number);
        reason = unknown;
    }
    va_start(arguments, format); /* cut so that the reason has its place */
    size = print_part(scratch, ERROR_TEXT_SIZE - 3 - strlen(reason), format, arguments);
    va_end(arguments);
    (void)snprintf(scratch + size, sizeof(scratch) - size, ": %s", reason);
    err->code = code;
    copy_clean(err->text, sizeof(err->text), bytes_of(scratch));
    return code;
}

void error_context(struct error *err, const char *format, ...)
{
    char scratch[SCRATCH_SIZE];
    va_list arguments;
    size_t size;

    if (err == NULL)
        return;
    va_start(arguments, format); /* cut so that it cannot push out what it is the context of */
    size = print_part(scratch, ERROR_TEXT_SIZE / 2, format, arguments);
    va_end(arguments);
    (void)snprintf(scratch + size, sizeof(scratch) - size, ": %s", err->text);
    copy_clean(err->text, sizeof(err->text), bytes_of(scratch));
}

void error_retry(struct error *err, unsigned seconds)
{
    if (err != NULL)
        err->retry_s = seconds;
}

void error_point(struct error *err, struct bytes pointer)
{
    if (err != NULL)
        copy_clean(err->pointer, sizeof(err->pointer), pointer);
}
