/* The warm way: a resident server does Python's part (runtime/warm/ has the whole story). */
#pragma once

/* Has the command carried out by the server of this installation and ends the process with its
 * status. Returns where there is none, or where it will not act for us: then nothing has been done. */
void carry_out_warm(const char *home, const char *python, int argc, char **argv);
