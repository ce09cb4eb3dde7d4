/* rung-untar FORM: unpacks one layer's archive (not compressed) from descriptor 0, reports on 1.
 *
 *   overlay      into the directory of descriptor 3, whiteouts as overlayfs has them
 *   userxattr    the same with attributes that a user without privilege may set
 *   erofs        as an EROFS index in the file of descriptor 3: files' data stay in the archive, a file
 *
 * Why it exists: an image has tens of thousands of files, and each costs six system calls; an interpreter
 * between them would cost more than they do. Why a process of its own: it reads what strangers have written, so
 * it gives up the whole host first (confine.c) and has nothing but one layer when it begins to read.
 *
 * input.c   the archive's bytes           name.c    what names mean
 * tar.c     headers (pax.c, sparse.c)     layer.c   what is to be done
 * disk.c    doing it, as files            report.c  what the caller learns (layer/extract.py)
 * tree.c    doing it, as a tree, of which erofs.c writes an index
 * table.c, memory.c
 */
#include "confine.h"
#include "disk.h"
#include "input.h"
#include "layer.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *form = argc == 2 ? argv[1] : "";
    bool user = strcmp(form, "userxattr") == 0;
    if (strcmp(form, "erofs") == 0) {
        input_begin(true);
        confine_to_descriptors();
        unpack_layer(&tree);
    }
    if (!user && strcmp(form, "overlay") != 0) {
        dprintf(2, "rung-untar unpacks layers for rung; it is not for use by hand\n");
        return 2;
    }
    disk_begin(user ? "user.overlay.opaque" : "trusted.overlay.opaque", !user);
    input_begin(false);
    confine_to_target();
    unpack_layer(&disk);
}
