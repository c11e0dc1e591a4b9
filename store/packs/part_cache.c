/* A file that is read may be removed meanwhile: the reader has it open, or does not find it any
 * more and takes it for one that was never there. */
#include "store/packs/part_cache.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

enum { PATH_SIZE = 32 };

/* What must stay free: the wal needs it more. */
static const uint64_t space_bytes_min = UINT64_C(256) * 1024 * 1024;

struct kept {
    struct part_key key;
    struct kept *newer, *older; /* by when it was asked for */
    uint64_t number;            /* of its file */
    uint64_t size;
};

struct part_cache {
    struct fs *fs;
    uint64_t bytes_max;
    pthread_mutex_t lock; /* guards: */
    struct map by_key;
    struct kept *newest, *oldest;
    uint64_t bytes, next;
    struct part_cache_counts counts; /* .bytes and .parts are not set */
};

static void path_of(uint64_t number, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "parts/%016" PRIx64, number);
}

static void file_remove(struct part_cache *cache, uint64_t number)
{
    char path[PATH_SIZE];
    struct error ignored;

    path_of(number, path);
    (void)!fs_unlink(cache->fs, path, &ignored); /* else the next start does it */
}

static struct bytes bytes_of_key(const struct part_key *key)
{
    return (struct bytes){(const char *)key, sizeof(*key)};
}

/* --- the list, under the lock --- */

static void list_add(struct part_cache *cache, struct kept *kept)
{
    kept->newer = NULL;
    kept->older = cache->newest;
    *(cache->newest == NULL ? &cache->oldest : &cache->newest->newer) = kept;
    cache->newest = kept;
}

static void list_remove(struct part_cache *cache, struct kept *kept)
{
    *(kept->newer == NULL ? &cache->newest : &kept->newer->older) = kept->older;
    *(kept->older == NULL ? &cache->oldest : &kept->older->newer) = kept->newer;
}

/* Takes it out and puts it in front of `gone`. */
static void take_out(struct part_cache *cache, struct kept *kept, struct kept **gone)
{
    list_remove(cache, kept);
    (void)map_remove(&cache->by_key, bytes_of_key(&kept->key));
    cache->bytes -= kept->size;
    kept->newer = *gone;
    *gone = kept;
}

static void shrink(struct part_cache *cache, struct kept **gone)
{
    while (cache->bytes > cache->bytes_max) {
        take_out(cache, cache->oldest, gone);
        cache->counts.evictions++;
    }
}

/* Without the lock. */
static void see_off(struct part_cache *cache, struct kept *gone)
{
    while (gone != NULL) {
        struct kept *next = gone->newer;

        file_remove(cache, gone->number);
        free(gone);
        gone = next;
    }
}

/* --- the cache --- */

static void remove_left(void *context, const char *name)
{
    struct part_cache *cache = context;
    char path[sizeof("parts/") + 255];
    struct error ignored;

    (void)snprintf(path, sizeof(path), "parts/%s", name);
    (void)!fs_unlink(cache->fs, path, &ignored);
}

enum code part_cache_new(struct fs *fs, uint64_t bytes_max, struct part_cache **cache,
                         struct error *err)
{
    struct part_cache *made = calloc(1, sizeof(*made));
    enum code code;

    *cache = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for a cache of parts");
    made->fs = fs;
    made->bytes_max = bytes_max;
    pthread_mutex_init(&made->lock, NULL);
    code = fs_make_dir(fs, "parts", err);
    if (code == OK)
        code = fs_list(fs, "parts", remove_left, made, err);
    if (code)
        part_cache_free(made);
    else
        *cache = made;
    return code;
}

