/* test_export.c - packets as plain files: only there, over nothing, or not at
 * all.  A hand-made vault holds one packet with hostile names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/blobs.h"
#include "client/export.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "common/os.h"
#include "proto/crypto.h"
#include "proto/packet_type.h"
#include "tests/lib/scratch.h"
#include "tests/lib/vault_fixture.h"

enum { ATTS_MAX = 16, PATH_LEN = 1024 };

/* The packet under test, and where it is exported to. */
static struct app app;
static struct mail m;
static struct inner in;
static const struct agency_id owner = {{7}};
static struct sign_secret key;
static char dir[PATH_LEN];
static struct problem pb;
static json_t *manifest;

/* ---- a packet in the vault ---- */

static void
add_att(const char *name, size_t size, uint8_t fill)
{
    char path[PATH_LEN];
    char base[256];
    uint8_t *bytes = malloc(size + 1);
    struct packet_att att = {0};
    struct mail_att *a = &m.atts[m.n_atts];
    int fd = -1;

    assert_non_null(bytes);
    memset(bytes, fill, size + 1);
    snprintf(path, sizeof(path), "%s/source-%zu", fx.scratch, m.n_atts);
    assert_int_equal(os_create_exclusive(&fd, path, 0600), ERR_OK);
    assert_int_equal(os_write_all(fd, bytes, size), ERR_OK);
    os_close(&fd);
    free(bytes);
    assert_int_equal(blob_seal(&app, &owner, path, &att, base, &pb), ERR_OK);
    a->owner = owner;
    a->id = att.att.id;
    a->size = att.att.plain_len;
    a->part = 0;
    a->digest = att.digest;
    snprintf(a->name, sizeof(a->name), "%s", name);
    in.atts[in.n_atts++] = att.att;
    m.n_atts++;
}

static int
by_att_id(const void *a, const void *b)
{
    const struct inner_att *x = a, *y = b;

    return memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

static void
add_part(uint8_t number, const char *json)
{
    struct inner_part *p = &in.parts[in.n_parts++];

    p->number = number;
    p->here = true;
    p->bytes = (const uint8_t *)json;
    p->len = strlen(json);
}

/* Signs what add_part and add_att have gathered, and keeps it. */
static void
keep_packet(void)
{
    static const struct hash no_header;
    struct buf b = {0};
    uint8_t id[16];

    qsort(in.atts, in.n_atts, sizeof(in.atts[0]), by_att_id);
    assert_int_equal(inner_sign(&b, &in, &no_header, &key), ERR_OK);
    mail_record_id(id, &m.id, m.direction);
    assert_int_equal(shelf_begin(&app, &pb), ERR_OK);
    mail_put(&app, &m);
    shelf_put_raw(&app, REC_INNER, id, b.data, b.len);
    shelf_put_raw(&app, REC_PROOF, id, "c2sp.org/tlog-proof@v1\n", 23);
    assert_int_equal(shelf_end(&app, ERR_OK, &pb), ERR_OK);
    buf_clear(&b);
}

static void
keep_message(void)
{
    add_part(INNER_PART_META, "{\"subject\":\"Monday\"}");
    add_part(3, "{\"text\":\"She came on a Monday.\\u001b[2J\\nAnd then "
                "left.\"}");
    keep_packet();
}

static int
setup(void **state)
{
    static const uint8_t seed[32] = "a device's signing key";

    if (fixture_setup(state) != 0)
        return -1;
    app = (struct app){.json = true, .vault = fx.v, .pass_fd = -1};
    memset(&m, 0, sizeof(m));
    memset(&in, 0, sizeof(in));
    memset(&pb, 0, sizeof(pb));
    sign_keypair_from_seed(&key, seed);
    in.type = m.type = PACKET_TYPE_MESSAGE;
    m.direction = INDEX_IN;
    m.id.b[0] = 0x71;
    m.created_ms = 1795333007934;
    snprintf(m.subject, sizeof(m.subject), "Monday");
    snprintf(dir, sizeof(dir), "%s/out", fx.scratch);
    return mail_atts(&m, ATTS_MAX) == ERR_OK && (m.n_atts = 0) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
    json_decref(manifest);
    manifest = NULL;
    mail_clear(&m);
    inner_clear(&in);
    return fixture_teardown(state);
}

/* ---- exporting and looking ---- */

static enum err
run(void)
{
    struct export_job job = {.app = &app,
                             .m = &m,
                             .from = "Harbour Light/Referrals",
                             .to = "Northgate Hub/First contact",
                             .now_ms = 1795333107934};

    return export_packet(&job, dir, &manifest, &pb);
}

static const char *
at(const char *name)
{
    static char path[2 * PATH_LEN];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void
put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void
assert_file(const char *path, const char *text)
{
    struct buf b = {0};

    assert_int_equal(os_read_file(path, 1 << 20, &b), ERR_OK);
    assert_int_equal(b.len, strlen(text));
    assert_memory_equal(b.data, text, b.len);
    buf_clear(&b);
}

static void
count_one(void *arg, const char *path)
{
    (void)path;
    ++*(size_t *)arg;
}

static size_t
files_below(const char *path)
{
    size_t n = 0;

    scratch_each(path, count_one, &n);
    return n;
}

static const json_t *
listed(const char *path)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(manifest, "files"), i, row)
    {
        if (strcmp(json_get_str(row, "path"), path) == 0)
            return row;
    }
    fail_msg("%s is not in the manifest", path);
    return NULL;
}

