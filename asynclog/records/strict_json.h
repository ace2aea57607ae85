/* The grammar of strict JSON: RFC 8259 in UTF-8, nothing more and nothing less.
 *
 * Each `skip_` function takes the address where something begins and returns the one behind it, or NULL if
 * the bytes there are something else. No function reads a value, copies a byte or allocates memory.
 *
 * The buffer must hold whole lines: its last byte, the one before `end`, is '\n'. No function accepts a '\n'
 * as part of anything, so each may look at the next byte without a test for the end of the buffer.
 */
#ifndef ASYNCLOG_STRICT_JSON_H
#define ASYNCLOG_STRICT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What each reader calls in its own way is compiled into it: shared between them it is slower. */
#if defined __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#else
#define ALWAYS_INLINE inline
#define NEVER_INLINE
#endif

enum { MAX_DEPTH = 499 }; /* nested containers in a value; the record around it makes 500 */

/* ---- bytes -------------------------------------------------------------------------------------------- */

static inline uint64_t load_u64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static inline bool is_hex_digit(uint8_t c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static inline const uint8_t *skip_whitespace(const uint8_t *p)
{
    while (*p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
    }
    return p;
}

/* ---- strings ------------------------------------------------------------------------------------------ */

/* Return the first byte that is not plain ASCII text: a quote, a backslash, a control character, or part of a
 * character of several bytes. */
static inline const uint8_t *find_special(const uint8_t *p, const uint8_t *end)
{
#if defined __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i below_blank = _mm_cmplt_epi8(bytes, blank); /* signed: bytes from 0x80 on are below, too */
        __m128i ends_text = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(below_blank, ends_text));
        if (found) {
            return p + __builtin_ctz(found);
        }
    }
#elif defined __GNUC__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Each subtraction borrows into the top bit of a byte that is too small. It may borrow on into the next
     * byte, which does no harm: the lower byte is the one that is found. */
    const uint64_t each_byte = UINT64_C(0x0101010101010101);
    for (; end - p >= 8; p += 8) {
        uint64_t bytes = load_u64(p);
        uint64_t control = bytes - each_byte * ' ';
        uint64_t quote = (bytes ^ each_byte * '"') - each_byte;
        uint64_t backslash = (bytes ^ each_byte * '\\') - each_byte;
        uint64_t found = (bytes | control | quote | backslash) & each_byte * 0x80;
        if (found) {
            return p + (__builtin_ctzll(found) >> 3);
        }
    }
#endif
    while (*p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }
    return p;
}

/* Skip one character of two to four bytes as in table 3-7 of Unicode: no overlong form, no surrogate. */
static inline const uint8_t *skip_multibyte(const uint8_t *p)
{
    uint8_t lead = *p++;
    if (lead < 0xC2 || lead > 0xF4) {
        return NULL;
    }
    if (lead >= 0xE0) {
        uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (*p < lowest || *p > highest) {
            return NULL;
        }
        p++;
        if (lead >= 0xF0 && (*p++ & 0xC0) != 0x80) {
            return NULL;
        }
    }
    return (*p & 0xC0) == 0x80 ? p + 1 : NULL;
}

/* Skip an escape, from its backslash on. Half a surrogate pair is allowed by the grammar. */
static inline const uint8_t *skip_escape(const uint8_t *p)
{
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return is_hex_digit(p[2]) && is_hex_digit(p[3]) && is_hex_digit(p[4]) && is_hex_digit(p[5]) ? p + 6 : NULL;
    default:
        return NULL;
    }
}

/* Skip a string with its quotes; one that has an escape only if those are allowed. */
static inline const uint8_t *skip_string(const uint8_t *p, const uint8_t *end, bool allow_escapes)
{
    if (*p != '"') {
        return NULL;
    }
    p++;
    while (p) {
        p = find_special(p, end);
        if (*p == '"') {
            return p + 1;
        }
        if (*p >= 0x80) {
            do {
                p = skip_multibyte(p);
            } while (p && *p >= 0x80);
        } else {
            p = *p == '\\' && allow_escapes ? skip_escape(p) : NULL;
        }
    }
    return NULL;
}

