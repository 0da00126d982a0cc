/*
 * cmd_read.c - `sealpost read ID`: one packet, opened and shown.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/contact.h"
#include "client/content.h"
#include "client/listing.h"
#include "client/notice.h"
#include "client/story.h"
#include "client/table.h"
#include "common/os.h"

enum { WIDTH_MAX = 100 };

struct reading {
    struct desk d;
    struct mail m;
    struct letter l;
    struct content c;
    enum thread_state state;
    unsigned only; /* PART_BITs asked for, 0 all */
};

/* ---- for people ---- */

static void
field(struct app *app, const char *label, const char *text)
{
    struct buf safe = {0};

    show_line(&safe, text, SIZE_MAX);
    buf_u8(&safe, 0);
    if (buf_status(&safe) == ERR_OK && *text != '\0')
        out_line(app, "%-9s %s", label, (const char *)safe.data);
    buf_clear(&safe);
}

static void
show_peer(struct app *app, const struct reading *r)
{
    const struct dir_agency *a =
        directory_agency(roster_directory(r->d.roster), &r->m.peer_agency);
    char digits[FINGERPRINT_LEN + 1] = "";
    char name[256];
    char text[512];
    bool is_verified = roster_is_verified(r->d.roster, &r->m.peer_agency);

    if (a != NULL)
        contact_digits(r->d.roster, a, clock_wall_ms() / 1000, digits);
    listing_peer(r->d.roster, &r->m, name, sizeof(name));
    (void)snprintf(text, sizeof(text), "%s%s", name,
                   is_verified ? " (digits compared)"
                               : " (NOT VERIFIED: digits never compared)");
    field(app, r->m.direction == INDEX_IN ? "From:" : "To:", text);
    field(app, "Digits:", digits);
}

static void
show_head(struct app *app, const struct reading *r)
{
    char created[CLOCK_TEXT_MAX];
    char stored[CLOCK_TEXT_MAX];
    char words[32];
    char state[64];
    char id[9];
    char to[256];

    mail_short(id, &r->m.id);
    out_line(app, "%s %s%s", show_words(words, listing_type(&r->m)), id,
             r->m.class != 0 ? "  URGENT" : "");
    show_peer(app, r);
    if (r->m.direction == INDEX_IN) {
        roster_mailbox_name(r->d.roster, &r->m.own_mailbox, to, sizeof(to));
        field(app, "To:", to);
    }
    field(app, "Written:", show_time(created, r->m.created_ms));
    field(app, "Stored:", show_time(stored, r->m.stored_ms));
    if (r->m.direction != INDEX_IN || thread_opens(&r->m))
        field(app, "State:", listing_state(&r->m, r->state, state));
    field(app, "Subject:", r->m.subject);
}

static void
show_files(struct app *app, const struct mail *m)
{
    if (m->n_atts > 0)
        out_line(app, "\nFiles:");
    for (size_t i = 0; i < m->n_atts; i++) {
        const char *part = part_name(m->atts[i].part);
        char size[32];
        struct buf name = {0};

        show_line(&name, m->atts[i].name, 60);
        buf_u8(&name, 0);
        if (buf_status(&name) == ERR_OK)
            out_line(app, "  %zu. %s  %s%s%s", i + 1, (const char *)name.data,
                     show_size(size, m->atts[i].size),
                     part == NULL ? "" : "  with ", part == NULL ? "" : part);
        buf_clear(&name);
    }
}

static void
show_overrides(struct app *app, const struct reading *r)
{
    const char *why =
        json_get_str(json_object_get(r->c.doc, "meta"), "consent_overridden");

    if (*why == '\0')
        why = json_get_str(r->l.meta, "consent_overridden");
    if (*why != '\0')
        field(app, "Consent:", "sent without it; the sender's reason follows");
    field(app, "Reason:", why);
}

static enum err
show_body(struct app *app, const struct reading *r, struct problem *pb)
{
    unsigned width = os_term_width(1);
    struct buf out = {0};
    enum err rc = content_render(&r->c, width > WIDTH_MAX ? WIDTH_MAX : width,
                                 r->only, &out);

    if (rc == ERR_OK && out.len > 0)
        out_line(app, "\n%.*s", (int)(out.len - 1), (const char *)out.data);
    buf_clear(&out);
    return problem_from_err(pb, "the packet cannot be shown", rc);
}

/* ---- for scripts ---- */

/* The referral, or with --part that part alone. */
static json_t *
referral_json(const struct reading *r)
{
    for (uint8_t n = 1; r->only != 0 && n < PART_COUNT; n++)
        if (r->only == PART_BIT(n))
            return letter_part(&r->l, n);
    return json_incref(r->c.doc);
}

static void
put_json(struct app *app, const struct reading *r)
{
    const struct dir_agency *a =
        directory_agency(roster_directory(r->d.roster), &r->m.peer_agency);
    json_t *j = listing_json(&r->d, &r->m, r->state);
    char digits[FINGERPRINT_LEN + 1] = "";

    (void)json_object_update(app->result, j);
    json_decref(j);
    if (a != NULL)
        contact_digits(r->d.roster, a, clock_wall_ms() / 1000, digits);
    json_put_bool(app->result, "verified",
                  roster_is_verified(r->d.roster, &r->m.peer_agency));
    json_put_str(app->result, "digits", digits);
    json_put(app->result, "meta", json_incref(r->l.meta));
    if (r->c.doc != NULL)
        json_put(app->result, "referral", referral_json(r));
    else
        json_put_text(app->result, "text",
                      r->c.text.len == 0 ? (const void *)"" : r->c.text.data,
                      r->c.text.len);
    json_put(app->result, "parts", content_parts_json(r->c.here));
    json_put(app->result, "withheld", content_parts_json(r->c.withheld));
    json_put(app->result, "receipt", story_receipt_json(&r->d, &r->m));
}

