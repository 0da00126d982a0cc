#include "proto/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/vectors.h"

/* The log and the witness of xmod.json. */
struct world {
    json_t *doc;
    struct sign_secret log_secret, witness_secret;
    struct vkey log, witness;
    uint64_t time_s;
};

static void
load_key(const json_t *object, struct sign_secret *secret, struct vkey *key)
{
    const char *text = vectors_text(object, "vkey");
    uint8_t seed[32];

    vectors_copy(seed, sizeof(seed), object, "seed_hex");
    sign_keypair_from_seed(secret, seed);
    assert_int_equal(vkey_parse(key, text, strlen(text)), ERR_OK);
    assert_memory_equal(key->pub.b, secret->pub.b, 32);
}

static void
world_init(struct world *w)
{
    const json_t *witness;

    w->doc = vectors_load("tlog/xmod.json");
    witness = json_object_get(w->doc, "witness");
    load_key(json_object_get(w->doc, "log"), &w->log_secret, &w->log);
    load_key(witness, &w->witness_secret, &w->witness);
    w->time_s = (uint64_t)vectors_int(witness, "time");
}

static void
world_clear(struct world *w)
{
    json_decref(w->doc);
}

static void
assert_buf_is(const struct buf *b, const char *text)
{
    assert_int_equal(buf_status(b), ERR_OK);
    assert_int_equal(b->len, strlen(text));
    assert_memory_equal(b->data, text, b->len);
}

static void
verifier_keys_read_and_write_back(void **state)
{
    struct world w;
    struct vkey made;

    (void)state;
    world_init(&w);
    for (int i = 0; i < 2; i++) {
        const json_t *object =
            json_object_get(w.doc, i == 0 ? "log" : "witness");
        const struct vkey *key = i == 0 ? &w.log : &w.witness;
        struct buf out = {0};

        assert_string_equal(key->name, vectors_text(object, "name"));
        assert_int_equal(key->type, i == 0 ? NOTE_ED25519 : NOTE_COSIGNATURE);
        vkey_format(key, &out);
        assert_buf_is(&out, vectors_text(object, "vkey"));
        buf_clear(&out);
        assert_int_equal(
            vkey_make(&made, key->name, (enum note_type)key->type, &key->pub),
            ERR_OK);
        assert_memory_equal(&made, key, sizeof(made));
    }
    world_clear(&w);
}

static void
malformed_verifier_keys_are_refused(void **state)
{
    static const char good[] = "relay.example/log1+73be8b4c+"
                               "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH";
    static const char *const bad[] = {
        "",
        "relay.example/log1",
        "+73be8b4c+AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH",
        "relay.example/log1+73be8b4d+"
        "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH",
        "relay.example/log1+73BE8B4C+"
        "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH",
        "relay example+73be8b4c+AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH",
        "relay.example/log1+73be8b4c+AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xY=",
        "relay.example/log1+73be8b4c",
        "relay.example/log1+73be8b4c+",
    };
    struct sign_key pub = {{1}};
    char name[NOTE_NAME_MAX + 2];
    struct vkey key;

    (void)state;
    assert_int_equal(vkey_parse(&key, good, sizeof(good) - 1), ERR_OK);
    for (size_t len = 0; len < sizeof(good) - 1; len++)
        assert_int_equal(vkey_parse(&key, good, len), ERR_MALFORMED);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(vkey_parse(&key, bad[i], strlen(bad[i])),
                         ERR_MALFORMED);
    memset(name, 'n', sizeof(name));
    name[NOTE_NAME_MAX + 1] = '\0';
    assert_int_equal(vkey_make(&key, name, NOTE_ED25519, &pub), ERR_MALFORMED);
    name[NOTE_NAME_MAX] = '\0';
    assert_int_equal(vkey_make(&key, name, NOTE_ED25519, &pub), ERR_OK);
    assert_int_equal(vkey_make(&key, "a+b", NOTE_ED25519, &pub), ERR_MALFORMED);
    assert_int_equal(vkey_make(&key,
                               "a\xc2\xa0"
                               "b",
                               NOTE_ED25519, &pub),
                     ERR_MALFORMED);
    assert_int_equal(vkey_make(&key, "a", (enum note_type)6, &pub),
                     ERR_UNSUPPORTED);
}

