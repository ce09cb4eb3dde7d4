/* rung-runtime, the file that is executed: finds Rung and its Python, and starts the one in the other.
 *
 * It exists because a script's #! line is slow and open to its surroundings: it may name a version
 * manager's shim (80 ms), it cannot say -I and -S, and `site` alone costs 3 ms of the 7 that
 * an interpreter's start takes. It runs as root in the hands of container managers, so nothing is
 * looked for along PATH or in the environment; where it lies decides:
 *
 *   BIN/../lib/python3.N/{site,dist}-packages/rung     the package: newest N that has an interpreter
 *   RUNG_HOME/rung                                     compiled in by an editable install: comes first
 *   BIN/python3.N, /usr/bin/python3.N, RUNG_PYTHON     the interpreter: the first that is a program
 *
 * Arguments, environment and descriptors pass unchanged, except that closed descriptors among
 * 0 to 2 become /dev/null, as Go's runtime does for runc: no file may land there.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef RUNG_PYTHON
#define RUNG_PYTHON ""
#endif

#define OLDEST_MINOR 11

/* Isolated (-I), without site (-S), file names always UTF-8. Rung's directory is the first
 * argument and goes last in sys.path: nothing in it can stand in for the standard library.
 * main() does not return: an interpreter's orderly end costs 1.1 ms. */
static const char BOOT[] =
	"import sys\n"
	"sys.path.append(sys.argv.pop(1))\n"
	"sys.argv[0] = 'rung-runtime'\n"
	"from rung.runtime.cli.main import main\n"
	"main()\n";

struct place {
	int minor;
	char home[PATH_MAX];   /* the directory that holds rung/ */
	char python[PATH_MAX]; /* the interpreter's own file */
};

static int fail(const char *what, const char *object)
{
	dprintf(STDERR_FILENO, "rung-runtime: %s %s\n", what, object);
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

/* Past a virtual environment's link: without site the environment has nothing to add. */
static bool use_program(struct place *place, const char *path)
{
	return is_program(path) && realpath(path, place->python);
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
	strcpy(place->home, RUNG_HOME);
	return use_program(place, RUNG_PYTHON);
}
#else
static bool find_place(struct place *place, const char *bin)
{
	return find_installed(place, bin);
}
#endif

static void fill_closed_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", O_RDWR); /* takes the lowest free number: this one */
}

int main(int argc, char **argv)
{
	char bin[PATH_MAX];
	struct place place = {0};

	fill_closed_descriptors();
	ssize_t length = readlink("/proc/self/exe", bin, sizeof bin - 1);
	if (length < 0)
		return fail("/proc is not mounted, so where it is installed is unknown:", strerror(errno));
	bin[length] = '\0';
	*strrchr(bin, '/') = '\0';
	if (!find_place(&place, bin))
		return fail("no Python 3.11 or newer that has the rung package belongs to", bin);

	char *words[argc + 8];
	int count = 0;
	words[count++] = place.python;
	words[count++] = "-IS";
	words[count++] = "-Xutf8";
	words[count++] = "-c";
	words[count++] = (char *)BOOT;
	words[count++] = place.home;
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	words[count] = NULL;
	execv(place.python, words);
	return fail("cannot execute", place.python);
}
