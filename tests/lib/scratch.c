#define _GNU_SOURCE /* nftw, memmem */
#include "tests/lib/scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* These run whatever NDEBUG says. */
static void
must(bool ok)
{
    if (!ok)
        abort();
}

char *
scratch_new(void)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/sealpost-test.XXXXXX",
             base != NULL && base[0] != '\0' ? base : "/tmp");
    must(mkdtemp(path) != NULL);
    return strdup(path);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

void
scratch_free(char *dir)
{
    if (dir == NULL)
        return;
    must(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    free(dir);
}

static struct dirent *
next_name(DIR *d)
{
    struct dirent *e;

    do
        e = readdir(d);
    while (e != NULL &&
           (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
    return e;
}

void
scratch_each(const char *dir, void (*each)(void *arg, const char *path),
             void *arg)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    struct stat st;
    char path[PATH_MAX];

    must(d != NULL);
    while ((e = next_name(d)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        must(lstat(path, &st) == 0);
        if (S_ISDIR(st.st_mode))
            scratch_each(path, each, arg);
        else
            each(arg, path);
    }
    closedir(d);
}

static void
read_whole(const char *path, uint8_t **bytes, size_t *len)
{
    FILE *f = fopen(path, "rb");
    long size;

    must(f != NULL && fseek(f, 0, SEEK_END) == 0);
    size = ftell(f);
    must(size >= 0 && fseek(f, 0, SEEK_SET) == 0);
    *len = (size_t)size;
    *bytes = malloc(*len + 1);
    must(*bytes != NULL && fread(*bytes, 1, *len, f) == *len);
    fclose(f);
}

struct search {
    const void *needle;
    size_t len;
    bool found;
};

static void
search_one(void *arg, const char *path)
{
    struct search *s = arg;
    uint8_t *bytes;
    size_t len;

    read_whole(path, &bytes, &len);
    s->found = s->found || memmem(bytes, len, s->needle, s->len) != NULL;
    free(bytes);
}

bool
scratch_contains(const char *dir, const void *needle, size_t len)
{
    struct search s = {.needle = needle, .len = len};

    scratch_each(dir, search_one, &s);
    return s.found;
}

void
snapshot_take(struct snapshot *s, const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    struct stat st;
    char path[PATH_MAX];

    must(d != NULL);
    *s = (struct snapshot){0};
    while ((e = next_name(d)) != NULL) {
        struct snapshot_file *f;

        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        must(lstat(path, &st) == 0);
        if (!S_ISREG(st.st_mode))
            continue;
        s->files = realloc(s->files, (s->count + 1) * sizeof(*s->files));
        must(s->files != NULL);
        f = &s->files[s->count++];
        f->name = strdup(e->d_name);
        read_whole(path, &f->bytes, &f->len);
    }
    closedir(d);
}

void
snapshot_restore(const struct snapshot *s, const char *dir)
{
    struct snapshot now;
    char path[PATH_MAX];

    snapshot_take(&now, dir);
    for (size_t i = 0; i < now.count; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, now.files[i].name);
        must(unlink(path) == 0);
    }
    snapshot_clear(&now);
    for (size_t i = 0; i < s->count; i++) {
        const struct snapshot_file *f = &s->files[i];
        FILE *out;

        snprintf(path, sizeof(path), "%s/%s", dir, f->name);
        out = fopen(path, "wb");
        must(out != NULL && fwrite(f->bytes, 1, f->len, out) == f->len);
        must(fclose(out) == 0);
    }
}

struct snapshot_file *
snapshot_file(struct snapshot *s, const char *prefix)
{
    for (size_t i = 0; i < s->count; i++)
        if (strncmp(s->files[i].name, prefix, strlen(prefix)) == 0)
            return &s->files[i];
    abort();
}

void
snapshot_clear(struct snapshot *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->files[i].name);
        free(s->files[i].bytes);
    }
    free(s->files);
    *s = (struct snapshot){0};
}