static void
checkpoints_sign_to_the_bytes_of_another_implementation(void **state)
{
    struct world w;
    size_t i;
    json_t *v;

    (void)state;
    world_init(&w);
    json_array_foreach(vectors_list(w.doc, "checkpoints"), i, v)
    {
        const char *body = vectors_text(v, "body");
        struct buf text = {0}, note = {0}, again = {0};
        struct checkpoint cp;
        struct head head;

        assert_int_equal(checkpoint_parse(body, strlen(body), &cp), ERR_OK);
        assert_string_equal(cp.origin, w.log.name);
        assert_int_equal(cp.size, vectors_int(v, "size"));
        assert_int_equal(checkpoint_text(&cp, &text), ERR_OK);
        assert_buf_is(&text, body);
        assert_int_equal(checkpoint_sign(&cp, &w.log, &w.log_secret, &note),
                         ERR_OK);
        assert_buf_is(&note, vectors_text(v, "checkpoint"));

        /* The short form is the same signature. */
        head = (struct head){.size = cp.size, .root = cp.root};
        assert_int_equal(head_sign(&head, w.log.name, &w.log_secret), ERR_OK);
        assert_int_equal(head_verify(&head, &w.log), ERR_OK);
        assert_int_equal(head_to_note(&head, &w.log, &again), ERR_OK);
        assert_buf_is(&again, vectors_text(v, "checkpoint"));
        buf_clear(&text);
        buf_clear(&note);
        buf_clear(&again);
    }
    world_clear(&w);
}

static void
cosignatures_are_those_of_another_implementation(void **state)
{
    struct world w;
    size_t i;
    json_t *v;

    (void)state;
    world_init(&w);
    json_array_foreach(vectors_list(w.doc, "checkpoints"), i, v)
    {
        const char *body = vectors_text(v, "body");
        struct cosignature cosig;
        struct buf note = {0};

        assert_int_equal(cosignature_sign(body, strlen(body), w.time_s,
                                          &w.witness_secret, &cosig),
                         ERR_OK);
        assert_int_equal(
            cosignature_verify(body, strlen(body), &w.witness, &cosig), ERR_OK);
        buf_str(&note, vectors_text(v, "checkpoint"));
        cosignature_line(&w.witness, &cosig, &note);
        assert_buf_is(&note, vectors_text(v, "cosigned_checkpoint"));
        cosig.time_s++;
        assert_int_equal(
            cosignature_verify(body, strlen(body), &w.witness, &cosig),
            ERR_VERIFY);
        assert_int_equal(cosignature_verify(body, strlen(body), &w.log, &cosig),
                         ERR_VERIFY);
        buf_clear(&note);
    }
    world_clear(&w);
}

static void
a_cosigned_note_tells_who_signed_and_when(void **state)
{
    struct world w;
    struct vkey keys[2];
    struct note note;
    struct head head, none = {0};
    size_t i;
    json_t *v;

    (void)state;
    world_init(&w);
    keys[0] = w.witness;
    keys[1] = w.log;
    json_array_foreach(vectors_list(w.doc, "checkpoints"), i, v)
    {
        const char *text = vectors_text(v, "cosigned_checkpoint");

        assert_int_equal(note_open(text, strlen(text), keys, 2, &note), ERR_OK);
        assert_int_equal(note.verified, 3);
        assert_int_equal(note.time_s[0], w.time_s);
        assert_int_equal(note.text_len, strlen(vectors_text(v, "body")));
        assert_int_equal(
            head_from_note(text, strlen(text), &w.log, keys, 1, &head, &note),
            ERR_OK);
        assert_int_equal(note.verified, 1);
        assert_int_equal(head.size, vectors_int(v, "size"));
        assert_int_equal(head_verify(&head, &w.log), ERR_OK);
        assert_false(head_is_none(&head));
    }
    assert_true(head_is_none(&none));
    world_clear(&w);
}

