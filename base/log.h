/* The program's messages (not the wal): one line an event, logfmt or JSON, to stderr.
 * User text is escaped and cut to 256 bytes; a token, or a body with data, is never passed here.
 * A question that was slow is, however it came (handlers/slow_query.h), cut to 1 KiB.
 * Repeats of one (level, message) beyond 20 a second are counted and told once.  Any thread. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char *key;
    enum {
        LOG_FIELD_TEXT,
        LOG_FIELD_LONG_TEXT,
        LOG_FIELD_INT,
        LOG_FIELD_UINT,
        LOG_FIELD_REAL
    } type;
    struct bytes text;
    int64_t i64;
    uint64_t u64;
    double f64;
};

#define LOG_TEXT(name, span)                                                                       \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_TEXT, .text = (span)                                      \
    }
/* Cut to 1 KiB. */
#define LOG_LONG_TEXT(name, span)                                                                  \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_LONG_TEXT, .text = (span)                                 \
    }
#define LOG_CSTR(name, cstr)                                                                       \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_TEXT, .text = bytes_of(cstr)                              \
    }
#define LOG_INT(name, number)                                                                      \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_INT, .i64 = (number)                                      \
    }
#define LOG_UINT(name, number)                                                                     \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_UINT, .u64 = (number)                                     \
    }
#define LOG_REAL(name, number)                                                                     \
    {                                                                                              \
        .key = (name), .type = LOG_FIELD_REAL, .f64 = (number)                                     \
    }

/* log_event(LOG_INFO, "sealed", LOG_TEXT("tenant", name), LOG_UINT("rows", n)); a fixed message
 * in lower case, what varies in fields.  At least one field. */
#define log_event(level, message, ...)                                                             \
    log_fields((level), (message), (struct log_field[]){__VA_ARGS__},                              \
               sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_fields(enum log_level level, const char *message, const struct log_field *fields,
                size_t count);
/* message plus the error's code and text. */
void log_error(enum log_level level, const char *message, const struct error *err);
void log_setup(enum log_level least, enum log_format format);

#endif
