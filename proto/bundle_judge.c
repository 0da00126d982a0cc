#include "proto/bundle_judge.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bundle_judge_inside.h"

enum { HASH_LEN = sizeof(struct hash) };

void
bundle_proven_clear(struct bundle_proven *p)
{
    bundle_who_clear(&p->who);
    free(p->fates);
    *p = (struct bundle_proven){0};
}

const struct bundle_fate *
bundle_fate_of(const struct bundle_proven *p, unsigned type)
{
    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].event.type == type)
            return &p->fates[i];
    return NULL;
}

const struct bundle_fate *
bundle_end(const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++)
        if (event_info(p->fates[i].event.type)->is_final)
            return &p->fates[i];
    return NULL;
}

/* ---- shared ---- */

bool
judge_fits(struct judging *j, enum err rc)
{
    if (rc == ERR_NOMEM)
        j->no_memory = true;
    return rc == ERR_OK;
}

enum err
judge_fault(struct judging *j, unsigned kind, const char *why)
{
    j->fault = (struct bundle_fault){.kind = kind, .why = why};
    return j->no_memory ? ERR_NOMEM : ERR_VERIFY;
}

enum err
judge_fault_at(struct judging *j, unsigned kind, uint64_t row, const char *why)
{
    j->fault = (struct bundle_fault){
        .kind = kind, .has_row = true, .row = row, .why = why};
    return j->no_memory ? ERR_NOMEM : ERR_VERIFY;
}

enum err
judge_note(const struct judging *j, const void *note, size_t len,
           const struct vkey *log, struct head *head,
           struct bundle_witnessed *out)
{
    const struct trust *t = j->a->trust;
    struct note opened;
    enum err rc = head_from_note(note, len, log, t == NULL ? NULL : t->keys,
                                 t == NULL ? 0 : t->n_witnesses, head, &opened);

    if (rc != ERR_OK)
        return rc;
    *out = (struct bundle_witnessed){.is_here = true, .size = head->size};
    if (t == NULL)
        return ERR_OK;
    out->verified = opened.verified;
    memcpy(out->time_s, opened.time_s, sizeof(out->time_s));
    out->quorum = trust_satisfied(t, opened.verified);
    (void)trust_quorum_time(t, opened.verified, opened.time_s,
                            &out->quorum_time_s);
    return ERR_OK;
}

enum bundle_standing
judge_standing(const struct who_device *d, uint64_t a_ms, uint64_t b_ms)
{
    uint64_t latest_s = (a_ms > b_ms ? a_ms : b_ms) / 1000;

    if (d == NULL)
        return STANDING_UNKNOWN;
    if (d->revoked_index != DIR_NEVER)
        return latest_s < d->since_s ? STANDING_REVOKED_LATER
                                     : STANDING_REVOKED;
    return latest_s < d->not_after_s ? STANDING_LIVE : STANDING_EXPIRED;
}

/* ---- directory ---- */

static enum err
check_leaf(struct judging *j, const struct bundle_leaf *l)
{
    struct hash path[MERKLE_PATH_MAX];
    struct hash leaf;

    merkle_leaf(l->statement.p, l->statement.len, &leaf);
    memcpy(path, l->path, (size_t)l->n * HASH_LEN);
    if (merkle_verify_inclusion(&leaf, l->index, j->p.directory.size, path,
                                l->n, &j->p.directory.root) != ERR_OK)
        return judge_fault_at(j, BUNDLE_DIRECTORY, l->index,
                              "it does not stand at this place of the "
                              "directory");
    return ERR_OK;
}

static enum err
check_checkpoint(struct judging *j)
{
    const struct who_policy *p = bundle_who_policy(&j->p.who);
    struct bundle_witnessed w;

    if (!judge_fits(j, judge_note(j, j->b->checkpoint.p, j->b->checkpoint.len,
                                  &p->directory, &j->p.directory, &w)))
        return judge_fault(j, BUNDLE_DIRECTORY,
                           "its checkpoint is not signed by the key of the "
                           "policy, or a witness's line is wrong");
    j->p.directory_witnessed = w;
    return ERR_OK;
}

static enum err
judge_directory(struct judging *j)
{
    const struct bundle *b = j->b;
    enum err rc = bundle_who_init(&j->p.who, b->n_leaves);

    for (size_t i = 0; i < b->n_leaves && rc == ERR_OK; i++) {
        const char *why;

        if (!judge_fits(j, bundle_who_add(&j->p.who, b->leaves[i].index,
                                          b->leaves[i].statement, &why)))
            rc = judge_fault_at(j, BUNDLE_DIRECTORY, b->leaves[i].index, why);
    }
    if (rc != ERR_OK || b->n_leaves == 0)
        return rc;
    if (j->a->network_id != NULL &&
        !id_eq(j->a->network_id, &j->p.who.network_id))
        return judge_fault(j, BUNDLE_ANCHOR, "it is of another network");
    j->p.has_directory = true;
    rc = check_checkpoint(j);
    for (size_t i = 0; i < b->n_leaves && rc == ERR_OK; i++)
        rc = check_leaf(j, &b->leaves[i]);
    return rc;
}

/* ---- header and seal ---- */

