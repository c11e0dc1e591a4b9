#include "handlers/admission.h"

#include "handlers/app.h"

/* Who wants more than this part of the memory is not let wait: it would hold up many that want
 * little. */
enum { WAITING_PART = 16 };

enum code admission_try(struct request *request, struct admission *admission, struct error *err)
{
    struct app *app = app_of(request);
    size_t expected = intake_expects(&app->intake, &admission->want);
    bool again = admission->want.patient;
    enum code code;

    if (app->draining)
        return error_set(err, E_DRAINING, "the server is shutting down");
    admission->want.patient =
        expected <= app->intake.budget->bytes_max / WAITING_PART && request_may_wait(request);
    if (admission->want.patient && !again && expected > 0 && request_others_wait(request)) {
        request_wait(request);
        return OK;
    }
    code = intake_new(&app->intake, &admission->want, &admission->intake, err);
    if (code != E_BUSY || !admission->want.patient)
        return code;
    request_wait(request);
    return OK;
}
