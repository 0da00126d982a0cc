/*
 * witness_log - a log's side of tlog-witness out of our own code, driven by a
 * script: requests as the relay makes them, answers as it reads them.
 *
 *   witness_log ORIGIN SEED-HEX WITNESS-VKEY
 *
 * Commands on stdin, one a line: `vkey`, `request OLD SIZE`, `fork OLD SIZE`
 * (the same sizes of another history), `lines SIZE LEN` and `size LEN` (LEN
 * bytes of an answer's body follow).  Each gets a line: a number and as many
 * bytes, or `ok NUMBER`, or `bad ERR_NAME`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/witness.h"
#include "tests/lib/memtree.h"

struct log {
    struct memtree tree, other;
    struct sign_secret secret;
    struct vkey key, witness;
};

static void
need(enum err rc, const char *what)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(rc));
    exit(2);
}

static void
say(enum err rc, uint64_t number)
{
    if (rc == ERR_OK)
        printf("ok %" PRIu64 "\n", number);
    else
        printf("bad %s\n", err_name(rc));
}

static void
say_bytes(struct buf *b)
{
    need(buf_status(b), "bytes");
    printf("%zu\n", b->len);
    (void)fwrite(b->data, 1, b->len, stdout);
    buf_clear(b);
}

static void
sign_size(struct log *log, struct memtree *tree, uint64_t size,
          struct buf *note)
{
    struct head head = {.size = size};

    memtree_grow(tree, size);
    need(merkle_root_at(memtree_read, tree, size, &head.root), "root");
    need(head_sign(&head, log->key.name, &log->secret), "sign");
    need(head_to_note(&head, &log->key, note), "note");
}

static void
give_request(struct log *log, struct memtree *tree, uint64_t old, uint64_t size)
{
    struct witness_request req = {.old = old};
    struct buf note = {0}, body = {0};

    sign_size(log, tree, size, &note);
    req.note = (const char *)note.data;
    req.note_len = note.len;
    if (old > 0 && old <= size)
        need(
            merkle_consistency(memtree_read, tree, old, size, req.path, &req.n),
            "proof");
    need(witness_request_format(&req, &body), "request");
    say_bytes(&body);
    buf_clear(&note);
}

/* LEN bytes of stdin. */
static void
read_body(size_t len, struct buf *b)
{
    uint8_t *p = buf_extend(b, len);

    if (p == NULL || fread(p, 1, len, stdin) != len)
        need(ERR_CLOSED, "body");
}

static void
check_lines(struct log *log, uint64_t size, size_t len)
{
    struct buf body = {0}, note = {0}, lines = {0};
    struct note opened;
    uint64_t time_s = 0;
    enum err rc;

    read_body(len, &body);
    sign_size(log, &log->tree, size, &note);
    need(note_open(note.data, note.len, NULL, 0, &opened), "own note");
    rc = witness_answer_lines(opened.text, opened.text_len, body.data, body.len,
                              &log->witness, &lines, &time_s);
    say(rc, time_s);
    buf_clear(&body);
    buf_clear(&note);
    buf_clear(&lines);
}

static void
check_size(size_t len)
{
    struct buf body = {0};
    uint64_t size = 0;
    enum err rc;

    read_body(len, &body);
    rc = witness_answer_size(body.data, body.len, &size);
    say(rc, size);
    buf_clear(&body);
}

static void
obey(struct log *log, const char *line)
{
    struct buf b = {0};
    uint64_t x = 0, y = 0;

    if (strcmp(line, "vkey\n") == 0) {
        vkey_format(&log->key, &b);
        say_bytes(&b);
    } else if (sscanf(line, "request %" SCNu64 " %" SCNu64, &x, &y) == 2) {
        give_request(log, &log->tree, x, y);
    } else if (sscanf(line, "fork %" SCNu64 " %" SCNu64, &x, &y) == 2) {
        give_request(log, &log->other, x, y);
    } else if (sscanf(line, "lines %" SCNu64 " %" SCNu64, &x, &y) == 2) {
        check_lines(log, x, y);
    } else if (sscanf(line, "size %" SCNu64, &x) == 1) {
        check_size(x);
    } else {
        need(ERR_MALFORMED, line);
    }
    (void)fflush(stdout);
}

int
main(int argc, char **argv)
{
    static struct log log;
    uint8_t seed[32];
    char line[128];

    if (argc != 4 || crypto_init() != ERR_OK)
        return 2;
    need(hex_decode(seed, sizeof(seed), argv[2]), "seed");
    sign_keypair_from_seed(&log.secret, seed);
    need(vkey_make(&log.key, argv[1], NOTE_ED25519, &log.secret.pub), "origin");
    need(vkey_parse(&log.witness, argv[3], strlen(argv[3])), "witness");
    memtree_append(&log.other, "another entry", 13);
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(&log, line);
    memtree_clear(&log.tree);
    memtree_clear(&log.other);
    return 0;
}