void part_cache_free(struct part_cache *cache)
{
    struct kept *gone = NULL;

    if (cache == NULL)
        return;
    while (cache->oldest != NULL)
        take_out(cache, cache->oldest, &gone);
    see_off(cache, gone);
    map_release(&cache->by_key);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static bool file_read(struct part_cache *cache, uint64_t number, uint64_t offset, void *data,
                      size_t size)
{
    struct file *file = NULL;
    struct error ignored;
    char path[PATH_SIZE];
    bool read;

    path_of(number, path);
    read = fs_open(cache->fs, path, FS_READ, &file, &ignored) == OK &&
           fs_read_exactly(file, offset, data, size, &ignored) == OK;
    fs_close(file);
    return read;
}

bool part_cache_read(struct part_cache *cache, const struct part_key *key, uint64_t offset,
                     void *data, size_t size)
{
    struct kept *kept;
    uint64_t number = 0;
    bool read = false;

    pthread_mutex_lock(&cache->lock);
    kept = map_get(&cache->by_key, bytes_of_key(key));
    if (kept != NULL) {
        number = kept->number;
        list_remove(cache, kept);
        list_add(cache, kept);
    }
    pthread_mutex_unlock(&cache->lock);
    if (kept != NULL) { /* which may be gone by now */
        read = file_read(cache, number, offset, data, size);
        if (!read)
            part_cache_forget(cache, key->pack, key->part);
    }
    pthread_mutex_lock(&cache->lock);
    cache->counts.hits += read;
    cache->counts.misses += !read;
    pthread_mutex_unlock(&cache->lock);
    return read;
}

/* A file of the number. */
static bool file_write(struct part_cache *cache, uint64_t number, struct bytes part)
{
    struct file *file = NULL;
    struct error ignored;
    uint64_t free_bytes = 0;
    char path[PATH_SIZE];
    bool written;

    if (fs_space(cache->fs, &free_bytes, &ignored) != OK ||
        free_bytes < space_bytes_min + part.size)
        return false;
    path_of(number, path);
    written = fs_open(cache->fs, path, FS_CREATE, &file, &ignored) == OK &&
              fs_write(file, 0, &part, 1, &ignored) == OK;
    fs_close(file);
    if (!written)
        file_remove(cache, number);
    return written;
}

void part_cache_put(struct part_cache *cache, const struct part_key *key, struct bytes part)
{
    struct kept *made, *gone = NULL;
    uint64_t number;
    bool wanted;

    pthread_mutex_lock(&cache->lock);
    number = cache->next++;
    wanted = part.size <= cache->bytes_max && map_get(&cache->by_key, bytes_of_key(key)) == NULL;
    pthread_mutex_unlock(&cache->lock);
    made = wanted ? malloc(sizeof(*made)) : NULL;
    if (made == NULL)
        return;
    *made = (struct kept){.key = *key, .number = number, .size = part.size};
    if (!file_write(cache, number, part)) {
        free(made);
        return;
    }
    pthread_mutex_lock(&cache->lock);
    if (map_get(&cache->by_key, bytes_of_key(key)) == NULL &&
        map_put(&cache->by_key, bytes_of_key(&made->key), made)) {
        list_add(cache, made);
        cache->bytes += made->size;
    } else {
        made->newer = NULL;
        gone = made;
    }
    shrink(cache, &gone);
    pthread_mutex_unlock(&cache->lock);
    see_off(cache, gone);
}

void part_cache_forget(struct part_cache *cache, uint64_t pack, uint64_t part)
{
    struct kept *gone = NULL;

    pthread_mutex_lock(&cache->lock);
    for (struct kept *kept = cache->oldest, *next; kept != NULL; kept = next) {
        next = kept->newer;
        if (kept->key.pack == pack && (part == UINT64_MAX || kept->key.part == part))
            take_out(cache, kept, &gone);
    }
    pthread_mutex_unlock(&cache->lock);
    see_off(cache, gone);
}

struct part_cache_counts part_cache_counts(struct part_cache *cache)
{
    struct part_cache_counts counts;

    pthread_mutex_lock(&cache->lock);
    counts = cache->counts;
    counts.bytes = cache->bytes;
    counts.parts = cache->by_key.count;
    pthread_mutex_unlock(&cache->lock);
    return counts;
}
