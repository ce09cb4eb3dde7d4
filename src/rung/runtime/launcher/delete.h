/* containerd's shim, `delete`, without Python. */
#pragma once

/* Answers and ends the process where it is sure that nothing is left of the container. Returns where it is not: then
 * nothing has been done. */
void answer_delete(int argc, char **argv);
