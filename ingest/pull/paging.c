#include "ingest/pull/paging.h"

#include <inttypes.h>

#include "ingest/pull/query_text.h"
#include "net/address.h"

static bool by_address(const struct source_page *rules)
{
    return rules->kind == SOURCE_PAGE_NEXT_URL || rules->kind == SOURCE_PAGE_LINK;
}

bool paging_value(const struct source_page *rules, const struct page_position *page,
                  char digits[NUMBER_TEXT_SIZE], struct bytes *value)
{
    *value = page->text;
    if (page->text.size == 0 &&
        (rules->kind == SOURCE_PAGE_OFFSET || rules->kind == SOURCE_PAGE_NUMBER))
        *value = (struct bytes){digits, number_print_u64(rules->first, digits)};
    return value->size > 0 && !by_address(rules);
}

/* --- the end --- */

/* False: the page does not say. */
static bool total_of(const struct page_facts *facts, uint64_t *total)
{
    return (facts->total.kind == TREE_NUMBER || facts->total.kind == TREE_TEXT) &&
           number_parse_u64(facts->total.text, total) == OK;
}

static bool stops(const struct source_page *rules, const struct page_facts *facts)
{
    uint64_t total;

    if (facts->rows == 0 && (rules->stop_empty_page || !by_address(rules)))
        return true;
    if (facts->empty_body && rules->stop_empty_body)
        return true;
    if (rules->stop_short_page && facts->rows < rules->limit)
        return true;
    return rules->stop_total && total_of(facts, &total) &&
           facts->rows_before + facts->rows >= total;
}

/* `last`: fewer are a fault too. */
static enum code total_fits(const struct source_page *rules, const struct page_facts *facts,
                            bool last, struct error *err)
{
    uint64_t rows = facts->rows_before + facts->rows, total;

    if (rules->total_slot == SOURCE_NO_SLOT || (facts->empty_body && facts->total.kind == TREE_END))
        return OK;
    if (!total_of(facts, &total))
        return error_set(err, E_BAD_PAGE, "where expect_total leads to is no number of rows");
    if (rows > total || (last && rows < total))
        return error_set(err, E_BAD_PAGE,
                         "%" PRIu64 " rows came, and there should be %" PRIu64 " (expect_total)",
                         rows, total);
    return OK;
}

/* --- the next --- */

static enum code keep(struct arena *arena, struct bytes text, struct page_position *next,
                      bool *more, struct error *err)
{
    next->text = arena_copy(arena, text);
    if (next->text.data == NULL)
        return error_set(err, E_MEMORY, "no memory for where a page stands");
    *more = true;
    return OK;
}

static enum code next_number(const struct source_page *rules, const struct page_position *page,
                             const struct page_facts *facts, struct arena *arena,
                             struct page_position *next, bool *more, struct error *err)
{
    uint64_t step = 1, number;
    char digits[NUMBER_TEXT_SIZE];
    struct bytes now;

    if (rules->kind == SOURCE_PAGE_OFFSET)
        step = rules->limit > 0 ? rules->limit : facts->rows;
    if (!paging_value(rules, page, digits, &now) || number_parse_u64(now, &number) != OK ||
        __builtin_add_overflow(number, step, &number))
        return error_set(err, E_BAD_PAGE, "where the page stands is no number");
    return keep(arena, (struct bytes){digits, number_print_u64(number, digits)}, next, more, err);
}

/* What the body has as cursor or address; size 0: there is no more. */
static enum code text_at_path(const struct page_facts *facts, struct bytes *text, struct error *err)
{
    *text = BYTES("");
    switch (facts->at_path.kind) {
    case TREE_END:
    case TREE_NULL:
    case TREE_FALSE: /* "next": false */
        return OK;
    case TREE_TEXT:
    case TREE_NUMBER:
        *text = facts->at_path.text;
        if (text->size <= PAGING_POSITION_SIZE_MAX)
            return OK;
        return error_set(err, E_BAD_PAGE, "where the next page stands is told in %zu bytes",
                         text->size);
    default:
        return error_set(err, E_BAD_PAGE, "where the next page stands is told by no text");
    }
}