static enum err
judge_header(struct judging *j)
{
    const struct bundle *b = j->b;
    struct header *h = &j->p.header;

    if (b->header.len == 0)
        return ERR_OK;
    if (header_parse(h, b->header.p, b->header.len) != ERR_OK)
        return judge_fault(j, BUNDLE_HEADER, "it is no header of a packet");
    header_hash(&j->hh, b->header.p, b->header.len);
    j->p.has_header = true;
    j->p.packet = h->packet;
    j->p.mailbox = h->mailbox;
    return ERR_OK;
}

static enum err
judge_seal(struct judging *j)
{
    const struct bundle *b = j->b;
    size_t n = j->p.header.n_slots;
    struct hash wh, body;

    if (b->seal.len == 0)
        return ERR_OK;
    if (b->seal.len != (n + 1) * HASH_LEN)
        return judge_fault(j, BUNDLE_SEAL,
                           "it has not one hash for each slot of the header");
    wraps_hash(&wh, b->seal.p, n);
    memcpy(body.b, (const uint8_t *)b->seal.p + n * HASH_LEN, HASH_LEN);
    packet_digest(&j->p.digest, &j->hh, &wh, &body);
    j->p.has_digest = true;
    j->p.digest_is_computed = true;
    return ERR_OK;
}

/* ---- lists and parts ---- */

static enum err
check_signature(struct judging *j)
{
    const struct inner *in = &j->p.lists;
    const struct who_device *d = bundle_who_device(&j->p.who, &in->device);

    if (d == NULL)
        return ERR_OK;
    if (!id_eq(&d->agency->id, &in->sender))
        return judge_fault(j, BUNDLE_LISTS,
                           "the sending device is not of the agency that it "
                           "names");
    if (!judge_fits(j, inner_lists_verify(j->b->lists.p, j->b->lists.len,
                                          &j->hh, &d->key)))
        return judge_fault(j, BUNDLE_LISTS, "the sender's signature is wrong");
    j->p.is_signed = true;
    return ERR_OK;
}

static enum err
judge_lists(struct judging *j)
{
    const struct bundle *b = j->b;
    struct inner *in = &j->p.lists;

    if (b->lists.len == 0)
        return ERR_OK;
    if (inner_lists_parse(in, b->lists.p, b->lists.len) != ERR_OK)
        return judge_fault(j, BUNDLE_LISTS,
                           "they are not of the form that a sender signs");
    if (!inner_matches_header(in, &j->p.header))
        return judge_fault(j, BUNDLE_LISTS,
                           "its attachments are not those of the header");
    j->p.has_lists = true;
    j->p.has_sender = true;
    j->p.sender = in->sender;
    return check_signature(j);
}

static enum err
judge_parts(struct judging *j)
{
    for (size_t i = 0; i < j->b->n_parts; i++) {
        const struct bundle_part *p = &j->b->parts[i];
        const struct inner_part *row = inner_part(&j->p.lists, p->number);
        struct hash commit;

        inner_part_commit(&commit, p->number, p->blind, p->bytes.p,
                          p->bytes.len);
        if (row == NULL || !id_eq(&commit, &row->commit))
            return judge_fault_at(j, BUNDLE_PARTS, p->number,
                                  "it is not what the sender committed to");
        if (p->number < 32)
            j->p.disclosed |= UINT32_C(1) << p->number;
    }
    return ERR_OK;
}

/* ---- all of it ---- */

/* Who holds a revoked device dates back what he signs: the relay must have had
 * the packet before `since` as well.  Without `stored` an early enough event of
 * those behind it tells so. */
static void
judge_sender_standing(struct judging *j)
{
    struct bundle_proven *p = &j->p;
    const struct bundle_fate *stored = bundle_fate_of(p, EVENT_STORED);
    const struct who_device *d;

    if (!p->is_signed)
        return;
    d = bundle_who_device(&p->who, &p->lists.device);
    p->standing = judge_standing(d, p->lists.created_ms,
                                 stored == NULL ? 0 : stored->event.time_ms);
    if (p->standing == STANDING_REVOKED_LATER && stored == NULL &&
        (p->n_fates == 0 || p->fates[0].event.time_ms / 1000 >= d->since_s))
        p->standing = STANDING_UNDATED;
}

/* Directory and header are no evidence about a packet: anybody who has the one
 * can make the other. */
static enum err
judge_all(struct judging *j)
{
    if (j->p.n_fates > 0 || j->p.is_signed)
        return ERR_OK;
    return judge_fault(j, BUNDLE_FILE,
                       "nothing that it says of the packet is signed by "
                       "anybody who can be checked");
}

enum err
bundle_judge(const struct bundle *b, const struct bundle_anchor *a,
             struct bundle_proven *out, struct bundle_fault *fault)
{
    static enum err (*const steps[])(struct judging *) = {
        judge_directory, judge_header, judge_seal, judge_lists,
        judge_parts,     judge_events, judge_all,
    };
    struct judging *j = calloc(1, sizeof(*j));
    enum err rc = ERR_OK;

    if (j == NULL)
        return ERR_NOMEM;
    j->b = b;
    j->a = a;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (rc == ERR_OK)
            rc = steps[i](j);
    if (rc == ERR_OK) {
        judge_sender_standing(j);
        *out = j->p;
    } else {
        if (rc == ERR_VERIFY)
            *fault = j->fault;
        bundle_proven_clear(&j->p);
    }
    free(j);
    return rc;
}
