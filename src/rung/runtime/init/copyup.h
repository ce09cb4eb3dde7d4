/* tmpcopyup: a new tmpfs begins with what the directory it covers held. */
#pragma once

void copy_up(int from, int to, const char *dest);
