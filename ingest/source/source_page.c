#include <stdio.h>

#include "ingest/source/source_reader.h"

enum { STOPS_MAX = 4, LIMIT_MAX = 1000000000, PAGES_MAX = 1000000 };

static const char *const types[] = {"none", "offset", "page", "cursor", "next_url", "link", NULL};

/* Which type has a key, as bits. */
enum {
    OFFSET = 1 << SOURCE_PAGE_OFFSET,
    NUMBER = 1 << SOURCE_PAGE_NUMBER,
    CURSOR = 1 << SOURCE_PAGE_CURSOR,
    ADDRESS = 1 << SOURCE_PAGE_NEXT_URL,
    LINK = 1 << SOURCE_PAGE_LINK,
};

static void take_stop(struct source_reader *reader, const struct json *value, void *block)
{
    static const char *const words[] = {"empty_page", "empty_body", "short_page", "total", NULL};
    static const struct source_key word = VALUE("", KEY_CHOICE, .choices = words);
    struct source_page *page = block;
    bool *const flags[] = {&page->stop_empty_page, &page->stop_empty_body, &page->stop_short_page,
                           &page->stop_total};

    page->stop_empty_page = page->kind != SOURCE_PAGE_NEXT_URL && page->kind != SOURCE_PAGE_LINK;
    if (value == NULL || !source_is(reader, value, JSON_KIND_ARRAY,
                                    "a list of empty_page, empty_body, short_page and total"))
        return;
    for (size_t i = 0; i < json_count(value); i++) {
        unsigned which = STOPS_MAX;

        source_element_take(reader, &word, json_element(value, i), i, &which);
        if (which < STOPS_MAX)
            *flags[which] = true;
    }
}

static const struct source_key keys[] = {
    READ("type"),
    KEY("param", KEY_TEXT, source_page, param),
    KEY("limit_param", KEY_TEXT, source_page, limit_param),
    KEY("limit", KEY_COUNT, source_page, limit, .least = 1, .most = LIMIT_MAX),
    KEY("first", KEY_COUNT, source_page, first, .most = LIMIT_MAX),
    KEY("path", KEY_DOCUMENT_SLOT, source_page, path_slot),
    KEY("same_host", KEY_BOOL, source_page, same_host, .initial = true),
    TAKE("stop", take_stop),
    KEY("expect_total", KEY_DOCUMENT_SLOT, source_page, total_slot),
    KEY("max", KEY_COUNT_32, source_page, pages_max, .initial = 10000, .least = 1,
        .most = PAGES_MAX),
};

static const struct source_key type_key =
    KEY("type", KEY_CHOICE, source_page, kind, .choices = types);

static const struct {
    const char *key;
    unsigned types;
} owners[] = {
    {"param",       OFFSET | NUMBER | CURSOR},
    {"limit_param", OFFSET | NUMBER | CURSOR},
    {"limit",       OFFSET | NUMBER | CURSOR},
    {"first",       OFFSET | NUMBER         },
    {"path",        CURSOR | ADDRESS        },
    {"same_host",   ADDRESS | LINK          },
};

static void check_keys(struct source_reader *reader, const struct json *value,
                       const struct source_page *page)
{
    for (size_t i = 0; i < COUNT_OF(owners); i++)
        if (json_member(value, owners[i].key) && (owners[i].types & 1U << page->kind) == 0)
            source_fault_key(reader, owners[i].key, "pages of type %s have no such key",
                             types[page->kind]);
    if (page->kind == SOURCE_PAGE_OFFSET && !json_member(value, "limit"))
        source_fault_key(reader, "limit", "it is missing: the offset grows by it");
    if ((page->kind == SOURCE_PAGE_CURSOR || page->kind == SOURCE_PAGE_NEXT_URL) &&
        !json_member(value, "path"))
        source_fault_key(reader, "path", "it is missing; want where the next %s stands, as /next",
                         page->kind == SOURCE_PAGE_CURSOR ? "cursor" : "address");
    if (page->limit_param.size > 0 && page->limit == 0 && page->kind != SOURCE_PAGE_OFFSET)
        source_fault_key(reader, "limit", "it is missing; `limit_param` is its name");
    if (page->stop_short_page && page->limit == 0)
        source_fault_key(reader, "stop", "short_page wants `limit`: a page is short of that");
    if (page->stop_total && !json_member(value, "expect_total"))
        source_fault_key(reader, "stop", "total wants `expect_total`, the path to it");
}

void source_take_page(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_page *page = &((struct source *)block)->page;
    const struct json *type = value ? json_member(value, "type") : NULL;
    bool known = false;

    if (type != NULL) {
        size_t faults = source_fault_total(reader);

        source_key_take(reader, &type_key, type, page);
        known = source_fault_total(reader) == faults;
    }
    if (!source_block(reader, value, keys, COUNT_OF(keys), page) || value == NULL)
        return;
    if (page->kind == SOURCE_PAGE_NUMBER && !json_member(value, "first"))
        page->first = 1;
    if (type == NULL)
        source_fault_key(reader, "type",
                         "it is missing; want none, offset, page, cursor, next_url or link");
    else if (known)
        check_keys(reader, value, page);
}
