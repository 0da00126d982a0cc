#include "client/contact.h"

#include <string.h>

#include "client/witnesses_tell.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { NAME_LEN = LIMIT_AGENCY_NAME + LIMIT_LABEL + 2, HEX_SHORT = 8 };

static const char *
agency_state(const struct roster *r, const struct dir_agency *a)
{
    if (a->suspended)
        return "suspended";
    return roster_is_held(r, &a->id) ? "held" : "active";
}

static const char *
device_state(const struct dir_device *d, uint64_t now_s)
{
    if (device_is_live(d, now_s))
        return "live";
    if (d->revoked_index == DIR_NEVER)
        return "expired";
    return d->revoked_reason == 0 ? "stopped"
                                  : revoke_reason_name(d->revoked_reason);
}

static const struct dir_members *
members_now(const struct dir_mailbox *m)
{
    return &m->members[m->n_members - 1];
}

static bool
has_deputy(const struct dir_mailbox *m)
{
    static const struct mailbox_id none;

    return !id_eq(&m->deputy, &none);
}

void
contact_digits(const struct roster *r, const struct dir_agency *a,
               uint64_t now_s, char out[FINGERPRINT_LEN + 1])
{
    const struct sign_key *root = directory_root_now(a, now_s);
    struct hash network = {0};

    if (a->reroot.pending && roster_is_held(r, &a->id))
        root = &a->reroot.root;
    (void)directory_network_id(roster_directory(r), &network);
    fingerprint(out, &network, root, a->name);
}

/* ---- for scripts ---- */

static json_t *
device_json(const struct dir_device *d, uint64_t now_s)
{
    json_t *j = json_object();

    json_put_hex(j, "device_id", d->id.b, 16);
    json_put_str(j, "label", d->label);
    json_put_str(j, "state", device_state(d, now_s));
    json_put_u64(j, "until_ms", d->not_after_s * 1000);
    if (d->revoked_index != DIR_NEVER)
        json_put_u64(j, "since_ms", d->revoked_since_s * 1000);
    return j;
}

static json_t *
mailbox_json(const struct roster *r, const struct dir_mailbox *m)
{
    const struct dir_members *now = members_now(m);
    json_t *devices = json_array();
    json_t *j = json_object();
    char name[NAME_LEN];

    roster_mailbox_name(r, &m->id, name, sizeof(name));
    json_put_hex(j, "mailbox_id", m->id.b, 16);
    json_put_str(j, "label", m->label);
    json_put_str(j, "name", name);
    json_put_str(j, "state", m->state == MAILBOX_OPEN ? "open" : "closed");
    json_put_u64(j, "purposes", m->purposes);
    json_put_str(j, "contact", m->contact);
    for (size_t i = 0; i < now->n; i++) {
        char hex[33];

        hex_encode(hex, now->devices[i].b, 16);
        (void)json_array_append_new(devices, json_string(hex));
    }
    json_put(j, "devices", devices);
    if (has_deputy(m))
        roster_mailbox_name(r, &m->deputy, name, sizeof(name));
    json_put(j, "deputy", has_deputy(m) ? json_string(name) : json_null());
    return j;
}

json_t *
contact_json(const struct roster *r, const struct dir_agency *a, uint64_t now_s)
{
    json_t *devices = json_array();
    json_t *mailboxes = json_array();
    json_t *j = json_object();
    char digits[FINGERPRINT_LEN + 1];

    contact_digits(r, a, now_s, digits);
    json_put_hex(j, "agency_id", a->id.b, 16);
    json_put_str(j, "name", a->name);
    json_put_str(j, "class", agency_class_name(a->class));
    json_put_str(j, "country", a->country);
    json_put_str(j, "state", agency_state(r, a));
    json_put_bool(j, "verified", roster_is_verified(r, &a->id));
    json_put_str(j, "digits", digits);
    json_put_str(j, "services", a->services);
    if (a->reroot.pending)
        json_put_u64(j, "new_root_ms", a->reroot.effective_s * 1000);
    for (size_t i = 0; i < a->n_devices; i++)
        (void)json_array_append_new(devices, device_json(a->devices[i], now_s));
    for (size_t i = 0; i < a->n_mailboxes; i++)
        (void)json_array_append_new(mailboxes,
                                    mailbox_json(r, a->mailboxes[i]));
    json_put(j, "devices", devices);
    json_put(j, "mailboxes", mailboxes);
    return j;
}

