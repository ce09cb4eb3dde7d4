/* See slot.h. Descriptors are kept plus one, so that the table starts empty for free. */
#include "slot.h"

#include "call.h"

static int kept[SLOT_COUNT];

void slots_inherit(const struct header *header)
{
    for (int i = 0; i < SLOT_PRESET; i++) {
        if (header->slot[i] < 0)
            continue;
        if (header->slot[i] < 3 || call(fcntl, header->slot[i], F_SETFD, FD_CLOEXEC) < 0)
            FAIL(EBADF, "the plan's slot ", decimal(i));
        kept[i] = header->slot[i] + 1;
    }
}

int slot_or_none(uint64_t number) { return number < SLOT_COUNT ? kept[number] - 1 : -1; }

int slot(uint64_t number)
{
    int fd = slot_or_none(number);
    if (fd < 0)
        FAIL(EBADF, "slot ", decimal((int64_t)number));
    return fd;
}

void slot_set(uint64_t number, int fd)
{
    if (number >= SLOT_COUNT)
        FAIL(EBADF, "slot ", decimal((int64_t)number));
    close_fd(kept[number] - 1);
    kept[number] = fd + 1;
}

int slot_held_from(int from)
{
    int lowest = -1;
    for (int i = 0; i < SLOT_COUNT; i++)
        if (kept[i] > from && (lowest < 0 || kept[i] - 1 < lowest))
            lowest = kept[i] - 1;
    return lowest;
}

void slots_let_go(void)
{
    for (uint64_t i = SLOT_PRESET; i < SLOT_COUNT; i++)
        if (kept[i])
            slot_set(i, -1);
}

int slot_take(uint64_t number)
{
    int fd = slot(number);
    kept[number] = 0;
    return fd;
}
