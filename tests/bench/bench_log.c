/*
 * bench_log.c - what a long delivery log costs: start, proofs and memory with
 * a hundredth, a tenth and all of ENTRIES events in it, filled through the
 * store in batches, without packets.
 *
 *   build/tests/bench/bench_log [ENTRIES]      default 1,000,000
 *
 * Ten million take about 4 GB of disk and several minutes; proofs have to stay
 * under 1 ms, a start under 1 s, and memory flat.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/os.h"
#include "tests/lib/log_fixture.h"
#include "tests/lib/store_fixture.h"

enum { PROOFS = 2000 };

static void
must(enum err rc, const char *what)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_log: %s: %s\n", what, err_text(rc));
    abort();
}

static void
row(const char *what, double value, const char *unit, const char *note)
{
    printf("  %-44s %12.3f %-10s %s\n", what, value, unit, note);
    (void)fflush(stdout);
}

/* Pages of this process in memory that are no file's, in MB. */
static double
memory_mb(void)
{
    unsigned long all = 0, resident = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL || fscanf(f, "%lu %lu %lu", &all, &resident, &shared) != 3)
        abort();
    (void)fclose(f);
    return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static uint64_t
below(uint64_t n)
{
    uint64_t r;

    crypto_random(&r, sizeof(r));
    return r % n;
}

static void
prove_inclusion(struct fixture *fx, uint64_t size)
{
    struct hash path[MERKLE_PATH_MAX];
    size_t n;

    must(store_inclusion(fx->rd, STORE_DELIVERY, below(size), size, path, &n),
         "inclusion");
}

static void
prove_consistency(struct fixture *fx, uint64_t size)
{
    struct hash path[MERKLE_PATH_MAX];
    size_t n;

    must(store_consistency(fx->rd, STORE_DELIVERY, 1 + below(size), size, path,
                           &n),
         "consistency");
}

/* A whole proof file, to the head that the entry was first signed under. */
static void
prove_leaf(struct fixture *fx, uint64_t size)
{
    struct buf proof = {0};

    must(store_leaf_proof(fx->rd, STORE_DELIVERY, below(size), &proof),
         "proof");
    buf_clear(&proof);
}

static void
time_proofs(struct fixture *fx, const char *what,
            void (*prove)(struct fixture *fx, uint64_t size))
{
    uint64_t size = log_fill_size(fx->st), start = clock_mono_ms();
    clock_t used = clock();
    char note[80];

    for (int i = 0; i < PROOFS; i++)
        prove(fx, size);
    used = clock() - used;
    (void)snprintf(note, sizeof(note), "bound 1; of the processor %.3f",
                   (double)used * 1000 / CLOCKS_PER_SEC / PROOFS);
    row(what, (double)(clock_mono_ms() - start) / PROOFS, "ms", note);
}

/* In a process of its own: memory that filling took is not given back. */
static int
look(const char *dir)
{
    struct fixture fx = {0};
    char why[512];
    uint64_t start;

    fx_config(&fx, dir);
    start = clock_mono_ms();
    must(fx_try_open(&fx, why), "starting");
    must(store_reader_open(fx.st, &fx.rd), "reader");
    row("start", (double)(clock_mono_ms() - start), "ms", "bound 1000");
    row("memory after start", memory_mb(), "MB",
        "flat, whatever the log's size");
    time_proofs(&fx, "inclusion proof", prove_inclusion);
    time_proofs(&fx, "consistency proof", prove_consistency);
    time_proofs(&fx, "proof file to its first head", prove_leaf);
    row("memory after proofs", memory_mb(), "MB", "flat");
    fx_stop(&fx);
    return 0;
}

static void
look_apart(const char *program, const char *dir)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execl(program, program, "look", dir, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        abort();
}

static void
stage(struct fixture *fx, const char *program, uint64_t size)
{
    uint64_t before = log_fill_size(fx->st), start = clock_mono_ms();
    uint64_t bytes = 0;
    char path[OS_PATH_MAX];
    double s;

    printf("%" PRIu64 " entries\n", size);
    must(log_fill(fx->st, size, LOG_FILL_BATCH), "filling");
    s = (double)(clock_mono_ms() - start + 1) / 1000;
    row("appended", (double)(size - before) / s, "/s", "4,096 a commit");
    row("memory after appending", memory_mb(), "MB",
        "the database's cache is 64 MB at most");
    fx_stop(fx);
    look_apart(program, fx->dir);
    fx_reopen(fx);
    must(os_path_join(path, sizeof(path), fx->dir, "store.db"), "path");
    must(os_file_size(path, &bytes), path);
    row("database, per entry", (double)bytes / (double)size, "bytes", "");
}

int
main(int argc, char **argv)
{
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct fixture fx = {0};

    if (argc == 3 && strcmp(argv[1], "look") == 0)
        return look(argv[2]);
    if (entries < 100)
        entries = 100;
    fx_open_empty(&fx);
    stage(&fx, argv[0], entries / 100);
    stage(&fx, argv[0], entries / 10);
    stage(&fx, argv[0], entries);
    fx_close(&fx);
    return 0;
}
