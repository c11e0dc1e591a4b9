/* Commands against a registry of files in a directory of its own. */
#ifndef WEIR_TESTS_UNIT_SERVER_REGISTRY_ROOM_H
#define WEIR_TESTS_UNIT_SERVER_REGISTRY_ROOM_H

#include <ftw.h>
#include <sys/stat.h>

#include "server/commands.h"
#include "tests/unit/server/captured.h"

static char room_root[64], room_place[80], room_uri[80];
static struct captured room;

static inline int room_remove_one(const char *path, const struct stat *stat, int kind,
                                  struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

/* With a file that holds an address that nothing answers at. */
static inline int room_open(void **state)
{
    FILE *file;

    (void)state;
    snprintf(room_root, sizeof(room_root), "%s", "/tmp/weir-room-XXXXXX");
    if (!mkdtemp(room_root))
        return -1;
    snprintf(room_place, sizeof(room_place), "%s/registry", room_root);
    snprintf(room_uri, sizeof(room_uri), "%s/uri", room_root);
    file = fopen(room_uri, "w");
    if (!file)
        return -1;
    fputs("mongodb://user:canary@127.0.0.1:1/?serverSelectionTimeoutMS=10\n", file);
    fclose(file);
    return chmod(room_uri, 0600);
}

static inline int room_close(void **state)
{
    (void)state;
    return nftw(room_root, room_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The words behind the command's name, NULL-terminated; --registry is added. */
static inline int room_run(int (*command)(int, char **), const char *name, const char *const *words)
{
    const char *line[CAPTURED_ARGUMENTS_MAX + 1] = {name};
    size_t count = 1;

    while (*words)
        line[count++] = *words++;
    line[count++] = "--registry";
    line[count++] = room_place;
    captured_run(command, line, &room);
    if (strstr(room.out, "canary") || strstr(room.err, "canary"))
        fail_msg("%s: the secret was told: %s%s", name, room.out, room.err);
    return room.exit_code;
}

#define ROOM(command, ...)                                                                         \
    room_run(command_##command, #command, (const char *const[]){__VA_ARGS__, NULL})

/* Fails unless the last one ended so, and said `text` on stdout or stderr. */
static inline void room_said(int exit_code, const char *text)
{
    if (room.exit_code != exit_code || (!strstr(room.out, text) && !strstr(room.err, text)))
        fail_msg("exit %d, wanted %d and \"%s\" in:\n%s%s", room.exit_code, exit_code, text,
                 room.out, room.err);
}

#endif