static void
assert_mode(const char *path, mode_t mode)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

/* ---- what is written ---- */

static void
a_message_is_text_that_a_terminal_may_see(void **state)
{
    struct buf b = {0};

    (void)state;
    keep_message();
    assert_int_equal(run(), ERR_OK);
    assert_int_equal(os_read_file(at("message.txt"), 1 << 16, &b), ERR_OK);
    buf_u8(&b, 0);
    assert_null(strchr((const char *)b.data, '\x1b'));
    assert_non_null(strstr((const char *)b.data, "She came on a Monday."));
    assert_non_null(strstr((const char *)b.data, "\nAnd then left."));
    assert_non_null(strstr((const char *)b.data, "Harbour Light"));
    buf_clear(&b);
    assert_file(at("receipt.txt"), "c2sp.org/tlog-proof@v1\n");
    assert_int_equal(files_below(dir), 3);
}

static void
a_referral_is_joined_into_one_document(void **state)
{
    json_t *doc = NULL;
    struct buf b = {0};

    (void)state;
    m.type = in.type = PACKET_TYPE_REFERRAL;
    add_part(INNER_PART_META,
             "{\"referral\":{\"type\":\"referral\",\"profile\":\"core\"}}");
    add_part(1, "{\"id\":{\"given\":\"Amal\"}}");
    keep_packet();
    assert_int_equal(run(), ERR_OK);
    assert_int_equal(os_read_file(at("referral.json"), 1 << 16, &b), ERR_OK);
    assert_int_equal(json_read(b.data, b.len, "it", &doc, &pb), ERR_OK);
    assert_string_equal(json_get_str(json_object_get(doc, "id"), "given"),
                        "Amal");
    assert_string_equal(json_get_str(doc, "profile"), "core");
    json_decref(doc);
    buf_clear(&b);
}

static void
everything_is_this_users_alone(void **state)
{
    (void)state;
    add_att("a.pdf", 10, 1);
    keep_message();
    assert_int_equal(run(), ERR_OK);
    assert_mode(dir, 0700);
    assert_mode(at("attachments"), 0700);
    assert_mode(at("attachments/a.pdf"), 0600);
    assert_mode(at("message.txt"), 0600);
    assert_mode(at("manifest.json"), 0600);
    assert_mode(at("receipt.txt"), 0600);
}

