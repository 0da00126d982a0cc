#include "common/os.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[128];

static int
make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sealpost-test-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    return os_path_join(path, sizeof(path), dir, "file") == ERR_OK ? 0 : -1;
}

static enum err
remove_one(void *arg, const char *name)
{
    char one[512];

    (void)arg;
    os_path_join(one, sizeof(one), dir, name);
    return os_remove(one);
}

static int
drop_dir(void **state)
{
    (void)state;
    os_list_dir(dir, remove_one, NULL);
    return os_remove(dir) == ERR_OK ? 0 : -1;
}

static enum err
count_one(void *arg, const char *name)
{
    unsigned *count = arg;

    (void)name;
    ++*count;
    return ERR_OK;
}

static unsigned
files_in_dir(void)
{
    unsigned count = 0;

    assert_int_equal(os_list_dir(dir, count_one, &count), ERR_OK);
    return count;
}

static void
paths_are_joined_within_their_bounds(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(os_path_join(out, sizeof(out), "a", "b"), ERR_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(os_path_join(out, sizeof(out), "a/", "b"), ERR_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(os_path_join(out, sizeof(out), "a", "/b"), ERR_OK);
    assert_string_equal(out, "/b");
    assert_int_equal(os_path_join(out, sizeof(out), "abc", "def"), ERR_OK);
    assert_int_equal(os_path_join(out, sizeof(out), "abc", "defg"), ERR_TOOBIG);
    assert_int_equal(os_path_join(out, sizeof(out), "", "12345678"),
                     ERR_TOOBIG);
    assert_string_equal(out, "abc/def");
    assert_string_equal(os_path_base("/x/y"), "y");
    assert_string_equal(os_path_base("y"), "y");
}

static void
xdg_says_where_things_live(void **state)
{
    char out[OS_PATH_MAX];

    (void)state;
    setenv("HOME", "/home/ada", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    unsetenv("XDG_CACHE_HOME");
    assert_int_equal(os_data_dir(out, sizeof(out)), ERR_OK);
    assert_string_equal(out, "/data/sealpost");
    assert_int_equal(os_cache_dir(out, sizeof(out)), ERR_OK);
    assert_string_equal(out, "/home/ada/.cache/sealpost");
    setenv("XDG_DATA_HOME", "relative", 1); /* the standard: ignore it */
    assert_int_equal(os_data_dir(out, sizeof(out)), ERR_OK);
    assert_string_equal(out, "/home/ada/.local/share/sealpost");
}

static void
an_atomic_write_replaces_and_leaves_nothing_beside(void **state)
{
    struct buf b = {0};
    unsigned mode;

    (void)state;
    assert_int_equal(os_write_file_atomic(path, "old", 3, 0600), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, "newer", 5, 0640), ERR_OK);
    assert_int_equal(os_read_file(path, 5, &b), ERR_OK);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "newer", 5);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0640);
    assert_int_equal(files_in_dir(), 1);
    buf_clear(&b);
}

static void
a_full_disk_leaves_the_old_file(void **state)
{
    struct rlimit normal, tight;
    struct buf b = {0};
    char big[4096];
    enum err rc;

    (void)state;
    memset(big, 'x', sizeof(big));
    os_ignore_signals();
    assert_int_equal(os_write_file_atomic(path, "old", 3, 0600), ERR_OK);
    getrlimit(RLIMIT_FSIZE, &normal);
    tight = normal;
    tight.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &tight);
    rc = os_write_file_atomic(path, big, sizeof(big), 0600);
    setrlimit(RLIMIT_FSIZE, &normal);
    assert_int_equal(rc, ERR_FULL);
    assert_string_equal(os_last_error_text(), "File too large");
    assert_int_equal(os_read_file(path, 100, &b), ERR_OK);
    assert_memory_equal(b.data, "old", 3);
    assert_int_equal(files_in_dir(), 1);
    buf_clear(&b);
}

static void
a_file_that_is_too_large_leaves_the_buffer_alone(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_str(&b, "before");
    assert_int_equal(os_write_file_atomic(path, "12345", 5, 0600), ERR_OK);
    assert_int_equal(os_read_file(path, 4, &b), ERR_TOOBIG);
    assert_int_equal(b.len, 6);
    assert_int_equal(os_read_file("/nowhere/at/all", 4, &b), ERR_NOTFOUND);
    assert_int_equal(b.len, 6);
    buf_clear(&b);
}

