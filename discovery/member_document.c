#include "discovery/member_document.h"

#include "discovery/document.h"

enum { ADDRESS_BYTES_MAX = 300, INCARNATION_BYTES_MAX = 64, WORDS_BYTES_MAX = 200 };

static const char *const states[] = {
    [MEMBER_ACTIVE] = "active",   [MEMBER_JOINING] = "joining", [MEMBER_DRAINING] = "draining",
    [MEMBER_DRAINED] = "drained", [MEMBER_LOST] = "lost",       NULL};

const char *member_state_name(enum member_state state)
{
    return states[state];
}

bool member_state_owes(enum member_state state)
{
    return state != MEMBER_DRAINED && state != MEMBER_LOST;
}

static enum code take_state(struct document *document, const struct json *value, struct error *err)
{
    struct member_document *member = document->context;
    unsigned state;
    enum code code = document_choice_take(document, value, states, &state, err);

    if (!code)
        member->state = (enum member_state)state;
    return code;
}

static bool is_hexadecimal(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') &&
            (text.data[i] < 'a' || text.data[i] > 'f'))
            return false;
    return true;
}

static enum code take_incarnation(struct document *document, const struct json *value,
                                  struct error *err)
{
    struct member_document *member = document->context;
    enum code code =
        document_text_take(document, value, INCARNATION_BYTES_MAX, &member->incarnation, err);

    if (!code && !is_hexadecimal(member->incarnation))
        return document_refuse(document, err, "must be digits of 0-9 and a-f");
    return code;
}

/* Names resolve elsewhere; a port has to be there, as nobody knows one by heart. */
static bool is_address(struct bytes text)
{
    const char *colon = memrchr(text.data, ':', text.size);
    size_t at = colon ? (size_t)(colon - text.data) : 0;
    unsigned port = 0;

    if (at == 0 || text.size - at - 1 < 1 || text.size - at - 1 > 5)
        return false;
    for (size_t i = at + 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = 10 * port + (unsigned)(text.data[i] - '0');
    }
    return port >= 1 && port <= 65535 && !memchr(text.data, ' ', text.size) &&
           !memchr(text.data, '/', text.size) && !memchr(text.data, '@', text.size);
}

static enum code take_address(struct document *document, const struct json *value,
                              struct error *err)
{
    struct member_document *member = document->context;
    enum code code = document_text_take(document, value, ADDRESS_BYTES_MAX, &member->address, err);

    if (!code && !is_address(member->address))
        return document_refuse(document, err, "must be host:port, with a port from 1 to 65535");
    return code;
}

static enum code take_at(struct document *document, const struct json *value, struct error *err)
{
    struct member_document *member = document->context;

    return document_text_take(document, value, WORDS_BYTES_MAX, &member->at, err);
}

static enum code take_by(struct document *document, const struct json *value, struct error *err)
{
    struct member_document *member = document->context;

    return document_text_take(document, value, WORDS_BYTES_MAX, &member->by, err);
}

enum code member_document_parse(struct bytes text, struct arena *arena,
                                struct member_document *document, struct error *err)
{
    static const struct document_key keys[] = {
        {"state",       take_state      },
        {"incarnation", take_incarnation},
        {"address",     take_address    },
        {"at",          take_at         },
        {"by",          take_by         },
    };
    struct member_document read = {.state = MEMBER_ACTIVE};
    enum code code = document_read(text, "a member", keys, COUNT_OF(keys), arena, &read, err);

    if (!code)
        *document = read;
    return code;
}

static void put_member(struct buf *out, const char *name, struct bytes text)
{
    if (text.size == 0)
        return;
    buf_printf(out, ",\"%s\":", name);
    json_put_text(out, text);
}

void member_document_print_members(const struct member_document *document, struct buf *out)
{
    buf_printf(out, "\"state\":\"%s\"", states[document->state]);
    put_member(out, "incarnation", document->incarnation);
    put_member(out, "address", document->address);
    put_member(out, "at", document->at);
    put_member(out, "by", document->by);
}

void member_document_print(const struct member_document *document, struct buf *out)
{
    buf_put_char(out, '{');
    member_document_print_members(document, out);
    buf_put_char(out, '}');
}