/* ---- the command ---- */

static enum err
parse_part(const char *text, unsigned *only, struct problem *pb)
{
    unsigned long n;
    enum err rc;

    if (text == NULL)
        return ERR_OK;
    if (part_by_name(text) != PART_COUNT) {
        *only = PART_BIT(part_by_name(text));
        return ERR_OK;
    }
    rc = args_number(text, "--part", 0, PART_COUNT - 1, &n, pb);
    if (rc == ERR_OK)
        *only = PART_BIT(n);
    return rc;
}

static enum err
load(struct app *app, const char *id, struct reading *r, struct problem *pb)
{
    struct mails all = {0};
    enum err rc = desk_open(app, DESK_OFFLINE, &r->d, pb);

    if (rc == ERR_OK)
        rc = pick_mail(app, id, PICK_ANY, &r->m, pb);
    if (rc == ERR_OK)
        rc = letter_load(app, &r->m, &r->l, pb);
    if (rc == ERR_OK)
        rc = content_load(&r->l, &r->c, pb);
    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &all, pb);
    if (rc == ERR_OK)
        r->state = thread_of(app, &all, &r->m);
    mails_clear(&all);
    return rc;
}

static enum err
mark_read(struct app *app, struct reading *r, struct problem *pb)
{
    if (!r->m.is_unread)
        return ERR_OK;
    r->m.is_unread = false;
    return mail_save(app, &r->m, pb);
}

static void
say_next(struct app *app, const struct reading *r)
{
    char id[9];

    mail_short(id, &r->m.id);
    if (listing_is_to_answer(&r->m, r->state))
        out_next(app, "sealpost accept %s, or sealpost decline %s --reason WHY",
                 id, id);
    else if (r->m.n_atts > 0)
        out_next(app, "sealpost export %s -o DIRECTORY", id);
    else if (r->m.direction == INDEX_IN)
        out_next(app, "sealpost reply %s --text \"...\"", id);
    else
        out_next(app, "sealpost status %s", id);
}

static enum err
show(struct app *app, struct reading *r, struct problem *pb)
{
    enum err rc;

    show_head(app, r);
    show_overrides(app, r);
    rc = show_body(app, r, pb);
    if (rc == ERR_OK)
        show_files(app, &r->m);
    if (rc == ERR_OK)
        rc = mark_read(app, r, pb);
    if (rc == ERR_OK) {
        put_json(app, r);
        say_next(app, r);
    }
    return rc;
}

/* ---- a notice of non-delivery ---- */

static void
notice_next(struct app *app, const struct notice *n)
{
    static const struct packet_id none;
    char id[9];

    mail_short(id, &n->packet);
    if (n->m.direction != INDEX_OUT)
        out_next(app, "phone them");
    else if (!id_eq(&n->m.moved_to, &none) || mail_is_going_on(&n->m))
        out_next(app, "sealpost status %s", id);
    else
        out_next(app, "phone them, or sealpost readdress %s", id);
}

static enum err
show_notice(struct app *app, const struct desk *d, struct notice *n,
            struct problem *pb)
{
    struct buf text = {0};
    char id[9];
    enum err rc;

    notice_words(d, n, &text);
    rc = problem_from_err(pb, "a notice cannot be shown", buf_status(&text));
    if (rc == ERR_OK)
        rc = notice_set_read(app, n, pb);
    if (rc == ERR_OK) {
        json_t *j = notice_json(d, n);

        (void)json_object_update(app->result, j);
        json_decref(j);
        json_put_text(app->result, "text", text.data, text.len);
        notice_short(id, n);
        out_line(app, "notice of non-delivery %s\n\n%.*s", id,
                 (int)(text.len - 1), (const char *)text.data);
        if (n->proof.len > 0)
            out_line(app, "sealpost receipt %s -o FILE writes it.", id);
        notice_next(app, n);
    }
    buf_clear(&text);
    return rc;
}

/* ERR_NOTFOUND without a problem: ID names no notice. */
static enum err
read_notice(struct app *app, const char *id, struct problem *pb)
{
    struct notice n = {0};
    struct desk d = {0};
    enum err rc = desk_open(app, DESK_OFFLINE, &d, pb);

    if (rc == ERR_OK)
        rc = notice_find(app, id, &n, pb);
    if (rc == ERR_OK)
        rc = show_notice(app, &d, &n, pb);
    notice_clear(&n);
    desk_close(&d);
    return rc;
}

int
cmd_read(struct app *app, int argc, char **argv)
{
    const char *part = NULL;
    const struct arg table[] = {{"--part", ARG_TEXT, &part}};
    struct problem pb = {0};
    struct reading r = {0};
    const char *id = NULL;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(&pb, "which packet?  `sealpost inbox` lists the ids; "
                               "`latest` is the newest");
    if (rc == ERR_OK)
        rc = parse_part(part, &r.only, &pb);
    if (rc == ERR_OK)
        rc = read_notice(app, id, &pb);
    if (rc == ERR_NOTFOUND && pb.id == P_NONE) {
        rc = load(app, id, &r, &pb);
        if (rc == ERR_OK)
            rc = show(app, &r, &pb);
    }
    content_clear(&r.c);
    letter_clear(&r.l);
    mail_clear(&r.m);
    desk_close(&r.d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
