/* Numbered descriptors that live through the plan: whatever outlives its step is in here. */
#pragma once

#include "plan.h"

void slots_inherit(const struct header *header);
/* The slot's descriptor; the step fails where it is empty. */
int slot(uint64_t number);
/* The same, -1 where it is empty. */
int slot_or_none(uint64_t number);
/* Puts a descriptor there; what was in it is closed. */
void slot_set(uint64_t number, int fd);
/* The lowest descriptor, not below `from`, that a slot holds; -1: none. */
int slot_held_from(int from);
/* Closes what the steps before have left in slots of their own; the preset ones stay. */
void slots_let_go(void);
/* Takes the descriptor out: it is the caller's to close. */
int slot_take(uint64_t number);
