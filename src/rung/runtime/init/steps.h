/* The steps of a plan: code, Python's name, the verb here, the arguments' letters, the side.
 *
 * What each one means is said in plan/steps.py, and a test holds the two files
 * together. OUTER steps name host paths or make the inner process, so they are refused
 * once it is born; ANY steps run wherever the plan has them.
 */
#pragma once

/* clang-format off */
#define STEPS(STEP)                                                          \
    STEP(1, SetOomScoreAdj, set_oom_score_adj, "i", OUTER)                   \
    STEP(2, JoinCgroup, join_cgroup, "s", OUTER)                             \
    STEP(3, OpenFile, open_file, "usu", ANY)                                 \
    STEP(4, SetNamespace, set_namespace, "uu", ANY)                          \
    STEP(5, Unshare, unshare_namespaces, "u", ANY)                           \
    STEP(6, WriteFile, write_file, "sb", OUTER)                              \
    STEP(8, Clone, clone_inner, "ubbuu", OUTER)                              \
    STEP(20, NewSession, new_session, "", ANY)                               \
    STEP(21, SetPropagation, set_propagation, "u", ANY)                      \
    STEP(22, BindRoot, bind_root, "suu", ANY)                                \
    STEP(23, MountFs, mount_fs, "sssSuuu", ANY)                              \
    STEP(24, MountBind, mount_bind, "ssuuuuuuuu", ANY)                       \
    STEP(25, SetMountAttr, set_mount_attr, "suuuu", ANY)                     \
    STEP(26, MakeDir, make_dir, "suuu", ANY)                                 \
    STEP(27, MakeSymlink, make_symlink, "ss", ANY)                           \
    STEP(28, MakeNode, make_node, "suuuuus", ANY)                            \
    STEP(29, Sync, sync_with_runtime, "s", ANY)                              \
    STEP(30, RunHook, run_hook, "ssSSubbu", ANY)                             \
    STEP(31, PivotRoot, pivot_root_to, "uu", ANY)                            \
    STEP(32, OpenConsole, open_console, "uuuuu", ANY)                        \
    STEP(33, OwnStdio, own_stdio, "u", ANY)                                  \
    STEP(34, SetHostname, set_hostname, "s", ANY)                            \
    STEP(35, SetDomainname, set_domainname, "s", ANY)                        \
    STEP(36, OpenProc, open_proc, "", ANY)                                   \
    STEP(37, SetSysctl, set_sysctl, "ss", ANY)                               \
    STEP(38, MaskPath, mask_path, "s", ANY)                                  \
    STEP(39, ReadonlyPath, readonly_path, "s", ANY)                          \
    STEP(40, LinkUp, link_up, "s", ANY)                                      \
    STEP(41, SetRlimit, set_rlimit, "uuus", ANY)                             \
    STEP(42, NewKeyring, new_keyring, "s", ANY)                              \
    STEP(43, SetNoNewPrivs, set_no_new_privs, "", ANY)                       \
    STEP(44, LoadSeccomp, load_seccomp, "bu", ANY)                           \
    STEP(45, KeepBounding, keep_bounding, "u", ANY)                          \
    STEP(46, SetUser, set_user, "uuuU", ANY)                                 \
    STEP(47, SetCapabilities, set_capabilities, "uuuu", ANY)                 \
    STEP(48, SetUmask, set_umask, "u", ANY)                                  \
    STEP(49, Chdir, change_directory, "su", ANY)                             \
    STEP(50, SetHome, set_home, "u", ANY)                                    \
    STEP(51, FindExecutable, find_executable, "ss", ANY)                     \
    STEP(52, WaitStart, wait_start, "", ANY)                                 \
    STEP(53, SetExecLabel, set_exec_label, "ss", ANY)                        \
    STEP(54, Ready, ready, "", ANY)                                          \
    STEP(55, KeepFds, keep_fds, "u", ANY)                                    \
    STEP(56, SetPersonality, set_personality, "u", ANY)                      \
    STEP(57, BecomeRoot, become_root, "", ANY)                                  \
    STEP(60, Exec, execute, "SS", ANY)                                       \
    STEP(65, DropRoot, drop_root, "", ANY)                                   \
    STEP(66, ReopenNull, reopen_null, "", ANY)                                   \
    STEP(70, StartBroker, start_broker, "", OUTER)                           \
    STEP(71, MakeUserns, make_userns, "uss", OUTER)                          \
    STEP(73, MakeDevice, make_device, "usuuuuu", OUTER)                      \
    STEP(72, MakeFs, make_fs, "ussSuu", OUTER)                                   \
    STEP(80, SetScheduler, set_scheduler, "uuiuuuuss", ANY)                  \
    STEP(81, SetIoPriority, set_io_priority, "u", ANY)                       \
    STEP(82, SetAffinity, set_affinity, "bs", ANY)                           \
    STEP(83, SetMemoryPolicy, set_memory_policy, "ubs", ANY)                 \
    STEP(84, OfferNetlink, offer_netlink, "", ANY)                           \
    STEP(100, MapIdsBy, map_ids_by, "ss", OUTER)

/* clang-format on */

#define ARGUMENTS_MAX 10

enum step_side { ANY, OUTER };

#define STEP_ENUM(code, name, verb, wire, side) STEP_##name = code,
enum step_code { STEPS(STEP_ENUM) STEP_NONE = 0 };
#undef STEP_ENUM

union argument;
#define STEP_PROTOTYPE(code, name, verb, wire, side) void verb(const union argument *given);
STEPS(STEP_PROTOTYPE)
#undef STEP_PROTOTYPE
