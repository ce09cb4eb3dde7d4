/* rung-runtime, rung, rungd and containerd's shim, the files that are executed: find Rung and its Python, start the one in the other.
 *
 * It exists because a script's #! line is slow and open to its surroundings: it may name a version
 * manager's shim (80 ms), it cannot say -I and -S, and `site` costs 3 ms beside the 6 that
 * an interpreter's start takes. It runs as root in the hands of container managers, so nothing is
 * looked for along PATH or in the environment; where it lies decides:
 *
 *   BIN/../lib/python3.N/{site,dist}-packages/rung     the package: newest N that has an interpreter
 *   RUNG_HOME/rung                                     compiled in by an editable install: comes first
 *   BIN/python3.N, /usr/bin/python3.N, RUNG_PYTHON     the interpreter: the first that is a program
 *
 * An editable install also has the interpreter's version compiled in, RUNG_MINOR.
 * Arguments, environment and descriptors pass unchanged, except that closed descriptors among
 * 0 to 2 become /dev/null, as Go's runtime does for runc: no file may land there.
 */

#include "shim.h"
#include "warm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef RUNG_PYTHON
#define RUNG_PYTHON ""
#endif

#define OLDEST_MINOR 11

/* One program under four names. The runtime is isolated (-I) and without site (-S): it needs Rung and
 * the standard library; it begins in a file, which is quicker than -c (see runtime/boot.py). So do the
 * command of people and the shim, which are told by their words (COMMAND, SHIM there). The command and the
 * daemon add what is installed beside Rung, such as extras, themselves where it may be needed. */
static const struct command {
    const char *name, *options, *word, *code;
    bool site;
} commands[] = {
    {"rung-runtime", "-IS", NULL, NULL, false},
    {"rung", "-IS", "--rung", NULL, true},
    {"containerd-shim-rung-v2", "-IS", "--shim", NULL, false},
    {"rungd", "-IS", NULL,
     "import sys\n"
     "sys.path.append(sys.argv.pop(1))\n"
     "sys.argv[0] = 'rungd'\n"
     "from rung.cli.daemon import main\n"
     "main()\n",
     true},
};

struct place {
    int minor;
    char home[PATH_MAX];   /* the directory that holds rung/ */
    char python[PATH_MAX]; /* the interpreter, or a virtual environment's link to it */
};

static int fail(const struct command *command, const char *what, const char *object)
{
    dprintf(STDERR_FILENO, "%s: %s %s\n", command->name, what, object);
    return 1;
}

/* A path into to[PATH_MAX]; false where it does not fit. */
__attribute__((format(printf, 2, 3))) static bool put(char *to, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    int length = vsnprintf(to, PATH_MAX, format, rest);
    va_end(rest);
    return length > 0 && length < PATH_MAX;
}

/* A program, not a script: a version manager's shim is one. */
static bool is_program(const char *path)
{
    char magic[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, magic, sizeof magic);
    close(fd);
    return got == sizeof magic && memcmp(magic, "\177ELF", sizeof magic) == 0 && access(path, X_OK) == 0;
}

static bool use_program(struct place *place, const char *path)
{
    return is_program(path) && put(place->python, "%s", path);
}

static bool find_python(struct place *place, const char *bin)
{
    char path[PATH_MAX];
    return (put(path, "%s/python3.%d", bin, place->minor) && use_program(place, path)) ||
           (put(path, "/usr/bin/python3.%d", place->minor) && use_program(place, path)) ||
           use_program(place, RUNG_PYTHON);
}

