/* db, bucket, rp, org and consistency are taken and change nothing: a tenant is one database, and
 * the tenant comes from the token alone.  no_sync as well: 204 is never sent before fdatasync. */
#include "handlers/influx_write.h"

#include <inttypes.h>

#include "codec/json_doc.h"
#include "handlers/admission.h"
#include "handlers/app.h"
#include "handlers/influx_shape.h"
#include "http/reply.h"
#include "model/batch.h"

enum { ERRORS_BYTES_MAX = 64 << 20, DETAIL_BYTES_MAX = 65536, DETAIL_SIZE_MAX = 256 };

enum version { VERSION_1 = 1, VERSION_2 = 2, VERSION_3 = 4 };

struct influx_write {
    struct admission admission;
    enum version version;
    bool partial; /* bad lines are left out */
};

/* Names of precision, and for whom. */
static const struct {
    const char *name;
    unsigned versions;
    enum time_unit unit;
} precisions[] = {
    {"ns",          VERSION_1 | VERSION_2 | VERSION_3, TIME_NS     },
    {"us",          VERSION_1 | VERSION_2 | VERSION_3, TIME_US     },
    {"ms",          VERSION_1 | VERSION_2 | VERSION_3, TIME_MS     },
    {"s",           VERSION_1 | VERSION_2 | VERSION_3, TIME_S      },
    {"n",           VERSION_1 | VERSION_3,             TIME_NS     },
    {"u",           VERSION_1 | VERSION_3,             TIME_US     },
    {"\xc2\xb5",    VERSION_1,                         TIME_US     },
    {"\xc2\xb5s",   VERSION_1,                         TIME_US     },
    {"m",           VERSION_1,                         TIME_MINUTES},
    {"h",           VERSION_1,                         TIME_HOURS  },
    {"auto",        VERSION_3,                         TIME_GUESSED},
    {"nanosecond",  VERSION_3,                         TIME_NS     },
    {"microsecond", VERSION_3,                         TIME_US     },
    {"millisecond", VERSION_3,                         TIME_MS     },
    {"second",      VERSION_3,                         TIME_S      },
};

static enum code precision_parse(const struct request *request, enum version version,
                                 enum time_unit *unit, struct error *err)
{
    struct bytes text;

    *unit = version == VERSION_3 ? TIME_GUESSED : TIME_NS;
    if (!request_parameter(request, "precision", &text) || text.size == 0)
        return OK;
    for (size_t i = 0; i < COUNT_OF(precisions); i++) {
        if ((precisions[i].versions & version) == 0 ||
            !bytes_equal(text, bytes_of(precisions[i].name)))
            continue;
        *unit = precisions[i].unit;
        return OK;
    }
    return error_set(err, E_BAD_PARAMETER, "invalid precision \"%.*s\" (use %s)", BYTES_ARG(text),
                     version == VERSION_1   ? "n, u, ms, s, m or h"
                     : version == VERSION_2 ? "ns, us, ms or s"
                                            : "auto, nanosecond, microsecond, millisecond or "
                                              "second");
}

static enum code choice(const struct request *request, const char *name, bool initial, bool *value,
                        struct error *err)
{
    struct bytes text;

    *value = initial;
    if (!request_parameter(request, name, &text))
        return OK;
    *value = bytes_equal(text, BYTES("true"));
    if (*value || bytes_equal(text, BYTES("false")))
        return OK;
    return error_set(err, E_BAD_PARAMETER, "invalid %s \"%.*s\" (use true or false)", name,
                     BYTES_ARG(text));
}

static enum code parameters(struct request *request, struct influx_write *write,
                            struct intake_request *intake, struct error *err)
{
    bool no_sync;
    enum code code = parameters_once(request, NULL, err);

    if (code == OK)
        code = precision_parse(request, write->version, &intake->precision, err);
    if (code == OK)
        code = choice(request, "accept_partial", true, &write->partial, err);
    if (code == OK)
        code = choice(request, "no_sync", false, &no_sync, err);
    intake->skip_bad = write->partial;
    return code;
}

static void admit(struct request *request)
{
    struct influx_write *write = request->state;
    struct error err = {0};
    enum code code = admission_try(request, &write->admission, &err);

    if (code != OK)
        reply_problem(request, &err);
}

static void start(struct request *request, enum version version)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);
    struct influx_write *write = ARENA_NEW(&request->arena, struct influx_write);
    struct error err = {0};
    enum code code;

    request->state = write;
    if (write == NULL)
        code = error_set(&err, E_MEMORY, "no memory for a request");
    else if (app->draining)
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    else {
        write->version = version;
        write->admission.want = (struct intake_request){
            .tenant = session->tenant,
            .limits = &session->settings->limits,
            .content_type = BYTES("text/plain"), /* whatever they say */
            .content_encoding = request->content_encoding,
            .content_length = request->content_length,
        };
        code = parameters(request, write, &write->admission.want, &err);
    }
    if (reply_unless_ok(request, code, &err))
        admit(request);
}

static void start_1(struct request *request)
{
    start(request, VERSION_1);
}

static void start_2(struct request *request)
{
    start(request, VERSION_2);
}

static void start_3(struct request *request)
{
    start(request, VERSION_3);
}

static void piece(struct request *request, struct bytes piece)
{
    const struct influx_write *write = request->state;

    if (write != NULL && write->admission.intake != NULL)
        (void)intake_feed(write->admission.intake, piece, NULL); /* told at the end */
}

