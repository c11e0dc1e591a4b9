#include "server/recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "discovery/tenants_file.h"

struct opened_shard {
    const struct shard_settings *settings;
    struct archive *archive;
};

struct recovery {
    const struct recovery_options *options;
    struct directory_snapshot *snapshot;
    const struct tenant_settings **wanted; /* owned, likewise below; of the file */
    size_t wanted_count;
    struct recover_tenant *tenants; /* chosen; room for all that are wanted, likewise below */
    struct chain_about *abouts;
    struct bytes *shard_names;
    size_t tenant_count;
    struct opened_shard *shards;
    size_t shard_count;
    struct hash128 incarnation; /* that was asked for */
    size_t undecided;           /* tenants with several chains */
    struct buf *told;
};

/* --- the tenants file --- */

static enum code want(struct recovery *recovery, const struct tenant_settings *settings,
                      struct error *err)
{
    for (size_t i = 0; i < recovery->wanted_count; i++)
        if (recovery->wanted[i] == settings)
            return error_set(err, E_CONFIG, "--tenant: %.*s stands twice",
                             BYTES_ARG(settings->name));
    recovery->wanted[recovery->wanted_count++] = settings;
    return OK;
}

static enum code want_named(struct recovery *recovery, struct error *err)
{
    const char *name = recovery->options->names;

    for (;;) {
        struct bytes text = {name, strcspn(name, ",")};
        const struct tenant_settings *settings = directory_tenant(recovery->snapshot, text);
        enum code code;

        if (settings == NULL)
            return error_set(err, E_CONFIG, "--tenant: %s names no tenant \"%.*s\"",
                             recovery->options->tenants, BYTES_ARG(text));
        if (settings->shard == NULL)
            return error_set(err, E_CONFIG, "--tenant: %s gives tenant %.*s no shard",
                             recovery->options->tenants, BYTES_ARG(text));
        code = want(recovery, settings, err);
        if (code || text.data[text.size] == '\0')
            return code;
        name += text.size + 1;
    }
}

static int name_order(const void *a, const void *b)
{
    return bytes_compare((*(const struct tenant_settings *const *)a)->name,
                         (*(const struct tenant_settings *const *)b)->name);
}

static enum code want_all(struct recovery *recovery, struct error *err)
{
    const struct tenant_settings *settings;

    for (size_t i = 0; (settings = directory_next(recovery->snapshot, &i)) != NULL;)
        if (settings->shard != NULL)
            recovery->wanted[recovery->wanted_count++] = settings;
    if (recovery->wanted_count == 0)
        return error_set(err, E_CONFIG, "%s gives no tenant a shard", recovery->options->tenants);
    qsort(recovery->wanted, recovery->wanted_count, sizeof(*recovery->wanted), name_order);
    return OK;
}

/* --- the shards --- */

static enum code shard_open(struct recovery *recovery, const struct shard_settings *settings,
                            struct archive **archive, struct error *err)
{
    struct opened_shard *opened = &recovery->shards[recovery->shard_count];
    char name[128];
    enum code code;

    for (size_t i = 0; i < recovery->shard_count; i++)
        if (recovery->shards[i].settings == settings) {
            *archive = recovery->shards[i].archive;
            return OK;
        }
    (void)snprintf(name, sizeof(name), "%.*s", BYTES_ARG(settings->name));
    code = recovery->options->open(settings->uri, settings->unsafe, name, archive, err);
    if (code)
        return code;
    *opened = (struct opened_shard){settings, *archive};
    recovery->shard_count++;
    return OK;
}

static void choose(struct recovery *recovery, const struct tenant_settings *settings,
                   struct archive *archive, const struct chain_about *about)
{
    size_t at = recovery->tenant_count++;

    recovery->tenants[at] = (struct recover_tenant){settings->name, archive, about->incarnation};
    recovery->abouts[at] = *about;
    recovery->shard_names[at] = settings->shard->name;
}

static void tell_chains(struct recovery *recovery, const struct tenant_settings *settings,
                        const struct chain_about *chains, size_t count)
{
    buf_printf(recovery->told,
               "tenant %.*s was delivered to shard %.*s from %zu data directories; choose one with "
               "--incarnation:\n",
               BYTES_ARG(settings->name), BYTES_ARG(settings->shard->name), count);
    for (size_t i = 0; i < count; i++) {
        char incarnation[HASH128_TEXT_SIZE], through[TIMESTAMP_TEXT_SIZE] = "an unknown moment";

        hash128_print(&chains[i].incarnation, incarnation);
        if (chains[i].through != INT64_MIN)
            through[timestamp_print(chains[i].through, through)] = '\0';
        buf_printf(recovery->told, "  %s  through %s, %" PRIu64 " packs, %" PRIu64 " rows\n",
                   incarnation, through, chains[i].packs, chains[i].rows);
    }
}

/* Nothing was ever delivered of an idle tenant: one that was not asked for may stay away. */
static enum code miss(struct recovery *recovery, const struct tenant_settings *settings,
                      struct error *err)
{
    const char *what = recovery->options->incarnation == NULL ? "" : " by that incarnation";

