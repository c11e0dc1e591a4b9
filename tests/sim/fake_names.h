/* Names of files and directories: whole paths in two flat arrays, what programs see and what the
 * disk holds, and the changes between them that wait for a sync of their directory. */
#ifndef WEIR_TESTS_SIM_FAKE_NAMES_H
#define WEIR_TESTS_SIM_FAKE_NAMES_H

#include "fake_node.h"

enum { PATH_SIZE = 160 };

struct name {
    char path[PATH_SIZE];
    struct node *node; /* NULL: a directory */
};

struct names {
    struct name *entries; /* ascending by path */
    size_t count, capacity;
};

enum name_change_kind { NAME_SET, NAME_REMOVED, NAME_MOVED };

struct name_change {
    enum name_change_kind kind;
    char path[PATH_SIZE], from[PATH_SIZE]; /* from: NAME_MOVED */
    struct node *node;                     /* NAME_SET, NAME_MOVED */
};

struct fake_names {
    struct fake_disk *disk; /* borrowed */
    struct names seen, durable;
    struct name_change *changes; /* in order */
    size_t change_count, change_capacity;
};

void fake_names_init(struct fake_names *names, struct fake_disk *disk);
void fake_names_release(struct fake_names *names);
bool fake_name_is_in(const char *path, const char *directory);
struct name *fake_names_find(struct fake_names *names, const char *path); /* NULL: none */
bool fake_names_has_parent(struct fake_names *names, const char *path);
void fake_names_set(struct fake_names *names, const char *path, struct node *node);
void fake_names_move(struct fake_names *names, const char *from, const char *to);
void fake_names_remove(struct fake_names *names, const char *path);
void fake_names_sync(struct fake_names *names, const char *directory);
/* A power cut: a choice of the changes that wait is kept, each for itself or in order. */
void fake_names_crash(struct fake_names *names);

#endif