static void
heads_pass_through_their_104_bytes(void **state)
{
    uint8_t bytes[HEAD_LEN], again[HEAD_LEN];
    struct head head;

    (void)state;
    for (size_t i = 0; i < HEAD_LEN; i++)
        bytes[i] = (uint8_t)i;
    head_decode(bytes, &head);
    assert_true(head.size == 0x0001020304050607);
    assert_int_equal(head.root.b[0], 8);
    assert_int_equal(head.sig.b[0], 40);
    head_encode(&head, again);
    assert_memory_equal(bytes, again, HEAD_LEN);
}

static void
a_head_holds_for_its_own_log_only(void **state)
{
    struct head head = {.size = 7};
    struct sign_secret secret;
    struct vkey log, other;
    uint8_t seed[32] = {3};

    (void)state;
    sign_keypair_from_seed(&secret, seed);
    assert_int_equal(
        vkey_make(&log, "relay/delivery", NOTE_ED25519, &secret.pub), ERR_OK);
    assert_int_equal(
        vkey_make(&other, "relay/directory", NOTE_ED25519, &secret.pub),
        ERR_OK);
    assert_int_equal(head_sign(&head, log.name, &secret), ERR_OK);
    assert_int_equal(head_verify(&head, &log), ERR_OK);
    assert_int_equal(head_verify(&head, &other), ERR_VERIFY);
    head.size++;
    assert_int_equal(head_verify(&head, &log), ERR_VERIFY);
    head.size--;
    head.root.b[31] ^= 1;
    assert_int_equal(head_verify(&head, &log), ERR_VERIFY);
    assert_int_equal(head_sign(&head, "two words", &secret), ERR_MALFORMED);
    assert_int_equal(vkey_make(&other, log.name, NOTE_COSIGNATURE, &secret.pub),
                     ERR_OK);
    assert_int_equal(head_verify(&head, &other), ERR_VERIFY);
}

static size_t
read_file(const char *name, char *out, size_t cap)
{
    char path[128];
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), "tests/vectors/tlog/tessera-log/%s", name);
    f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    len = fread(out, 1, cap, f);
    fclose(f);
    return len;
}

static void
every_checkpoint_of_a_tessera_log_opens(void **state)
{
    char name[32], text[512], vkey[128];
    size_t len = read_file("log.vkey", vkey, sizeof(vkey));
    struct vkey log;
    struct head head;
    struct buf again = {0};

    (void)state;
    while (len > 0 && vkey[len - 1] == '\n')
        len--;
    assert_int_equal(vkey_parse(&log, vkey, len), ERR_OK);
    for (unsigned size = 0; size <= 15; size++) {
        snprintf(name, sizeof(name), "checkpoint.%u", size);
        len = read_file(name, text, sizeof(text));
        assert_int_equal(head_from_note(text, len, &log, NULL, 0, &head, NULL),
                         ERR_OK);
        assert_int_equal(head.size, size);
        buf_reset(&again);
        assert_int_equal(head_to_note(&head, &log, &again), ERR_OK);
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, text, len);
    }
    buf_clear(&again);
}

#define LOG_LINE                                                               \
    "\xe2\x80\x94 relay.example/log1 "                                         \
    "c76LTGn6l7rSYdRCZoeJqYFjqcmzlfNyaVCQ+kYShMmjZUG+"                         \
    "OMt0q8tALmpgRxRY03bgqSDjtd+G3C3B2mTXb9UreQY=\n"
#define BODY                                                                   \
    "relay.example/log1\n1\ndziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE=\n"
#define DASH "\xe2\x80\x94 "

