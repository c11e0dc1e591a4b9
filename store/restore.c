#include "store/restore.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/backup.h"
#include "store/index.h"
#include "store/verify.h"

struct restore {
    const struct restore_options *options;
    struct restore_report *report;
    uint64_t done, total;
    char first_fault[ERROR_TEXT_SIZE];
};

static enum code step(void *context, uint64_t bytes, struct error *err)
{
    struct restore *restore = context;
    const struct restore_options *options = restore->options;

    restore->done += bytes;
    return options->step == NULL
               ? OK
               : options->step(options->context, restore->done, restore->total, err);
}

static enum code enough_room(const struct restore *restore, struct error *err)
{
    uint64_t free_bytes;
    enum code code = fs_space(restore->options->to, &free_bytes, err);

    if (code == OK && restore->total > free_bytes)
        code = error_set(err, E_DISK_FULL,
                         "the backup has %" PRIu64 " bytes, and %" PRIu64 " bytes are free there",
                         restore->total, free_bytes);
    return code;
}

/* Label, index and packs are of one backup: nobody put a file of another one among them. */
static enum code belongs_together(const struct backup_label *label, struct index *index,
                                  struct error *err)
{
    struct identity identity;
    struct pack_totals totals;
    enum code code = identity_read(index, &identity, err);

    if (code == OK)
        code = pack_totals_of(index, &totals, err);
    if (code)
        return code;
    if (memcmp(&identity.incarnation, &label->identity.incarnation, sizeof(identity.incarnation)) !=
            0 ||
        identity.sealed_lsn != label->identity.sealed_lsn ||
        identity.ingest_last != label->identity.ingest_last ||
        memcmp(&totals, &label->totals, sizeof(totals)) != 0)
        return error_set(err, E_CORRUPT, "index: it is not what " BACKUP_LABEL_NAME " says");
    return OK;
}

/* Known losses of the source come with it, and are told by every answer as before. */
static void tell(void *context, const char *fault)
{
    struct restore *restore = context;
    static const char known[] = "told at an earlier start: ";

    if (restore->first_fault[0] == '\0' && strncmp(fault, known, sizeof(known) - 1) != 0)
        (void)snprintf(restore->first_fault, sizeof(restore->first_fault), "%s", fault);
}

static enum code verify(struct restore *restore, struct index *index, struct error *err)
{
    struct verify_report found;
    enum code code = store_verify(restore->options->to, index, tell, restore, &found, err);

    if (code)
        return code;
    if (found.faults > found.gaps_known)
        return error_set(err, E_CORRUPT, "%s", restore->first_fault);
    restore->report->gaps = found.gaps_known;
    restore->report->series = found.series;
    restore->report->tombstones = found.tombstones;
    restore->report->notes = found.notes;
    return OK;
}

static enum code bring(struct restore *restore, struct index **index, struct error *err)
{
    const struct restore_options *options = restore->options;
    const struct backup_label *label = &restore->report->label;
    struct pack_carry carry = {
        .files = {.from = options->from, .to = options->to, .step = step, .context = restore}
    };
    enum code code = fs_make_dir(options->to, "index", err);

    if (code == OK)
        code =
            file_copy(&carry.files, "index/data.mdb", label->index_bytes, &label->index_hash, err);
    if (code == OK)
        code = index_lmdb_open(options->index_path, options->map_bytes, false, index, err);
    if (code == OK)
        code = belongs_together(label, *index, err);
    if (code == OK)
        code = pack_carry(&carry, *index, err);
    if (code == E_NOT_FOUND && err != NULL) {
        struct error found = *err;

        code = error_set(err, E_CORRUPT, "it is not in the backup: %s", found.text);
    }
    return code;
}

enum code restore_run(const struct restore_options *options, struct restore_report *report,
                      struct error *err)
{
    struct restore restore = {.options = options, .report = report};
    struct index *index = NULL;
    enum code code;

    *report = (struct restore_report){.gaps = 0};
    code = backup_read_label(options->from, &report->label, err);
    if (code)
        return code;
    restore.total = report->label.index_bytes + report->label.totals.file_bytes;
    code = enough_room(&restore, err);
    if (code == OK)
        code = bring(&restore, &index, err);
    if (code == OK)
        code = identity_renew(index, &report->incarnation, err);
    if (code == OK)
        code = fs_make_dir(options->to, "wal", err); /* as a first start makes it */
    if (code == OK)
        code = verify(&restore, index, err);
    index_lmdb_close(index);
    return code;
}
