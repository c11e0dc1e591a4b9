/* Sources that are filled by hand, to be asked. */
#ifndef WEIR_TESTS_UNIT_INGEST_PULL_ASKING_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_PULL_ASKING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/asking.h"
#include "tests/unit/base/times.h"

static struct arena arena;
static struct source source;
static struct asking_terms terms;
static const struct source_variable variables[] = {
    {BYTES("id"),   BYTES("0061")  },
    {BYTES("mpan"), BYTES("20/0 0")},
    {BYTES("up"),   BYTES("..")    },
    {BYTES("crlf"), BYTES("a\r\nb")},
};
static const struct source_partition partition = {variables, COUNT_OF(variables)};

static struct text_places places(const char *text)
{
    struct text_places parsed = {0};
    struct error err = {0};

    if (text_places_parse(bytes_of(text), ~0U, &arena, &parsed, &err) != OK)
        fail_msg("%s: %s", text, err.text);
    return parsed;
}

/* Those of a.example alone. */
static enum code secret(void *context, struct bytes name, struct bytes host, struct bytes *value,
                        struct error *err)
{
    (void)context;
    if (!bytes_equal(host, BYTES("a.example:443")))
        return error_set(err, E_FORBIDDEN, "%.*s may not go to %.*s", BYTES_ARG(name),
                         BYTES_ARG(host));
    *value = bytes_equal(name, BYTES("key")) ? BYTES("s3cr/et") : BYTES("");
    return OK;
}

static int asked_setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 24, NULL);
    source = (struct source){
        .request = {.url = places("https://A.example/v1/x?f=1")},
        .page = { .same_host = true,
                    .pages_max = 10,
                    .path_slot = SOURCE_NO_SLOT,
                    .total_slot = SOURCE_NO_SLOT},
        .conditional = {                   .etag = true,                                           .last_modified = true},
    };
    terms = (struct asking_terms){.source = &source,
                                  .partition = &partition,
                                  .now_ns = time_of("2026-11-22T12:34:56.789Z"),
                                  .user_agent = BYTES("weir/1"),
                                  .secret = secret,
                                  .bearer = BYTES("tok")};
    return 0;
}

static int asked_teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static inline struct asking make(void)
{
    struct asking asking = {0};
    struct error err = {0};

    if (asking_make(&terms, &arena, &asking, &err) != OK)
        fail_msg("%s", err.text);
    return asking;
}

static inline void expect_refusal(enum code want, const char *text)
{
    struct asking asking = {0};
    struct error err = {0};
    enum code code = asking_make(&terms, &arena, &asking, &err);

    if (code != want || strstr(err.text, text) == NULL || strstr(err.text, "s3cr") != NULL)
        fail_msg("want \"%s\", got %d: %s", text, code, err.text);
}

static inline void expect_url(const char *want)
{
    struct asking asking = make();

    if (strcmp(asking.url, want) != 0)
        fail_msg("want %s, got %s", want, asking.url);
}

static inline bool has_line(const struct asking *asking, const char *line)
{
    for (size_t i = 0; asking->headers[i] != NULL; i++)
        if (strcmp(asking->headers[i], line) == 0)
            return true;
    return false;
}

static inline size_t line_count(const struct asking *asking)
{
    size_t count = 0;

    while (asking->headers[count] != NULL)
        count++;
    return count;
}

#endif
