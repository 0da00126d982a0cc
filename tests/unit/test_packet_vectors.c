/*
 * The committed files of tests/vectors/sealpost are what the code makes today:
 * a change of format shows here first.  With SEALPOST_WRITE_VECTORS=1 in the
 * environment they are written anew instead.
 */
#include "tests/lib/packet_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
path_of(char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "tests/vectors/sealpost/%s", name);
}

static void
read_file(struct buf *out, const char *name)
{
    char path[200], bytes[8192];
    size_t n;
    FILE *f;

    path_of(path, sizeof(path), name);
    f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_put(out, bytes, n);
    fclose(f);
    assert_int_equal(buf_status(out), ERR_OK);
}

static void
write_file(const struct buf *b, const char *name)
{
    char path[200];
    FILE *f;

    path_of(path, sizeof(path), name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
    assert_int_equal(fclose(f), 0);
}

static void
the_committed_files_are_what_the_code_makes(void **state)
{
    (void)state;
    for (size_t i = 0; packet_vectors[i].name != NULL; i++) {
        struct buf made = {0}, kept = {0};

        packet_vectors[i].make(&made);
        if (getenv("SEALPOST_WRITE_VECTORS") != NULL)
            write_file(&made, packet_vectors[i].name);
        read_file(&kept, packet_vectors[i].name);
        assert_int_equal(made.len, kept.len);
        assert_memory_equal(made.data, kept.data, made.len);
        buf_clear(&made);
        buf_clear(&kept);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_files_are_what_the_code_makes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
