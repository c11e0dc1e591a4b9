/* A document is checked whole before it is a record; the record keeps it as it came.  Who pulls
 * follows the registry, so an answer tells what is declared, and what is known of how it goes. */
#include "handlers/source_records.h"

#include <inttypes.h>

#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/source_record.h"
#include "handlers/peers.h"
#include "handlers/records.h"
#include "handlers/source_work.h"
#include "http/reply.h"
#include "ingest/follow/tails.h"
#include "ingest/pull/puller.h"
#include "ingest/source/source.h"

enum { FETCHES_DEFAULT = 20, FETCHES_MAX = 1000 };

const char *const source_fetches_names[] = {"limit", NULL};
const char *const source_backfill_names[] = {"start", "end", NULL};

static struct bytes name_of(const struct record_job *job)
{
    return job->request->variable;
}

static struct bytes tenant_of(const struct record_job *job)
{
    return session_of(job->request)->settings->name;
}

static struct puller *puller_of(const struct record_job *job)
{
    return app_of(job->request)->puller;
}

static struct tails *tails_of(const struct record_job *job)
{
    return app_of(job->request)->tails;
}

/* Each node follows its own. */
static bool follows_files(const struct record_job *job)
{
    return tails_of(job) != NULL && tails_has(tails_of(job), tenant_of(job), name_of(job));
}

static bool status_put(struct record_job *job, struct bytes name)
{
    const struct bytes tenant = tenant_of(job);

    return (puller_of(job) != NULL && puller_status(puller_of(job), tenant, name, &job->out)) ||
           (tails_of(job) != NULL && tails_status(tails_of(job), tenant, name, &job->out));
}

static bool fetches_put(struct record_job *job, size_t limit)
{
    const struct bytes tenant = tenant_of(job), name = name_of(job);

    return (puller_of(job) != NULL &&
            puller_fetches(puller_of(job), tenant, name, limit, &job->out)) ||
           (tails_of(job) != NULL && tails_records(tails_of(job), tenant, name, limit, &job->out));
}

/* In the arena. */
static enum code record_name(struct record_job *job, struct bytes *name, struct error *err)
{
    struct buf text = BUF_INIT(REGISTRY_NAME_SIZE_MAX + 1);
    enum code code = OK;

    if (!source_name_valid(name_of(job)))
        code = error_set(err, E_BAD_NAME,
                         "\"%.*s\" is no name of a source: 1 to 64 of a-z, 0-9, _, -, beginning "
                         "with a letter or a digit",
                         BYTES_ARG(name_of(job)));
    else if (!source_record_name(tenant_of(job), name_of(job), &text))
        code = error_set(err, E_MEMORY, "no memory for a source");
    if (code == OK)
        *name = arena_copy(&job->arena, buf_bytes(&text));
    if (code == OK && name->data == NULL)
        code = error_set(err, E_MEMORY, "no memory for a source");
    buf_release(&text);
    return code;
}

/* --- reading --- */

static enum code not_there(const struct record_job *job, struct error *err)
{
    return error_set(err, E_NOT_FOUND, "there is no source \"%.*s\"", BYTES_ARG(name_of(job)));
}

/* A record that is not right is told with why. */
static enum code parse(struct record_job *job, const struct registry_record *record,
                       struct source_record *source, struct error *why, struct error *err)
{
    *source = (struct source_record){.deleted = false};
    if (source_record_parse(record->text, &job->arena, source, why) == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a source");
    return OK;
}

/* E_NOT_FOUND also where it was deleted. */
static enum code find(struct record_job *job, const struct registry_snapshot *records,
                      struct bytes name, struct source_record *source, struct error *why,
                      struct error *err)
{
    const struct registry_record *record = registry_find(records, REGISTRY_SOURCES, name);
    enum code code;

    if (record == NULL)
        return not_there(job, err);
    code = parse(job, record, source, why, err);
    if (code == OK && source->deleted)
        return not_there(job, err);
    job->version = record->version;
    return code;
}

/* Of one that another node pulls that one is asked: how it goes, or so many of its fetches.  Empty:
 * it is this one, or nobody says that he does. */
static struct bytes ask_holder(struct record_job *job, size_t fetches)
{
    struct app *app = app_of(job->request);
    struct asking asking = {.peers = app->peers, .wait = workers_wait, .waiter = app->workers};
    struct bytes told = BYTES("");