static void
files_of_every_size_come_out_as_they_went_in(void **state)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 100000};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        char name[32];

        snprintf(name, sizeof(name), "%zu.bin", sizes[i]);
        add_att(name, sizes[i], (uint8_t)(i + 1));
    }
    keep_message();
    assert_int_equal(run(), ERR_OK);
    for (size_t i = 0; i < 6; i++) {
        char name[64];
        struct hash h;
        struct buf b = {0};
        char hex[65];

        snprintf(name, sizeof(name), "attachments/%zu.bin", sizes[i]);
        assert_int_equal(os_read_file(at(name), 1 << 20, &b), ERR_OK);
        assert_int_equal(b.len, sizes[i]);
        for (size_t k = 0; k < b.len; k++)
            assert_int_equal(b.data[k], i + 1);
        sha256(&h, b.data, b.len);
        hex_encode(hex, h.b, sizeof(h.b));
        assert_string_equal(json_get_str(listed(name), "sha256"), hex);
        assert_int_equal(json_get_u64(listed(name), "size"), sizes[i]);
        buf_clear(&b);
    }
}

static void
names_of_others_lead_nowhere(void **state)
{
    static const char *const names[] = {
        "../../.bashrc",          "/etc/passwd",   "..",  ".", "",
        "inv\xe2\x80\xaegnp.exe", "a\x1b[2Jb.txt", "CON",
    };
    char longest[301];
    size_t before;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        add_att(names[i], 5, 7);
    memset(longest, 'x', 300);
    memcpy(longest + 296, ".pdf", 5);
    add_att(longest, 5, 7);
    keep_message();
    before = files_below(fx.scratch);
    assert_int_equal(run(), ERR_OK);
    assert_int_equal(files_below(at("attachments")), 9);
    assert_int_equal(files_below(fx.scratch), before + 9 + 3);
    for (size_t i = 0; i < 9; i++) {
        const json_t *row =
            json_array_get(json_object_get(manifest, "files"), i + 1);
        const char *path = json_get_str(row, "path");

        assert_memory_equal(path, "attachments/", 12);
        assert_null(strchr(path + 12, '/'));
        assert_int_not_equal(path[12], '.');
        assert_null(strchr(path, '\x1b'));
        assert_null(strstr(path, "\xe2\x80\xae"));
        assert_true(strlen(path + 12) <= 240);
        assert_int_equal(access(at(path), F_OK), 0);
    }
}

static void
doubles_are_numbered_whatever_their_capitals(void **state)
{
    (void)state;
    add_att("same.pdf", 1, 1);
    add_att("same.pdf", 2, 2);
    add_att("SAME.pdf", 3, 3);
    add_att("noext", 1, 1);
    add_att("noext", 1, 1);
    keep_message();
    assert_int_equal(run(), ERR_OK);
    assert_int_equal(json_get_u64(listed("attachments/same.pdf"), "size"), 1);
    assert_int_equal(json_get_u64(listed("attachments/same-2.pdf"), "size"), 2);
    assert_int_equal(json_get_u64(listed("attachments/SAME-3.pdf"), "size"), 3);
    assert_non_null(listed("attachments/noext-2"));
    assert_string_equal(json_get_str(listed("attachments/SAME-3.pdf"), "name"),
                        "SAME.pdf");
}

static void
without_a_receipt_there_is_no_receipt_file(void **state)
{
    uint8_t id[16];

    (void)state;
    keep_message();
    mail_record_id(id, &m.id, m.direction);
    assert_int_equal(shelf_begin(&app, &pb), ERR_OK);
    shelf_drop(&app, REC_PROOF, id);
    assert_int_equal(shelf_end(&app, ERR_OK, &pb), ERR_OK);
    assert_int_equal(run(), ERR_OK);
    assert_int_not_equal(access(at("receipt.txt"), F_OK), 0);
    assert_int_equal(json_array_size(json_object_get(manifest, "files")), 1);
}

/* ---- what is not ---- */

/* Something has the name NAME: it stays as it is, and nothing else is there. */
static void
assert_not_over(const char *name, enum problem_id id)
{
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, id);
    assert_null(manifest);
    assert_file(at(name), "mine");
    assert_int_equal(files_below(dir), 1);
    assert_int_not_equal(access(at("attachments"), F_OK), 0);
}

