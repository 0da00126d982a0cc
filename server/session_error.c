/*
 * session_error.c - what went wrong with one request, in the wire's words.
 */
#include "server/relay.h"
#include "server/session.h"

void
session_error(struct session *s, uint32_t req, enum perr code,
              const char *detail)
{
    const struct perr_row *row = perr_row(code);
    struct msg_field f[] = {
        [ERROR_CODE] = msg_u(code),
        [ERROR_RETRY_MS] = msg_u(row->is_retryable ? 5000 : 0),
        [ERROR_DETAIL] = msg_str(detail == NULL ? "" : detail),
    };

    session_relay(s)->stats.errors++;
    session_send(s, MSG_ERROR, req, f, 3);
}

void
session_store_error(struct session *s, uint32_t req, unsigned store_why)
{
    static const uint8_t codes[] = {
        [STORE_WHY_MALFORMED] = PERR_MALFORMED,
        [STORE_WHY_SIZE] = PERR_SIZE,
        [STORE_WHY_SLOT] = PERR_SLOT,
        [STORE_WHY_MAILBOX] = PERR_MAILBOX,
        [STORE_WHY_SUSPENDED] = PERR_SUSPENDED,
        [STORE_WHY_SENDER] = PERR_SENDER,
        [STORE_WHY_QUOTA] = PERR_QUOTA,
        [STORE_WHY_EXPIRY] = PERR_EXPIRY,
        [STORE_WHY_BLOB] = PERR_BLOB,
        [STORE_WHY_CONFLICT] = PERR_CONFLICT,
        [STORE_WHY_NOTFOUND] = PERR_NOTFOUND,
        [STORE_WHY_FINAL] = PERR_FINAL,
        [STORE_WHY_ERASED] = PERR_ERASED,
        [STORE_WHY_EVIDENCE] = PERR_EVIDENCE,
        [STORE_WHY_INVITE] = PERR_INVITE,
        [STORE_WHY_STALE] = PERR_STMT,
        [STORE_WHY_DISK] = PERR_DISK,
        [STORE_WHY_MEMORY] = PERR_BUSY,
    };
    enum perr code = store_why < sizeof(codes) ? codes[store_why] : 0;

    session_error(s, req, code == PERR_NONE ? PERR_INTERNAL : code,
                  store_why_text(store_why));
}
