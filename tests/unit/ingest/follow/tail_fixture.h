/* A directory of a test's own, files in it, and a source that follows them. */
#ifndef WEIR_TESTS_UNIT_INGEST_FOLLOW_TAIL_FIXTURE_H
#define WEIR_TESTS_UNIT_INGEST_FOLLOW_TAIL_FIXTURE_H

#include "tests/unit/ingest/ground.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "ingest/follow/tail_place.h"
#include "ingest/source/source.h"

struct tail_fixture {
    char directory[64];
    struct tail_places places;
    struct arena arena;
    struct source *source;
};

/* `blocks` are added to those of a good document: "'decode': 'ndjson'". */
static inline struct source *tail_source(struct arena *arena, const char *path, const char *blocks)
{
    static const char form[] =
        "{'name': 'lab', 'files': {'paths': ['%s'], 'line_bytes_max': '1KiB'}, 'measurement': 'm', "
        "'time': {'path': 'n', 'format': 'unix_s'}, "
        "'values': [{'path': 'v', 'field': 'v'}], 'tags': {'p': {'path': 'p'}}, %s}";
    struct source_faults faults;
    struct source *source = NULL;
    struct error err = {0};
    char text[2048];

    snprintf(text, sizeof(text), form, path, *blocks == '\0' ? "'decode': 'csv'" : blocks);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    if (source_parse(BYTES(""), bytes_of(text), arena, &source, &faults, &err) != OK)
        fail_msg("%s: %s: %s", text, err.pointer, err.text);
    return source;
}

static inline void tail_fixture_init(struct tail_fixture *fixture, const char *name,
                                     const char *blocks)
{
    char path[128];

    *fixture = (struct tail_fixture){.places = {.count = 0}};
    arena_init(&fixture->arena, SIZE_MAX, NULL);
    memory_place_make(fixture->directory, sizeof(fixture->directory));
    assert_int_equal(tail_places_add(&fixture->places, bytes_of(fixture->directory), NULL), OK);
    snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
    fixture->source = tail_source(&fixture->arena, path, blocks);
}

static inline void tail_fixture_release(struct tail_fixture *fixture)
{
    source_free(fixture->source);
    arena_release(&fixture->arena);
    (void)nftw(fixture->directory, ground_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *tail_path(const struct tail_fixture *fixture, const char *name)
{
    static char paths[2][160];
    static unsigned turn;

    turn ^= 1;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", fixture->directory, name);
    return paths[turn];
}

/* Adds to the file; `flags` as O_TRUNC. */
static inline void tail_put(const struct tail_fixture *fixture, const char *name, int flags,
                            const char *text)
{
    int fd = open(tail_path(fixture, name), O_WRONLY | O_CREAT | O_APPEND | flags, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

#endif
