/* Documents of the registry: hostile bytes are refused with a text, or are printed as a document
 * that reads back as the same.  The first byte says which kind. */
#include <stdlib.h>

#include "discovery/member_document.h"
#include "discovery/secret_document.h"
#include "discovery/shard_document.h"
#include "discovery/tenant_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Parses and prints; false = refused. */
static bool once(unsigned kind, struct bytes text, struct arena *arena, struct buf *out)
{
    struct error err = {0};
    enum code code;

    if (kind == 0) {
        struct tenant_document tenant;

        code = tenant_document_parse(text, arena, &tenant, &err);
        if (code == OK)
            tenant_document_print(&tenant, out);
    } else if (kind == 1) {
        struct shard_document shard;

        code = shard_document_parse(text, arena, &shard, &err);
        if (code == OK) {
            struct bytes hosts = shard_uri_hosts(shard.uri);

            expect(hosts.size == 0 || memchr(hosts.data, '@', hosts.size) == NULL);
            shard_document_print(&shard, out);
        }
    } else if (kind == 3) {
        struct secret_document secrets;

        code = secret_document_parse(text, arena, &secrets, &err);
        if (code == OK) {
            for (size_t i = 0; i < secrets.count; i++)
                expect(secret_goes_to(&secrets.secrets[i], secrets.secrets[i].hosts[0]));
            secret_document_print(&secrets, out);
        }
    } else {
        struct member_document member;

        code = member_document_parse(text, arena, &member, &err);
        if (code == OK)
            member_document_print(&member, out);
    }
    expect(code == OK || (code == E_CONFIG && err.text[0] != '\0'));
    return code == OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first = BUF_INIT(8 << 20), second = BUF_INIT(8 << 20);
    struct arena arena;
    unsigned kind;

    if (size == 0)
        return 0;
    kind = data[0] % 4U;
    arena_init(&arena, SIZE_MAX, NULL);
    if (once(kind, (struct bytes){(const char *)data + 1, size - 1}, &arena, &first)) {
        expect(!first.failed);
        expect(once(kind, buf_bytes(&first), &arena, &second));
        expect(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    }
    arena_release(&arena);
    buf_release(&first);
    buf_release(&second);
    return 0;
}
