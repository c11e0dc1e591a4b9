/* Two lines of any bytes: an address, and a reference in its answer (next_url, Link, Location).
 * What comes of them is read by libcurl, which dials it, as having the same scheme, host, port and
 * path, and no user; and what is shown or sent of it elsewhere has no more of the parameter that
 * the third line names. */
#include <assert.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "ingest/pull/query_text.h"
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_part(CURLU *url, CURLUPart part, unsigned flags, struct bytes want)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, flags);

    assert(code == CURLUE_OK || (want.size == 0 && text == NULL));
    assert(text == NULL || bytes_equal(bytes_of(text), want));
    curl_free(text);
}

static void check_with_curl(const struct address *address)
{
    struct bytes port =
        bytes_slice(address->host_port, address->host.size + 1, address->host_port.size);
    CURLU *url = curl_url();
    char *user = NULL;

    assert(url != NULL);
    assert(strlen(address->text.data) == address->text.size);
    assert(curl_url_set(url, CURLUPART_URL, address->text.data, CURLU_DISALLOW_USER) == CURLUE_OK);
    expect_part(url, CURLUPART_SCHEME, 0, address->https ? BYTES("https") : BYTES("http"));
    expect_part(url, CURLUPART_HOST, 0, address->host);
    expect_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port);
    expect_part(url, CURLUPART_PATH, 0, address->path);
    expect_part(url, CURLUPART_QUERY, 0, address->query);
    assert(curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
    curl_url_cleanup(url);
}

static void check_address(const struct address *address)
{
    struct address again;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    assert(address->port > 0 && address->host.size > 0 && address->path.size > 0);
    for (size_t i = 0; i < address->text.size; i++)
        assert(address->text.data[i] > ' ' && address->text.data[i] < 0x7f &&
               address->text.data[i] != '\\' && address->text.data[i] != '#');
    assert(address_parse(address->text, &arena, &again, NULL) == OK);
    assert(bytes_equal(again.text, address->text) && address_same_origin(&again, address));
    check_with_curl(address);
    arena_release(&arena);
}

/* Empty parameters at the end go one by one. */
static struct bytes without_end(struct bytes text)
{
    while (text.size > 0 && strchr("?&", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

/* Without a parameter it leads to the same host, and has none of that name any more. */
static void check_without(const struct address *address, struct bytes name)
{
    struct buf out = BUF_INIT((size_t)4 * ADDRESS_SIZE_MAX), twice = out;
    struct address without;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    query_text_without(address->text, name, NULL, &out);
    assert(!out.failed && address_parse(buf_bytes(&out), &arena, &without, NULL) == OK);
    assert(address_same_origin(&without, address) && bytes_equal(without.path, address->path));
    query_text_without(buf_bytes(&out), name, NULL, &twice);
    assert(bytes_equal(without_end(buf_bytes(&out)), without_end(buf_bytes(&twice))));
    buf_clear(&out);
    query_text_shown(address->text, name, &out);
    assert(!out.failed);
    buf_release(&out);
    buf_release(&twice);
    arena_release(&arena);
}

static struct bytes next_line(struct bytes *text)
{
    const char *end = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - text->data) : text->size;
    struct bytes line = bytes_slice(*text, 0, size);

    *text = bytes_slice(*text, end != NULL ? size + 1 : size, text->size);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {size > 0 ? (const char *)data : "", size};
    struct bytes first = next_line(&text), reference = next_line(&text), name = next_line(&text);
    struct address base, joined;
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = address_parse(first, &arena, &base, &err);
    assert(code == OK || (code == E_BAD_PARAMETER && err.text[0] != '\0'));
    if (code == OK) {
        check_address(&base);
        check_without(&base, name);
        code = address_join(&base, reference, &arena, &joined, &err);
        assert(code == OK || (code == E_BAD_PARAMETER && err.text[0] != '\0'));
        if (code == OK)
            check_address(&joined);
    }
    arena_release(&arena);
    return 0;
}