    if (app->peers == NULL || puller_of(job) == NULL || follows_files(job) ||
        puller_holds(puller_of(job), tenant_of(job), name_of(job)))
        return told;
    if (!peers_source(&asking, session_of(job->request)->tenant, name_of(job), fetches, &job->arena,
                      &told))
        told = BYTES("");
    asking_release(&asking);
    return told;
}

/* `why`: of a record that is not right; whoever pulled what it said before goes on with that.
 * `told`: by another node; empty: this one says what it knows. */
static void put_head(struct record_job *job, struct bytes name, const struct source_record *source,
                     const struct error *why, struct bytes told)
{
    buf_put_text(&job->out, "{\"name\":");
    json_put_text(&job->out, name);
    buf_printf(&job->out, ",\"version\":%" PRIu64 ",\"paused\":%s,\"status\":", job->version,
               source->paused ? "true" : "false");
    if (why->code) {
        buf_put_text(&job->out, "{\"state\":\"wrong\",\"error\":");
        json_put_text(&job->out, bytes_of(why->text));
        buf_put_char(&job->out, '}');
    } else if (told.size > 0) {
        buf_put(&job->out, told);
    } else if (!status_put(job, name)) {
        buf_put_text(&job->out, "null");
    }
}

static enum code list(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records;
    size_t first, end, listed = 0;
    enum code code = OK;

    records = records_of(job);
    buf_put_text(&job->out, "{\"sources\":[");
    registry_range(records, REGISTRY_SOURCES, &first, &end);
    for (size_t i = first; i < end && code == OK; i++) {
        const struct registry_record *record = &records->records[i];
        struct source_record source;
        struct bytes tenant, name;
        struct error why = {0};

        if (!source_record_split(record->name, &tenant, &name) ||
            !bytes_equal(tenant, tenant_of(job)))
            continue;
        code = parse(job, record, &source, &why, err);
        if (code || source.deleted)
            continue;
        if (listed++ > 0)
            buf_put_char(&job->out, ',');
        job->version = record->version;
        put_head(job, name, &source, &why, BYTES(""));
        buf_put_char(&job->out, '}');
    }
    buf_put_text(&job->out, "]}");
    job->version = 0;
    registry_snapshot_put(records);
    return code;
}

static enum code show(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records;
    struct source_record source;
    struct error why = {0};
    struct bytes name;
    enum code code = record_name(job, &name, err);

    if (code)
        return code;
    records = records_of(job);
    code = find(job, records, name, &source, &why, err);
    if (code == OK) {
        put_head(job, name_of(job), &source, &why, why.code ? BYTES("") : ask_holder(job, 0));
        buf_put_text(&job->out, ",\"document\":");
        buf_put(&job->out, why.code ? BYTES("null") : source.document);
        buf_put_char(&job->out, '}');
    }
    registry_snapshot_put(records);
    return code;
}

static enum code fetches(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records;
    struct source_record source;
    struct error why = {0};
    struct bytes name, told;
    uint64_t limit;
    enum code code =
        parameter_number(job->request, "limit", 1, FETCHES_MAX, FETCHES_DEFAULT, &limit, err);

    if (code == OK)
        code = record_name(job, &name, err);
    if (code)
        return code;
    records = records_of(job);
    code = find(job, records, name, &source, &why, err);
    job->version = 0;
    registry_snapshot_put(records);
    if (code)
        return code;
    buf_put_text(&job->out, "{\"fetches\":");
    told = ask_holder(job, (size_t)limit);
    if (told.size > 0)
        buf_put(&job->out, told);
    else if (!fetches_put(job, (size_t)limit))
        buf_put_text(&job->out, "[]"); /* it was not taken up yet */
    buf_put_char(&job->out, '}');
    return OK;
}

/* --- changing --- */

void source_faults_put(const struct source_faults *faults, struct bytes within, struct buf *out)
{
    buf_put_text(out, ",\"errors\":[");
    for (size_t i = 0; i < faults->count; i++) {
        struct buf pointer = BUF_INIT(4096);

        buf_put(&pointer, within);
        buf_put(&pointer, faults->items[i].pointer);
        buf_put_text(out, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        json_put_text(out, buf_bytes(&pointer));
        buf_put_text(out, ",\"detail\":");
        json_put_text(out, faults->items[i].text);
        buf_put_char(out, '}');
        buf_release(&pointer);
    }
    buf_put_text(out, faults->more > 0 ? "],\"errors_truncated\":true" : "]");
}

enum code source_takes(const struct record_job *job, const struct source *source, struct error *err)
{
    if (!source->files.given || tails_of(job) == NULL)
        return OK;
    return tails_takes(tails_of(job), tenant_of(job), source, err);
}

/* What is put: a document of JSON, checked. */
struct put_document {
    struct bytes json;
    bool paused; /* it says so */
};

static enum code take_document(struct record_job *job, struct put_document *put, struct error *err)
{
    struct source_faults faults = {.count = 0};
    struct source *source = NULL;
    enum code code = OK;

    put->json = buf_bytes(&job->body);
    if (record_is_yaml(job->request))
        code = record_blame(source_of_yaml(put->json, &job->arena, &put->json, err), err);
    if (code == OK)
        code = source_parse(name_of(job), put->json, &job->arena, &source, &faults, err);
    if (faults.count > 0)
        source_faults_put(&faults, BYTES(""), &job->extra);
    if (code == OK)
        code = source_takes(job, source, err);
    put->paused = source != NULL && source->paused;
    source_free(source);
    return code;
}

/* Whether a source rests is of its record alone, so that it can be resumed whatever the document
 * said when it came. */
static enum code edit_put(struct record_job *job, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct source_record former = {.deleted = true};
    const struct put_document *put = context;
    struct source_record wanted = {.document = put->json};
    uint64_t most = session_of(job->request)->settings->limits.sources_max;
    struct error why = {0};

    if (record == NULL && source_records_count(records, tenant_of(job)) >= most)
        return error_set(err, E_SOURCES_MANY,
                         "the tenant gave %" PRIu64 " sources a name, deleted ones included, which "
                         "is the limit sources_max",
                         most);
    if (record != NULL && source_record_parse(record->text, &job->arena, &former, &why) == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a source");
    wanted.paused = put->paused || (!former.deleted && former.paused);
    wanted.wishes = former.wishes;
    job->status = record == NULL || former.deleted ? 201 : 200;
    source_record_print(&wanted, text);
    return OK;
}

/* So that If-None-Match: * declares what was deleted before. */
static bool is_deleted(struct record_job *job, const struct registry_record *record)
{
    struct source_record source = {.deleted = false};
    struct error why = {0};

    return source_record_parse(record->text, &job->arena, &source, &why) == OK && source.deleted;
}

static enum code replace(struct record_job *job, struct error *err)
{
    struct record_change change = {.kind = REGISTRY_SOURCES, .edit = edit_put};
    struct put_document put;
    enum code code = record_name(job, &change.name, err);

    job->gone = is_deleted;
    if (code == OK)
        code = take_document(job, &put, err);
    change.context = &put;
    if (code == OK)
        code = record_change(job, &change, err);
    if (code)
        return code;
    buf_put_text(&job->out, "{\"name\":");
    json_put_text(&job->out, name_of(job));
    buf_printf(&job->out, ",\"version\":%" PRIu64 "}", job->version);
    return OK;
}

/* What is asked of a source stands in its record: durable, and followed by whoever pulls it, which
 * may be another node than this. */
enum wish { WISH_DELETE, WISH_PAUSE, WISH_RESUME, WISH_PULL, WISH_BACKFILL };

struct wished {
    enum wish wish;
    int64_t start_ns, end_ns; /* of WISH_BACKFILL */
    int64_t now_ns;
    bool waits; /* out: it is paused */
};

static enum code edit_state(struct record_job *job, void *context,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, struct buf *text,
                            struct error *err)
{
    struct wished *wished = context;
    struct source_record source;
    enum code code;

    (void)records;
    if (record == NULL)
        return not_there(job, err);
    code = source_record_parse(record->text, &job->arena, &source, err);
    if (code == OK && source.deleted)
        return not_there(job, err);
    if (code && (code == E_MEMORY || wished->wish != WISH_DELETE))
        return code;
    code = OK;
    if (wished->wish == WISH_PULL)
        code = source_pull_check(name_of(job), source.document, &job->arena, err);
    else if (wished->wish == WISH_BACKFILL)
        code = source_backfill_check(name_of(job), source.document, wished->start_ns,
                                     wished->end_ns, &job->arena, err);
    if (code)
        return code;
    wished->waits = wished->wish >= WISH_PULL && source.paused;
    switch (wished->wish) {
    case WISH_DELETE:
        source = (struct source_record){.deleted = true};
        break;
    case WISH_PAUSE:
    case WISH_RESUME:
        source.paused = wished->wish == WISH_PAUSE;
        break;
    case WISH_PULL:
        source_wish_pull(&source.wishes, wished->now_ns);
        break;
    case WISH_BACKFILL:
        source_wish_backfill(&source.wishes, wished->start_ns, wished->end_ns, wished->now_ns);
        break;
    }
    source_record_print(&source, text);
    return OK;
}

static enum code change_state(struct record_job *job, enum wish wish, int64_t start_ns,
                              int64_t end_ns, struct error *err)
{
    struct wished wished = {.wish = wish,
                            .start_ns = start_ns,
                            .end_ns = end_ns,
                            .now_ns = clock_wall_ns(app_of(job->request)->clock)};
    struct record_change change = {
        .kind = REGISTRY_SOURCES, .edit = edit_state, .context = &wished};
    enum code code = record_name(job, &change.name, err);

    job->status = 204;
    if (code == OK)
        code = record_change(job, &change, err);
    if (code == OK && wished.waits)
        reply_header(job->request, "Weir-Warning",
                     BYTES("it is paused: nothing is asked before it is resumed"));
    return code;
}

static enum code delete_one(struct record_job *job, struct error *err)
{
    return change_state(job, WISH_DELETE, 0, 0, err);
}

static enum code pause_one(struct record_job *job, struct error *err)
{
    return change_state(job, WISH_PAUSE, 0, 0, err);
}

static enum code resume_one(struct record_job *job, struct error *err)
{
    return change_state(job, WISH_RESUME, 0, 0, err);
}

/* --- asking for work --- */

static enum code pull_now(struct record_job *job, struct error *err)
{
    return change_state(job, WISH_PULL, 0, 0, err);
}

static enum code time_of(const struct record_job *job, const char *name, int64_t *ns,
                         struct error *err)
{
    int64_t now_ns = clock_wall_ns(app_of(job->request)->clock);
    struct bytes text;
    enum code code;

    if (!request_parameter(job->request, name, &text)) {
        error_point(err, bytes_of(name));
        return error_set(err, E_MISSING_PARAMETER, "%s is needed: a time", name);
    }
    code = time_parameter_parse(text, TIME_S, now_ns, ns, err);
    if (code)
        error_point(err, bytes_of(name));
    return code;
}

static enum code backfill(struct record_job *job, struct error *err)
{
    int64_t start, end;
    enum code code = time_of(job, "start", &start, err);

    if (code == OK)
        code = time_of(job, "end", &end, err);
    if (code == OK && start >= end) {
        error_point(err, BYTES("end"));
        code = error_set(err, E_BAD_PARAMETER, "end is not after start");
    }
    return code ? code : change_state(job, WISH_BACKFILL, start, end, err);
}

/* --- steps --- */

DECLARED_FINISH(list_finish, list)
DECLARED_FINISH(show_finish, show)
DECLARED_FINISH(replace_finish, replace)
DECLARED_FINISH(delete_finish, delete_one)
DECLARED_FINISH(fetches_finish, fetches)
DECLARED_FINISH(pause_finish, pause_one)
DECLARED_FINISH(resume_finish, resume_one)
DECLARED_FINISH(pull_finish, pull_now)
DECLARED_FINISH(backfill_finish, backfill)

const struct handler source_list_handler = {.finish = list_finish, .cleanup = record_cleanup};
const struct handler source_get_handler = {.finish = show_finish, .cleanup = record_cleanup};
const struct handler source_put_handler = {.start = record_or_yaml_start,
                                           .piece = record_piece,
                                           .finish = replace_finish,
                                           .cleanup = record_cleanup};
const struct handler source_delete_handler = {.finish = delete_finish, .cleanup = record_cleanup};
const struct handler source_fetches_handler = {.finish = fetches_finish, .cleanup = record_cleanup};
const struct handler source_pause_handler = {.finish = pause_finish, .cleanup = record_cleanup};
const struct handler source_resume_handler = {.finish = resume_finish, .cleanup = record_cleanup};
const struct handler source_pull_handler = {.finish = pull_finish, .cleanup = record_cleanup};
const struct handler source_backfill_handler = {.finish = backfill_finish,
                                                .cleanup = record_cleanup};