static void
notes_are_judged_by_their_known_signers(void **state)
{
    static const struct {
        const char *note;
        enum err want;
        uint64_t verified;
    } rows[] = {
        {BODY "\n" LOG_LINE, ERR_OK, 1},
        {BODY "\n" LOG_LINE LOG_LINE, ERR_OK, 1},
        /* Unknown name; known name with unknown keyid; longer keys to come. */
        {BODY "\n" DASH "other AAAAAAA=\n" LOG_LINE, ERR_OK, 1},
        {BODY "\n" DASH "relay.example/log1 AAAAAAAA\n" LOG_LINE, ERR_OK, 1},
        {BODY "\n" DASH "other AAAAAAA=\n", ERR_OK, 0},
        /* Known signer: wrong text, cut signature. */
        {"x\n" BODY "\n" LOG_LINE, ERR_VERIFY, 0},
        {BODY "\n" DASH "relay.example/log1 c76LTGn6l7rS\n", ERR_VERIFY, 0},
        /* Not notes. */
        {"", ERR_MALFORMED, 0},
        {"\n", ERR_MALFORMED, 0},
        {"\n\n", ERR_MALFORMED, 0},
        {BODY, ERR_MALFORMED, 0},
        {BODY "\n", ERR_MALFORMED, 0},
        {BODY LOG_LINE, ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE "x", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE "no dash AAAAAAAA\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH "nameonly\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH " AAAAAAAA\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH "other AAAA\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH "other AAAAAA!=\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH "other AAAAA===\n", ERR_MALFORMED, 0},
        {BODY "\n" LOG_LINE DASH "other AAAAAAA\n", ERR_MALFORMED, 0},
        {"a\tb\n\n" LOG_LINE, ERR_MALFORMED, 0},
    };
    struct world w;

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct note note = {.verified = 99};

        assert_int_equal(
            note_open(rows[i].note, strlen(rows[i].note), &w.log, 1, &note),
            rows[i].want);
        assert_int_equal(note.verified,
                         rows[i].want == ERR_OK ? rows[i].verified : 99);
    }
    world_clear(&w);
}

static void
a_note_is_split_at_its_last_empty_line(void **state)
{
    static const char text[] = "first\n\n" DASH "looks like a signature\n\n";
    struct buf out = {0};
    struct world w;
    struct note note;

    (void)state;
    world_init(&w);
    assert_int_equal(
        note_sign(text, sizeof(text) - 1, &w.log, &w.log_secret, &out), ERR_OK);
    assert_int_equal(note_open(out.data, out.len, &w.log, 1, &note), ERR_OK);
    assert_int_equal(note.verified, 1);
    assert_int_equal(note.text_len, sizeof(text) - 1);
    /* A good note that is no checkpoint is no head. */
    assert_int_equal(head_from_note(out.data, out.len, &w.log, NULL, 0,
                                    &(struct head){0}, NULL),
                     ERR_MALFORMED);
    buf_clear(&out);
    world_clear(&w);
}

static void
what_could_not_be_read_back_is_not_signed(void **state)
{
    struct cosignature cosig;
    struct checkpoint cp = {.origin = "two words"};
    struct buf out = {0};
    struct world w;

    (void)state;
    world_init(&w);
    assert_int_equal(note_sign("", 0, &w.log, &w.log_secret, &out),
                     ERR_MALFORMED);
    assert_int_equal(note_sign("x", 1, &w.log, &w.log_secret, &out),
                     ERR_MALFORMED);
    assert_int_equal(note_sign("x\r\n", 3, &w.log, &w.log_secret, &out),
                     ERR_MALFORMED);
    assert_int_equal(note_sign("x\n", 2, &w.log, &w.witness_secret, &out),
                     ERR_STATE);
    assert_int_equal(note_sign("x\n", 2, &w.witness, &w.witness_secret, &out),
                     ERR_STATE);
    assert_int_equal(checkpoint_text(&cp, &out), ERR_MALFORMED);
    assert_int_equal(checkpoint_sign(&cp, &w.log, &w.log_secret, &out),
                     ERR_MALFORMED);
    assert_int_equal(cosignature_sign("x\n", 2, 1, &w.witness_secret, &cosig),
                     ERR_MALFORMED);
    assert_int_equal(out.len, 0);
    world_clear(&w);
}

static void
checkpoints_have_one_form_only(void **state)
{
#define ROOT "dziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE="
    static const char *const bad[] = {
        "",
        "o\n",
        "o\n1\n",
        "o\n1\n" ROOT,
        "o\n1\n" ROOT "\nextension\n",
        "o\n01\n" ROOT "\n",
        "o\n-1\n" ROOT "\n",
        "o\n+1\n" ROOT "\n",
        "o\n\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n99999999999999999999\n" ROOT "\n",
        "o\n1\ndziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE\n",
        "o\n1\ndziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVw==\n",
        "o\n1\ndziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwF=\n",
        "o o\n1\n" ROOT "\n",
        "\n1\n" ROOT "\n",
        "o\r\n1\r\n" ROOT "\r\n",
    };
    static const char most[] = "o\n18446744073709551615\n" ROOT "\n";
    struct checkpoint cp;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(checkpoint_parse(bad[i], strlen(bad[i]), &cp),
                         ERR_MALFORMED);
    assert_int_equal(checkpoint_parse(most, sizeof(most) - 1, &cp), ERR_OK);
    assert_true(cp.size == UINT64_MAX);
}