static void put_reject(const struct batch_reject *reject, struct buf *out)
{
    buf_printf(out, "{\"line\":%" PRIu32 ",\"code\":\"%s\",\"detail\":", reject->line,
               code_row(reject->code)->slug);
    json_put_text(out, reject->detail);
    buf_put_char(out, '}');
}

/* Clients show the number only together with the line itself, which is gone: it leads the message.
 */
static void put_reject_3(const struct batch_reject *reject, struct buf *out)
{
    struct buf message = BUF_INIT(DETAIL_BYTES_MAX);

    buf_printf(&message, "line %" PRIu32 ": %.*s", reject->line, BYTES_ARG(reject->detail));
    buf_printf(out, "{\"line_number\":%" PRIu32 ",\"error_message\":", reject->line);
    json_put_text(out, message.failed ? reject->detail : buf_bytes(&message));
    buf_put_char(out, '}');
    buf_release(&message);
}

/* Every bad line that was kept, as the version's clients read them. */
static void put_rejects(const struct influx_write *write, uint64_t points, struct buf *out)
{
    const struct batch *batch = intake_batch(write->admission.intake);

    if (write->version == VERSION_3)
        buf_put_text(out, ",\"data\":[");
    else
        buf_printf(out, ",\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"errors\":[",
                   write->partial ? points - batch->reject_count : 0, batch->reject_count);
    for (const struct batch_reject *reject = batch->rejects; reject != NULL;
         reject = reject->next) {
        if (reject != batch->rejects)
            buf_put_char(out, ',');
        if (write->version == VERSION_3)
            put_reject_3(reject, out);
        else
            put_reject(reject, out);
    }
    buf_put_char(out, ']');
}

/* Telegraf gives points up for good at "partial write" and at "unable to parse"; the first is also
 * what InfluxDB says of points that the catalog refuses. */
static void say_dropped(const struct influx_write *write, uint64_t points, struct error *err)
{
    const struct batch *batch = intake_batch(write->admission.intake);
    const struct batch_reject *first = batch->rejects;
    struct bytes detail = first == NULL ? BYTES("no memory to tell why") : first->detail;
    int size = detail.size > DETAIL_SIZE_MAX ? DETAIL_SIZE_MAX : (int)detail.size;
    bool stored = points > batch->reject_count;
    bool parsed = first != NULL && (first->code == E_FIELD_KIND || first->code == E_SERIES_LIMIT ||
                                    first->code == E_FIELDS_MANY);

    err->line = first == NULL ? 0 : first->line;
    if (write->version == VERSION_3)
        error_set(err, E_INVALID_POINTS, "partial write of line protocol occurred");
    else if (stored || parsed)
        error_set(err, E_INVALID_POINTS, "partial write: line %u: %.*s dropped=%" PRIu64, err->line,
                  size, detail.data, batch->reject_count);
    else
        error_set(err, E_INVALID_POINTS, "unable to parse 'line %u': %.*s dropped=%" PRIu64,
                  err->line, size, detail.data, batch->reject_count);
}

static void reply_rejects(struct request *request, const struct influx_write *write)
{
    const struct intake_answer *answer = intake_answer(write->admission.intake);
    uint64_t points = intake_points(write->admission.intake);
    struct buf extra = BUF_INIT(ERRORS_BYTES_MAX);
    struct error err = answer->err;

    if (answer->code == OK)
        say_dropped(write, points, &err);
    else if (intake_batch(write->admission.intake)->rejects != NULL)
        err.line = intake_batch(write->admission.intake)->rejects->line;
    put_rejects(write, points, &extra);
    reply_problem_with(request, &err, extra.failed ? BYTES("") : buf_bytes(&extra));
    buf_release(&extra);
}

static void reply(struct request *request)
{
    const struct influx_write *write = request->state;
    const struct intake_answer *answer = intake_answer(write->admission.intake);

    request->points = intake_points(write->admission.intake);
    if (answer->code != OK && answer->code != E_INVALID_POINTS) {
        reply_problem(request, &answer->err);
    } else if (intake_batch(write->admission.intake)->reject_count > 0) {
        reply_rejects(request, write);
    } else {
        influx_headers(request);
        reply_empty(request, 204);
    }
}

static void done(void *context)
{
    reply(context);
    request_resume(context);
}

static void finish(struct request *request)
{
    const struct influx_write *write = request->state;

    if (intake_prepare(write->admission.intake)) {
        reply(request);
        return;
    }
    request_park(request);
    if (!intake_submit(write->admission.intake, done, request))
        done(request);
}

static void cleanup(struct request *request)
{
    const struct influx_write *write = request->state;

    if (write != NULL)
        intake_free(write->admission.intake);
}

const struct handler influx_1_write_handler = {
    .start = start_1, .again = admit, .piece = piece, .finish = finish, .cleanup = cleanup};
const struct handler influx_2_write_handler = {
    .start = start_2, .again = admit, .piece = piece, .finish = finish, .cleanup = cleanup};
const struct handler influx_3_write_handler = {
    .start = start_3, .again = admit, .piece = piece, .finish = finish, .cleanup = cleanup};

/* Clients mix the names of versions: that of 3 sends org= to write_lp. */
#define NAMES                                                                                      \
    "db", "rp", "org", "orgID", "bucket", "bucketID", "precision", "consistency",                  \
        "accept_partial", "no_sync"

const char *const influx_1_write_names[] = {NAMES, "u", "p", NULL};
const char *const influx_write_names[] = {NAMES, NULL};
