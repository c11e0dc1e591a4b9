#include "discovery/token.h"

#include <assert.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "codec/utf8.h"
#include "discovery/directory.h"

enum {
    ID_SIZE = 8, /* 2 * 10^14 ids: names a token of an installation, guards nothing */
    KEY_SIZE = 32,
    NOTE_BYTES_MAX = 200,
};

static const char prefix[] = "weir_";
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const struct {
    const char *name;
    unsigned bit;
} scopes_known[] = {
    {"read",     TOKEN_SCOPE_READ    },
    {"write",    TOKEN_SCOPE_WRITE   },
    {"admin",    TOKEN_SCOPE_ADMIN   },
    {"operator", TOKEN_SCOPE_OPERATOR},
};

static bool is_base62(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

bool token_id_valid(struct bytes id)
{
    return id.size >= 1 && id.size <= TOKEN_ID_MAX && is_base62(id);
}

bool token_id_of(struct bytes token, struct bytes *id)
{
    const size_t prefix_size = sizeof(prefix) - 1, tail = 1 + TOKEN_SECRET_SIZE;
    struct bytes found;

    if (token.size < prefix_size + 1 + tail || token.size > prefix_size + TOKEN_ID_MAX + tail)
        return false;
    if (memcmp(token.data, prefix, prefix_size) != 0 || token.data[token.size - tail] != '_')
        return false;
    found = bytes_slice(token, prefix_size, token.size - tail);
    if (!token_id_valid(found) ||
        !is_base62(bytes_slice(token, token.size - TOKEN_SECRET_SIZE, token.size)))
        return false;
    *id = found;
    return true;
}

struct token_hash token_hash(struct bytes token)
{
    struct token_hash hash;

    _Static_assert(sizeof(hash.bytes) == crypto_hash_sha256_BYTES, "a SHA-256");
    crypto_hash_sha256(hash.bytes, (const unsigned char *)token.data, token.size);
    return hash;
}

bool token_hash_equal(const struct token_hash *a, const struct token_hash *b)
{
    return sodium_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool token_hash_parse(struct bytes hex, struct token_hash *hash)
{
    struct token_hash read;
    size_t size = 0;

    if (hex.size != 2 * sizeof(read.bytes) ||
        sodium_hex2bin(read.bytes, sizeof(read.bytes), hex.data, hex.size, NULL, &size, NULL) ||
        size != sizeof(read.bytes))
        return false;
    *hash = read;
    return true;
}

unsigned token_scope_find(struct bytes name)
{
    for (size_t i = 0; i < COUNT_OF(scopes_known); i++)
        if (bytes_equal(name, bytes_of(scopes_known[i].name)))
            return scopes_known[i].bit;
    return 0;
}

enum code token_scopes_parse(struct bytes text, unsigned *scopes, struct error *err)
{
    unsigned found = 0;
    size_t first = 0;

    for (size_t at = 0; at <= text.size; at++) {
        struct bytes name;
        unsigned scope;

        if (at < text.size && text.data[at] != ',')
            continue;
        name = bytes_slice(text, first, at);
        scope = token_scope_find(name);
        if (scope == 0)
            return error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\" is not a scope: read, write, admin and operator are",
                             BYTES_ARG(name));
        found |= scope;
        first = at + 1;
    }
    *scopes = found;
    return OK;
}

void token_scopes_print(unsigned scopes, struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < COUNT_OF(scopes_known); i++) {
        if ((scopes & scopes_known[i].bit) == 0)
            continue;
        buf_put_text(out, between);
        buf_put_text(out, scopes_known[i].name);
        between = ", ";
    }
}

/* The number's base62 digits, most significant first.  43 digits hold 256 bits: 62^43 > 2^256. */
static void print_base62(unsigned char key[KEY_SIZE], char text[TOKEN_SECRET_SIZE])
{
    for (size_t at = TOKEN_SECRET_SIZE; at-- > 0;) {
        unsigned rest = 0;

        for (size_t i = 0; i < KEY_SIZE; i++) {
            unsigned part = rest << 8 | key[i];

            key[i] = (unsigned char)(part / 62);
            rest = part % 62;
        }
        text[at] = digits[rest];
    }
}

static void draw_id(char id[ID_SIZE])
{
    for (size_t i = 0; i < ID_SIZE;) {
        unsigned char chance;

        random_secure(&chance, sizeof(chance));
        if (chance < 248) /* 4 * 62: every digit equally often */
            id[i++] = digits[chance % 62];
    }
}

static void line_print(struct bytes id, struct bytes token, unsigned scopes, int64_t expires_ns,
                       struct bytes note, struct buf *line)
{
    struct token_hash hash = token_hash(token);
    char hex[2 * sizeof(hash.bytes) + 1], time[TIMESTAMP_TEXT_SIZE];

    sodium_bin2hex(hex, sizeof(hex), hash.bytes, sizeof(hash.bytes));
    buf_printf(line, "- {id: %.*s, sha256: %s, scopes: [", BYTES_ARG(id), hex);
    token_scopes_print(scopes, line);
    buf_put_char(line, ']');
    if (expires_ns != INT64_MAX)
        buf_printf(line, ", expires: %.*s", (int)timestamp_print(expires_ns, time), time);
    if (note.size > 0) {
        buf_put_text(line, ", note: ");
        json_put_text(line, note); /* a JSON string is a YAML one */
    }
    buf_put_char(line, '}');
}

enum code token_generate(struct bytes note, unsigned scopes, int64_t expires_ns, struct buf *text,
                         struct buf *line, struct error *err)
{
    char token[sizeof(prefix) - 1 + ID_SIZE + 1 + TOKEN_SECRET_SIZE];
    char *id = token + sizeof(prefix) - 1;
    unsigned char key[KEY_SIZE];
    enum code code;

    assert(scopes != 0);
    if (note.size > NOTE_BYTES_MAX || utf8_check(note) != note.size)
        return error_set(err, E_BAD_PARAMETER, "a note is UTF-8 of at most %d bytes",
                         NOTE_BYTES_MAX);
    random_secure(key, sizeof(key));
    memcpy(token, prefix, sizeof(prefix) - 1);
    draw_id(id);
    id[ID_SIZE] = '_';
    print_base62(key, id + ID_SIZE + 1);
    buf_put(text, (struct bytes){token, sizeof(token)});
    line_print((struct bytes){id, ID_SIZE}, (struct bytes){token, sizeof(token)}, scopes,
               expires_ns, note, line);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(token, sizeof(token));
    code = buf_finish(text, err);
    return code ? code : buf_finish(line, err);
}
