/* Mounts as descriptors: made detached, given their attributes, then attached. */
#pragma once

#include "plan.h"

/* mount_setattr on the mount whose root `fd` is. `propagation` is an MS_* set; MS_REC in
 * it, or `recursive`, reaches all below. Nothing to change is no call. -errno on failure. */
long mount_change(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);
/* A detached copy of the mount (with those below: recursive) at `fd`. */
int mount_copy(int fd, bool recursive);
/* Attaches the detached mount at the object `onto`. */
long mount_attach(int mount, int onto);
/* A new detached file system without options. `dest` is for the error. */
int mount_new(const char *dest, const char *fstype, uint64_t attrs);
/* The same with its options. */
int mount_with_options(const char *dest, const char *fstype, const char *source, struct list options,
                       uint64_t attrs);
/* Attaches `mount` at `onto`, which is `dest`, if what lies there may be covered (`listed`: one
 * of the files below /proc that may), and closes both; on the root it becomes SLOT_ROOT. */
void mount_put(int mount, int onto, const char *dest, bool listed);
/* fsconfig takes no value above 255 bytes (overlay's lowerdir), nor iversion: mount(2) does. */
bool mount_needs_old_call(struct list options);
/* MountFs by mount(2) on the mount point `onto`, its attributes set right after. */
void mount_by_old_call(int onto, const union argument *given);
/* False from a SetPropagation on that cut every tie to the caller's mounts. */
extern bool mounts_shared;
