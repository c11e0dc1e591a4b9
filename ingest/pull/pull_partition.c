/* Partitions of a source, and what it knows of its work in each. */
#include "ingest/pull/pull_inside.h"

#include "codec/utf8.h"

#include <stdlib.h>

static void free_rest(struct pull_rest **at)
{
    struct pull_rest *rest = *at;

    *at = rest->next;
    free(rest->page);
    free(rest);
}

void partition_drop_rests(struct pull_partition *partition, int64_t start_ns, int64_t end_ns)
{
    for (struct pull_rest **at = &partition->rests; *at != NULL;)
        if ((*at)->start_ns < end_ns && start_ns < (*at)->end_ns)
            free_rest(at);
        else
            at = &(*at)->next;
}

static void release_partition(struct pull_partition *partition)
{
    while (partition->rests != NULL)
        free_rest(&partition->rests);
    window_set_release(&partition->windows);
    window_set_release(&partition->failed);
    window_set_release(&partition->undone);
    free(partition->etag);
    free(partition->modified);
    free(partition->body);
}

void partition_print(const struct source_partition *partition, char text[PULL_PARTITION_SIZE])
{
    static const char cut[] = "\xe2\x80\xa6"; /* ... */
    size_t size = 0, room = PULL_PARTITION_SIZE - sizeof(cut);
    bool whole = true;

    for (size_t i = 0; i < partition->count; i++) {
        const struct source_variable *variable = &partition->variables[i];
        const struct bytes parts[] = {i > 0 ? BYTES(", ") : BYTES(""), variable->name, BYTES("="),
                                      variable->value};

        for (size_t p = 0; p < COUNT_OF(parts); p++) {
            size_t fits = parts[p].size < room - size ? parts[p].size : room - size;

            whole = whole && fits == parts[p].size;
            if (fits > 0)
                memcpy(text + size, parts[p].data, fits);
            size += fits;
        }
    }
    if (!whole) { /* between characters */
        size = utf8_check((struct bytes){text, size});
        memcpy(text + size, cut, sizeof(cut));
        return;
    }
    text[size] = '\0';
}

void partitions_release(struct pull_source *source)
{
    for (size_t i = 0; i < source->partition_count; i++)
        release_partition(&source->partitions[i]);
    map_release(&source->partitions_by_id);
    source->partition_count = 0;
    source->partitions = NULL;
    arena_release(&source->arena);
}

bool partitions_make(struct pull_source *source, const struct source_partition *partitions,
                     size_t count)
{
    source->partitions = ARENA_ARRAY(&source->arena, struct pull_partition, count);
    for (size_t i = 0; source->partitions != NULL && i < count; i++) {
        struct pull_partition *partition = &source->partitions[source->partition_count++];

        partition->variables = &partitions[i];
        partition_id(partition->variables, partition->id);
        window_set_init(&partition->windows, &source->source->window);
        window_set_init(&partition->failed, &source->source->window);
        window_set_init(&partition->undone, &source->source->window);
        partition->history_ns = INT64_MIN; /* until the first pull */
        /* One alone is found without a table. */
        if (count > 1 && !map_put(&source->partitions_by_id, bytes_of(partition->id), partition))
            return false;
    }
    return source->partitions != NULL;
}

/* As before anything was read of it. */
void partitions_forget(struct pull_source *source)
{
    for (size_t i = 0; i < source->partition_count; i++) {
        struct pull_partition *partition = &source->partitions[i];

        release_partition(partition);
        partition->rests = NULL;
        partition->etag = partition->modified = partition->body = NULL;
        partition->noted = false;
        window_set_init(&partition->windows, &source->source->window);
        window_set_init(&partition->failed, &source->source->window);
        window_set_init(&partition->undone, &source->source->window);
        partition->history_ns = INT64_MIN;
    }
    source->last_ns = INT64_MIN;
}

struct pull_partition *partition_find(const struct pull_source *source, const char *id)
{
    if (source->partition_count == 1)
        return strcmp(source->partitions[0].id, id) == 0 ? &source->partitions[0] : NULL;
    return map_get(&source->partitions_by_id, bytes_of(id));
}

static enum code add_stretches(struct window_set *to, const struct window_set *from,
                               int64_t start_ns, int64_t end_ns, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < from->done_count; i++) {
        const struct stretch_of_time *done = &from->done[i];

        code = window_set_done(to, time_later(start_ns, done->start_ns),
                               done->end_ns < end_ns ? done->end_ns : end_ns, err);
    }
    return code;
}

enum code partition_undo(struct pull_partition *partition, int64_t start_ns, int64_t end_ns,
                         struct error *err)
{
    enum code code = add_stretches(&partition->undone, &partition->windows, start_ns, end_ns, err);

    return code ? code : window_set_undo(&partition->windows, start_ns, end_ns, err);
}

enum code partition_had(const struct pull_partition *partition, struct window_set *had,
                        struct error *err)
{
    enum code code;

    window_set_init(had, partition->windows.rules);
    code = add_stretches(had, &partition->windows, INT64_MIN, INT64_MAX, err);
    return code ? code : add_stretches(had, &partition->undone, INT64_MIN, INT64_MAX, err);
}

static char *text_of(struct bytes text)
{
    return text.size == 0 ? NULL : strndup(text.data, text.size);
}

/* What another document made of an answer is not what this one would: it is asked for in full. */
enum code partition_take_note(struct pull_partition *partition, const struct progress_note *note,
                              bool windowed, struct bytes document, struct error *err)
{
    struct pull_rest *rest;

    if (!windowed) { /* the first that is met is the newest */
        if (!partition->noted && bytes_equal(note->document, document)) {
            partition->etag = text_of(note->etag);
            partition->modified = text_of(note->modified);
            partition->body = text_of(note->body);
        }
        partition->noted = true;
        return OK;
    }
    if (note->done)
        return window_set_done(&partition->windows, note->time_ns, note->end_ns, err);
    rest = calloc(1, sizeof(*rest));
    if (rest == NULL)
        return error_set(err, E_MEMORY, "no memory for the progress of a source");
    *rest = (struct pull_rest){.next = partition->rests,
                               .start_ns = note->time_ns,
                               .end_ns = note->end_ns,
                               .page_number = note->page_number,
                               .rows = note->rows,
                               .begun_ns = note->begun_ns,
                               .page = text_of(note->page)};
    partition->rests = rest;
    return OK;
}
