/* A request goes to an address that is home, that is, of the source's own scheme, host and port, or
 * to another one, which a page or a redirect has led to.  Only at home it has credentials. */
#include "ingest/pull/asking.h"

#include "ingest/pull/asking_headers.h"
#include "ingest/pull/limit_name.h"
#include "ingest/pull/query_text.h"
#include "net/address.h"

/* --- addresses --- */

/* "." and ".." among a path's steps, however they are written: what a variable brings would lead
 * elsewhere. */
static bool climbs(struct bytes text)
{
    size_t dots = 0, size = 0;

    for (size_t i = 0; i <= text.size; i++) {
        bool end = i == text.size || strchr("/?#", text.data[i]) != NULL;

        if (end && size > 0 && dots == size && size <= 2)
            return true;
        if (i < text.size && (text.data[i] == '?' || text.data[i] == '#'))
            return false;
        if (end) {
            dots = size = 0;
            continue;
        }
        size++;
        dots += text.data[i] == '.';
        if (text.size - i >= 3 && strncasecmp(text.data + i, "%2e", 3) == 0) {
            dots++;
            i += 2;
        }
    }
    return false;
}

/* Where the source says that it is. */
static enum code find_home(const struct asking_terms *terms, struct arena *arena,
                           struct address *home, struct error *err)
{
    const struct filling filling = {terms, arena, {0}};
    struct bytes text;
    enum code code = filling_text(&filling, &terms->source->request.url, PLACE_PERCENT, &text, err);

    if (code == OK && climbs(text))
        code = error_set(err, E_BAD_PARAMETER, "an address has \".\" or \"..\" as a step");
    return code ? code : address_parse(text, arena, home, err);
}

static void put_parameter(struct buf *out, bool *any, struct bytes name, struct bytes value)
{
    buf_put_char(out, *any ? '&' : '?');
    *any = true;
    place_put_percent(out, name);
    buf_put_char(out, '=');
    place_put_percent(out, value);
}

/* The document's query and the page's parameters behind what the address has. */
static enum code with_query(const struct filling *filling, struct address *address,
                            struct error *err)
{
    const struct asking_terms *terms = filling->terms;
    const struct source_request *request = &terms->source->request;
    const struct source_page *page = &terms->source->page;
    struct buf out = BUF_INIT(FILLING_SIZE_MAX);
    bool any = address->query.size > 0;
    char digits[NUMBER_TEXT_SIZE];
    struct bytes value;
    enum code code = OK;

    buf_put(&out, address->text);
    for (size_t i = 0; code == OK && i < request->query_count; i++) {
        code = filling_text(filling, &request->query[i].value, PLACE_PLAIN, &value, err);
        if (code == OK)
            put_parameter(&out, &any, request->query[i].name, value);
    }
    if (page->param.size > 0 && paging_value(page, &terms->page, digits, &value))
        put_parameter(&out, &any, page->param, value);
    if (page->limit_param.size > 0)
        put_parameter(&out, &any, page->limit_param,
                      (struct bytes){digits, number_print_u64(page->limit, digits)});
    if (code == OK)
        code = buf_finish(&out, err);
    if (code == OK)
        code = address_parse(buf_bytes(&out), filling->arena, address, err);
    buf_release(&out);
    return code;
}

/* The address that is dialled and the one that is shown. */
static enum code make_url(const struct filling *filling, const struct address *address, bool home,
                          struct asking *asking, struct error *err)
{
    const struct source_auth *auth = &filling->terms->source->auth;
    bool in_query = auth->kind == SOURCE_AUTH_QUERY;
    struct bytes name = in_query ? auth->first.rest : BYTES(""), value = {0}, text = {0};
    struct buf out = BUF_INIT(FILLING_SIZE_MAX);
    enum code code = OK;

    if (home && in_query) {
        query_text_without(address->text, name, NULL, &out);
        code = filling_text(filling, &auth->second, PLACE_PLAIN, &value, err);
        if (code == OK) {
            bool any = out.size > 0 && memchr(out.data, '?', out.size) != NULL;

            put_parameter(&out, &any, name, value);
        }
    } else {
        buf_put(&out, address->text);
    }
    if (code == OK)
        code = filling_keep(filling, &out, &text, err);
    asking->url = text.data;
    buf_clear(&out);
    if (code == OK) {
        query_text_shown(text, name, &out);
        code = filling_keep(filling, &out, &text, err);
        asking->url_shown = text.data;
    }
    buf_release(&out);
    return code;
}

