/* A merge of places by time.  Places wait in order of their nearer end (first time ascending, last
 * time descending); one is opened when the earliest row at hand is not surely before it, so all
 * rows of one time are always at hand together.  Where one place alone has rows up to the next
 * other row, they leave in one piece: in most data no two places overlap, and nothing is done
 * row by row. */
#include "query/scan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"

void scan_setting_release(struct scan_setting *setting)
{
    place_reader_free(setting->reader);
    setting->reader = NULL;
}

enum { MISSING_TOLD_MAX = 100 };

bool missing_note(struct missing *missing, struct bytes text)
{
    for (size_t i = 0; i < missing->count; i++)
        if (bytes_equal(missing->texts[i], text))
            return true;
    if (missing->count == MISSING_TOLD_MAX)
        return true;
    if (missing->count == missing->capacity) {
        size_t capacity = missing->capacity ? 2 * missing->capacity : 8;
        struct bytes *texts =
            arena_grow(missing->arena, missing->texts, missing->capacity * sizeof(*texts),
                       capacity * sizeof(*texts));

        if (!texts)
            return false;
        missing->texts = texts;
        missing->capacity = capacity;
    }
    missing->texts[missing->count] = arena_copy(missing->arena, text);
    if (!missing->texts[missing->count].data)
        return false;
    missing->count++;
    return true;
}

/* --- one place --- */

static void opened_free(struct opened *opened)
{
    while (opened) {
        struct opened *next = opened->next;

        arena_release(&opened->arena);
        free(opened);
        opened = next;
    }
}