    if (recovery->options->names != NULL)
        return error_set(err, E_NOT_FOUND, "nothing of tenant %.*s was delivered to shard %.*s%s",
                         BYTES_ARG(settings->name), BYTES_ARG(settings->shard->name), what);
    buf_printf(recovery->told, "nothing of tenant %.*s was delivered to shard %.*s%s: left out\n",
               BYTES_ARG(settings->name), BYTES_ARG(settings->shard->name), what);
    return OK;
}

static enum code ask_for(struct recovery *recovery, const struct tenant_settings *settings,
                         struct archive *archive, struct error *err)
{
    struct chain_list list = {.count = 0};
    struct chain_about about;
    struct error found = {0};
    enum code code =
        chain_read(archive, settings->name, &recovery->incarnation, &list, &about, &found);

    chain_list_release(&list);
    if (code == OK)
        choose(recovery, settings, archive, &about);
    else if (code == E_NOT_FOUND)
        code = miss(recovery, settings, err);
    else if (err != NULL)
        *err = found;
    return code;
}

static enum code look_for(struct recovery *recovery, const struct tenant_settings *settings,
                          struct archive *archive, struct error *err)
{
    struct chain_about *chains;
    size_t count;
    enum code code = chain_survey(archive, settings->name, &chains, &count, err);

    if (code)
        return code;
    if (count == 0) {
        code = miss(recovery, settings, err);
    } else if (count == 1) {
        choose(recovery, settings, archive, &chains[0]);
    } else {
        tell_chains(recovery, settings, chains, count);
        recovery->undecided++;
    }
    free(chains);
    return code;
}

static enum code ask_shards(struct recovery *recovery, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < recovery->wanted_count; i++) {
        const struct tenant_settings *settings = recovery->wanted[i];
        struct archive *archive;

        code = shard_open(recovery, settings->shard, &archive, err);
        if (code == OK)
            code = recovery->options->incarnation == NULL
                       ? look_for(recovery, settings, archive, err)
                       : ask_for(recovery, settings, archive, err);
        if (code && code != E_NOT_FOUND)
            error_context(err, "tenant %.*s", BYTES_ARG(settings->name));
    }
    if (code == OK && recovery->undecided > 0)
        code = error_set(err, E_CONFIG, "which of the data directories is meant?");
    if (code == OK && recovery->tenant_count == 0)
        code = error_set(err, E_NOT_FOUND, "nothing was delivered to the shards of %s",
                         recovery->options->tenants);
    return code;
}

enum code recovery_open(const struct recovery_options *options, struct recovery **out,
                        struct buf *told, struct error *err)
{
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    size_t count;
    enum code code;

    *out = NULL;
    if (recovery == NULL) {
        directory_put(options->snapshot);
        return error_set(err, E_MEMORY, "no memory to restore");
    }
    recovery->snapshot = options->snapshot;
    recovery->options = options;
    recovery->told = told;
    code = options->incarnation == NULL ||
                   hash128_parse(bytes_of(options->incarnation), &recovery->incarnation)
               ? OK
               : error_set(err, E_CONFIG, "--incarnation: \"%s\" is not 32 hexadecimal digits",
                           options->incarnation);
    if (code == OK && recovery->snapshot == NULL)
        code = tenants_file_read(options->tenants, options->limits, &recovery->snapshot, err);
    if (code)
        goto out;
    assert(recovery->wanted_count == 0);
    assert(recovery->shard_count == 0);
    count = directory_tenant_count(recovery->snapshot) + 1;
    recovery->wanted = calloc(count, sizeof(*recovery->wanted));
    recovery->tenants = calloc(count, sizeof(*recovery->tenants));
    recovery->abouts = calloc(count, sizeof(*recovery->abouts));
    recovery->shard_names = calloc(count, sizeof(*recovery->shard_names));
    recovery->shards = calloc(count, sizeof(*recovery->shards));
    if (recovery->wanted == NULL || recovery->tenants == NULL || recovery->abouts == NULL ||
        recovery->shard_names == NULL || recovery->shards == NULL)
        code = error_set(err, E_MEMORY, "no memory for %zu tenants", count);
    if (code == OK)
        code = options->names == NULL ? want_all(recovery, err) : want_named(recovery, err);
    if (code == OK)
        code = ask_shards(recovery, err);

out:
    if (code)
        recovery_close(recovery);
    else
        *out = recovery;
    return code;
}

const struct recover_tenant *recovery_tenants(const struct recovery *recovery, size_t *count)
{
    *count = recovery->tenant_count;
    return recovery->tenants;
}

const struct chain_about *recovery_about(const struct recovery *recovery, size_t at)
{
    return &recovery->abouts[at];
}

struct bytes recovery_shard(const struct recovery *recovery, size_t at)
{
    return recovery->shard_names[at];
}

void recovery_close(struct recovery *recovery)
{
    if (recovery == NULL)
        return;
    for (size_t i = 0; i < recovery->shard_count; i++)
        recovery->shards[i].archive->operations->close(recovery->shards[i].archive);
    directory_put(recovery->snapshot);
    free(recovery->wanted);
    free(recovery->tenants);
    free(recovery->abouts);
    free(recovery->shard_names);
    free(recovery->shards);
    free(recovery);
}