static void
exclusive_creation_follows_no_link(void **state)
{
    int fd = -1;

    (void)state;
    assert_int_equal(os_create_exclusive(&fd, path, 0600), ERR_OK);
    os_close(&fd);
    assert_int_equal(fd, -1);
    os_close(&fd);
    assert_int_equal(os_create_exclusive(&fd, path, 0600), ERR_EXISTS);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(symlink("/tmp/sealpost-test-not-there", path), 0);
    assert_int_equal(os_create_exclusive(&fd, path, 0600), ERR_EXISTS);
    assert_int_equal(fd, -1);
    assert_true(os_exists(path));
}

static void
only_a_file_itself_is_opened_for_others(void **state)
{
    uint64_t size = 7;
    int fd = -1;

    (void)state;
    assert_int_equal(os_open_file(&fd, path, &size), ERR_NOTFOUND);
    assert_int_equal(os_open_file(&fd, dir, &size), ERR_REFUSED);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(os_open_file(&fd, path, &size), ERR_REFUSED);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(os_open_file(&fd, path, &size), ERR_REFUSED);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(fd, -1);
    assert_true(size == 7);
    assert_int_equal(os_write_file_atomic(path, "abc", 3, 0600), ERR_OK);
    assert_int_equal(os_open_file(&fd, path, &size), ERR_OK);
    assert_true(size == 3);
    os_close(&fd);
}

/* As with `<(command)`. */
static void
a_pipe_is_read_as_a_file(void **state)
{
    struct buf b = {0};
    char name[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "bytes", 5), 5);
    (void)close(ends[1]);
    assert_int_equal(os_read_file(name, 4, &b), ERR_TOOBIG);
    assert_int_equal(b.len, 0);
    (void)close(ends[0]);
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "bytes", 5), 5);
    (void)close(ends[1]);
    assert_int_equal(os_read_file(name, 5, &b), ERR_OK);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "bytes", 5);
    buf_clear(&b);
    (void)close(ends[0]);
}

static void
a_program_is_looked_for_beside_ours(void **state)
{
    char got[OS_PATH_MAX];

    (void)state;
    assert_int_equal(os_beside(got, sizeof(got), "no-such-program"), ERR_OK);
    assert_true(got[0] == '/');
    assert_string_equal(os_path_base(got), "no-such-program");
    assert_int_equal(os_become(got, (char *[]){got, NULL}), ERR_NOTFOUND);
    assert_int_equal(os_beside(got, 5, "no-such-program"), ERR_TOOBIG);
}

static void
reading_and_writing_at_an_offset(void **state)
{
    char got[4] = "";
    uint64_t size = 0;
    int fd = -1;

    (void)state;
    assert_int_equal(os_open(&fd, path, OS_READ_WRITE, 0), ERR_NOTFOUND);
    assert_int_equal(os_open(&fd, path, OS_CREATE, 0600), ERR_OK);
    assert_int_equal(os_preallocate(fd, 0), ERR_OK);
    assert_int_equal(os_preallocate(fd, 100), ERR_OK);
    assert_int_equal(os_pwrite(fd, "abc", 3, 98), ERR_OK);
    assert_int_equal(os_fdatasync(fd), ERR_OK);
    assert_int_equal(os_fd_size(fd, &size), ERR_OK);
    assert_true(size == 101);
    assert_int_equal(os_pread(fd, got, 3, 98), ERR_OK);
    assert_string_equal(got, "abc");
    assert_int_equal(os_pread(fd, got, 3, 99), ERR_MALFORMED);
    assert_int_equal(os_truncate(fd, 7), ERR_OK);
    assert_int_equal(os_file_size(path, &size), ERR_OK);
    assert_true(size == 7);
    os_close(&fd);
}

