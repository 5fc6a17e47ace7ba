/* SPDX-License-Identifier: MIT */
/*
 * utf8: names that other programs are to read as text.
 */
#ifndef MAGRING_UTF8_H
#define MAGRING_UTF8_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the text is valid UTF-8 (RFC 3629): no byte is missing, no code point
 * is longer than it must be, a surrogate, or above U+10FFFF. */
static inline bool utf8_is_valid(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	while (*byte != '\0') {
		uint32_t first = *byte++, point = first, least = 0;
		int following = 0;
		if (first >= 0xf8 || (first >= 0x80 && first < 0xc0))
			return false;
		if (first >= 0xf0)
			following = 3, point &= 0x07, least = 0x10000;
		else if (first >= 0xe0)
			following = 2, point &= 0x0f, least = 0x800;
		else if (first >= 0xc0)
			following = 1, point &= 0x1f, least = 0x80;
		for (; following > 0; following--, byte++) {
			if ((*byte & 0xc0) != 0x80)
				return false; /* the final zero is none that follows, either */
			point = point << 6 | (*byte & 0x3f);
		}
		if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return false;
	}
	return true;
}

#endif
