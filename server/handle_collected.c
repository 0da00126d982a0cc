/*
 * handle_collected.c - COLLECTED_GET: when a mailbox was last collected, for
 * who is about to send something urgent there.  The operator may keep it to
 * himself ([mailbox] show_collected).
 */
#include <string.h>

#include "common/clock.h"
#include "server/handlers.h"
#include "server/mailroom.h"
#include "server/relay.h"

static void
answer(struct session *s, uint32_t req, bool shown, uint64_t time_s, bool now)
{
    struct msg_field f[] = {
        [COLLECTED_SHOWN] = msg_u(shown),
        [COLLECTED_TIME_S] = msg_u(shown ? time_s : 0),
        [COLLECTED_NOW] = msg_u(shown && now),
    };

    session_send(s, MSG_COLLECTED, req, f, 3);
}

void
handle_collected_get(struct session *s, const struct msg *m,
                     const uint8_t *bytes, size_t len)
{
    struct relay *r = session_relay(s);
    const struct dir_mailbox *mb;
    struct mailbox_id mailbox;
    uint64_t time_s = 0;
    enum err rc;

    (void)bytes;
    (void)len;
    msg_copy(mailbox.b, &m->f[COLLECTED_GET_MAILBOX], sizeof(mailbox.b));
    mb = directory_mailbox(r->directory, &mailbox);
    rc = mb == NULL ? ERR_NOTFOUND
                    : store_collected(r->reader, &mailbox, &time_s);
    if (rc != ERR_OK)
        session_error(s, m->req,
                      rc == ERR_NOTFOUND ? PERR_MAILBOX : PERR_INTERNAL, NULL);
    else
        answer(s, m->req, r->conf.show_collected, time_s,
               !mb->agency->suspended && mailroom_is_attended(r, mb));
}
