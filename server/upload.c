#include "server/upload.h"

#include "codec/json_doc.h"
#include "http/compress.h"
#include "server/resume.h"
#include "server/source.h"

enum {
    RECORD_BYTES_MAX = 64 << 20,
    WHOLE_BYTES_MAX = 256 << 20,
    TEXT_BYTES_MAX = (WHOLE_BYTES_MAX) + (256 << 20), /* and what one piece decompresses to */
    ANSWER_DEPTH_MAX = 8,
    KEY_BYTES_MAX = 64,
};

/* One file. */
struct job {
    struct upload *upload;
    const struct points_format *format;
    const char *name; /* for people */
    struct source *source;
    struct buf text;       /* read, not sent yet */
    struct buf head, body; /* CSV's first record; what goes out, when it is not a part of text */
    struct buf packed;     /* the body, compressed */
    uint64_t head_lines;
    uint64_t offset, line;     /* of text: bytes before it, number of its first line */
    struct hash128_state hash; /* of what stands before text */
};

static uint64_t count_lines(struct bytes text)
{
    uint64_t count = 0;

    for (const char *at = text.data, *end = text.data + text.size;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    return count;
}

/* --- reading --- */

/* The first `size` bytes of the text are done with. */
static void consume(struct job *job, size_t size)
{
    struct bytes done = bytes_slice(buf_bytes(&job->text), 0, size);

    hash128_add(&job->hash, done);
    job->line += count_lines(done);
    job->offset += size;
    memmove(job->text.data, job->text.data + size, job->text.size - size);
    job->text.size -= size;
}

static enum code too_long(const struct job *job, struct error *err)
{
    if (!job->format->record)
        return error_set(err, E_BODY_LARGE,
                         "%s is sent whole, and this is more than %d MiB; make several files of "
                         "it, or ndjson",
                         job->format->name, WHOLE_BYTES_MAX >> 20);
    return error_set(err, E_LINE_LONG,
                     "line %llu does not end within %d MiB; is a quote not closed, or --format "
                     "not %s?",
                     (unsigned long long)job->line, RECORD_BYTES_MAX >> 20, job->format->name);
}

/* The size of the next part; 0 = the file has ended.  It depends on nothing but the text, so that
 * a later run makes the same parts. */
static enum code next_part(struct job *job, size_t *size, struct error *err)
{
    bool whole = !job->format->record;
    size_t most = whole ? WHOLE_BYTES_MAX : RECORD_BYTES_MAX;
    size_t want = whole ? WHOLE_BYTES_MAX : job->upload->part_bytes;
    enum code code;

    for (;;) {
        struct bytes text;

        code = source_fill(job->source, &job->text, want + 1, err);
        if (code)
            return code;
        text = buf_bytes(&job->text);
        *size = text.size;
        if (source_ended(job->source) && text.size <= want)
            return OK;
        if (!whole) {
            *size =
                points_cut(job->format, bytes_slice(text, 0, text.size < want ? text.size : want));
            if (*size > 0)
                return OK;
        }
        if (text.size <= want)
            continue; /* a pipe that stopped within a line */
        if (want >= most)
            return too_long(job, err);
        want = 2 * want < most ? 2 * want : most;
    }
}

/* CSV: the first record stands for itself. */
static enum code take_head(struct job *job, struct error *err)
{
    enum code code = OK;
    size_t size = 0;

    if (!job->format->has_header || job->upload->headless)
        return OK;
    for (size_t want = 4096; code == OK && size == 0; want *= 2) {
        code = source_fill(job->source, &job->text, want, err);
        size = job->format->record(buf_bytes(&job->text));
        if (!size && source_ended(job->source))
            size = job->text.size;
        if (size == 0 && source_ended(job->source))
            return code;
        if (!size && want > RECORD_BYTES_MAX)
            return too_long(job, err);
    }
    if (code)
        return code;
    buf_put(&job->head, bytes_slice(buf_bytes(&job->text), 0, size));
    job->head_lines = count_lines(buf_bytes(&job->head));
    consume(job, size);
    return buf_finish(&job->head, err);
}

/* Passes over what an earlier run has stored, if it is still the same. */
static enum code skip_stored(struct job *job, struct error *err)
{
    struct resume_place place;
    struct hash128_state state;
    struct hash128 hash;
    enum code code = OK;

    if (!job->upload->resume || !resume_find(job->upload->resume, job->name, &place))
        return OK;
    while (!code && job->offset < place.bytes) {
        uint64_t left = place.bytes - job->offset;

        if (job->text.size == 0)
            code = source_fill(job->source, &job->text, 1, err);
        if (job->text.size == 0)
            break;
        consume(job, job->text.size < left ? job->text.size : (size_t)left);
    }
    if (code)
        return code;
    state = job->hash;
    hash = hash128_end(&state);
    if (job->offset != place.bytes || memcmp(&hash, &place.hash, sizeof(hash)) != 0)
        return error_set(err, E_CONFIG,
                         "it is not what it was: its first %llu bytes are stored and have changed "
                         "since; take another --resume file to begin anew",
                         (unsigned long long)place.bytes);
    job->upload->remote->progress.skipped += source_taken(job->source);
    return OK;
}

/* --- what became of a part --- */

static struct bytes text_of(const struct json *item, const char *name)
{
    const struct json *value = json_member(item, name);

    return value && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

static uint64_t number_of(const struct json *item, const char *name)
{
    const struct json *value = json_member(item, name);

    return value && json_kind(value) == JSON_KIND_INTEGER && json_integer_of(value) > 0
               ? (uint64_t)json_integer_of(value)
               : 0;
}

/* The line of the file that is line `told` of the body. */
static uint64_t line_in_file(const struct job *job, uint64_t told)
{
    return told > job->head_lines ? job->line + told - job->head_lines - 1 : told;
}

static void tell_refused(const struct job *job, const struct json *item)
{
    uint64_t line = line_in_file(job, number_of(item, "line"));
    struct bytes code = text_of(item, "code"), detail = text_of(item, "detail");
    struct buf out = BUF_INIT(64 << 10);

    progress_wipe(&job->upload->remote->progress);
    if (!job->upload->json) {
        fprintf(stderr, "%s:%s%llu: %.*s: %.*s\n", job->name,
                strcmp(job->format->unit, "line") == 0 ? "" : " point ", (unsigned long long)line,
                BYTES_ARG(code), BYTES_ARG(detail));
        return;
    }
    buf_put_text(&out, "{\"file\":");
    json_put_text(&out, bytes_of(job->name));
    buf_printf(&out, ",\"%s\":%llu,\"code\":", job->format->unit, (unsigned long long)line);
    json_put_text(&out, code);
    buf_put_text(&out, ",\"detail\":");
    json_put_text(&out, detail);
    buf_put_text(&out, "}\n");
    if (buf_finish(&out, NULL) == OK)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
}

/* Tells the refused lines of the answer; gives how many they are. */
static uint64_t take_refused(struct job *job)
{
    struct upload *upload = job->upload;
    struct json *answer = NULL, *errors;
    uint64_t count, told;

    if (json_doc_parse(buf_bytes(&upload->remote->answer), ANSWER_DEPTH_MAX, &answer, NULL))
        return 0;
    errors = json_member(answer, "errors");
    told = json_count(errors);
    for (size_t i = 0; i < told; i++)
        tell_refused(job, json_element(errors, i));
    count = number_of(answer, "rejected");
    if (count < told)
        count = told;
    if (count > told || json_member(answer, "errors_truncated"))
        fprintf(stderr, "%s: more were refused than the server tells in one answer\n", job->name);
    json_doc_free(answer);
    upload->refused += count;
    return count;
}

static enum code part_refused(struct job *job, size_t size, struct error *err)
{
    uint64_t last = job->line + count_lines(bytes_slice(buf_bytes(&job->text), 0, size));
    uint64_t count = take_refused(job);
    const char *are = count == 1 ? " is" : "s are";

    if (size > 0 && job->text.data[size - 1] == '\n' && last > job->line)
        last--;
    if (!job->format->record)
        return error_set(err, E_INVALID_POINTS,
                         "%llu point%s refused, so nothing of the file is stored; correct them, "
                         "or store the others with --on-error=skip",
                         (unsigned long long)count, are);
    return error_set(err, E_INVALID_POINTS,
                     "%llu line%s refused, so nothing of lines %llu to %llu is stored; correct "
                     "them, or store the others with --on-error=skip",
                     (unsigned long long)count, are, (unsigned long long)job->line,
                     (unsigned long long)last);
}

/* --- sending --- */

/* The same for the same bytes at the same place of a file of the same name. */
static void make_key(const struct job *job, struct bytes body, struct buf *key)
{
    const char *slash = strrchr(job->name, '/'), *name = slash ? slash + 1 : job->name;
    struct hash128_state state;
    struct hash128 hash;

    hash128_begin(&state);
    hash128_add(&state, (struct bytes){(const char *)&job->upload->salt, sizeof(struct hash128)});
    hash128_add(&state, (struct bytes){name, strlen(name) + 1});
    hash128_add(&state, (struct bytes){(const char *)&job->offset, sizeof(job->offset)});
    hash128_add(&state, body);
    hash = hash128_end(&state);
    buf_put_text(key, "weir-");
    resume_print_hash(key, &hash);
}

static enum code send_part(struct job *job, size_t size, struct error *err)
{
    struct upload *upload = job->upload;
    struct bytes part = bytes_slice(buf_bytes(&job->text), 0, size);
    struct remote_request request = {
        .method = "POST", .target = upload->target, .content_type = job->format->content_type};
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    enum code code;

    request.body = part;
    if (job->head.size > 0) {
        buf_clear(&job->body);
        buf_put(&job->body, buf_bytes(&job->head));
        buf_put(&job->body, part);
        request.body = buf_bytes(&job->body);
    }
    make_key(job, request.body, &key);
    request.key = buf_bytes(&key);
    code = buf_finish(&key, err);
    if (!code)
        code = buf_finish(&job->body, err);
    if (!code && upload->remote->compressed) {
        buf_clear(&job->packed);
        code = compress_whole(CODING_GZIP, request.body, &job->packed, err);
        request.body = buf_bytes(&job->packed);
        request.encoding = coding_name(CODING_GZIP);
    }
    if (!code)
        code = remote_send(upload->remote, &request, NULL, NULL, err);
    buf_release(&key);
    if (code == E_BODY_LARGE && job->format->record)
        error_context(err, "try a smaller --batch-bytes");
    if (code == E_MISSING_PARAMETER)
        error_context(err, "--option NAME=VALUE gives parameters");
    if (code == E_INVALID_POINTS)
        return part_refused(job, size, err);
    if (!code)
        (void)take_refused(job); /* with on_error=skip */
    return code;
}

static enum code note_stored(struct job *job, struct error *err)
{
    struct hash128_state state = job->hash;
    const struct resume_place place = {job->offset, job->line - 1, hash128_end(&state)};

    job->upload->line_stored = job->line - 1;
    if (!job->upload->resume)
        return OK;
    return resume_note(job->upload->resume, job->name, &place, err);
}

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '\n' && text.data[i] != '\r' && text.data[i] != ' ')
            return false;
    return true;
}

