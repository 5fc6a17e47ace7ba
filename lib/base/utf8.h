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
		/* The least point, by the bytes that follow the first one. */
		static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
		uint32_t first = *byte++;
		if (first >= 0xf8 || (first >= 0x80 && first < 0xc0))
			return false;
		int count = (first >= 0xc0) + (first >= 0xe0) + (first >= 0xf0);
		uint32_t point = count > 0 ? first & (0x3fU >> count) : first;
		for (int i = 0; i < count; i++, byte++) {
			if ((*byte & 0xc0) != 0x80)
				return false; /* the final zero is none that follows, either */
			point = point << 6 | (*byte & 0x3f);
		}
		if (point < least[count] || point > 0x10ffff ||
			(point >= 0xd800 && point <= 0xdfff))
			return false;
	}
	return true;
}

#endif
