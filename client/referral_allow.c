/*
 * referral_allow.c - which parts may go to whom (C2, C5, C6, C9).
 */
#include <stdio.h>
#include <string.h>

#include "client/referral_inside.h"

enum { BUT_PRIVILEGED = PARTS_ALL & ~PART_BIT(PART_PRIVILEGED) };

/* Parts that this kind of referral does not carry at all. */
static unsigned
held_back(const struct profile *p, const json_t *doc)
{
    unsigned bits = 0;

    for (unsigned n = 0; n < PART_COUNT; n++) {
        const json_t *row =
            json_object_get(profile_table(p, "parts"), part_name(n));

        if (profile_when(json_object_get(row, "withheld"), doc, NULL))
            bits |= PART_BIT(n);
    }
    return bits;
}

static bool
names(const char *entry, const struct referral_to *to)
{
    char full[512];

    (void)snprintf(full, sizeof(full), "%s/%s", to->agency, to->label);
    return strcmp(entry, to->agency) == 0 || strcmp(entry, full) == 0 ||
           (to->agency_id != NULL && strcmp(entry, to->agency_id) == 0) ||
           (to->mailbox_id != NULL && strcmp(entry, to->mailbox_id) == 0);
}

/* Parts agreed to in one entry of consent.recipients. */
static unsigned
agreed_parts(const json_t *entry)
{
    const json_t *list = json_object_get(entry, "parts");
    unsigned bits = 0;
    const json_t *item;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return is_blank(list) ? BUT_PRIVILEGED : 0;
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        enum part part = name != NULL ? part_by_name(name) : PART_COUNT;

        if (part != PART_COUNT)
            bits |= PART_BIT(part);
    }
    return bits;
}

static bool
has_basis(const json_t *doc)
{
    const char *basis = referral_word(doc, "meta.legal_basis");

    return *basis != '\0' && strcmp(basis, "consent") != 0;
}

enum err
referral_allowed(const struct profile *p, const json_t *doc,
                 const struct referral_to *to, unsigned *parts,
                 struct problem *pb)
{
    unsigned bits = 0;
    const json_t *entry;
    bool is_listed = false;
    size_t i;

    json_array_foreach(profile_get(doc, "consent.recipients"), i, entry)
    {
        if (names(referral_word(entry, "to"), to)) {
            is_listed = true;
            bits |= agreed_parts(entry);
        }
    }
    if (!is_listed && !has_basis(doc)) {
        (void)problem_set(pb, P_POLICY, ERR_REFUSED,
                          "this referral may not go there",
                          "\"%.100s\" is not among those in "
                          "consent.recipients, and meta.legal_basis names no "
                          "other ground",
                          to->agency);
        problem_next(pb, "ask the person and add it to consent.recipients, or "
                         "state why with --override-consent REASON");
        return ERR_REFUSED;
    }
    if (has_basis(doc))
        bits |= BUT_PRIVILEGED;
    *parts = (bits & ~held_back(p, doc)) | PART_BIT(PART_META);
    return ERR_OK;
}

unsigned
referral_allowed_overriding(const struct profile *p, const json_t *doc)
{
    return (BUT_PRIVILEGED & ~held_back(p, doc)) | PART_BIT(PART_META);
}

enum err
referral_files_allowed(const json_t *doc, const char *const *names,
                       size_t count, unsigned allowed, struct problem *pb)
{
    for (size_t i = 0; i < count; i++) {
        enum part part = referral_file_part(doc, names[i]);

        if ((allowed & PART_BIT(part)) != 0)
            continue;
        (void)problem_set(pb, P_POLICY, ERR_REFUSED, "a file may not go there",
                          "\"%.100s\" belongs to the part %s, which this "
                          "recipient does not get",
                          names[i], part_name(part));
        problem_next(pb, "leave the file out, name another part for it in "
                         "attach, or ask the person about that part");
        return ERR_REFUSED;
    }
    return ERR_OK;
}
