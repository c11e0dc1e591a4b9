#include <inttypes.h>

#include "base/number.h"
#include "handlers/app.h"
#include "http/reply.h"

enum code parameter_number(const struct request *request, const char *name, uint64_t least,
                           uint64_t most, uint64_t initial, uint64_t *value, struct error *err)
{
    struct bytes text;
    enum code code;

    *value = initial;
    if (!request_parameter(request, name, &text))
        return OK;
    code = number_parse_u64(text, value);
    if (code == OK && *value >= least && *value <= most)
        return OK;
    error_set(err, E_BAD_PARAMETER, "%s=%.*s is not a whole number from %" PRIu64 " to %" PRIu64,
              name, BYTES_ARG(text), least, most);
    error_point(err, bytes_of(name));
    return E_BAD_PARAMETER;
}

/* A request has few parameters, and at most PARAMETERS_MAX. */
enum code parameters_once(const struct request *request, const char *repeatable, struct error *err)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        struct bytes name = request->parameters[i].name;

        if (repeatable != NULL && bytes_equal(name, bytes_of(repeatable)))
            continue;
        for (size_t k = 0; k < i; k++) {
            if (!bytes_equal(request->parameters[k].name, name))
                continue;
            error_point(err, name);
            return error_set(err, E_BAD_PARAMETER, "%.*s= is given twice; want it once",
                             BYTES_ARG(name));
        }
    }
    return OK;
}

bool reply_unless_ok(struct request *request, enum code code, const struct error *err)
{
    if (code == OK)
        return true;
    reply_problem(request, err);
    return false;
}