static enum code compose(const struct asking_terms *terms, const struct address *address, bool home,
                         bool post, struct arena *arena, struct asking *asking, struct error *err)
{
    const struct filling filling = {terms, arena, address->host_port};
    const struct source_request *request = &terms->source->request;
    enum code code = OK;

    *asking =
        (struct asking){.method = post ? "POST" : "GET", .host = address->host_port, .home = home};
    if (post && request->has_body)
        code = filling_text(&filling, &request->body, PLACE_PLAIN, &asking->body, err);
    if (code == OK)
        code = make_url(&filling, address, home, asking, err);
    return code ? code : asking_headers_make(&filling, home, asking->body, &asking->headers, err);
}

enum code asking_make(const struct asking_terms *terms, struct arena *arena, struct asking *asking,
                      struct error *err)
{
    const struct source *source = terms->source;
    const struct filling filling = {terms, arena, {0}};
    bool linked = terms->page.text.size > 0 && (source->page.kind == SOURCE_PAGE_NEXT_URL ||
                                                source->page.kind == SOURCE_PAGE_LINK);
    struct address home, address;
    enum code code = find_home(terms, arena, &home, err);

    address = home;
    if (code == OK && linked)
        code = address_parse(terms->page.text, arena, &address, err);
    else if (code == OK)
        code = with_query(&filling, &address, err);
    if (code)
        return code;
    if (source->page.same_host && !address_same_origin(&home, &address))
        return error_set(err, E_BAD_PARAMETER, "the page is on %.*s (same_host)",
                         BYTES_ARG(address.host_port));
    return compose(terms, &address, address_same_origin(&home, &address), source->request.post,
                   arena, asking, err);
}

struct source asking_list_source(const struct source *source)
{
    struct source list = *source;

    list.request = *source->foreach.request;
    list.page = (struct source_page){
        .kind = SOURCE_PAGE_NONE, .path_slot = SOURCE_NO_SLOT, .total_slot = SOURCE_NO_SLOT};
    list.conditional = (struct source_conditional){.etag = false};
    if (!asking_same_home(&source->request, &list.request))
        list.auth.kind = SOURCE_AUTH_NONE;
    return list;
}

/* --- redirects --- */

/* A host that leads to another one may have written our credential into the address. */
static enum code without_secret(const struct asking_terms *terms, const struct address *home,
                                struct arena *arena, struct address *address, struct error *err)
{
    const struct source_auth *auth = &terms->source->auth;
    const struct filling filling = {terms, arena, home->host_port};
    struct buf out = BUF_INIT(FILLING_SIZE_MAX);
    struct bytes secret;
    enum code code;

    if (auth->kind != SOURCE_AUTH_QUERY)
        return OK;
    code = filling_text(&filling, &auth->second, PLACE_PLAIN, &secret, err);
    if (code == OK)
        query_text_without(address->text, auth->first.rest, &secret, &out);
    if (code == OK)
        code = buf_finish(&out, err);
    if (code == OK)
        code = address_parse(buf_bytes(&out), arena, address, err);
    buf_release(&out);
    return code;
}

enum code asking_redirect(const struct asking_terms *terms, const struct asking *last,
                          unsigned status, struct bytes location, struct arena *arena,
                          struct asking *asking, struct error *err)
{
    bool post =
        strcmp(last->method, "POST") == 0 && status != 301 && status != 302 && status != 303;
    struct address home, base, address;
    bool at_home;
    enum code code = find_home(terms, arena, &home, err);

    if (code == OK)
        code = address_parse(bytes_of(last->url), arena, &base, err);
    if (code == OK)
        code = address_join(&base, location, arena, &address, err);
    if (code == OK && base.https && !address.https)
        code = error_set(err, E_BAD_PARAMETER, "it leads from https to http");
    at_home = code == OK && address_same_origin(&home, &address);
    if (code == OK && !at_home)
        code = without_secret(terms, &home, arena, &address, err);
    if (code) {
        error_context(err, "the Location of a redirect");
        return code;
    }
    return compose(terms, &address, at_home, post, arena, asking, err);
}
