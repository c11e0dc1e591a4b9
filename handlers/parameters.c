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

bool reply_unless_ok(struct request *request, enum code code, const struct error *err)
{
    if (code == OK)
        return true;
    reply_problem(request, err);
    return false;
}