/* The first row at or behind `time`. */
static uint32_t row_at(const struct rows *rows, int64_t time)
{
    uint32_t first = 0, end = rows->count;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;

        if (rows->time[middle] < time)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool any_present(const struct rows_column *column, uint32_t first, uint32_t end)
{
    return !column->present || memchr(column->present + first, 1, end - first);
}

static bool times_ascend(const struct opened *opened)
{
    const int64_t *time = opened->rows.time;
    uint32_t repeats = 0;

    for (uint32_t i = opened->at + 1; i < opened->end; i++)
        repeats += time[i] == time[i - 1];
    return repeats == 0;
}

static bool is_clean(const struct opened *opened, const struct place *place, int64_t as_of)
{
    const struct rows *rows = &opened->rows;

    if (opened->covering)
        return false;
    if (rows->ingest == NULL) /* a place alone, with nothing that would need them */
        return true;
    for (uint32_t i = opened->at; place->ingest_last > as_of && i < opened->end; i++)
        if (rows->ingest[i] > as_of)
            return false;
    for (uint32_t i = 0; i < rows->column_count; i++)
        if (rows->columns[i].type == TYPE_RETRACTED &&
            any_present(&rows->columns[i], opened->at, opened->end))
            return false;
    return times_ascend(opened);
}

/* Whether some deletion of the series may hide a row of the place. */
static bool any_deletion(const struct scan *scan, const struct place *place,
                         const struct opened *opened)
{
    const struct deletion_list *list = &scan->deletions;
    int64_t first = opened->rows.time[opened->at], last = opened->rows.time[opened->end - 1];

    for (uint32_t i = deletion_list_next(list, 0, first, last); i < list->count;
         i = deletion_list_next(list, i + 1, first, last))
        if (deletion_touches(&list->each[i], place, first, last))
            return true;
    return false;
}

static enum code make_reader(struct scan_setting *setting, struct error *err)
{
    if (setting->reader)
        return OK;
    return place_reader_new(setting->view, setting->fields, setting->field_count,
                            setting->keep_bytes_max, &setting->watch->memory, &setting->reader,
                            err);
}

/* What a block could not be read for.  OK: the answer goes on without it, and says so. */
static enum code read_fault(struct scan_setting *setting, enum code code, const struct error *fault,
                            struct error *err)
{
    if (code == E_CORRUPT) {
        log_error(LOG_ERROR, "a block cannot be read", fault);
        return missing_note(setting->missing, bytes_of(fault->text))
                   ? OK
                   : watch_memory(setting->watch, err);
    }
    if (code == E_MEMORY)
        return watch_memory(setting->watch, err);
    if (code && err)
        *err = *fault;
    return code;
}

static enum code read_place(struct scan *scan, const struct place *place, struct opened *opened,
                            struct error *err)
{
    struct scan_setting *setting = scan->setting;
    struct error fault = {0};
    enum code code = make_reader(setting, err);

    if (code)
        return code;
    code = place_reader_read(setting->reader, place, scan->series, &opened->arena, &opened->rows,
                             &fault);
    if (code == E_CORRUPT)
        opened->rows.count = 0;
    code = read_fault(setting, code, &fault, err);
    return code ? code : watch_bytes(setting->watch, place_reader_bytes(setting->reader), err);
}

enum code scan_row_time(struct scan *scan, const struct place *place, uint32_t row, int64_t *time,
                        bool *known, struct error *err)
{
    struct error fault = {0};
    enum code code = make_reader(scan->setting, err);

    *known = false;
    if (code)
        return code;
    code = place_reader_time(scan->setting->reader, place, row, time, &fault);
    *known = code == OK;
    return read_fault(scan->setting, code, &fault, err);
}

/* *opened is NULL when the place has no row of the series in the range. */
static enum code open_place(struct scan *scan, const struct place *place, struct opened **opened,
                            struct error *err)
{
    struct budget *memory = &scan->setting->watch->memory;
    struct opened *fresh = calloc(1, sizeof(*fresh));
    enum code code;

    *opened = NULL;
    if (!fresh)
        return error_set(err, E_MEMORY, "no memory for the query");
    arena_init(&fresh->arena, memory->bytes_max, memory);
    if (summary_may_stand(scan, place) || summary_may_exclude(scan, place))
        fresh->summary = summary_read(scan, place, &fresh->arena);
    if (fresh->summary && fresh->summary->column_count == 0) { /* no row of it counts */
        code = OK;
        goto out;
    }
    if (fresh->summary) {
        *opened = fresh;
        return OK;
    }
    code = read_place(scan, place, fresh, err);
    if (code)
        goto out;
    fresh->at = row_at(&fresh->rows, scan->start);
    fresh->end = row_at(&fresh->rows, scan->end);
    if (fresh->at >= fresh->end)
        goto out;
    fresh->covering = any_deletion(scan, place, fresh) ? &scan->covering : NULL;
    fresh->settled = place->settled;
    fresh->author = place->author;
    fresh->clean = is_clean(fresh, place, scan->setting->as_of);
    *opened = fresh;
    return OK;

out:
    opened_free(fresh);
    return code;
}

/* --- the heap --- */

static int64_t next_time(const struct scan *scan, const struct opened *opened)
{
    return opened->rows.time[scan->setting->descending ? opened->end - 1 : opened->at];
}

/* Strictly before, in the order of the scan. */
static bool before(const struct scan *scan, int64_t a, int64_t b)
{
    return scan->setting->descending ? a > b : a < b;
}

static void sift_down(struct scan *scan, size_t at)
{
    struct opened **heap = scan->heap;

    for (;;) {
        size_t child = 2 * at + 1;
        struct opened *moved = heap[at];

        if (child >= scan->heap_count)
            return;
        if (child + 1 < scan->heap_count &&
            before(scan, next_time(scan, heap[child + 1]), next_time(scan, heap[child])))
            child++;
        if (!before(scan, next_time(scan, heap[child]), next_time(scan, moved)))
            return;
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static enum code push(struct scan *scan, struct opened *opened, struct error *err)
{
    size_t at = scan->heap_count;

    if (at == scan->heap_capacity) {
        size_t capacity = at ? 2 * at : 8;
        struct opened **heap = arena_grow(&scan->arena, scan->heap, at * sizeof(struct opened *),
                                          capacity * sizeof(struct opened *));

        if (!heap)
            return watch_memory(scan->setting->watch, err);
        scan->heap = heap;
        scan->heap_capacity = capacity;
    }
    scan->heap_count++;
    for (; at > 0; at = (at - 1) / 2) {
        struct opened *parent = scan->heap[(at - 1) / 2];

        if (!before(scan, next_time(scan, opened), next_time(scan, parent)))
            break;
        scan->heap[at] = parent;
    }
    scan->heap[at] = opened;
    return OK;
}

/* All of it was given. */
static void spend(struct scan *scan, struct opened *opened)
{
    opened->next = scan->spent;
    scan->spent = opened;
    scan->spent_count++;
}

/* The top gave rows: it moves down, or leaves. */
static void top_moved(struct scan *scan)
{
    struct opened *top = scan->heap[0];

    if (top->at == top->end) {
        spend(scan, top);
        scan->heap[0] = scan->heap[--scan->heap_count];
    }
    if (scan->heap_count > 0)
        sift_down(scan, 0);
}

/* --- the scan --- */

static int compare_last(const void *a, const void *b)
{
    int64_t last_a = (*(const struct place *const *)a)->time_last;
    int64_t last_b = (*(const struct place *const *)b)->time_last;

    return last_a < last_b ? 1 : last_a > last_b ? -1 : 0;
}

enum code scan_open(struct scan *scan, struct scan_setting *setting, const struct series *series,
                    int64_t start, int64_t end, struct place *places, size_t place_count,
                    struct error *err)
{
    struct budget *memory = &setting->watch->memory;
    enum code code = OK;

    *scan = (struct scan){.setting = setting,
                          .series = series,
                          .start = start,
                          .end = end,
                          .first = start,
                          .last = end - 1};
    arena_init(&scan->arena, memory->bytes_max, memory);
    if (!places)
        code = view_places(setting->view, series, start, end, setting->versions, &scan->arena,
                           &places, &place_count, err);
    if (!code)
        code = deletions_of(setting->deletions, series, places, place_count, setting->watch,
                            &scan->arena, &scan->deletions, err);
    if (code)
        return code == E_MEMORY ? watch_memory(setting->watch, err) : code;
    if (!setting->versions)
        view_mark_alone(setting->view, series, places, place_count);
    scan->places = ARENA_ARRAY(&scan->arena, const struct place *, place_count);
    if (!scan->places)
        return watch_memory(setting->watch, err);
    for (size_t i = 0; i < place_count; i++)
        if (places[i].ingest_first <= setting->as_of && places[i].time_first < end &&
            places[i].time_last >= start)
            scan->places[scan->place_count++] = &places[i];
    if (setting->descending && scan->place_count > 1)
        qsort(scan->places, scan->place_count, sizeof(const struct place *), compare_last);
    return watch_step(setting->watch, err);
}

static void place_passed(struct scan *scan)
{
    const struct place *place = scan->places[scan->place_at++];

    if (scan->setting->descending) {
        if (scan->place_at == 1 || place->time_first < scan->time_reached)
            scan->time_reached = place->time_first;
    } else if (scan->place_at == 1 || place->time_last > scan->time_reached) {
        scan->time_reached = place->time_last;
    }
}

bool scan_pass(struct scan *scan, const struct place **place, bool *summary)
{
    if (scan->place_at == scan->place_count)
        return false;
    *place = scan->places[scan->place_at];
    *summary =
        !(*place)->shared && (summary_may_stand(scan, *place) || summary_may_exclude(scan, *place));
    place_passed(scan);
    return true;
}

/* Behind the slice that is wanted. */
static bool behind(const struct scan *scan, int64_t time)
{
    return scan->setting->descending ? time < scan->first : time > scan->last;
}

/* Opens until every row of the next time is at hand, or a place is met whose summary is enough:
 * such a one has no time in common with any other. */
static enum code open_due(struct scan *scan, struct opened **summed, struct error *err)
{
    *summed = NULL;
    while (scan->place_at < scan->place_count) {
        const struct place *place = scan->places[scan->place_at];
        int64_t nearest = scan->setting->descending ? place->time_last : place->time_first;
        struct opened *opened;
        enum code code;

        if (behind(scan, nearest) ||
            (scan->heap_count > 0 && before(scan, next_time(scan, scan->heap[0]), nearest)))
            return OK;
        if (place->time_last < scan->start || place->time_first >= scan->end) {
            place_passed(scan); /* scan_seek() has gone by */
            continue;
        }
        code = watch_step(scan->setting->watch, err);
        if (!code)
            code = open_place(scan, place, &opened, err);
        if (code)
            return code;
        place_passed(scan);
        if (!opened)
            continue;
        if (opened->summary) {
            *summed = opened;
            return OK;
        }
        code = push(scan, opened, err);
        if (code) {
            opened_free(opened);
            return code;
        }
    }
    return OK;
}

/* The nearest time that a row of another place than the top may have.  False: there is none. */
static bool nearest_other(const struct scan *scan, int64_t *time)
{
    bool any = false;

    for (size_t i = 1; i < scan->heap_count && i < 3; i++) { /* the children of the top */
        int64_t other = next_time(scan, scan->heap[i]);

        if (!any || before(scan, other, *time))
            *time = other;
        any = true;
    }
    if (scan->place_at < scan->place_count) {
        const struct place *place = scan->places[scan->place_at];
        int64_t nearest = scan->setting->descending ? place->time_last : place->time_first;

        if (!any || before(scan, nearest, *time))
            *time = nearest;
        any = true;
    }
    return any;
}

/* Rows that only the top has.  False: another place has its next time too. */
static bool take_stretch(struct scan *scan, struct stretch *stretch)
{
    struct opened *top = scan->heap[0];
    bool descending = scan->setting->descending;
    int64_t limit = 0;

    *stretch = (struct stretch){.place = top, .first = top->at, .end = top->end};
    if (nearest_other(scan, &limit)) {
        if (descending && limit >= top->rows.time[top->at])
            stretch->first = limit == INT64_MAX ? top->end : row_at(&top->rows, limit + 1);
        else if (!descending && limit <= top->rows.time[top->end - 1])
            stretch->end = row_at(&top->rows, limit);
    }
    if (stretch->first >= stretch->end)
        return false;
    if (descending)
        top->end = stretch->first;
    else
        top->at = stretch->end;
    top_moved(scan);
    return true;
}

static enum code add_version(struct scan *scan, struct stretch *stretch, const struct opened *place,
                             uint32_t row, struct error *err)
{
    if (stretch->version_count == scan->version_capacity) {
        size_t capacity = scan->version_capacity ? 2 * scan->version_capacity : 16;
        struct version *versions = arena_grow(&scan->arena, scan->versions,
                                              scan->version_capacity * sizeof(struct version),
                                              capacity * sizeof(struct version));

        if (!versions)
            return watch_memory(scan->setting->watch, err);
        scan->versions = versions;
        scan->version_capacity = capacity;
    }
    scan->versions[stretch->version_count++] = (struct version){place, row};
    return OK;
}

/* All rows of the next time. */
static enum code take_versions(struct scan *scan, struct stretch *stretch, struct error *err)
{
    int64_t time = next_time(scan, scan->heap[0]);

    *stretch = (struct stretch){.time = time};
    while (scan->heap_count > 0 && next_time(scan, scan->heap[0]) == time) {
        struct opened *top = scan->heap[0];

        while (top->at < top->end && next_time(scan, top) == time) {
            uint32_t row = scan->setting->descending ? --top->end : top->at++;
            enum code code = add_version(scan, stretch, top, row, err);

            if (code)
                return code;
        }
        top_moved(scan);
    }
    stretch->versions = scan->versions;
    if (!covering_find(&scan->covering, &scan->deletions, time, &scan->arena))
        return watch_memory(scan->setting->watch, err);
    return watch_work(scan->setting->watch, scan->covering.count, err);
}

static enum code count_rows(struct scan *scan, uint64_t count, struct error *err)
{
    struct watch *watch = scan->setting->watch;

    return scan->setting->uncounted ? watch_work(watch, count, err) : watch_rows(watch, count, err);
}

enum code scan_next(struct scan *scan, struct stretch *stretch, struct error *err)
{
    struct opened *summed;
    enum code code;

    code = open_due(scan, &summed, err);
    if (code)
        return code;
    if (summed) {
        *stretch = (struct stretch){.place = summed};
        spend(scan, summed);
        return OK;
    }
    if (scan->heap_count == 0 || behind(scan, next_time(scan, scan->heap[0])))
        return E_END;
    if (!scan->setting->versions && scan->heap[0]->clean && take_stretch(scan, stretch))
        return count_rows(scan, stretch->end - stretch->first, err);
    code = take_versions(scan, stretch, err);
    if (code)
        return code;
    return count_rows(scan, stretch->version_count, err);
}

void scan_seek(struct scan *scan, int64_t first, int64_t last)
{
    bool descending = scan->setting->descending;
    size_t kept = 0;

    assert(scan->setting->versions);
    assert(descending ? last <= scan->last : first >= scan->first);
    scan->first = first;
    scan->last = last;
    if (descending)
        scan->end = last + 1;
    else
        scan->start = first;
    for (size_t i = 0; i < scan->heap_count; i++) {
        struct opened *opened = scan->heap[i];

        if (descending && next_time(scan, opened) > last)
            opened->end = row_at(&opened->rows, last + 1);
        else if (!descending && next_time(scan, opened) < first)
            opened->at = row_at(&opened->rows, first);
        if (opened->at < opened->end)
            scan->heap[kept++] = opened;
        else
            spend(scan, opened);
    }
    scan->heap_count = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(scan, i);
}

void scan_forget(struct scan *scan)
{
    opened_free(scan->spent);
    scan->spent = NULL;
    scan->spent_count = 0;
}

void scan_release(struct scan *scan)
{
    scan_forget(scan);
    for (size_t i = 0; i < scan->heap_count; i++)
        opened_free(scan->heap[i]);
    scan->heap_count = 0;
    arena_release(&scan->arena);
}