static void
directories_are_made_with_their_parents(void **state)
{
    char deep[128];

    (void)state;
    snprintf(deep, sizeof(deep), "%s/a/b//c/", dir);
    assert_int_equal(os_mkdirs(deep, 0700), ERR_OK);
    assert_int_equal(os_mkdirs(deep, 0700), ERR_OK);
    assert_true(os_is_dir(deep));
    for (const char *const *p =
             (const char *const[]){"a/b/c", "a/b", "a", NULL};
         *p != NULL; p++) {
        os_path_join(deep, sizeof(deep), dir, *p);
        assert_int_equal(os_remove(deep), ERR_OK);
    }
    assert_int_equal(os_write_file_atomic(path, "", 0, 0600), ERR_OK);
    assert_int_equal(os_path_join(deep, sizeof(deep), path, "sub"), ERR_OK);
    assert_int_equal(os_mkdirs(deep, 0700), ERR_EXISTS);
}

static void
a_second_process_finds_the_lock_busy_and_learns_who(void **state)
{
    struct os_lock lock = {-1}, again = {-1};
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(os_lock_file(&lock, path, OS_DONT_WAIT, NULL), ERR_OK);
    child = fork();
    if (child == 0) {
        long holder = 0;
        enum err rc = os_lock_file(&again, path, OS_DONT_WAIT, &holder);
        _exit(rc == ERR_BUSY && holder == (long)getppid() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    os_unlock(&lock);
    os_unlock(&lock);
    assert_int_equal(os_lock_file(&again, path, OS_WAIT, NULL), ERR_OK);
    os_unlock(&again);
}

static void
a_line_is_read_and_nothing_behind_it(void **state)
{
    struct buf b = {0};
    char rest[8] = "";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(os_write_all(ends[1], "pass phrase\r\nrest", 17), ERR_OK);
    assert_int_equal(os_read_fd_line(ends[0], 100, &b), ERR_OK);
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "pass phrase", 11);
    assert_int_equal(read(ends[0], rest, 4), 4);
    assert_string_equal(rest, "rest");
    assert_int_equal(os_write_all(ends[1], "too long\n", 9), ERR_OK);
    assert_int_equal(os_read_fd_line(ends[0], 7, &b), ERR_TOOBIG);
    assert_int_equal(b.len, 11);
    close(ends[1]);
    buf_reset(&b);
    assert_int_equal(os_read_fd_line(ends[0], 7, &b), ERR_OK); /* "g" */
    assert_int_equal(os_read_fd_line(ends[0], 7, &b), ERR_CLOSED);
    close(ends[0]);
    buf_clear(&b);
}

static void
a_passphrase_command_gives_its_first_line(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(
        os_run_passphrase_command("printf 'open\\nsesame\\n'", 100, &b),
        ERR_OK);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "open", 4);
    assert_int_equal(os_run_passphrase_command("echo no; exit 3", 100, &b),
                     ERR_CLOSED);
    assert_int_equal(os_run_passphrase_command("true", 100, &b), ERR_CLOSED);
    assert_int_equal(os_run_passphrase_command("echo long", 3, &b), ERR_TOOBIG);
    assert_int_equal(b.len, 4);
    buf_clear(&b);
}

static void
a_command_does_not_get_the_passphrases_descriptor(void **state)
{
    char command[64];
    int fd = dup(STDERR_FILENO);

    (void)state;
    assert_true(fd > STDERR_FILENO);
    snprintf(command, sizeof(command), "(: <&%d) 2>/dev/null; exit $?", fd);
    assert_int_equal(os_run_command(command, NULL, 0), ERR_OK);
    os_keep_to_ourselves(fd);
    assert_int_equal(os_run_command(command, NULL, 0), ERR_CLOSED);
    os_keep_to_ourselves(STDERR_FILENO);
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
}

/* Runs os_read_passphrase() in a child on a terminal of its own, types KEYS
 * once it asks, and gives the child's wait status and what the terminal showed.
 */
static int
type_at_prompt(const char *keys, char *screen, size_t cap, bool *echo)
{
    struct termios state;
    size_t seen = 0;
    ssize_t n;
    int terminal, status;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);

    if (child == 0) {
        struct buf b = {0};
        enum err rc = os_read_passphrase("Passphrase: ", &b);
        _exit(rc == ERR_OK && b.len == 6 && memcmp(b.data, "sesame", 6) == 0
                  ? 0
                  : 100 + (int)rc);
    }
    assert_true(child > 0);
    memset(screen, 0, cap);
    while (strstr(screen, "Passphrase: ") == NULL) {
        n = read(terminal, screen + seen, cap - 1 - seen);
        assert_true(n > 0);
        seen += (size_t)n;
    }
    assert_int_equal(os_write_all(terminal, keys, strlen(keys)), ERR_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(tcgetattr(terminal, &state), 0);
    *echo = (state.c_lflag & ECHO) != 0;
    n = read(terminal, screen + seen, cap - 1 - seen);
    close(terminal);
    return status;
}