static void
a_note_by_somebody_else_is_no_head(void **state)
{
    static const char note[] = BODY "\n" LOG_LINE;
    struct vkey other;
    struct head head;
    struct world w;

    (void)state;
    world_init(&w);
    assert_int_equal(
        vkey_make(&other, "relay.example/log2", NOTE_ED25519, &w.log.pub),
        ERR_OK);
    assert_int_equal(
        head_from_note(note, sizeof(note) - 1, &other, NULL, 0, &head, NULL),
        ERR_VERIFY);
    assert_int_equal(
        head_from_note(note, sizeof(note) - 1, &w.log, NULL, 0, &head, NULL),
        ERR_OK);
    world_clear(&w);
}

static void
a_log_may_not_sign_for_another_origin(void **state)
{
    struct checkpoint cp = {.origin = "relay.example/other", .size = 1};
    struct buf out = {0};
    struct head head;
    struct world w;

    (void)state;
    world_init(&w);
    assert_int_equal(checkpoint_sign(&cp, &w.log, &w.log_secret, &out), ERR_OK);
    assert_int_equal(
        head_from_note(out.data, out.len, &w.log, NULL, 0, &head, NULL),
        ERR_VERIFY);
    buf_clear(&out);
    world_clear(&w);
}

static void
too_many_lines_or_keys_or_bytes_are_refused(void **state)
{
    static struct vkey keys[NOTE_KEYS_MAX + 1];
    struct buf b = {0};
    struct note note;
    struct world w;

    (void)state;
    world_init(&w);
    buf_str(&b, BODY "\n");
    for (unsigned i = 0; i < NOTE_LINES_MAX; i++)
        buf_str(&b, LOG_LINE);
    assert_int_equal(note_open(b.data, b.len, &w.log, 1, &note), ERR_OK);
    buf_str(&b, LOG_LINE);
    assert_int_equal(note_open(b.data, b.len, &w.log, 1, &note), ERR_MALFORMED);
    assert_int_equal(note_open(b.data, b.len, keys, NOTE_KEYS_MAX + 1, &note),
                     ERR_TOOBIG);
    buf_reset(&b);
    while (b.len <= NOTE_LEN_MAX)
        buf_str(&b, "line\n");
    buf_str(&b, "\n" LOG_LINE);
    assert_int_equal(note_open(b.data, b.len, &w.log, 1, &note), ERR_MALFORMED);
    buf_clear(&b);
    world_clear(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifier_keys_read_and_write_back),
        cmocka_unit_test(malformed_verifier_keys_are_refused),
        cmocka_unit_test(
            checkpoints_sign_to_the_bytes_of_another_implementation),
        cmocka_unit_test(cosignatures_are_those_of_another_implementation),
        cmocka_unit_test(a_cosigned_note_tells_who_signed_and_when),
        cmocka_unit_test(heads_pass_through_their_104_bytes),
        cmocka_unit_test(a_head_holds_for_its_own_log_only),
        cmocka_unit_test(every_checkpoint_of_a_tessera_log_opens),
        cmocka_unit_test(notes_are_judged_by_their_known_signers),
        cmocka_unit_test(a_note_is_split_at_its_last_empty_line),
        cmocka_unit_test(what_could_not_be_read_back_is_not_signed),
        cmocka_unit_test(checkpoints_have_one_form_only),
        cmocka_unit_test(a_note_by_somebody_else_is_no_head),
        cmocka_unit_test(a_log_may_not_sign_for_another_origin),
        cmocka_unit_test(too_many_lines_or_keys_or_bytes_are_refused),
    };

    return crypto_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