/* ---- numbers and literals ----------------------------------------------------------------------------- */

static inline const uint8_t *skip_digits(const uint8_t *p)
{
    if (!is_digit(*p)) {
        return NULL;
    }
    while (is_digit(*p)) {
        p++;
    }
    return p;
}

static inline const uint8_t *skip_number(const uint8_t *p)
{
    if (*p == '-') {
        p++;
    }
    p = *p == '0' ? p + 1 : skip_digits(p);
    if (p && *p == '.') {
        p = skip_digits(p + 1);
    }
    if (p && (*p | 0x20) == 'e') {
        p++;
        if (*p == '+' || *p == '-') {
            p++;
        }
        p = skip_digits(p);
    }
    return p;
}

static inline const uint8_t *skip_literal(const uint8_t *p, const uint8_t *end, const char *literal, size_t size)
{
    return (size_t)(end - p) > size && !memcmp(p, literal, size) ? p + size : NULL;
}

/* ---- values ------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE const uint8_t *skip_scalar(const uint8_t *p, const uint8_t *end)
{
    if (*p == '"') { /* first, because most values are strings */
        return skip_string(p, end, true);
    }
    switch (*p) {
    case 'n':
        return skip_literal(p, end, "null", 4);
    case 't':
        return skip_literal(p, end, "true", 4);
    case 'f':
        return skip_literal(p, end, "false", 5);
    default:
        return skip_number(p);
    }
}

/* Skip a colon and the white space on both sides of it. */
static inline const uint8_t *skip_colon(const uint8_t *p)
{
    p = skip_whitespace(p);
    return *p == ':' ? skip_whitespace(p + 1) : NULL;
}

static inline bool is_opening(uint8_t c) { return c == '{' || c == '['; }

static inline bool is_closing(uint8_t c, uint8_t opening) { return c == opening + 2; } /* as ASCII has both pairs */

/* Skip what comes before the value of an item: the key and the colon in an object, nothing in an array. */
static inline const uint8_t *skip_item_key(const uint8_t *p, const uint8_t *end, uint8_t opening)
{
    if (opening == '[') {
        return p;
    }
    p = skip_string(p, end, true);
    return p ? skip_colon(p) : NULL;
}

/* Skip an object or an array that has at most `deepest` levels, without recursion. */
static ALWAYS_INLINE const uint8_t *skip_container_within(const uint8_t *p, const uint8_t *end, int deepest)
{
    uint8_t opened[MAX_DEPTH]; /* the opening bracket of each container around p, the outermost first */
    int depth = 0;
    for (;;) {
        if (is_opening(*p)) {
            if (depth == deepest) {
                return NULL;
            }
            opened[depth++] = *p;
            p = skip_whitespace(p + 1);
            if (!is_closing(*p, opened[depth - 1])) {
                goto item; /* rather than the key skipped here as well: one copy of that code is faster */
            }
        } else {
            p = skip_scalar(p, end);
            if (!p) {
                return NULL;
            }
            p = skip_whitespace(p);
        }
        while (is_closing(*p, opened[depth - 1])) {
            p++;
            if (--depth == 0) {
                return p;
            }
            p = skip_whitespace(p);
        }
        if (*p != ',') {
            return NULL;
        }
        p = skip_whitespace(p + 1);
    item:
        p = skip_item_key(p, end, opened[depth - 1]);
        if (!p) {
            return NULL;
        }
    }
}

static ALWAYS_INLINE const uint8_t *skip_container(const uint8_t *p, const uint8_t *end)
{
    return skip_container_within(p, end, MAX_DEPTH);
}

static ALWAYS_INLINE const uint8_t *skip_value(const uint8_t *p, const uint8_t *end)
{
    return is_opening(*p) ? skip_container(p, end) : skip_scalar(p, end);
}

#endif
