/*
 * An evidence bundle with changes in it (tests/lib/patch.h), read by somebody
 * who knows the network (first byte 0), the log's key (1) or a policy (2): what
 * still verifies says nothing that the real one does not say, word for word.
 */
#include <string.h>

#include "proto/bundle_judge.h"
#include "tests/lib/bundle_fixture.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bundle_fixture *fx;
static struct buf real;
static struct bundle b0;
static struct bundle_proven said; /* by the real one */
static struct vkey log_key;

static void
make_bundle(void)
{
    static struct bundle_fixture f;
    struct bundle_fault fault;

    must(crypto_init() == ERR_OK);
    bundle_fixture_init(&f);
    bundle_fixture_story(&f);
    f.net.now_s = NET_TIME + 100000;
    net_revoke(&f.net, 1, REVOKE_STOLEN, NET_TIME + 90000);
    f.cosigned_s = NET_TIME + 110000;
    bundle_fixture_make(&f);
    must(bundle_format(&f.b, &real) == ERR_OK);
    must(bundle_parse(&b0, real.data, real.len, NULL) == ERR_OK);
    must(bundle_judge(&b0,
                      &(struct bundle_anchor){.network_id = &f.net.network_id,
                                              .trust = f.trust},
                      &said, &fault) == ERR_OK);
    must(said.is_signed && said.n_fates == 2 && said.who.n_devices > 1);
    must(vkey_make(&log_key, "relay.test/delivery", NOTE_ED25519,
                   &f.net.log_key.pub) == ERR_OK);
    fx = &f;
}

static void
check_fate(const struct bundle_fate *got)
{
    uint8_t a[EVENT_LEN], b[EVENT_LEN];
    const struct bundle_fate *was = NULL;

    for (size_t i = 0; i < said.n_fates; i++)
        if (said.fates[i].index == got->index)
            was = &said.fates[i];
    must(was != NULL);
    event_encode(&got->event, a);
    event_encode(&was->event, b);
    must(memcmp(a, b, EVENT_LEN) == 0);
    must(got->head_size == was->head_size);
    if (got->backing == BACKING_DEVICE)
        must(was->backing == BACKING_DEVICE && got->outcome == was->outcome &&
             got->signed_ms == was->signed_ms);
    must(got->opening != OPENING_SHOWN || was->opening == OPENING_SHOWN);
    must(got->opening != OPENING_FALSE);
    must((got->witnessed.verified & ~was->witnessed.verified) == 0);
    must(!got->witnessed.quorum ||
         got->witnessed.quorum_time_s == was->witnessed.quorum_time_s ||
         got->witnessed.quorum_time_s == 0);
}

static void
check_packet(const struct bundle_proven *p)
{
    must(id_eq(&p->packet, &said.packet) && id_eq(&p->mailbox, &said.mailbox));
    must(!p->has_digest || id_eq(&p->digest, &said.digest));
    must(!p->has_sender || id_eq(&p->sender, &said.sender));
    if (!p->is_signed)
        return;
    must(p->lists.created_ms == said.lists.created_ms);
    must(id_eq(&p->lists.device, &said.lists.device));
    must((p->disclosed & ~said.disclosed) == 0);
}

static void
check_parts(const struct bundle *b)
{
    for (size_t i = 0; i < b->n_parts; i++) {
        const struct bundle_part *was = NULL;

        for (size_t j = 0; j < b0.n_parts; j++)
            if (b0.parts[j].number == b->parts[i].number)
                was = &b0.parts[j];
        must(was != NULL && was->bytes.len == b->parts[i].bytes.len);
        must(was->bytes.len == 0 ||
             memcmp(was->bytes.p, b->parts[i].bytes.p, was->bytes.len) == 0);
    }
}

/* Later statements may have been left out, and change what is said of people;
 * never who has which key and name. */
static void
check_who(const struct bundle_who *who)
{
    for (size_t i = 0; i < who->n_devices; i++) {
        const struct who_device *d = &who->devices[i], *was = NULL;

        for (size_t j = 0; j < said.who.n_devices; j++)
            if (id_eq(&said.who.devices[j].id, &d->id))
                was = &said.who.devices[j];
        must(was != NULL && id_eq(&was->key, &d->key));
        must(strcmp(was->label, d->label) == 0);
        must(id_eq(&was->agency->id, &d->agency->id));
        must(strcmp(was->agency->name, d->agency->name) == 0);
        must(d->revoked_index == DIR_NEVER ||
             (d->revoked_index == was->revoked_index &&
              d->since_s == was->since_s));
    }
}

static void
check(const struct bundle *b, const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++)
        check_fate(&p->fates[i]);
    if (p->n_fates > 0 || p->is_signed)
        check_packet(p);
    if (p->is_signed)
        check_parts(b);
    check_who(&p->who);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size);
    struct bundle_anchor a = {0};
    struct bundle_fault fault = {0};
    struct bundle_proven p = {0};
    struct bundle b = {0};
    struct buf bytes = {0};
    unsigned knows = rd_u8(&input) % 3;
    bool is_changed;
    enum err rc;

    if (fx == NULL)
        make_bundle();
    if (knows == 0)
        a.network_id = &fx->net.network_id;
    else if (knows == 1)
        a.log = &log_key;
    else
        a.trust = fx->trust;
    buf_put(&bytes, real.data, real.len);
    is_changed = patch_apply(&input, &bytes, 2 * real.len);
    rc = bundle_parse(&b, bytes.data, bytes.len, NULL);
    if (rc == ERR_OK)
        rc = bundle_judge(&b, &a, &p, &fault);
    must(is_changed || rc == ERR_OK);
    if (rc == ERR_OK)
        check(&b, &p);
    bundle_proven_clear(&p);
    bundle_clear(&b);
    buf_clear(&bytes);
    return 0;
}
