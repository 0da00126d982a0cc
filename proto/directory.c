#include "proto/directory.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "proto/directory_inside.h"

/* ---- life ---- */

struct directory *
directory_new(const struct hash *network_id)
{
    struct directory *dir = calloc(1, sizeof(*dir));
    uint8_t seed[16];

    if (dir == NULL)
        return NULL;
    crypto_random(seed, sizeof(seed));
    map_init(&dir->agency_by_id, 16, seed);
    map_init(&dir->device_by_id, 16, seed);
    map_init(&dir->device_by_transport, 32, seed);
    map_init(&dir->mailbox_by_id, 16, seed);
    map_init(&dir->used_keys, 32, seed);
    if (network_id != NULL) {
        dir->has_network_id = true;
        dir->network_id = *network_id;
    }
    return dir;
}

static void
agency_free(struct dir_agency *a)
{
    free(a->services);
    free(a->standing);
    free(a->devices);
    free(a->mailboxes);
    free(a);
}

static void
mailbox_free(struct dir_mailbox *m)
{
    for (size_t i = 0; i < m->n_members; i++)
        free(m->members[i].devices);
    free(m->members);
    free(m->contact);
    free(m);
}

void
directory_free(struct directory *dir)
{
    if (dir == NULL)
        return;
    for (size_t i = 0; i < dir->n_agencies; i++)
        agency_free(dir->agencies[i]);
    for (size_t i = 0; i < dir->n_devices; i++)
        free(dir->devices[i]);
    for (size_t i = 0; i < dir->n_mailboxes; i++)
        mailbox_free(dir->mailboxes[i]);
    for (size_t i = 0; i < DIR_LEVELS; i++)
        free(dir->levels[i].nodes);
    free(dir->policies);
    free(dir->agencies);
    free(dir->devices);
    free(dir->mailboxes);
    map_clear(&dir->agency_by_id);
    map_clear(&dir->device_by_id);
    map_clear(&dir->device_by_transport);
    map_clear(&dir->mailbox_by_id);
    map_clear(&dir->used_keys);
    free(dir);
}

/* ---- the log ---- */

uint64_t
directory_size(const struct directory *dir)
{
    return dir->peaks.size;
}

const struct hash *
directory_leaf_hash(const struct directory *dir, uint64_t index)
{
    return &dir->levels[0].nodes[index];
}

enum err
directory_node(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    const struct directory *dir = arg;

    if (level >= DIR_LEVELS || index >= dir->levels[level].count)
        return ERR_NOTFOUND;
    *out = dir->levels[level].nodes[index];
    return ERR_OK;
}

enum err
directory_root_at(const struct directory *dir, uint64_t size, struct hash *root)
{
    if (size > dir->peaks.size)
        return ERR_NOTFOUND;
    /* The reader takes a plain pointer and does not write through it. */
    return merkle_root_at(directory_node, (void *)(uintptr_t)dir, size, root);
}