static bool only_scheme_differs(const struct address *a, const struct address *b)
{
    return a->https && a->port == 443 && !b->https && b->port == 80 &&
           bytes_equal(a->host, b->host);
}

/* As https. */
static enum code raise(struct arena *arena, struct address *address, struct error *err)
{
    struct buf text = BUF_INIT((size_t)2 * PAGING_POSITION_SIZE_MAX);
    enum code code;

    buf_put_text(&text, "https");
    buf_put(&text, bytes_slice(address->text, strlen("http"), address->text.size));
    code = buf_finish(&text, err);
    if (code == OK)
        code = address_parse(buf_bytes(&text), arena, address, err);
    buf_release(&text);
    return code;
}

static enum code next_address(const struct source *source, const struct page_facts *facts,
                              struct bytes reference, struct arena *arena,
                              struct page_position *next, bool *more, struct error *err)
{
    struct address asked, address;
    struct buf text = BUF_INIT((size_t)4 * PAGING_POSITION_SIZE_MAX);
    enum code code = address_parse(bytes_of(facts->url), arena, &asked, err);

    if (code == OK)
        code = address_join(&asked, reference, arena, &address, err);
    if (code == OK && only_scheme_differs(&asked, &address))
        code = raise(arena, &address, err);
    if (code == OK && source->page.same_host && !address_same_origin(&asked, &address))
        code = error_set(err, E_BAD_PAGE, "it leads to %.*s (same_host)",
                         BYTES_ARG(address.host_port));
    if (code == OK && source->auth.kind == SOURCE_AUTH_QUERY)
        query_text_without(address.text, source->auth.first.rest, NULL, &text);
    else if (code == OK)
        buf_put(&text, address.text);
    if (code == OK)
        code = buf_finish(&text, err);
    if (code == OK)
        code = keep(arena, buf_bytes(&text), next, more, err);
    buf_release(&text);
    if (code == E_BAD_PARAMETER) {
        code = E_BAD_PAGE;
        if (err != NULL)
            err->code = code;
    }
    if (code)
        error_context(err, "the address of the next page");
    return code;
}

static enum code find_next(const struct source *source, const struct page_position *page,
                           const struct page_facts *facts, struct arena *arena,
                           struct page_position *next, bool *more, struct error *err)
{
    struct bytes text = BYTES("");
    enum code code = OK;

    switch (source->page.kind) {
    case SOURCE_PAGE_NONE:
        return OK;
    case SOURCE_PAGE_OFFSET:
    case SOURCE_PAGE_NUMBER:
        return next_number(&source->page, page, facts, arena, next, more, err);
    case SOURCE_PAGE_CURSOR:
        code = text_at_path(facts, &text, err);
        return code || text.size == 0 ? code : keep(arena, text, next, more, err);
    case SOURCE_PAGE_NEXT_URL:
        code = text_at_path(facts, &text, err);
        break;
    case SOURCE_PAGE_LINK:
        if (!link_find(facts->headers, facts->header_count, BYTES("next"), &text))
            return OK;
        break;
    }
    return code || text.size == 0 ? code
                                  : next_address(source, facts, text, arena, next, more, err);
}

enum code paging_next(const struct source *source, const struct page_position *page,
                      const struct page_facts *facts, struct arena *arena, bool *more,
                      struct page_position *next, struct error *err)
{
    enum code code = OK;

    *more = false;
    *next = (struct page_position){.number = page->number + 1};
    if (!stops(&source->page, facts))
        code = find_next(source, page, facts, arena, next, more, err);
    if (code == OK)
        code = total_fits(&source->page, facts, !*more, err);
    if (code == OK && *more && next->number >= source->page.pages_max)
        code = error_set(err, E_BAD_PAGE, "there are more than %" PRIu32 " pages (page.max)",
                         source->page.pages_max);
    *more = *more && code == OK;
    return code;
}
