#include "tests/lib/bundle_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/bundle_fixture.h"
#include "tests/lib/json_out.h"

/* ---- what happened ---- */

static void
story(struct bundle_fixture *f)
{
    bundle_fixture_story(f);
}

static void
cosigned_story(struct bundle_fixture *f)
{
    bundle_fixture_story(f);
    f->cosigned_s = NET_TIME + 9000;
}

static void
long_story(struct bundle_fixture *f)
{
    (void)bundle_fixture_log(f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(f, EVENT_WARNED, 0, BF_STORED_MS + 1000);
    (void)bundle_fixture_log(f, EVENT_DEVICE_REFUSED, 2, BF_STORED_MS + 2000);
    (void)bundle_fixture_log(f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 3000);
    (void)bundle_fixture_log(f, EVENT_DEVICE_RECEIPT, 2, BF_STORED_MS + 4000);
}

static void
refused(struct bundle_fixture *f)
{
    (void)bundle_fixture_log(f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(f, EVENT_REFUSED, 1, BF_STORED_MS + 1000);
}

static void
withdrawn(struct bundle_fixture *f)
{
    (void)bundle_fixture_log(f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(f, EVENT_WITHDRAWN, 0, BF_STORED_MS + 1000);
}

static void
expired(struct bundle_fixture *f)
{
    (void)bundle_fixture_log(f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(f, EVENT_EXPIRED, 0,
                             (f->h.not_after + EVENT_SWEEP_S) * 1000);
}

static void
revoked_later(struct bundle_fixture *f)
{
    bundle_fixture_story(f);
    f->net.now_s = NET_TIME + 86400;
    net_revoke(&f->net, 0, REVOKE_STOLEN, NET_TIME + 43200);
}

static void
revoked_before(struct bundle_fixture *f)
{
    bundle_fixture_story(f);
    f->net.now_s = NET_TIME + 86400;
    net_revoke(&f->net, 0, REVOKE_STOLEN, BF_STORED_MS / 1000);
}

static void
rerooted(struct bundle_fixture *f)
{
    struct sign_secret root;
    struct statement st;

    net_fill_reroot(&f->net, &st, 1, &root, f->net.now_s + 73 * 3600);
    assert_int_equal(net_log_registrar(&f->net, &st).effect, DIR_APPLIED);
    f->net.now_s += 74 * 3600;
    f->net.agencies[1].root = root;
    net_revoke(&f->net, 2, REVOKE_RETIRED, f->net.now_s);
    bundle_fixture_story(f);
}

/* ---- what was done to the file ---- */

static void
nothing(struct bundle_fixture *f)
{
    (void)f;
}

static void
no_content(struct bundle_fixture *f)
{
    f->b.n_parts = 0;
}

static void
events_only(struct bundle_fixture *f)
{
    f->b.header.len = f->b.seal.len = f->b.lists.len = 0;
    f->b.n_parts = 0;
}

static void
no_events(struct bundle_fixture *f)
{
    f->b.n_events = 0;
}

static void
no_evidence(struct bundle_fixture *f)
{
    for (size_t i = 0; i < f->b.n_events; i++)
        f->b.events[i].evidence.len = 0;
}

static void
header_changed(struct bundle_fixture *f)
{
    f->hdr.data[5] = 7; /* class */
}

static void
mailbox_changed(struct bundle_fixture *f)
{
    f->hdr.data[30] ^= 1;
}

static void
seal_changed(struct bundle_fixture *f)
{
    f->seal.data[f->seal.len - 1] ^= 1;
}

static void
signature_changed(struct bundle_fixture *f)
{
    f->lists.data[f->lists.len - 20] ^= 1;
}

static void
part_changed(struct bundle_fixture *f)
{
    f->b.parts[1].bytes = (struct span){"Something else was told.", 24};
}

static void
statement_changed(struct bundle_fixture *f)
{
    f->net.leaves[5].data[80] ^= 1;
}

static void
statement_moved(struct bundle_fixture *f)
{
    f->b.leaves[4].index = 3;
    f->b.leaves[3] = f->b.leaves[4];
    memmove(f->b.leaves + 4, f->b.leaves + 5,
            (f->b.n_leaves - 5) * sizeof(f->b.leaves[0]));
    f->b.n_leaves--;
}

static void
genesis_missing(struct bundle_fixture *f)
{
    f->b.n_leaves--;
    memmove(f->b.leaves, f->b.leaves + 1,
            f->b.n_leaves * sizeof(f->b.leaves[0]));
}

static void
evidence_changed(struct bundle_fixture *f)
{
    f->events[1].evidence.data[200] ^= 1;
}

static void
receipt_changed(struct bundle_fixture *f)
{
    f->events[0].proof.data[70] ^= 1;
}

static void
receipts_swapped(struct bundle_fixture *f)
{
    struct bundle_receipt first = f->b.events[0];

    f->b.events[0] = f->b.events[1];
    f->b.events[1] = first;
}

static void
cosigned_of_none(struct bundle_fixture *f)
{
    f->b.n_events = 1;
}

static const struct {
    const char *name;
    void (*happen)(struct bundle_fixture *f);
    void (*spoil)(struct bundle_fixture *f);
    unsigned fault; /* 0: none */
} cases[] = {
    {"handed over, two parts shown", story, nothing, 0},
    {"handed over, no content", story, no_content, 0},
    {"under a cosigned head", cosigned_story, nothing, 0},
    {"every event before and after the end", long_story, no_content, 0},
    {"refused", refused, no_content, 0},
    {"withdrawn", withdrawn, no_content, 0},
    {"expired", expired, no_content, 0},
    {"the sender's device revoked later", revoked_later, no_content, 0},
    {"the sender's device revoked before", revoked_before, no_content, 0},
    {"the recipient's root replaced", rerooted, no_content, 0},
    {"receipts and statements only", story, events_only, 0},
    {"no receipt", story, no_events, 0},
    {"no word behind the receipts", story, no_evidence, 0},
    {"header of no class", story, header_changed, BUNDLE_HEADER},
    {"header of another mailbox", story, mailbox_changed, BUNDLE_LISTS},
    {"body of another packet", story, seal_changed, BUNDLE_EVENTS},
    {"signature changed", story, signature_changed, BUNDLE_LISTS},
    {"part changed", story, part_changed, BUNDLE_PARTS},
    {"statement changed", story, statement_changed, BUNDLE_DIRECTORY},
    {"statement at another place", story, statement_moved, BUNDLE_DIRECTORY},
    {"no founding policy", story, genesis_missing, BUNDLE_DIRECTORY},
    {"evidence changed", story, evidence_changed, BUNDLE_EVENTS},
    {"receipt changed", story, receipt_changed, BUNDLE_EVENTS},
    {"receipts out of order", story, receipts_swapped, BUNDLE_EVENTS},
    {"cosigned receipt of none that is here", cosigned_story, cosigned_of_none,
     BUNDLE_COSIGNED},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static struct bundle_fixture *
play(size_t i)
{
    struct bundle_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    bundle_fixture_init(f);
    cases[i].happen(f);
    bundle_fixture_make(f);
    cases[i].spoil(f);
    return f;
}

static void
put_away(struct bundle_fixture *f)
{
    bundle_fixture_clear(f);
    free(f);
}

/* ---- what it proves ---- */

static const char *
standing_name(enum bundle_standing s)
{
    static const char *const names[] = {
        [STANDING_UNKNOWN] = "unknown",
        [STANDING_LIVE] = "live",
        [STANDING_EXPIRED] = "expired",
        [STANDING_REVOKED_LATER] = "revoked_later",
        [STANDING_REVOKED] = "revoked",
        [STANDING_UNDATED] = "revoked_undated",
    };

    return names[s];
}

static void
put_event(struct buf *out, const struct bundle_fate *f)
{
    buf_str(out, "{\n");
    json_number(out, "type", f->event.type);
    json_number(out, "index", f->index);
    json_number(out, "time_ms", f->event.time_ms);
    json_text(out, "behind_it",
              f->backing == BACKING_DEVICE  ? "device"
              : f->backing == BACKING_RELAY ? "relay"
                                            : "missing");
    json_number(out, "decrypted", f->opening == OPENING_SHOWN);
    json_number(out, "witnessed_by_s", f->witnessed.quorum_time_s);
    json_end(out, "\n},\n");
}

static void
put_proven(struct buf *out, const struct bundle_proven *p)
{
    json_hex(out, "network_id", p->who.network_id.b, 32);
    json_hex(out, "packet_id", p->packet.b, 16);
    json_hex(out, "pkt_digest", p->digest.b, 32);
    json_hex(out, "sender_agency", p->sender.b, 16);
    json_hex(out, "recipient_mailbox", p->mailbox.b, 16);
    json_number(out, "signed", p->is_signed);
    json_text(out, "sender_was", standing_name(p->standing));
    json_number(out, "disclosed", p->disclosed);
    buf_str(out, "\"events\": [\n");
    for (size_t i = 0; i < p->n_fates; i++)
        put_event(out, &p->fates[i]);
    if (p->n_fates == 0)
        buf_str(out, "],\n");
    else
        json_end(out, "\n],\n");
}

static void
put_case(struct buf *out, size_t i)
{
    struct bundle_fixture *f = play(i);
    struct bundle_anchor a = {.trust = f->cosigned_s == 0 ? NULL : f->trust};
    struct bundle_proven p = {0};
    struct bundle_fault fault = {0};
    struct buf bytes = {0};
    enum err rc = bundle_fixture_judge(f, &a, &p, &fault);

    assert_int_equal(rc, cases[i].fault == 0 ? ERR_OK : ERR_VERIFY);
    assert_int_equal(fault.kind, cases[i].fault);
    assert_int_equal(bundle_format(&f->b, &bytes), ERR_OK);
    buf_str(out, "{\n");
    json_text(out, "name", cases[i].name);
    json_text(out, "fault",
              rc == ERR_OK ? "none" : bundle_kind_name(fault.kind));
    if (rc == ERR_OK)
        put_proven(out, &p);
    json_hex(out, "bundle", bytes.data, bytes.len);
    json_end(out, "\n},\n");
    bundle_proven_clear(&p);
    buf_clear(&bytes);
    put_away(f);
}

static void
put_witness(struct buf *out)
{
    struct bundle_fixture *f = play(0);

    json_text(out, "witness_name", f->witness_key.name);
    json_hex(out, "witness_key", f->witness_key.pub.b, 32);
    put_away(f);
}

void
bundle_vectors_make(struct buf *out)
{
    json_begin(out, "evidence bundles, what each proves or which section of it "
                    "is wrong; the witness alone makes the quorum");
    put_witness(out);
    buf_str(out, "\"bundles\": [\n");
    for (size_t i = 0; i < CASES; i++)
        put_case(out, i);
    json_end(out, "\n]\n}\n");
}
