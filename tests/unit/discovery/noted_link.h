/* In place of zookeeper_link.c: a link that only notes what went out. */
#ifndef WEIR_TESTS_UNIT_DISCOVERY_NOTED_LINK_H
#define WEIR_TESTS_UNIT_DISCOVERY_NOTED_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/zookeeper_link.h"

#define SECOND INT64_C(1000000000)

static struct link_tag sent; /* the last */
static unsigned sent_count;

static inline bool note(const struct link_tag *tag)
{
    sent = *tag;
    sent_count++;
    return true;
}

/* Ahead of a read, which counts. */
bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link, (void)path, (void)tag;
    return true;
}

bool link_read(struct zookeeper_link *link, const char *path, bool watch,
               const struct link_tag *tag)
{
    (void)link, (void)path, (void)watch;
    return note(tag);
}

bool link_create(struct zookeeper_link *link, const char *path, struct bytes text, bool ephemeral,
                 const struct link_tag *tag)
{
    (void)link, (void)path, (void)text;
    assert_int_equal(ephemeral, registry_kind_ephemeral(tag->kind));
    return note(tag);
}

bool link_write(struct zookeeper_link *link, const char *path, struct bytes text, int32_t version,
                const struct link_tag *tag)
{
    (void)link, (void)path, (void)text, (void)version;
    return note(tag);
}

bool link_remove(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    (void)link, (void)path;
    return note(tag);
}

#endif
