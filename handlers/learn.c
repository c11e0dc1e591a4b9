#include "handlers/learn.h"

#include <stdlib.h>

#include "catalog/catalog.h"
#include "handlers/app.h"
#include "handlers/peers.h"
#include "handlers/queries.h"
#include "store/view.h"

enum { AT_ONCE_MAX = 16 }; /* measurements of one request to each member */

static int compare_names(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

struct learning {
    const struct request *request;
    const struct tenant *tenant;
    struct asking asking;
    bool *all;
};

/* Of all rows of these measurements: a view that has them has their names in the catalog, and is
 * needed no longer; nor is its memory. */
static enum code learn_ranges(struct learning *learning, const struct query_range *ranges,
                              size_t count, struct error *err)
{
    struct view *view;
    size_t missing = 0;
    enum code code;

    if (request_cancelled(learning->request))
        return error_set(err, E_CANCELLED, "the client left");
    code = peers_open_view(&learning->asking, learning->tenant, VIEW_LATEST, ranges, count, &view,
                           err);
    if (code == OK) {
        (void)view_missing(view, &missing);
        *learning->all &= missing == 0;
        view_free(view);
    }
    asking_release(&learning->asking);
    return code;
}

static struct query_range whole(struct bytes measurement)
{
    return (struct query_range){.measurement = measurement, .start = INT64_MIN, .end = INT64_MAX};
}

/* Those of `names` that are not among `known`, each once, some at a time. */
static enum code learn_unknown(struct learning *learning, struct bytes *names, size_t name_count,
                               const struct bytes *known, size_t known_count, struct error *err)
{
    struct query_range ranges[AT_ONCE_MAX];
    size_t count = 0;
    enum code code = OK;

    if (name_count > 1)
        qsort(names, name_count, sizeof(*names), compare_names);
    for (size_t i = 0; code == OK && i < name_count; i++) {
        if ((i > 0 && bytes_equal(names[i], names[i - 1])) ||
            (known_count > 0 &&
             bsearch(&names[i], known, known_count, sizeof(*known), compare_names) != NULL))
            continue;
        ranges[count++] = whole(names[i]);
        if (count == AT_ONCE_MAX) {
            code = learn_ranges(learning, ranges, count, err);
            count = 0;
        }
    }
    return code || count == 0 ? code : learn_ranges(learning, ranges, count, err);
}

static enum code learn_measurements(struct learning *learning, struct error *err)
{
    struct app *app = app_of(learning->request);
    struct bytes *names, *known;
    size_t name_count, known_count;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, &app->query_memory);
    code = peers_names(&learning->asking, learning->tenant, &arena, &names, &name_count,
                       learning->all, err);
    asking_release(&learning->asking);
    if (code == OK)
        code = catalog_measurements(app->catalog, learning->tenant, BYTES(""), SIZE_MAX, &arena,
                                    &known, &known_count, err);
    if (code == OK)
        code = learn_unknown(learning, names, name_count, known, known_count, err);
    arena_release(&arena);
    return code;
}

enum code learn_names(const struct request *request, struct bytes measurement, bool *all,
                      struct error *err)
{
    struct app *app = app_of(request);
    struct query_environment environment = query_environment_of(request, NULL);
    const struct query_range range = whole(measurement);
    struct learning learning = {.request = request, .tenant = environment.tenant, .all = all};

    *all = true;
    if (!peers_are_there(app->peers) || environment.tenant == NULL)
        return OK;
    asking_init(&learning.asking, app->peers, &environment);
    return measurement.size > 0 ? learn_ranges(&learning, &range, 1, err)
                                : learn_measurements(&learning, err);
}
