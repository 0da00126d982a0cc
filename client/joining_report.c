/*
 * joining_report.c - how joining stands, in words.
 */
#include <string.h>

#include "client/joining.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "proto/invite.h"
#include "proto/msg.h"

static int
waiting_by_invite(struct app *app, const struct identity *id, bool reached,
                  struct problem *pb)
{
    char digits[FINGERPRINT_LEN + 1] = "";

    if (joining_digits(app, id, digits, pb) != ERR_OK)
        return app_fail(app, pb);
    out_line(app, reached ? "The request waits for the registrar."
                          : "The request is kept here and goes out with the "
                            "next `sealpost join --status`: the relay cannot "
                            "be reached now.");
    out_line(app,
             "Phone the registrar who gave you the invite and read these "
             "digits out:\n\n    %s\n",
             digits);
    out_line(app, "You can draft meanwhile: sealpost new");
    json_put_str(app->result, "digits", digits);
    out_next(app, "sealpost join --status");
    return EXIT_CODE_OK;
}

static int
waiting_as_device(struct app *app, const struct identity *id, bool reached,
                  struct problem *pb)
{
    char check[DEVICE_CHECK_LEN + 1];
    struct buf req = {0};
    uint8_t answer[16];
    enum err rc = shelf_get_raw(app, REC_STATEMENT, shelf_one, &req, pb);

    if (rc != ERR_OK) {
        (void)problem_from_err(pb, "the device's request is not in the vault",
                               rc);
        return app_fail(app, pb);
    }
    device_request_check(check, req.data, req.len);
    buf_clear(&req);
    json_put_str(app->result, "check", check);
    shelf_number(answer, JOINING_ANSWER);
    if (vault_has(app->vault, REC_STATEMENT, answer)) {
        out_line(app, "The signature of %s is here; %s", id->agency_name,
                 reached ? "the relay does not know it yet."
                         : "the relay cannot be reached now.");
        out_next(app, "sealpost sync");
        return EXIT_CODE_OK;
    }
    out_line(app, "This device waits for the signature of %s.  Its check: %s",
             id->agency_name, check);
    out_next(app, "whoever has the root of the agency: sealpost agency sign "
                  "FILE -o signed.spost; then here: sealpost device install "
                  "signed.spost");
    return EXIT_CODE_OK;
}

static int
ready(struct app *app, const struct identity *id)
{
    out_line(app, "%s is admitted, and this device may send and receive.",
             id->agency_name);
    json_put_str(app->result, "state", "ready");
    json_put_hex(app->result, "agency_id", id->agency.b, 16);
    json_put_hex(app->result, "device_id", id->device.b, 16);
    json_put_hex(app->result, "mailbox_id", id->mailbox.b, 16);
    out_next(app, "sealpost sync");
    return EXIT_CODE_OK;
}

int
joining_report(struct app *app, struct identity *id, struct problem *pb)
{
    unsigned state = JOIN_UNKNOWN;
    enum err rc = joining_advance(app, id, &state, pb);
    bool away = pb->id == P_UNREACHABLE;

    if (rc != ERR_OK && !away)
        return app_fail(app, pb);
    if (state == JOIN_ADMITTED)
        return ready(app, id);
    memset(pb, 0, sizeof(*pb));
    json_put_str(app->result, "state", away ? "queued" : "waiting");
    return joining_by_invite(id) ? waiting_by_invite(app, id, !away, pb)
                                 : waiting_as_device(app, id, !away, pb);
}
