#include "proto/trust.h"

#include <string.h>

/* A group stands below its members, so one pass is enough. */
static bool
group_holds(const struct trust *t, uint64_t verified, size_t wanted)
{
    unsigned have[TRUST_GROUPS_MAX + 1] = {0};

    for (size_t i = 0; i < t->n_witnesses; i++)
        if (verified >> i & 1)
            have[t->witness_in[i]]++;
    for (size_t g = 0; g < wanted; g++)
        if (have[g + 1] >= t->group[g].need)
            have[t->group_in[g]]++;
    return have[wanted + 1] >= t->group[wanted].need;
}

bool
trust_satisfied(const struct trust *t, uint64_t verified)
{
    if (t->quorum == QUORUM_NONE)
        return true;
    if (t->quorum == QUORUM_WITNESS)
        return verified >> t->quorum_index & 1;
    return group_holds(t, verified, t->quorum_index);
}

bool
trust_quorum_time(const struct trust *t, uint64_t verified,
                  const uint64_t time_s[NOTE_KEYS_MAX], uint64_t *out)
{
    uint64_t best = 0;

    if (t->quorum == QUORUM_NONE || !trust_satisfied(t, verified))
        return false;
    /* It is the time of one of them: the newest that is old enough. */
    for (size_t i = 0; i < t->n_witnesses; i++) {
        uint64_t since = 0;

        if ((verified >> i & 1) == 0 || time_s[i] <= best)
            continue;
        for (size_t k = 0; k < t->n_witnesses; k++)
            if (time_s[k] >= time_s[i])
                since |= verified & UINT64_C(1) << k;
        if (trust_satisfied(t, since))
            best = time_s[i];
    }
    *out = best;
    return true;
}

enum err
trust_checkpoint(const struct trust *t, const void *note, size_t len,
                 struct trusted *out)
{
    struct trusted trusted = {0};
    struct note by_logs, by_witnesses;
    struct checkpoint cp;
    bool has_origin = false;
    enum err rc = note_open(note, len, NULL, 0, &by_logs);

    if (rc == ERR_OK)
        rc = checkpoint_parse(by_logs.text, by_logs.text_len, &cp);
    if (rc == ERR_OK)
        rc = note_open(note, len, t->logs, t->n_logs, &by_logs);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < t->n_logs && trusted.log == NULL; i++) {
        if (strcmp(t->logs[i].name, cp.origin) != 0)
            continue;
        has_origin = true;
        if (by_logs.verified >> i & 1)
            trusted.log = &t->logs[i];
    }
    if (trusted.log == NULL)
        return has_origin ? ERR_VERIFY : ERR_NOTFOUND;
    rc = head_from_note(note, len, trusted.log, t->keys, t->n_witnesses,
                        &trusted.head, &by_witnesses);
    if (rc != ERR_OK)
        return rc;
    trusted.verified = by_witnesses.verified;
    memcpy(trusted.time_s, by_witnesses.time_s, sizeof(trusted.time_s));
    trusted.quorum = trust_satisfied(t, trusted.verified);
    (void)trust_quorum_time(t, trusted.verified, trusted.time_s,
                            &trusted.quorum_time_s);
    *out = trusted;
    return ERR_OK;
}
