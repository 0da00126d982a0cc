/* A referral from anywhere: checked, shown and cut without a crash; what is cut
 * joins, and cuts to the same bytes again; a terminal is shown nothing that it
 * would obey. */
#include <stdlib.h>
#include <string.h>

#include "client/referral_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct profile *core;

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static void
try_check(const json_t *doc)
{
    struct findings f = {0};
    struct buf b = {0};
    size_t answered, total;

    expect(referral_check(core, doc, 1779235200000u, &f) == ERR_OK);
    for (size_t i = 0; i < f.count; i++)
        finding_say(&f.items[i], &b);
    for (size_t i = 0; i < b.len; i++)
        expect(b.data[i] >= 0x20);
    findings_clear(&f);
    buf_clear(&b);
    question_count(core, doc, &answered, &total);
    expect(answered <= total);
}

static void
try_show(const json_t *doc)
{
    static const struct referral_view view = {"cy", 72, PARTS_ALL, 0};
    struct buf b = {0};

    expect(referral_render(core, doc, &view, &b) == ERR_OK);
    expect(referral_subject(core, doc, "ar", &b) == ERR_OK);
    for (size_t i = 0; i < b.len; i++)
        expect(b.data[i] >= 0x20 || b.data[i] == '\n');
    buf_clear(&b);
}

static void
try_parts(const json_t *doc)
{
    struct referral_parts once = {0};
    struct referral_parts again = {0};
    struct problem pb = {0};
    json_t *joined = NULL;

    expect(referral_split(core, doc, PARTS_ALL, &once) == ERR_OK);
    expect(referral_join(&once, &joined, &pb) == ERR_OK);
    expect(referral_split(core, joined, PARTS_ALL, &again) == ERR_OK);
    expect(once.here == again.here);
    for (size_t n = 0; n < PART_COUNT; n++)
        expect(once.bytes[n].len == again.bytes[n].len &&
               (once.bytes[n].len == 0 ||
                memcmp(once.bytes[n].data, again.bytes[n].data,
                       once.bytes[n].len) == 0));
    json_decref(joined);
    referral_parts_clear(&once);
    referral_parts_clear(&again);
}

static void
try_allowed(const json_t *doc)
{
    static const struct referral_to to = {"Northgate Hub", "First contact",
                                          NULL, NULL};
    struct problem pb = {0};
    unsigned parts = 0;

    if (referral_allowed(core, doc, &to, &parts, &pb) == ERR_OK)
        expect((parts & ~PARTS_ALL) == 0 && (parts & PART_BIT(PART_META)) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem pb = {0};
    json_t *doc = NULL;

    if (core == NULL)
        expect(profile_load(&core, "core", &pb) == ERR_OK);
    if (json_read(data, size, "fuzz", &doc, &pb) != ERR_OK)
        return 0;
    if (json_is_object(doc)) {
        try_check(doc);
        try_show(doc);
        try_parts(doc);
        try_allowed(doc);
    }
    json_decref(doc);
    return 0;
}