static void
no_file_is_written_over(void **state)
{
    static const char *const names[] = {"message.txt", "receipt.txt",
                                        "manifest.json"};

    (void)state;
    add_att("a.pdf", 10, 1);
    keep_message();
    assert_int_equal(mkdir(dir, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        put_file(at(names[i]), "mine");
        assert_not_over(names[i], P_FILE_EXISTS);
        assert_int_equal(unlink(at(names[i])), 0);
        memset(&pb, 0, sizeof(pb));
    }
}

static void
other_files_in_the_directory_do_not_matter(void **state)
{
    (void)state;
    keep_message();
    assert_int_equal(mkdir(dir, 0700), 0);
    put_file(at("notes.txt"), "mine");
    assert_int_equal(run(), ERR_OK);
    assert_file(at("notes.txt"), "mine");
    assert_int_equal(files_below(dir), 4);
}

static void
links_are_not_followed(void **state)
{
    char target[PATH_LEN];

    (void)state;
    add_att("a.pdf", 10, 1);
    keep_message();
    snprintf(target, sizeof(target), "%s/elsewhere", fx.scratch);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(symlink(target, at("manifest.json")), 0);
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, P_FILE_EXISTS);
    assert_int_not_equal(access(target, F_OK), 0);
    assert_int_equal(unlink(at("manifest.json")), 0);
    /* A directory for attachments that is somewhere else. */
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, at("attachments")), 0);
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, P_FILE_EXISTS);
    assert_int_equal(files_below(target), 0);
    assert_int_equal(files_below(dir), 1); /* the link itself */
}

static void
the_directory_itself_is_no_link(void **state)
{
    char target[PATH_LEN];

    (void)state;
    keep_message();
    snprintf(target, sizeof(target), "%s/elsewhere", fx.scratch);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, dir), 0);
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, P_FILE);
    strcat(dir, "//");
    memset(&pb, 0, sizeof(pb));
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(files_below(target), 0);
}

static void
a_directory_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    keep_message();
    snprintf(dir, sizeof(dir), "%s/no/such", fx.scratch);
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, P_FILE);
    assert_non_null(strstr(pb.why, "no/such"));
}

static void
damage_one(void *arg, const char *path)
{
    int fd = -1;
    uint8_t byte;

    (void)arg;
    if (strstr(path, "/blobs/") == NULL)
        return;
    assert_int_equal(os_open(&fd, path, OS_READ_WRITE, 0), ERR_OK);
    assert_int_equal(os_pread(fd, &byte, 1, 20000), ERR_OK);
    byte ^= 1;
    assert_int_equal(os_pwrite(fd, &byte, 1, 20000), ERR_OK);
    os_close(&fd);
}

static void
a_damaged_attachment_leaves_nothing_behind(void **state)
{
    (void)state;
    add_att("a.pdf", 50000, 1);
    keep_message();
    scratch_each(fx.dir, damage_one, NULL);
    assert_int_equal(run(), ERR_VERIFY);
    assert_int_equal(pb.id, P_VERIFY);
    assert_int_not_equal(access(dir, F_OK), 0);
}

static void
a_missing_attachment_leaves_nothing_behind(void **state)
{
    (void)state;
    add_att("here.pdf", 10, 1);
    add_att("gone.pdf", 10, 1);
    keep_message();
    blob_forget(&app, &owner, &m.atts[1].id);
    assert_int_not_equal(run(), ERR_OK);
    assert_int_equal(pb.id, P_NOT_FOUND);
    assert_int_not_equal(access(dir, F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_text_that_a_terminal_may_see),
        TEST(a_referral_is_joined_into_one_document),
        TEST(everything_is_this_users_alone),
        TEST(files_of_every_size_come_out_as_they_went_in),
        TEST(names_of_others_lead_nowhere),
        TEST(doubles_are_numbered_whatever_their_capitals),
        TEST(without_a_receipt_there_is_no_receipt_file),
        TEST(no_file_is_written_over),
        TEST(other_files_in_the_directory_do_not_matter),
        TEST(links_are_not_followed),
        TEST(the_directory_itself_is_no_link),
        TEST(a_directory_that_cannot_be_made_is_named),
        TEST(a_damaged_attachment_leaves_nothing_behind),
        TEST(a_missing_attachment_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
