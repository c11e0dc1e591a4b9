#include "ingest/source/source_reader.h"

static bool is_fetch(const struct json *value)
{
    return value == NULL ||
           (json_kind(value) == JSON_KIND_TEXT && bytes_equal(json_text_of(value), BYTES("fetch")));
}

static void take_known_at(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_versions *versions = block;

    versions->known_at_slot = SOURCE_NO_SLOT;
    if (!is_fetch(value))
        versions->known_at_slot = source_slot(reader, value, false);
}

static void take_format(struct source_reader *reader, const struct json *value, void *block)
{
    struct source_versions *versions = block;

    versions->format = (struct source_time_format){.kind = SOURCE_TIME_ISO};
    if (value != NULL)
        (void)source_format(reader, value, false, &versions->format);
}

static const char *const keeps[] = {"all", "latest", NULL};

static const struct source_key keys[] = {
    TAKE("known_at", take_known_at),
    TAKE("format", take_format),
    KEY("tz", KEY_ZONE, source_versions, zone),
    KEY("keep", KEY_EITHER, source_versions, latest, .choices = keeps),
};

void source_take_versions(struct source_reader *reader, const struct json *value, void *block)
{
    static const char *const of_path[] = {"format", "tz"};
    struct source_versions *versions = &((struct source *)block)->versions;

    if (!source_block(reader, value, keys, COUNT_OF(keys), versions) || value == NULL ||
        !is_fetch(json_member(value, "known_at")))
        return;
    for (size_t i = 0; i < COUNT_OF(of_path); i++)
        if (json_member(value, of_path[i]))
            source_fault_key(reader, of_path[i], "it is of a `known_at` that is a path");
}
