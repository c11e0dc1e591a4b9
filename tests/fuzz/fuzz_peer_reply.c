/* What a member answers who is asked for rows, or for names of measurements: heads and bodies that
 * somebody made to hurt.  The first line is the status, with "names" behind it where names were
 * asked for; then a line for each of the headers, in the order of struct peer_head; then the body.
 * Checksums of a pack are made right.  A pack that is taken goes the way of one that a question
 * reads: it is entered in a catalog, its deletions are listed, its blocks are read. */
#include <stdlib.h>

#include "catalog/catalog.h"
#include "codec/block_codec.h"
#include "handlers/peer_reply.h"
#include "store/guest_list.h"
#include "store/guests/guest_file.h"
#include "store/state.h"
#include "tests/fuzz/pack_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 64 << 20, AS_OF = 100, MEMBER = 1, NUMBER_DIGITS = 16 };

/* That of tests/golden/pack. */
static const struct peer_asked asked = {
    MEMBER, {{1, 2, 3}},
     { "acme",        4},
     AS_OF
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* All up to the next line end, which goes; the rest stays. */
static struct bytes line_of(struct bytes *rest)
{
    const char *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    struct bytes line = bytes_slice(*rest, 0, size);

    *rest = bytes_slice(*rest, end ? size + 1 : size, rest->size);
    return line;
}

/* --- names --- */

static void read_names(const struct peer_head *head, struct bytes body)
{
    struct bytes *names = NULL;
    struct error err = {0};
    struct arena arena;
    size_t count = 7;
    enum code code;

    arena_init(&arena, ARENA_BYTES_MAX, NULL);
    code = peer_reply_names(&asked, head, body, &arena, &names, &count, &err);
    expect(code == OK || (count == 0 && err.code == code && err.text[0] != '\0'));
    for (size_t i = 0; i < count; i++)
        expect(names[i].data != NULL && names[i].size > 0);
    arena_release(&arena);
}

/* --- rows --- */

static void read_blocks(const struct pack *pack, struct arena *arena)
{
    static struct block_decoder *decoder;
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    expect(decoder != NULL || block_decoder_new(&decoder, NULL) == OK);
    for (size_t i = 0; i < count; i++) {
        struct bytes encoded;
        enum code code = pack_read_block(pack, NULL, &blocks[i], arena, &encoded, NULL);

        expect(code == OK || code == E_CORRUPT || code == E_MEMORY);
    }
    (void)!pack_check(pack, decoder, NULL);
}

/* The chain takes the pack, whatever comes of it. */
static void list_pack(struct pack *pack)
{
    struct guest_chain *chain = guest_chain_new(MEMBER, &asked.incarnation, 1);
    enum code code;

    expect(chain != NULL);
    code = guest_chain_add(chain, pack, NULL);
    expect(code == OK || code == E_CORRUPT || code == E_MEMORY);
    if (code == OK)
        guest_chain_finish(chain);
    guest_chain_unref(chain);
}

static void take_pack(struct pack *pack)
{
    static struct store store; /* of which entering needs the catalog */
    struct guest_place place = {.store = &store, .member = MEMBER};
    struct catalog *catalog;
    struct error err = {0};
    struct arena arena;
    enum code code;

    expect(strlen(pack_name(pack)) == asked.tenant.size + 1 + NUMBER_DIGITS);
    expect(catalog_new(&catalog, NULL) == OK);
    store.options.registry = catalog_registry(catalog);
    place.tenant = catalog_tenant(catalog, asked.tenant);
    arena_init(&arena, ARENA_BYTES_MAX, NULL);
    read_blocks(pack, &arena);
    code = guest_enter(&place, pack, &err);
    expect(code == OK || (err.code == code && err.text[0] != '\0'));
    if (code == OK)
        list_pack(pack);
    else
        pack_unref(pack);
    arena_release(&arena);
    catalog_free(catalog);
}

static void read_rows(const struct peer_head *head, struct bytes body)
{
    struct peer_reply reply = {.listed_count = 7};
    struct error err = {0};
    enum code code = peer_reply_read(&asked, head, body, &reply, &err);

    if (code) {
        expect(err.code == code && err.text[0] != '\0');
        expect(reply.pack == NULL && reply.listed_count == 0 && reply.through == INT64_MIN);
        return;
    }
    expect(head->status == 200 || head->status == 204);
    expect((reply.pack != NULL) == (head->status == 200));
    expect(reply.through >= AS_OF && reply.newest >= 0 && reply.listed_count <= PEER_SHARDS_MAX);
    for (size_t i = 0; i < reply.listed_count; i++)
        expect(reply.listed[i].shard.size > 0 &&
               memchr(reply.listed[i].shard.data, '/', reply.listed[i].shard.size) == NULL);
    if (reply.pack != NULL)
        take_pack(reply.pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {size ? (const char *)data : "", size}, first = line_of(&rest);
    struct peer_head head = {.status = 0};
    struct bytes *lines[] = {&head.member, &head.through, &head.delivered,
                             &head.newest, &head.settled, &head.floor};
    struct bytes body;
    char *copy;

    for (size_t i = 0; i < first.size && first.data[i] >= '0' && first.data[i] <= '9'; i++)
        head.status = (head.status * 10 + (unsigned)(first.data[i] - '0')) % 1000;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        *lines[i] = line_of(&rest);
    copy = malloc(rest.size + 1);
    expect(copy != NULL);
    memcpy(copy, rest.data, rest.size);
    body = (struct bytes){copy, rest.size};
    if (first.size > 0 && first.data[first.size - 1] == 's') {
        read_names(&head, body);
    } else {
        if (rest.size >= PACK_FOOTER_SIZE)
            pack_seal(copy, rest.size);
        read_rows(&head, body);
    }
    free(copy);
    return 0;
}
