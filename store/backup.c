/* The index first, then the packs it names: the copy is of one transaction, so the two belong
 * together.  The server may compact and remove a pack before it is reached.  A newer copy of the
 * index does not name that one any more, and what was brought already is kept, so each try has less
 * to do; one that still names it tells that the pack is lost.
 *
 * Nothing is asked of the server but to keep what the index's readers see: LMDB does that for any
 * process. */
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "store/index.h"

enum {
    TRIES_MAX = 20,
    REST_TIMES = 3,          /* of the time that was worked: three quarters are the server's */
    REST_NS_MAX = 500000000, /* a disk that hung once is not paid for again */
};

struct backup {
    const struct backup_options *options;
    struct backup_report *report;
    struct pack_carry carry;
    uint64_t done;
    int64_t worked_from_ns;
};

static void rest(struct backup *backup)
{
    int64_t ns = REST_TIMES * (clock_monotonic_ns(clock_system()) - backup->worked_from_ns);
    struct timespec time = {.tv_nsec = (long)(ns < REST_NS_MAX ? ns : REST_NS_MAX)};

    (void)nanosleep(&time, NULL); /* a signal ends it early; step() sees to that */
    backup->worked_from_ns = clock_monotonic_ns(clock_system());
}

static enum code step(void *context, uint64_t bytes, struct error *err)
{
    struct backup *backup = context;
    const struct backup_options *options = backup->options;

    backup->done += bytes;
    if (options->hot)
        rest(backup);
    return options->step == NULL ? OK
                                 : options->step(options->context, backup->done,
                                                 backup->report->label.totals.file_bytes, err);
}

static enum code enough_room(const struct backup *backup, struct error *err)
{
    uint64_t want = backup->report->label.totals.file_bytes, free_bytes;
    enum code code = fs_space(backup->options->to, &free_bytes, err);

    if (code == OK && want > free_bytes + backup->done)
        code = error_set(err, E_DISK_FULL,
                         "packs of %" PRIu64 " bytes are to be copied, and %" PRIu64
                         " bytes are free there",
                         want, free_bytes);
    return code;
}

/* A copy of the index, opened, and what it says. */
static enum code look(struct backup *backup, struct index **copy, struct error *err)
{
    const struct backup_options *options = backup->options;
    struct backup_label *label = &backup->report->label;
    enum code code;

    backup->report->tries++;
    code = index_lmdb_copy(options->source, options->index_path, err);
    if (code == OK)
        code =
            file_hash(options->to, "index/data.mdb", &label->index_hash, &label->index_bytes, err);
    if (code == OK)
        code = index_lmdb_open(options->index_path, options->map_bytes, true, copy, err);
    if (code == OK)
        code = identity_read(*copy, &label->identity, err);
    if (code == OK)
        code = pack_totals_of(*copy, &label->totals, err);
    if (code == OK && !options->link)
        code = enough_room(backup, err);
    return code;
}

/* E_NOT_FOUND: once more. */
static enum code attempt(struct backup *backup, struct error *err)
{
    const struct backup_options *options = backup->options;
    char gone_before[PACK_PATH_SIZE];
    struct index *copy = NULL;
    struct error ignored;
    enum code code = look(backup, &copy, err);

    memcpy(gone_before, backup->carry.gone, sizeof(gone_before));
    backup->worked_from_ns = clock_monotonic_ns(clock_system());
    if (code == OK)
        code = pack_carry(&backup->carry, copy, err);
    if (code == E_NOT_FOUND && (!options->hot || strcmp(gone_before, backup->carry.gone) == 0))
        code = error_set(err, E_CORRUPT,
                         "%s is missing from the data directory, and the index names it",
                         backup->carry.gone);
    if (code == E_NOT_FOUND && backup->report->tries == TRIES_MAX)
        code = error_set(err, E_BUSY,
                         "packs were compacted faster than they were copied, %d times in a row; "
                         "a backup on the same file system links them instead",
                         TRIES_MAX);
    if (code == OK)
        code = pack_carry_prune(options->to, copy, err);
    index_lmdb_close(copy);
    (void)!fs_unlink(options->to, "index/lock.mdb", &ignored); /* of this look alone */
    return code;
}

enum code backup_take(const struct backup_options *options, struct backup_report *report,
                      struct error *err)
{
    struct backup backup = {
        .options = options,
        .report = report,
        .carry = {.files = {.from = options->from, .to = options->to, .step = step},
                  .link = options->link},
    };
    enum code code;

    *report = (struct backup_report){.tries = 0};
    backup.carry.files.context = &backup;
    do {
        struct error found = {0};

        code = attempt(&backup, &found);
        if (code && code != E_NOT_FOUND && err != NULL)
            *err = found;
    } while (code == E_NOT_FOUND);
    report->linked = backup.carry.linked;
    report->copied = backup.carry.copied;
    if (code == OK)
        code = fs_sync_dir(options->to, "index", err);
    return code;
}

enum code backup_write_label(struct fs *to, const struct backup_label *label, const char *version,
                             struct error *err)
{
    struct buf text = BUF_INIT(BACKUP_LABEL_BYTES_MAX);
    struct file *file = NULL;
    struct bytes part;
    enum code code;

    backup_label_encode(label, version, &text);
    code = buf_finish(&text, err);
    part = buf_bytes(&text);
    if (code == OK)
        code = fs_open(to, BACKUP_LABEL_NAME, FS_CREATE, &file, err);
    if (code == OK)
        code = fs_write(file, 0, &part, 1, err);
    if (code == OK)
        code = fs_sync(file, err);
    fs_close(file);
    buf_release(&text);
    return code;
}

enum code backup_read_label(struct fs *from, struct backup_label *label, struct error *err)
{
    char text[BACKUP_LABEL_BYTES_MAX];
    struct file *file = NULL;
    size_t size = 0;
    enum code code = fs_open(from, BACKUP_LABEL_NAME, FS_READ, &file, err);

    if (code == OK)
        code = fs_read(file, 0, text, sizeof(text), &size, err);
    fs_close(file);
    if (code == OK)
        code = backup_label_decode((struct bytes){text, size}, label, err);
    if (code && code != E_NOT_FOUND)
        error_context(err, BACKUP_LABEL_NAME);
    return code;
}