/* Room for every node that the next leaf completes. */
static enum err
reserve_leaf(struct directory *dir)
{
    uint64_t next = dir->peaks.size + 1;

    for (unsigned i = 0; i < DIR_LEVELS && next % (UINT64_C(1) << i) == 0;
         i++) {
        struct dir_level *l = &dir->levels[i];
        enum err rc = ARRAY_GROW(l->nodes, l->count);

        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
keep_node(void *arg, unsigned level, uint64_t index, const struct hash *hash)
{
    struct directory *dir = arg;

    dir->levels[level].nodes[index] = *hash;
    dir->levels[level].count = (size_t)index + 1;
    return ERR_OK;
}

bool
directory_network_id(const struct directory *dir, struct hash *out)
{
    if (dir->has_network_id)
        *out = dir->network_id;
    return dir->has_network_id;
}

bool
directory_registrar_id(const struct directory *dir, struct agency_id *out)
{
    if (dir->has_network_id)
        memcpy(out->b, dir->network_id.b, sizeof(out->b));
    return dir->has_network_id;
}

bool
directory_needs_newer(const struct directory *dir)
{
    return dir->needs_newer;
}

enum err
directory_chain(const struct directory *dir, const struct agency_id *issuer,
                uint64_t *next_seq, struct hash *prev)
{
    const struct dir_agency *a = directory_agency(dir, issuer);
    struct agency_id registrar;

    if (a != NULL) {
        *next_seq = a->next_seq;
        *prev = a->prev;
        return ERR_OK;
    }
    if (!dir->founded || !directory_registrar_id(dir, &registrar) ||
        !id_eq(&registrar, issuer))
        return ERR_NOTFOUND;
    *next_seq = dir->registrar_next_seq;
    *prev = dir->registrar_prev;
    return ERR_OK;
}

/* ---- applying ---- */

static const struct {
    const char *name, *text;
} findings[] = {
#define FINDING_ROW(code, name, text) {name, text},
    DIR_FINDING_TABLE(FINDING_ROW)
#undef FINDING_ROW
};

const char *
dir_code_name(enum dir_code code)
{
    return code < DIR_CODE_COUNT ? findings[code].name : "unknown";
}

const char *
dir_code_text(enum dir_code code)
{
    return code < DIR_CODE_COUNT ? findings[code].text : "unknown";
}

uint64_t
dir_clock(const struct directory *dir, const struct statement *st)
{
    return st->time_s > dir->log_time_s ? st->time_s : dir->log_time_s;
}

static struct dir_finding
judge_bytes(const struct directory *dir, struct statement *st,
            const void *bytes, size_t len, uint64_t now_s)
{
    struct dir_finding f = {.effect = DIR_VOID,
                            .code = DIR_NOT_A_STATEMENT,
                            .index = dir->peaks.size};
    uint64_t clock_s;

    if (stmt_parse(st, bytes, len) != ERR_OK)
        return f;
    f.kind = st->kind;
    dir_name_parties(dir, st, &f);
    clock_s = dir_clock(dir, st);
    f.code = dir_judge(dir, st, now_s > clock_s ? now_s : clock_s);
    if (f.code == DIR_FINE)
        f.effect = stmt_kind_info(st->kind) != NULL ? DIR_APPLIED : DIR_IGNORED;
    return f;
}

enum err
directory_apply(struct directory *dir, const void *bytes, size_t len,
                struct dir_finding *finding)
{
    struct statement st;
    struct dir_finding f = judge_bytes(dir, &st, bytes, len, 0);
    struct hash leaf;
    enum err rc = reserve_leaf(dir);

    if (rc == ERR_OK && f.code == DIR_FINE)
        rc = dir_commit(dir, &st);
    if (rc != ERR_OK)
        return rc;
    merkle_leaf(bytes, len, &leaf);
    rc = merkle_append(&dir->peaks, &leaf, keep_node, dir);
    if (rc == ERR_OK && finding != NULL)
        *finding = f;
    return rc;
}

/* ---- would a relay log it? ---- */

enum { HOUR_S = 3600 };

static enum dir_code
check_nfc(struct text_ref t, enum err *rc)
{
    char *nfc = NULL;
    bool same;

    *rc = text_nfc(&nfc, t.p, t.len);
    if (*rc == ERR_NOMEM)
        return DIR_FINE;
    same =
        *rc == ERR_OK && strlen(nfc) == t.len && memcmp(nfc, t.p, t.len) == 0;
    *rc = ERR_OK;
    free(nfc);
    return same ? DIR_FINE : DIR_NOT_NFC;
}

static enum dir_code
check_texts(const struct statement *st, enum err *rc)
{
    struct text_ref texts[2] = {{"", 0}, {"", 0}};
    enum dir_code code;

    if (st->kind == STMT_ADMIT) {
        texts[0] = st->body.admit.name;
        texts[1] = st->body.admit.services;
    } else if (st->kind == STMT_DEVICE) {
        texts[0] = st->body.device.label;
    } else if (st->kind == STMT_MAILBOX) {
        texts[0] = st->body.mailbox.label;
        texts[1] = st->body.mailbox.contact;
    }
    code = check_nfc(texts[0], rc);
    if (*rc != ERR_OK || code != DIR_FINE)
        return code;
    return check_nfc(texts[1], rc);
}

static enum dir_code
check_scope(const struct stmt_admit *admit, enum err *rc)
{
    char *services;

    if (admit->class != CLASS_AUDITOR)
        return DIR_FINE;
    services = strndup(admit->services.p, admit->services.len);
    if (services == NULL) {
        *rc = ERR_NOMEM;
        return DIR_FINE;
    }
    enum err scope = audit_scope_check(services);

    free(services);
    return scope == ERR_OK ? DIR_FINE : DIR_BAD_SCOPE;
}

/* Agencies cannot fill the directory so far that no device could be stopped. */
static uint64_t
room_for(const struct statement *st)
{
    return stmt_kind_info(st->kind)->by == STMT_BY_REGISTRAR
               ? LIMIT_DIRECTORY_LEAVES
               : LIMIT_DIRECTORY_LEAVES - LIMIT_DIRECTORY_RESERVE;
}

/* The rules of a relay's door, beyond what makes a leaf count. */
static enum dir_code
check_door(const struct directory *dir, const struct statement *st,
           uint64_t now_s, enum err *rc)
{
    enum dir_code code;

    if (dir->peaks.size >= room_for(st))
        return DIR_TOO_MANY;
    if (st->time_s > now_s + LIMIT_AHEAD_H * HOUR_S)
        return DIR_BAD_TIME;
    if (st->kind == STMT_REROOT &&
        st->body.reroot.effective_s < now_s + LIMIT_REROOT_LEFT_H * HOUR_S)
        return DIR_BAD_TIME;
    if (st->kind == STMT_DEVICE && st->body.device.not_after_s <= now_s)
        return DIR_BAD_TIME;
    code = check_texts(st, rc);
    if (*rc != ERR_OK || code != DIR_FINE)
        return code;
    return st->kind == STMT_ADMIT ? check_scope(&st->body.admit, rc) : DIR_FINE;
}

static enum err
err_of_code(enum dir_code code)
{
    switch (code) {
    case DIR_FINE:
        return ERR_OK;
    case DIR_NOT_A_STATEMENT:
        return ERR_MALFORMED;
    case DIR_BAD_SIGNATURE:
    case DIR_TOO_FEW_SIGNATURES:
    case DIR_BAD_POP:
        return ERR_VERIFY;
    case DIR_TOO_MANY:
        return ERR_FULL;
    default:
        return ERR_REFUSED;
    }
}

/* The index of a leaf with these bytes, or DIR_NEVER.  A walk over all leaves,
 * taken only by a statement that comes too late in its chain. */
static uint64_t
find_leaf(const struct directory *dir, const void *bytes, size_t len)
{
    struct hash leaf;

    merkle_leaf(bytes, len, &leaf);
    for (uint64_t i = 0; i < dir->peaks.size; i++)
        if (id_eq(&dir->levels[0].nodes[i], &leaf))
            return i;
    return DIR_NEVER;
}

enum err
directory_check(const struct directory *dir, const void *bytes, size_t len,
                uint64_t now_s, struct dir_finding *finding)
{
    struct statement st;
    struct dir_finding f = judge_bytes(dir, &st, bytes, len, now_s);
    enum err rc = ERR_OK;

    if (f.code == DIR_FINE && f.effect == DIR_IGNORED) {
        rc = ERR_VERSION;
    } else if (f.code == DIR_FINE) {
        f.code = check_door(dir, &st, now_s, &rc);
        if (rc == ERR_OK)
            rc = err_of_code(f.code);
    } else {
        uint64_t at =
            f.code == DIR_BAD_CHAIN ? find_leaf(dir, bytes, len) : DIR_NEVER;

        rc = at == DIR_NEVER ? err_of_code(f.code) : ERR_EXISTS;
        if (rc == ERR_EXISTS)
            f.index = at;
    }
    if (rc != ERR_OK)
        f.effect = DIR_VOID;
    if (rc != ERR_NOMEM && finding != NULL)
        *finding = f;
    return rc;
}
