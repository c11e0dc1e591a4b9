/* A line is made in memory of its own and goes out in one write(2), so lines of threads
 * never mix and no lock is held meanwhile; the lock is for the counts of repeats only. */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/printable.h"
#include "base/time_text.h"

enum {
    TEXT_MAX = 256,
    LONG_TEXT_MAX = 1024,
    LINE_MAX_BYTES = 64 << 10,
    REPEATS_A_SECOND = 20,
    REPEATED_MAX = 64, /* messages whose repeats are counted at a time */
};

static _Atomic enum log_level level_least = LOG_INFO;
static _Atomic enum log_format format_now = LOG_LOGFMT;

/* Messages are literals and live for ever, so the pointer is kept. */
struct repeated {
    const char *message;
    enum log_level level;
    uint32_t count, suppressed; /* in this second */
    int64_t begin_ns;           /* monotonic */
};

static pthread_mutex_t repeats_lock = PTHREAD_MUTEX_INITIALIZER;
static struct repeated repeats[REPEATED_MAX]; /* guarded by repeats_lock */

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store_explicit(&level_least, least, memory_order_relaxed);
    atomic_store_explicit(&format_now, format, memory_order_relaxed);
}

/* Bytes that are not printable UTF-8 become \u escapes, as of Latin-1: readable, and a
 * reader of JSON gets a text in any case. */
static void put_quoted(struct buf *line, struct bytes text)
{
    buf_put_char(line, '"');
    while (text.size > 0) {
        size_t step = printable_size(text);
        char c = text.data[0];

        if (step == 0) {
            buf_printf(line, "\\u%04x", (unsigned char)c);
            step = 1;
        } else if (c == '"' || c == '\\') {
            buf_put_char(line, '\\');
            buf_put_char(line, c);
        } else {
            buf_put(line, (struct bytes){text.data, step});
        }
        text = bytes_slice(text, step, text.size);
    }
    buf_put_char(line, '"');
}

static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("._-:/@+", c) != NULL)))
            return false;
    }
    return text.size > 0;
}

/* At most `most` bytes, whole characters. */
static struct bytes cut(struct bytes text, size_t most)
{
    size_t size = most;

    if (text.size <= most)
        return text;
    while (size > most - 3 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return bytes_slice(text, 0, size);
}

static void put_key(struct buf *line, enum log_format format, const char *key)
{
    if (format == LOG_LOGFMT) {
        if (line->size > 0)
            buf_put_char(line, ' ');
        buf_put_text(line, key);
        buf_put_char(line, '=');
        return;
    }
    buf_put_char(line, line->size == 0 ? '{' : ',');
    put_quoted(line, bytes_of(key));
    buf_put_char(line, ':');
}

static void put_text(struct buf *line, enum log_format format, const char *key, struct bytes text)
{
    put_key(line, format, key);
    if (format == LOG_LOGFMT && is_plain(text))
        buf_put(line, text);
    else
        put_quoted(line, text);
}

static void put_field(struct buf *line, enum log_format format, const struct log_field *field)
{
    char number[NUMBER_TEXT_SIZE];
    size_t size = 0;

    switch (field->type) {
    case LOG_FIELD_TEXT:
        put_text(line, format, field->key, cut(field->text, TEXT_MAX));
        return;
    case LOG_FIELD_LONG_TEXT:
        put_text(line, format, field->key, cut(field->text, LONG_TEXT_MAX));
        return;
    case LOG_FIELD_INT:
        size = number_print_i64(field->i64, number);
        break;
    case LOG_FIELD_UINT:
        size = number_print_u64(field->u64, number);
        break;
    case LOG_FIELD_REAL:
        if (!isfinite(field->f64)) { /* JSON has no number for it */
            put_text(line, format, field->key,
                     isnan(field->f64) ? BYTES("nan") : BYTES("infinite"));
            return;
        }
        size = number_print_f64(field->f64, number);
        break;
    }
    put_key(line, format, field->key);
    buf_put(line, (struct bytes){number, size});
}

static void write_all(struct bytes text)
{
    while (text.size > 0) {
        ssize_t written = write(STDERR_FILENO, text.data, text.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) /* nobody is left to tell it to */
            return;
        text = bytes_slice(text, (size_t)written, text.size);
    }
}

static void write_line(enum log_level level, const char *message, const struct log_field *fields,
                       size_t count)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_format format = atomic_load_explicit(&format_now, memory_order_relaxed);
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    char time[TIMESTAMP_TEXT_SIZE];
    size_t time_size = timestamp_print(clock_wall_ns(clock_system()) / 1000000 * 1000000, time);

