/* Routes that read and change records of the registry, for those who run it.  A change waits for
 * the registry, so it is a job of the workers; the request is parked. */
#ifndef WEIR_HANDLERS_RECORDS_H
#define WEIR_HANDLERS_RECORDS_H

#include "discovery/registry.h"
#include "handlers/app.h"
#include "handlers/workers.h"

struct record_job {
    struct job job; /* first */
    struct request *request;
    struct registry *registry;                                   /* that the records are of */
    enum code (*run)(struct record_job *job, struct error *err); /* fills out, status, version */
    struct arena arena;
    struct buf body, out;
    struct buf extra; /* members of a problem, as reply_problem_with() takes them */
    unsigned status;
    uint64_t version; /* of the ETag; 0 = none */
    /* To preconditions such a record is none, as what was deleted.  NULL: none is. */
    bool (*gone)(struct record_job *job, const struct registry_record *record);
};

/* For a handler's steps: of all routes here `cleanup`, of those with a body also the other two. */
void record_start(struct request *request);
void record_or_yaml_start(struct request *request); /* of what people write: also YAML */
bool record_is_yaml(const struct request *request);
void record_piece(struct request *request, struct bytes piece);
void record_cleanup(struct request *request);
/* finish(), on records of the nodes' registry, or of what tenants declared, which is there without
 * one as well. */
void record_begin(struct request *request,
                  enum code (*run)(struct record_job *job, struct error *err));
void record_begin_declared(struct request *request,
                           enum code (*run)(struct record_job *job, struct error *err));
#define RECORD_FINISH(name, run)                                                                   \
    static void name(struct request *request)                                                      \
    {                                                                                              \
        record_begin(request, run);                                                                \
    }
#define DECLARED_FINISH(name, run)                                                                 \
    static void name(struct request *request)                                                      \
    {                                                                                              \
        record_begin_declared(request, run);                                                       \
    }

/* Nothing of the body stays in memory; for who has read it and goes on to wait. */
void record_body_wipe(struct record_job *job);
/* E_CONFIG of what the client sent is its fault: E_BAD_PARAMETER. */
enum code record_blame(enum code code, struct error *err);
/* The newest of the job's registry; to be put back. */
struct registry_snapshot *records_of(const struct record_job *job);
/* E_NOT_FOUND; sets the version. */
MUST_USE enum code record_find(struct record_job *job, const struct registry_snapshot *records,
                               enum registry_kind kind, struct bytes name,
                               const struct registry_record **record, struct error *err);

struct record_change {
    enum registry_kind kind;
    struct bytes name;
    /* Appends the new text; `record` is NULL where there is none.  May run several times. */
    enum code (*edit)(struct record_job *job, void *context,
                      const struct registry_snapshot *records, const struct registry_record *record,
                      struct buf *text, struct error *err);
    void *context;
};
/* By If-Match and If-None-Match; a text that is there already is not written again. E_PRECONDITION,
 * E_CONFLICT, and as edit() and registry_put() say.  Sets the version. */
MUST_USE enum code record_change(struct record_job *job, const struct record_change *change,
                                 struct error *err);
/* {"name":…,"version":…[,"missing":true] */
void record_head(struct record_job *job, struct bytes name, bool missing);

#endif
