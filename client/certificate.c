#include "client/certificate.h"

#include <string.h>

#include "client/desk.h"
#include "client/notice.h"
#include "client/office.h"
#include "client/pick.h"
#include "client/story.h"
#include "common/os.h"
#include "proto/receipt.h"

static const char what[] = "there is no such certificate";

/* ---- what it proves ---- */

const char *
certificate_proves(const struct event *ev)
{
    switch (ev->type) {
    case EVENT_EXPIRED:
        return ev->reason == 0
                   ? "It proves that the relay says: this packet was stored, "
                     "and until its last moment no machine of\n"
                     "that mailbox was served it.  The relay cannot take that "
                     "back.  It does not prove that nobody\n"
                     "tried: that is the relay's word alone."
                   : "It proves that the relay says: this packet was served to "
                     "a machine of that mailbox, which never\n"
                     "confirmed it.  Whether anybody there has it only they "
                     "can tell.";
    case EVENT_REFUSED:
        return ev->reason == REASON_NO_LIVE_DEVICE
                   ? "It proves that the packet lost its last addressed "
                     "machine; "
                     "the event names the signed statement\n"
                     "of the directory that ended it."
                   : "It proves that every machine of that mailbox reported a "
                     "failure; the event names what the last\n"
                     "one signed.";
    case EVENT_WARNED:
        return "It proves that the relay logged, at that time, that nobody "
               "had collected the packet.";
    default:
        return "";
    }
}

/* ---- as a file ---- */

struct certificate {
    struct desk d;
    struct notice n; /* packet zero: by event */
    struct mail m;
    struct buf proof;
};

static void
clear(struct certificate *c)
{
    buf_clear(&c->proof);
    notice_clear(&c->n);
    mail_clear(&c->m);
    desk_close(&c->d);
}

static enum err
of_notice(struct certificate *c, const char *id, struct problem *pb)
{
    enum err rc = notice_find(c->d.app, id, &c->n, pb);

    if (rc != ERR_OK)
        return rc;
    if (c->n.proof.len == 0)
        return problem_set(pb, P_NOT_FOUND, ERR_STATE, what,
                           "the packet never left this machine, so the relay "
                           "knows nothing of it");
    buf_put(&c->proof, c->n.proof.data, c->n.proof.len);
    return problem_from_err(pb, what, buf_status(&c->proof));
}

static enum err
of_event(struct certificate *c, const char *id, const char *event,
         struct problem *pb)
{
    const struct event_info *info = event_by_name(event);
    enum err rc;

    if (info == NULL || !info->is_packet) {
        problem_next(pb, "`sealpost status ID` lists a packet's events");
        return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                           "\"%.40s\" is no event of a packet", event);
    }
    rc = pick_sent_first(c->d.app, id, &c->m, pb);
    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    return story_event_proof(&c->d, &c->m, info->type, &c->proof, pb);
}

static void
tell_json(struct app *app, const struct certificate *c, const char *event,
          const char *file)
{
    const struct packet_id *id = event == NULL ? &c->n.packet : &c->m.id;

    json_put_hex(app->result, "packet_id", id->b, sizeof(id->b));
    json_put_str(app->result, "event",
                 event == NULL ? event_name(c->n.type) : event);
    if (file != NULL)
        json_put_str(app->result, "file", file);
    else
        json_put_text(app->result, "proof", c->proof.data, c->proof.len);
}

enum err
certificate_give(struct app *app, const char *id, const char *event,
                 const char *file, struct problem *pb)
{
    struct certificate c = {.proof = {0}};
    enum err rc = desk_open(app, DESK_OFFLINE, &c.d, pb);

    if (rc == ERR_OK)
        rc =
            event == NULL ? of_notice(&c, id, pb) : of_event(&c, id, event, pb);
    if (rc == ERR_OK && file != NULL)
        rc = office_write_file(file, &c.proof, pb);
    if (rc == ERR_OK) {
        tell_json(app, &c, event, file);
        if (file == NULL) {
            out_line(app, "%.*s", (int)(c.proof.len - 1),
                     (const char *)c.proof.data);
            out_next(app, "sealpost receipt %s%s%s -o FILE", id,
                     event == NULL ? "" : " --event ",
                     event == NULL ? "" : event);
        } else {
            out_line(app, "The relay's certificate is in %s.", file);
            out_next(app, "sealpost verify %s", file);
        }
    }
    clear(&c);
    return rc;
}

/* ---- exported ---- */

static enum err
write_into(const char *dir, const char *name, const struct buf *bytes,
           struct problem *pb)
{
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), dir, name);

    return rc == ERR_OK ? office_write_file(path, bytes, pb)
                        : problem_from_err(pb, "cannot write the file", rc);
}

static enum err
write_all(struct certificate *c, const char *dir, struct problem *pb)
{
    struct buf words = {0};
    enum err rc = os_mkdirs(dir, 0700);

    if (rc != ERR_OK)
        return problem_set(pb, P_FILE, rc, "cannot make the directory",
                           "%.200s: %s", dir, os_last_error_text());
    notice_words(&c->d, &c->n, &words);
    rc = problem_from_err(pb, "a notice cannot be shown", buf_status(&words));
    if (rc == ERR_OK)
        rc = write_into(dir, "notice.txt", &words, pb);
    if (rc == ERR_OK && c->n.proof.len > 0)
        rc = write_into(dir, "certificate.txt", &c->n.proof, pb);
    buf_clear(&words);
    return rc;
}

static void
tell_export(struct app *app, const struct certificate *c, const char *dir)
{
    json_t *j = notice_json(&c->d, &c->n);
    json_t *files = json_array();

    (void)json_array_append_new(files, json_string("notice.txt"));
    if (c->n.proof.len > 0)
        (void)json_array_append_new(files, json_string("certificate.txt"));
    (void)json_object_update(app->result, j);
    json_decref(j);
    json_put(app->result, "files", files);
    json_put_text(app->result, "directory", dir, strlen(dir));
    out_line(app, "The notice is in %s.", dir);
    if (c->n.proof.len > 0)
        out_next(app, "sealpost verify %s/certificate.txt", dir);
}

enum err
certificate_export(struct app *app, const char *id, const char *dir,
                   struct problem *pb)
{
    struct certificate c = {.proof = {0}};
    enum err rc = desk_open(app, DESK_OFFLINE, &c.d, pb);

    if (rc == ERR_OK)
        rc = notice_find(app, id, &c.n, pb);
    if (rc == ERR_OK)
        rc = write_all(&c, dir, pb);
    if (rc == ERR_OK)
        tell_export(app, &c, dir);
    clear(&c);
    return rc;
}