    put_text(&line, format, "time", (struct bytes){time, time_size});
    put_text(&line, format, "level", bytes_of(names[level]));
    put_text(&line, format, "msg", bytes_of(message));
    for (size_t i = 0; i < count; i++)
        put_field(&line, format, &fields[i]);
    buf_put_text(&line, format == LOG_JSON ? "}\n" : "\n");
    if (buf_finish(&line, NULL) == OK)
        write_all(buf_bytes(&line));
    else
        write_all(BYTES("level=error msg=\"a message was lost: out of memory or too long\"\n"));
    buf_release(&line);
}

/* The message's counter; a new one takes the place of the longest quiet. */
static struct repeated *find_repeated(enum log_level level, const char *message)
{
    struct repeated *oldest = &repeats[0];

    for (size_t i = 0; i < REPEATED_MAX; i++) {
        struct repeated *each = &repeats[i];

        if (each->message != NULL && each->level == level &&
            (each->message == message || strcmp(each->message, message) == 0))
            return each;
        if (each->message == NULL || (oldest->message != NULL && each->begin_ns < oldest->begin_ns))
            oldest = each;
    }
    return oldest;
}

/* Counts the message; false when it is one too many.  *over are the counters whose second
 * ended with something to tell. */
static bool admit(enum log_level level, const char *message, struct repeated over[REPEATED_MAX],
                  size_t *over_count)
{
    int64_t now_ns = clock_monotonic_ns(clock_system());
    struct repeated *mine;
    bool admitted;

    *over_count = 0;
    (void)pthread_mutex_lock(&repeats_lock);
    mine = find_repeated(level, message);
    for (size_t i = 0; i < REPEATED_MAX; i++) {
        struct repeated *each = &repeats[i];
        bool ended = now_ns - each->begin_ns >= 1000000000;
        bool evicted = each == mine && each->message != NULL &&
                       (each->level != level || strcmp(each->message, message) != 0);

        if (each->suppressed > 0 && (ended || evicted)) {
            over[(*over_count)++] = *each;
            each->suppressed = 0;
        }
        if (each == mine && (ended || evicted || each->message == NULL))
            *each = (struct repeated){.message = message, .level = level, .begin_ns = now_ns};
    }
    admitted = mine->count < REPEATS_A_SECOND;
    if (admitted)
        mine->count++;
    else
        mine->suppressed++;
    (void)pthread_mutex_unlock(&repeats_lock);
    return admitted;
}

void log_fields(enum log_level level, const char *message, const struct log_field *fields,
                size_t count)
{
    struct repeated over[REPEATED_MAX];
    size_t over_count;
    bool admitted;

    if (level < atomic_load_explicit(&level_least, memory_order_relaxed))
        return;
    admitted = admit(level, message, over, &over_count);
    for (size_t i = 0; i < over_count; i++) {
        struct log_field suppressed = LOG_UINT("suppressed", over[i].suppressed);

        write_line(over[i].level, over[i].message, &suppressed, 1);
    }
    if (admitted)
        write_line(level, message, fields, count);
}

void log_error(enum log_level level, const char *message, const struct error *err)
{
    struct log_field fields[4] = {
        LOG_CSTR("code", code_row(err->code)->slug),
        LOG_CSTR("error", err->text),
    };
    size_t count = 2;

    if (err->pointer[0] != '\0')
        fields[count++] = (struct log_field)LOG_CSTR("pointer", err->pointer);
    if (err->line != 0)
        fields[count++] = (struct log_field)LOG_UINT("line", err->line);
    log_fields(level, message, fields, count);
}
