/*
 * Checkpoints with lines of witnesses, as a relay hands them to clients
 * (COSIGNED) and a proof file carries them: a real one with changes
 * (tests/lib/patch.h), merged into the real one.  Nothing counts but the log's
 * own head and what its witnesses signed for it; merging loses nothing.
 */
#include <stdio.h>
#include <string.h>

#include "proto/cosigned.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1800000000, WITNESSES = 3, NOTE_MAX = 16 * 1024 };

static struct sign_secret log_key, keys[WITNESSES];
static struct vkey log_vkey, vkeys[WITNESSES];
static struct trust *policy;
static struct head head;
static struct buf fresh, held; /* two witnesses each, one in both */

static void
make_key(struct sign_secret *secret, struct vkey *key, uint8_t byte,
         enum note_type type, const char *name)
{
    uint8_t seed[32];

    memset(seed, byte, sizeof(seed));
    sign_keypair_from_seed(secret, seed);
    must(vkey_make(key, name, type, &secret->pub) == ERR_OK);
}

static void
cosign(struct buf *note, unsigned i, uint64_t time_s)
{
    struct cosignature c;
    struct note text;

    must(note_open(note->data, note->len, NULL, 0, &text) == ERR_OK);
    must(cosignature_sign(text.text, text.text_len, time_s, &keys[i], &c) ==
         ERR_OK);
    cosignature_line(&vkeys[i], &c, note);
    must(buf_status(note) == ERR_OK);
}

static void
make_notes(void)
{
    struct buf text = {0};
    char name[16];

    must(crypto_init() == ERR_OK);
    make_key(&log_key, &log_vkey, 1, NOTE_ED25519, "relay.example/delivery");
    buf_str(&text, "log ");
    vkey_format(&log_vkey, &text);
    for (unsigned i = 0; i < WITNESSES; i++) {
        (void)snprintf(name, sizeof(name), "w%u.example", i);
        make_key(&keys[i], &vkeys[i], (uint8_t)(9 + i), NOTE_COSIGNATURE, name);
        buf_printf(&text, "\nwitness w%u ", i);
        vkey_format(&vkeys[i], &text);
    }
    buf_str(&text, "\ngroup two 2 w0 w1 w2\nquorum two\n");
    must(trust_parse(text.data, text.len, &policy, NULL) == ERR_OK);
    head.size = 12;
    must(head_sign(&head, log_vkey.name, &log_key) == ERR_OK);
    must(head_to_note(&head, &log_vkey, &fresh) == ERR_OK);
    buf_put(&held, fresh.data, fresh.len);
    cosign(&held, 0, NOW_S - 100);
    cosign(&held, 1, NOW_S - 90);
    cosign(&fresh, 1, NOW_S - 80);
    cosign(&fresh, 2, NOW_S + 70);
    buf_clear(&text);
}

static struct span
span_of(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

/* Times of the cosignatures that there are. */
static bool
was_signed(unsigned i, uint64_t time_s)
{
    static const uint64_t times[WITNESSES][2] = {
        {NOW_S - 100, 0}, {NOW_S - 90, NOW_S - 80}, {NOW_S + 70, 0}};

    return time_s == times[i][0] || time_s == times[i][1];
}

static void
check(const struct cosigned *c, const struct buf *note)
{
    struct trusted judged;

    must(c->head.size == head.size && id_eq(&c->head.root, &head.root));
    must(trust_checkpoint(policy, note->data, note->len, &judged) == ERR_OK);
    must(judged.verified == c->verified && judged.quorum == c->has_quorum);
    for (unsigned i = 0; i < WITNESSES; i++) {
        bool has = c->verified >> i & 1;

        must(!has || c->time_s[i] == judged.time_s[i]);
        must(!has || was_signed(i, c->time_s[i]));
    }
}

static void
check_again(const struct cosigned *c, const struct buf *note)
{
    struct cosigned again;
    struct buf b = {0};

    must(cosigned_merge(policy, &log_vkey, span_of(note), span_of(note), NOW_S,
                        &b, &again) == ERR_OK);
    must(again.taken == 0 && again.verified == c->verified);
    must(b.len == note->len && memcmp(b.data, note->data, b.len) == 0);
    buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size);
    struct buf said = {0}, out = {0};
    struct cosigned c;

    if (policy == NULL)
        make_notes();
    buf_put(&said, fresh.data, fresh.len);
    (void)patch_apply(&input, &said, NOTE_MAX);
    if (cosigned_merge(policy, &log_vkey, span_of(&said), span_of(&held), NOW_S,
                       &out, &c) == ERR_OK) {
        must((c.verified & 3) == 3);
        check(&c, &out);
        check_again(&c, &out);
    }
    buf_clear(&said);
    buf_clear(&out);
    return 0;
}
