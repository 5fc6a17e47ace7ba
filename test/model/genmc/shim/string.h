/* SPDX-License-Identifier: MIT */
/* A copy by memcpy() is what a copy of a structure is; see ../run. */
#ifndef SHIM_STRING_H
#define SHIM_STRING_H

#define memcpy __builtin_memcpy

#endif