static void tell_progress(struct job *job)
{
    char rest[128];

    (void)snprintf(rest, sizeof(rest), "%.100s", job->name);
    progress_tell(&job->upload->remote->progress, source_taken(job->source),
                  source_size(job->source), rest);
}

static enum code send_all(struct job *job, struct error *err)
{
    struct upload *upload = job->upload;
    enum code code;
    size_t size;

    for (;;) {
        uint64_t line = job->line;

        code = next_part(job, &size, err);
        if (code || size == 0)
            return code;
        if (!is_blank(bytes_slice(buf_bytes(&job->text), 0, size))) {
            code = send_part(job, size, err);
            if (code)
                return code;
            upload->parts++;
        }
        /* The last line may lack its end, and is one all the same. */
        upload->lines += job->text.data[size - 1] == '\n' ? 0 : 1;
        consume(job, size);
        upload->bytes += size;
        upload->lines += job->line - line;
        code = note_stored(job, err);
        if (code)
            return code;
        tell_progress(job);
    }
}

enum code upload_file(struct upload *upload, const char *path, struct error *err)
{
    struct job job = {
        .upload = upload,
        .format = upload->format ? upload->format : points_format_of_file(path),
        .name = strcmp(path, "-") == 0 ? "(stdin)" : path,
        .text = BUF_INIT(TEXT_BYTES_MAX),
        .head = BUF_INIT(TEXT_BYTES_MAX),
        .body = BUF_INIT(SIZE_MAX),
        .packed = BUF_INIT(SIZE_MAX),
        .line = 1,
    };
    enum code code;

    upload->line_stored = 0;
    hash128_begin(&job.hash);
    progress_begin(&upload->remote->progress, upload->remote->progress.out);
    code = source_open(path, &job.source, err);
    if (!code)
        code = take_head(&job, err);
    if (!code)
        code = skip_stored(&job, err);
    if (!code)
        code = send_all(&job, err);
    if (!code)
        upload->files++;
    else if (code != E_CANCELLED)
        error_context(err, "%s", job.name);
    progress_wipe(&upload->remote->progress);
    source_close(job.source);
    buf_release(&job.text);
    buf_release(&job.head);
    buf_release(&job.body);
    buf_release(&job.packed);
    return code;
}
