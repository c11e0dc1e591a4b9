/* Of the key only a hash with a context of its own is used, so that the same line may serve
 * elsewhere.  The place is the associated data; sizes stand before its texts, so that no two places
 * are the same bytes. */
#include "discovery/seal.h"

#include <assert.h>

#include <sodium.h>

#include "base/random.h"

enum {
    VERSION = 1,
    NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SEALED_BYTES_MAX = SEAL_VALUE_BYTES_MAX + SEAL_AROUND_SIZE,
    PLACE_BYTES_MAX = 64 << 10,
};

_Static_assert(SEAL_AROUND_SIZE == 1 + NONCE_SIZE + TAG_SIZE, "what stands around a value");
_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");

void seal_key_derive(struct bytes line, struct seal_key *key)
{
    static const unsigned char context[crypto_generichash_blake2b_PERSONALBYTES] = {
        'w', 'e', 'i', 'r', ' ', 's', 'e', 'c', 'r', 'e', 't', 's', ' ', 'k', 'e', 'y'};
    int failed = crypto_generichash_blake2b_salt_personal(key->bytes, sizeof(key->bytes),
                                                          (const unsigned char *)line.data,
                                                          line.size, NULL, 0, NULL, context);

    assert(failed == 0);
}

void seal_wipe(struct bytes value)
{
    if (value.data)
        sodium_memzero((char *)value.data, value.size);
}

/* --- bytes --- */

static void place_print(const struct seal_place *place, struct buf *out)
{
    buf_put_u8(out, VERSION);
    buf_put_span(out, place->tenant);
    buf_put_span(out, place->name);
    for (size_t i = 0; i < place->host_count; i++)
        buf_put_span(out, place->hosts[i]);
}

/* 0: it is none. */
static size_t sealed_read(struct bytes text, unsigned char sealed[SEALED_BYTES_MAX])
{
    size_t size = 0;

    if (text.size == 0 || text.size > SEAL_TEXT_BYTES_MAX ||
        sodium_base642bin(sealed, SEALED_BYTES_MAX, text.data, text.size, NULL, &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL))
        return 0;
    return size > SEAL_AROUND_SIZE && sealed[0] == VERSION ? size : 0;
}

bool seal_text_valid(struct bytes text)
{
    unsigned char sealed[SEALED_BYTES_MAX];

    return sealed_read(text, sealed) > 0;
}

static void sealed_print(const unsigned char *sealed, size_t size, struct buf *text)
{
    char encoded[sodium_base64_ENCODED_LEN(SEALED_BYTES_MAX, sodium_base64_VARIANT_ORIGINAL)];

    sodium_bin2base64(encoded, sizeof(encoded), sealed, size, sodium_base64_VARIANT_ORIGINAL);
    buf_put_text(text, encoded);
}

/* --- sealing and opening --- */

enum code seal_value(const struct seal_key *key, const struct seal_place *place, struct bytes value,
                     struct buf *text, struct error *err)
{
    unsigned char sealed[SEALED_BYTES_MAX], *nonce = sealed + 1;
    struct buf around = BUF_INIT(PLACE_BYTES_MAX);
    unsigned long long size;
    enum code code;

    assert(value.size > 0);
    assert(value.size <= SEAL_VALUE_BYTES_MAX);
    place_print(place, &around);
    code = buf_finish(&around, err);
    if (!code) {
        sealed[0] = VERSION;
        random_secure(nonce, NONCE_SIZE);
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            nonce + NONCE_SIZE, &size, (const unsigned char *)value.data, value.size,
            (const unsigned char *)around.data, around.size, NULL, nonce, key->bytes);
        sealed_print(sealed, 1 + NONCE_SIZE + (size_t)size, text);
        code = buf_finish(text, err);
    }
    buf_release(&around);
    return code;
}

enum code seal_open(const struct seal_key *key, const struct seal_place *place, struct bytes text,
                    struct arena *arena, struct bytes *value, struct error *err)
{
    unsigned char sealed[SEALED_BYTES_MAX], *opened = NULL;
    struct buf around = BUF_INIT(PLACE_BYTES_MAX);
    size_t size = sealed_read(text, sealed);
    enum code code;

    if (size == 0)
        return error_set(err, E_CORRUPT, "it is no sealed value");
    place_print(place, &around);
    code = buf_finish(&around, err);
    if (!code) {
        opened = arena_alloc(arena, size - SEAL_AROUND_SIZE);
        code = opened ? OK : error_set(err, E_MEMORY, "no memory for a secret");
    }
    if (!code && crypto_aead_xchacha20poly1305_ietf_decrypt(
                     opened, NULL, NULL, sealed + 1 + NONCE_SIZE, size - 1 - NONCE_SIZE,
                     (const unsigned char *)around.data, around.size, sealed + 1, key->bytes))
        code = error_set(err, E_CORRUPT,
                         "it was sealed with another key, or for another tenant, name or hosts");
    if (!code)
        *value = (struct bytes){(const char *)opened, size - SEAL_AROUND_SIZE};
    buf_release(&around);
    return code;
}