static void
a_passphrase_is_typed_without_echo(void **state)
{
    char screen[256];
    bool echo = false;

    (void)state;
    assert_int_equal(type_at_prompt("sesame\n", screen, sizeof(screen), &echo),
                     0);
    assert_null(strstr(screen, "sesame"));
    assert_true(echo);
}

static void
an_interrupted_prompt_gives_the_echo_back(void **state)
{
    char screen[256];
    bool echo = false;
    int status = type_at_prompt("sesa\003", screen, sizeof(screen), &echo);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_null(strstr(screen, "sesa"));
    assert_true(echo);
}

static void
the_end_of_input_at_the_prompt_is_a_no(void **state)
{
    char screen[256];
    bool echo = false;
    int status = type_at_prompt("\004", screen, sizeof(screen), &echo);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 100 + ERR_CANCELLED);
}

static void
a_process_can_be_told_to_leave_no_core(void **state)
{
    struct rlimit core;
    int status;
    pid_t child = fork(); /* undumpable, leak checks would not work here */

    (void)state;
    if (child == 0) {
        os_no_core_dumps();
        getrlimit(RLIMIT_CORE, &core);
        _exit(core.rlim_cur == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
the_machine_can_be_asked(void **state)
{
    uint64_t free_bytes = 0;

    (void)state;
    assert_true(os_raise_fd_limit() > 0);
    assert_int_equal(os_free_disk(dir, &free_bytes), ERR_OK);
    assert_true(free_bytes > 0);
    assert_int_equal(os_free_disk("/nowhere/at/all", &free_bytes),
                     ERR_NOTFOUND);
    assert_int_equal(os_term_width(-1), 80);
    assert_false(os_is_tty(-1));
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

static void
waiting_for_bytes_has_an_end(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(os_wait_readable(ends[0], 1), ERR_TIMEOUT);
    assert_int_equal(os_write_all(ends[1], "x", 1), ERR_OK);
    assert_int_equal(os_wait_readable(ends[0], 60000), ERR_OK);
    assert_int_equal(os_wait_readable(ends[0], 0), ERR_OK);
    os_close(&ends[0]);
    os_close(&ends[1]);
    assert_int_equal(pipe(ends), 0);
    os_close(&ends[1]);
    assert_int_equal(os_wait_readable(ends[0], 60000), ERR_OK);
    os_close(&ends[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_within_their_bounds),
        cmocka_unit_test(xdg_says_where_things_live),
        cmocka_unit_test(waiting_for_bytes_has_an_end),
        IN_DIR(an_atomic_write_replaces_and_leaves_nothing_beside),
        IN_DIR(a_full_disk_leaves_the_old_file),
        IN_DIR(a_file_that_is_too_large_leaves_the_buffer_alone),
        IN_DIR(exclusive_creation_follows_no_link),
        IN_DIR(only_a_file_itself_is_opened_for_others),
        IN_DIR(reading_and_writing_at_an_offset),
        cmocka_unit_test(a_pipe_is_read_as_a_file),
        cmocka_unit_test(a_program_is_looked_for_beside_ours),
        IN_DIR(directories_are_made_with_their_parents),
        IN_DIR(a_second_process_finds_the_lock_busy_and_learns_who),
        cmocka_unit_test(a_line_is_read_and_nothing_behind_it),
        cmocka_unit_test(a_passphrase_command_gives_its_first_line),
        cmocka_unit_test(a_command_does_not_get_the_passphrases_descriptor),
        cmocka_unit_test(a_passphrase_is_typed_without_echo),
        cmocka_unit_test(an_interrupted_prompt_gives_the_echo_back),
        cmocka_unit_test(the_end_of_input_at_the_prompt_is_a_no),
        cmocka_unit_test(a_process_can_be_told_to_leave_no_core),
        IN_DIR(the_machine_can_be_asked),
    };

    return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
