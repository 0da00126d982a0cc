#include "client/freshness.h"

#include "client/witnesses.h"
#include "proto/cosigned.h"

#define STALE_MS (FRESHNESS_DAYS * UINT64_C(86400000))

/* Witnesses whose clock is not far ahead of ours: the others' words may be a
 * lie about now, and one of them alone must not keep a directory fresh. */
static uint64_t
believed(const struct trust *t, const struct trusted *newest, uint64_t now_s)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < t->n_witnesses; i++)
        if (newest->time_s[i] <= now_s + COSIGNED_AHEAD_S)
            mask |= newest->verified & UINT64_C(1) << i;
    return mask;
}

static void
judge_by_witnesses(const struct trust *t, const struct trusted *newest,
                   uint64_t now_ms, struct freshness *f)
{
    uint64_t at_s = 0;

    f->by_witnesses = true;
    if (newest == NULL)
        return;
    if (trust_quorum_time(t, believed(t, newest, now_ms / 1000), newest->time_s,
                          &at_s))
        f->at_ms = at_s * 1000;
    else
        f->is_clock_behind = newest->quorum;
}

void
freshness_judge(const struct trust *t, const struct trusted *newest,
                uint64_t synced_ms, uint64_t now_ms, struct freshness *out)
{
    struct freshness f = {.at_ms = 0};

    if (t != NULL && t->quorum != QUORUM_NONE)
        judge_by_witnesses(t, newest, now_ms, &f);
    else
        f.at_ms = synced_ms;
    f.age_ms = now_ms > f.at_ms ? now_ms - f.at_ms : 0;
    f.is_stale = f.at_ms == 0 || f.age_ms > STALE_MS;
    *out = f;
}

void
freshness_of(const struct roster *r, uint64_t now_ms, struct freshness *out)
{
    struct problem none = {0};
    struct trusted newest;
    struct trust *t = NULL;
    bool is_known = false;

    if (witnesses_policy(roster_app(r), &t, &none) == ERR_OK)
        is_known =
            witnesses_newest(r, t, LOG_DIRECTORY, &newest, &none) == ERR_OK;
    freshness_judge(t, is_known ? &newest : NULL, roster_synced_ms(r), now_ms,
                    out);
    out->is_policy_foreign =
        t != NULL && !witnesses_know_log(t, r, LOG_DIRECTORY);
    trust_free(t);
}