/* ---- for people ---- */

static void
print_text(struct app *app, const char *text, size_t indent)
{
    struct buf shown = {0};
    struct buf b = {0};

    if (*text == '\0')
        return;
    text_show(&shown, text, strlen(text), TEXT_LINES);
    if (buf_status(&shown) == ERR_OK) {
        buf_u8(&shown, 0);
        text_wrap(&b, (const char *)shown.data, 78, indent);
    }
    out_line(app, "%.*s", (int)b.len, b.data == NULL ? "" : (char *)b.data);
    buf_clear(&shown);
    buf_clear(&b);
}

static size_t
count_live(const struct roster *r, const struct dir_mailbox *m, uint64_t now_s)
{
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];

    return directory_live_devices(roster_directory(r), m, now_s, live);
}

static void
print_mailbox(struct app *app, const struct roster *r,
              const struct dir_mailbox *m, uint64_t now_s)
{
    size_t live = count_live(r, m, now_s);
    char name[NAME_LEN];

    roster_mailbox_name(r, &m->id, name, sizeof(name));
    if (m->state != MAILBOX_OPEN)
        out_line(app, "    %s  (closed)", name);
    else if (live == 0)
        out_line(app, "    %s  (nobody can read it now)", name);
    else
        out_line(app, "    %s  (%zu device%s)", name, live,
                 live == 1 ? "" : "s");
    print_text(app, m->contact, 8);
    if (has_deputy(m)) {
        roster_mailbox_name(r, &m->deputy, name, sizeof(name));
        out_line(app, "        deputy: %s", name);
    }
}

static void
print_device(struct app *app, const struct dir_device *d, uint64_t now_s)
{
    char hex[33];
    char when[CLOCK_TEXT_MAX];
    bool revoked = d->revoked_index != DIR_NEVER;

    hex_encode(hex, d->id.b, 16);
    clock_format_local(when,
                       1000 * (revoked ? d->revoked_since_s : d->not_after_s));
    out_line(app, "    %.*s  %-28s %s %s %s", HEX_SHORT, hex, d->label,
             device_state(d, now_s), revoked ? "since" : "until", when);
}

static void
print_reroot(struct app *app, const struct dir_agency *a)
{
    char when[CLOCK_TEXT_MAX];

    clock_format_local(when, a->reroot.effective_s * 1000);
    out_line(app,
             "    ITS ROOT CHANGES at %s: its digits will be others then, and "
             "have to be compared again",
             when);
}

void
contact_print(struct app *app, const struct roster *r,
              const struct dir_agency *a, uint64_t now_s,
              enum contact_detail detail)
{
    const char *state = agency_state(r, a);
    char digits[FINGERPRINT_LEN + 1];

    contact_digits(r, a, now_s, digits);
    out_line(app, "%s  (%s, %s)%s%s%s", a->name, a->country,
             agency_class_name(a->class),
             roster_is_verified(r, &a->id) ? "  digits compared" : "",
             strcmp(state, "active") == 0 ? "" : "  ",
             strcmp(state, "active") == 0 ? "" : state);
    out_line(app, "    digits %s", digits);
    if (a->reroot.pending)
        print_reroot(app, a);
    print_text(app, a->services, 4);
    for (size_t i = 0; i < a->n_mailboxes; i++)
        if (detail == CONTACT_FULL || a->mailboxes[i]->state == MAILBOX_OPEN)
            print_mailbox(app, r, a->mailboxes[i], now_s);
    if (detail == CONTACT_FULL)
        out_line(app, "  devices");
    for (size_t i = 0; detail == CONTACT_FULL && i < a->n_devices; i++)
        print_device(app, a->devices[i], now_s);
}

void
contact_age(struct app *app, const struct roster *r, uint64_t now_ms)
{
    struct freshness f;
    char text[512];

    freshness_of(r, now_ms, &f);
    json_put_u64(app->result, "directory_size",
                 directory_size(roster_directory(r)));
    json_put_u64(app->result, "synced_ms", roster_synced_ms(r));
    json_put_u64(app->result, "fresh_ms", f.at_ms);
    json_put_str(app->result, "freshness",
                 f.by_witnesses ? "witnesses" : "sync");
    freshness_sentence(r, &f, text, sizeof(text));
    out_note(app, "%s", text);
}
