/* What a registry of files has on its disk: docs/formats/registry_files.md.  Everything but opening
 * is done under the folder's lock, which is held as long as the fs is open that
 * registry_folder_open() gives.  It may block. */
#ifndef WEIR_DISCOVERY_REGISTRY_FOLDER_H
#define WEIR_DISCOVERY_REGISTRY_FOLDER_H

#include "base/arena.h"
#include "base/fs.h"
#include "discovery/registry.h"

/* All records, but for ephemeral ones that nobody holds. */
struct registry_folder {
    struct arena arena;
    struct registry_record *records;
    size_t count, room;
    size_t damaged;             /* which are none of them */
    char text[ERROR_TEXT_SIZE]; /* of the first that is */
};

/* Waits for the lock.  E_NOT_READY: others held it all the time.  *root is NULL on failure; close
 * it with fs_posix_close(). */
MUST_USE enum code registry_folder_open(const char *path, int wait_ms, struct fs **root,
                                        struct error *err);
/* The highest version that was given out; 0 when that is lost.  Needs no lock. */
MUST_USE enum code registry_folder_version(struct fs *root, uint64_t *version, struct error *err);

/* `folder` is to be released in any case. */
MUST_USE enum code registry_folder_read(const char *path, struct fs *root,
                                        struct registry_folder *folder, struct error *err);
void registry_folder_release(struct registry_folder *folder);

/* Whether what is there may be replaced by who expects that version: E_EXISTS, E_CONFLICT,
 * E_NOT_FOUND. */
MUST_USE enum code registry_folder_expect(struct fs *root, enum registry_kind kind,
                                          struct bytes name, uint64_t expected, struct error *err);
/* Sets the record's version, above all that are there and above `above`. */
MUST_USE enum code registry_folder_write(const char *path, struct fs *root, uint64_t above,
                                         struct registry_record *record, struct error *err);

/* OK: the ephemeral name is ours until *lock is closed (fs_posix_close()).  E_BUSY: somebody has
 * it. */
MUST_USE enum code registry_folder_hold(const char *path, enum registry_kind kind,
                                        struct bytes name, struct fs **lock, struct error *err);
/* By us or others. */
bool registry_folder_held(const char *path, enum registry_kind kind, struct bytes name);

#endif