static bool find_home(struct place *place, const char *lib)
{
    static const char *const kinds[] = {"site-packages", "dist-packages"};
    char package[PATH_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (put(place->home, "%s/python3.%d/%s", lib, place->minor, kinds[i]) &&
            put(package, "%s/rung/runtime", place->home) && access(package, F_OK) == 0)
            return true;
    return false;
}

/* The newest Python below lib/ that has both the package and an interpreter. */
static bool find_installed(struct place *best, const char *bin)
{
    char lib[PATH_MAX];
    struct place at;
    struct dirent *entry;
    int prefix = (int)(strrchr(bin, '/') - bin); /* no "..": compiled modules know their path */
    DIR *dir = put(lib, "%.*s/lib", prefix, bin) ? opendir(lib) : NULL;
    if (!dir)
        return false;
    while ((entry = readdir(dir))) {
        char rest;
        if (sscanf(entry->d_name, "python3.%d%c", &at.minor, &rest) != 1)
            continue;
        if (at.minor < OLDEST_MINOR || at.minor <= best->minor)
            continue;
        if (find_home(&at, lib) && find_python(&at, bin))
            *best = at;
    }
    closedir(dir);
    return best->minor > 0;
}

#ifdef RUNG_HOME
static bool find_place(struct place *place, const char *bin)
{
    (void)bin;
    (void)find_installed;
    place->minor = RUNG_MINOR;
    return put(place->home, "%s", RUNG_HOME) && use_program(place, RUNG_PYTHON);
}
#else
static bool find_place(struct place *place, const char *bin)
{
    return find_installed(place, bin);
}
#endif

/* What a pack ends with: TRAILER of runtime/boot.py. It is for one interpreter, the very file. */
struct trailer {
    char word[8];
    uint64_t index_at, index_size, python_time_ns, python_size;
};
_Static_assert(sizeof(struct trailer) == 40, "as boot.py has it");

static bool is_pack(const char *path, const char *python)
{
    struct trailer trailer;
    struct stat file, interpreter;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool whole = fstat(fd, &file) == 0 && file.st_size > (off_t)sizeof trailer &&
                 pread(fd, &trailer, sizeof trailer, file.st_size - (off_t)sizeof trailer) == sizeof trailer;
    close(fd);
    return whole && memcmp(trailer.word, "RUNGPAK3", sizeof trailer.word) == 0 &&
           stat(python, &interpreter) == 0 && trailer.python_size == (uint64_t)interpreter.st_size &&
           trailer.python_time_ns ==
               (uint64_t)interpreter.st_mtim.tv_sec * 1000000000 + (uint64_t)interpreter.st_mtim.tv_nsec;
}

/* The file that Python begins with: boot.py, or the pack that was made of it. */
static bool find_boot(char *boot, const struct place *place, const char *python)
{
    const char *runtime = "rung/runtime";
    return (put(boot, "%s/%s/__pycache__/boot.cpython-3%d.pyc", place->home, runtime, place->minor) &&
            is_pack(boot, python)) ||
           put(boot, "%s/%s/boot.py", place->home, runtime);
}

static void fill_closed_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", O_RDWR); /* takes the lowest free number: this one */
}

/* By the file's own name; any other name is the runtime, which managers like to rename. */
static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return &commands[0];
}

/* Whether the runtime was called by another name, as which it then shows help and version: an option of
 * Python's that only sys._xoptions sees, where a variable would be inherited by hooks. */
#define RENAMED "-Xrung_name="
static bool is_renamed(const char *called, char *option, size_t size)
{
    const char *slash = called ? strrchr(called, '/') : NULL;
    const char *name = slash ? slash + 1 : called;
    if (!name || !*name || strcmp(name, commands[0].name) == 0)
        return false;
    int length = snprintf(option, size, RENAMED "%s", name);
    return length > 0 && (size_t)length < size;
}

int main(int argc, char **argv)
{
    char bin[PATH_MAX], resolved[PATH_MAX], boot[PATH_MAX];
    const struct command *command = &commands[0];
    struct place place = {0};

    fill_closed_descriptors();
    ssize_t length = readlink("/proc/self/exe", bin, sizeof bin - 1);
    if (length < 0)
        return fail(command, "/proc is not mounted, so where it is installed is unknown:", strerror(errno));
    bin[length] = '\0';
    char *slash = strrchr(bin, '/');
    *slash = '\0';
    command = command_named(slash + 1);
    struct shim_request request = {0};
    bool is_shim = command->word && strcmp(command->word, "--shim") == 0 && parse_shim(&request, argc, argv);
    if (is_shim && strcmp(request.action, "delete") == 0)
        answer_delete(&request);
    if (!find_place(&place, bin))
        return fail(command, "no Python 3.11 or newer that has the rung package belongs to", bin);
    /* Without site a virtual environment has nothing to add: past its link, its start is spared. */
    const char *python = command->site ? place.python : realpath(place.python, resolved);
    if (!python)
        return fail(command, "cannot follow", place.python);

    if (command == &commands[0])
        carry_out_warm(place.home, python, argc, argv);

    char renamed[sizeof RENAMED + NAME_MAX];
    char *words[argc + 9];
    int count = 0;
    words[count++] = (char *)python;
    words[count++] = (char *)command->options;
    words[count++] = "-Xutf8"; /* file names are bytes in UTF-8, whatever the locale */
    if (command == &commands[0] && is_renamed(argv[0], renamed, sizeof renamed))
        words[count++] = renamed;
    if (command->code) {
        words[count++] = "-c";
        words[count++] = (char *)command->code;
        words[count++] = place.home;
    } else if (find_boot(boot, &place, python)) {
        if (is_shim && strcmp(request.action, "start") == 0)
            answer_start(&request, argc, argv, python, boot);
        words[count++] = boot;
        if (command->word)
            words[count++] = (char *)command->word;
    } else {
        return fail(command, "too long a path:", place.home);
    }
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    words[count] = NULL;
    execv(python, words);
    return fail(command, "cannot execute", python);
}
