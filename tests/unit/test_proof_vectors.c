/*
 * tests/vectors/sealpost/proofs.json is what the code makes today: the relay's
 * receipts of events in logs of several sizes.  With SEALPOST_WRITE_VECTORS=1
 * in the environment it is written anew instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/proof.h"
#include "tests/lib/json_out.h"
#include "tests/lib/memtree.h"

#define VECTORS_FILE "tests/vectors/sealpost/proofs.json"
#define ORIGIN "relay.example/delivery"

struct log {
    struct memtree tree;
    struct sign_secret secret;
    struct vkey key;
    struct head head;
};

/* All fields of event I follow from I. */
static void
make_event(struct event *ev, uint64_t i)
{
    static const uint8_t types[] = {EVENT_STORED,  EVENT_HANDED_OVER,
                                    EVENT_REFUSED, EVENT_WITHDRAWN,
                                    EVENT_EXPIRED, EVENT_DEVICE_RECEIPT};

    *ev = (struct event){
        .type = types[i % sizeof(types)],
        .class = i % 2,
        .size_class = (uint8_t)(12 + i % 10),
        .reason = (uint16_t)(i % 6),
        .time_ms = UINT64_C(1767225600000) + i * 1001,
        .not_after = UINT64_C(1769817600),
        .ref = i,
    };
    memset(ev->packet.b, (int)(i % 251), 16);
    memset(ev->sender.b, 0xa1, 16);
    memset(ev->recipient.b, 0xb2, 16);
    memset(ev->actor.b, 0xc3, 16);
    memset(ev->pkt_digest.b, (int)(i % 241), 32);
    memset(ev->evidence.b, (int)(i % 239), 32);
}

static void
make_opening(uint8_t out[OPENING_LEN], struct event *ev, uint64_t i)
{
    uint8_t salt[32];

    make_event(ev, i);
    memset(salt, (int)(i % 233) + 1, sizeof(salt));
    opening_make(salt, ev, out);
}

static void
log_grow(struct log *l, uint64_t size)
{
    uint8_t opening[OPENING_LEN], entry[SEALED_ENTRY_LEN];
    struct event ev;

    while (l->tree.peaks.size < size) {
        make_opening(opening, &ev, l->tree.peaks.size);
        sealed_entry(opening, entry);
        memtree_append(&l->tree, entry, sizeof(entry));
    }
    l->head.size = size;
    merkle_root(&l->tree.peaks, &l->head.root);
    assert_int_equal(head_sign(&l->head, ORIGIN, &l->secret), ERR_OK);
}

static void
put_event(struct buf *b, const struct event *ev)
{
    buf_str(b, "\"event\": {\n");
    json_number(b, "type", ev->type);
    json_number(b, "class", ev->class);
    json_number(b, "size_class", ev->size_class);
    json_number(b, "reason", ev->reason);
    json_number(b, "time_ms", ev->time_ms);
    json_hex(b, "packet_id", ev->packet.b, 16);
    json_hex(b, "sender_agency", ev->sender.b, 16);
    json_hex(b, "recipient_mailbox", ev->recipient.b, 16);
    json_hex(b, "actor", ev->actor.b, 16);
    json_hex(b, "pkt_digest", ev->pkt_digest.b, 32);
    json_number(b, "not_after", ev->not_after);
    json_number(b, "ref", ev->ref);
    json_hex(b, "evidence", ev->evidence.b, 32);
    json_end(b, "\n},\n");
}

/* The receipt as a JSON text: its only special characters are line ends and
 * the dash of the note, which is UTF-8 as it stands. */
static void
put_receipt(struct buf *b, const struct buf *receipt)
{
    buf_str(b, "\"receipt\": \"");
    for (size_t i = 0; i < receipt->len; i++)
        if (receipt->data[i] == '\n')
            buf_str(b, "\\n");
        else
            buf_u8(b, receipt->data[i]);
    buf_str(b, "\",\n");
}

static void
put_row(struct buf *b, struct log *l, uint64_t index)
{
    uint8_t opening[OPENING_LEN];
    struct hash path[MERKLE_PATH_MAX];
    struct buf receipt = {0};
    struct receipt back;
    struct event ev;
    size_t n;

    make_opening(opening, &ev, index);
    assert_int_equal(
        merkle_inclusion(memtree_read, &l->tree, index, l->head.size, path, &n),
        ERR_OK);
    assert_int_equal(
        receipt_format(opening, index, path, n, &l->head, &l->key, &receipt),
        ERR_OK);
    assert_int_equal(receipt_verify(receipt.data, receipt.len, &l->key, &back),
                     ERR_OK);
    buf_str(b, "{\n");
    json_number(b, "index", index);
    json_number(b, "size", l->head.size);
    json_hex(b, "root", l->head.root.b, 32);
    put_event(b, &ev);
    put_receipt(b, &receipt);
    json_end(b, "\n},\n");
    buf_clear(&receipt);
}

static void
make_file(struct buf *b)
{
    static const struct {
        uint64_t index, size;
    } rows[] = {{0, 1}, {0, 2}, {1, 2}, {4, 7}, {6, 7}, {41, 64}, {255, 300}};
    static const uint8_t seed[32] = {0x5e, 0xa1};
    struct log l = {0};

    sign_keypair_from_seed(&l.secret, seed);
    assert_int_equal(vkey_make(&l.key, ORIGIN, NOTE_ED25519, &l.secret.pub),
                     ERR_OK);
    buf_str(b, "{\n");
    json_text(b, "what",
              "receipts of the relay: proof files with their opening");
    json_text(b, "made_by", "tests/unit/test_proof_vectors.c");
    json_text(b, "origin", ORIGIN);
    json_hex(b, "log_key", l.secret.pub.b, 32);
    buf_str(b, "\"receipts\": [\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        log_grow(&l, rows[i].size);
        put_row(b, &l, rows[i].index);
    }
    json_end(b, "\n]\n}\n");
    assert_int_equal(buf_status(b), ERR_OK);
    memtree_clear(&l.tree);
}

static void
write_file(const struct buf *b)
{
    FILE *f = fopen(VECTORS_FILE, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
    assert_int_equal(fclose(f), 0);
}

static void
the_committed_receipts_are_what_the_code_makes(void **state)
{
    struct buf made = {0};
    char *kept;
    FILE *f;

    (void)state;
    make_file(&made);
    if (getenv("SEALPOST_WRITE_VECTORS") != NULL)
        write_file(&made);
    f = fopen(VECTORS_FILE, "rb");
    assert_non_null(f);
    kept = calloc(1, made.len + 1);
    assert_non_null(kept);
    assert_int_equal(fread(kept, 1, made.len + 1, f), made.len);
    fclose(f);
    assert_memory_equal(kept, made.data, made.len);
    free(kept);
    buf_clear(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_receipts_are_what_the_code_makes),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
