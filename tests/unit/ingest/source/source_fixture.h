/* Documents of sources: a good one whose blocks a test changes.  Texts have ' for ", for people. */
#ifndef WEIR_TESTS_UNIT_INGEST_SOURCE_SOURCE_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_SOURCE_SOURCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "codec/json_doc.h"
#include "ingest/source/source.h"

static const char *const fixture_blocks[][2] = {
    {"name",        "'meter'"                                   },
    {"schedule",    "{'every': '1h'}"                           },
    {"request",     "{'url': 'https://api.example.org/v1/data'}"},
    {"decode",      "'json'"                                    },
    {"rows",        "'/data/*'"                                 },
    {"time",        "{'path': 'at'}"                            },
    {"measurement", "'m'"                                       },
    {"values",      "[{'path': 'v', 'field': 'v'}]"             },
};

static inline void fixture_put(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        buf_put_char(out, *text == '\'' ? '"' : *text);
}

/* `blocks` as "'page': {…}, 'window': {…}", and of the good document what they have not.  An empty
 * `without` leaves nothing out. */
static inline void fixture_document(const char *blocks, const char *without, struct buf *out)
{
    struct buf own = BUF_INIT((size_t)1 << 20);
    struct json *root = NULL;
    struct error err = {0};
    bool any = *blocks != '\0';

    fixture_put(&own, "{");
    fixture_put(&own, blocks);
    fixture_put(&own, "}");
    if (json_doc_parse(buf_bytes(&own), 32, &root, &err) != OK)
        fail_msg("the test's own %s: %s", blocks, err.text);
    fixture_put(out, "{");
    fixture_put(out, blocks);
    for (size_t i = 0; i < COUNT_OF(fixture_blocks); i++) {
        if (json_member(root, fixture_blocks[i][0]) || strcmp(without, fixture_blocks[i][0]) == 0)
            continue;
        buf_printf(out, "%s\"%s\": ", any ? ", " : "", fixture_blocks[i][0]);
        fixture_put(out, fixture_blocks[i][1]);
        any = true;
    }
    fixture_put(out, "}");
    json_doc_free(root);
    buf_release(&own);
}

struct fixture {
    struct arena arena;
    struct source *source;
    struct source_faults faults;
    struct error err;
    enum code code;
};

static inline void fixture_parse(struct fixture *fixture, const char *blocks, const char *without)
{
    struct buf document = BUF_INIT((size_t)1 << 20);

    *fixture = (struct fixture){0};
    arena_init(&fixture->arena, SIZE_MAX, NULL);
    fixture_document(blocks, without, &document);
    fixture->code = source_parse(BYTES(""), buf_bytes(&document), &fixture->arena, &fixture->source,
                                 &fixture->faults, &fixture->err);
    buf_release(&document);
}

static inline void fixture_release(struct fixture *fixture)
{
    source_free(fixture->source);
    arena_release(&fixture->arena);
}

/* One that is good; to be released. */
static inline const struct source *fixture_good(struct fixture *fixture, const char *blocks)
{
    fixture_parse(fixture, blocks, "");
    if (fixture->code != OK)
        fail_msg("%s: %s: %s", blocks, fixture->err.pointer, fixture->err.text);
    assert_non_null(fixture->source);
    return fixture->source;
}

struct fixture_case {
    const char *blocks, *pointer, *text; /* NULL: it is good */
};

/* Each has its fault, at its place, and no other. */
static inline void fixture_cases(const struct fixture_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fixture_case *one = &cases[i];
        struct fixture fixture;

        if (one->pointer == NULL) {
            (void)fixture_good(&fixture, one->blocks);
            fixture_release(&fixture);
            continue;
        }
        fixture_parse(&fixture, one->blocks, "");
        if (fixture.code != E_BAD_PARAMETER || fixture.source != NULL)
            fail_msg("%s: it is good", one->blocks);
        if (fixture.faults.count != 1)
            fail_msg("%s: %zu faults: %.*s: %.*s, %.*s: %.*s", one->blocks, fixture.faults.count,
                     BYTES_ARG(fixture.faults.items[0].pointer),
                     BYTES_ARG(fixture.faults.items[0].text),
                     BYTES_ARG(fixture.faults.items[1].pointer),
                     BYTES_ARG(fixture.faults.items[1].text));
        if (!bytes_equal(fixture.faults.items[0].pointer, bytes_of(one->pointer)) ||
            strstr(fixture.err.text, one->text) == NULL)
            fail_msg("%s: %.*s: %s", one->blocks, BYTES_ARG(fixture.faults.items[0].pointer),
                     fixture.err.text);
        fixture_release(&fixture);
    }
}

#define FIXTURE_REFUSES(...)                                                                       \
    do {                                                                                           \
        static const struct fixture_case cases_[] = {__VA_ARGS__};                                 \
        fixture_cases(cases_, COUNT_OF(cases_));                                                   \
    } while (0)

static inline bool fixture_is(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of(text));
}

#endif
