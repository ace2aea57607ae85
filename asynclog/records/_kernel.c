/* A proof-reader for JSON lines: what it calls a record is one; what it cannot prove it leaves to the caller.
 *
 * A line is a record when it is one strict JSON object (RFC 8259, UTF-8) of at most 500 levels whose top
 * level has, at most once each, under the keys that the caller names,
 *   the schema's name     a string of 1 to 255 bytes,
 *   the schema's version  an integer from 0 to 999999999; null or none means 1,
 *   the timestamp         YYYY-MM-DD, T or space, HH:MM:SS, maybe a fraction of 1 to 9 digits, Z or an
 *                         offset; from 2000 to 2200.
 * Every other line is blank or uncertain, and an uncertain one may still be a record to a slower reader: an
 * escape in one of these strings or in a key of the top level, a far-off year, one schema key or day too many.
 *
 * Two facts keep the code short. Only lines that end in '\n' are read, and no rule below accepts a '\n', so
 * each rule may look at the next byte without asking for the end of the buffer. And a rule takes the address
 * it starts at and returns the one it ends at, or NULL where it does not apply: that NULL falls through to
 * "uncertain".
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { DEPTH = 499, LONGEST = 255, GUESSES = 64, KEYS = 4096, DAYS = 16384, SPANS = 4096, LINES = 1 << 16 };
#define SECOND 1000000000LL
#define DAY (86400 * SECOND)
#define YEAR_2000 946684800LL /* seconds since 1970 */

typedef const unsigned char *text;

/* ---- the grammar -------------------------------------------------------------------------------------- */

static inline uint64_t eight(text p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline int same(text p, text q, size_t size) /* a call of memcmp takes longer for so few bytes */
{
    if (size < 8)
        return !memcmp(p, q, size);
    for (size_t i = 0; i + 8 < size; i += 8)
        if (eight(p + i) != eight(q + i))
            return 0;
    return eight(p + size - 8) == eight(q + size - 8);
}

static inline text space(text p)
{
    while (*p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* The first byte that is not plain ASCII text: a quote, a backslash, a control character or part of a longer
 * character. */
static inline text plain(text p, text end)
{
#if defined __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');
    for (; end - p >= 16; p += 16) {
        __m128i w = _mm_loadu_si128((const __m128i *)p), control = _mm_cmplt_epi8(w, blank); /* signed */
        __m128i stops = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(w, quote), _mm_cmpeq_epi8(w, slash)));
        unsigned where = (unsigned)_mm_movemask_epi8(stops);
        if (where)
            return p + __builtin_ctz(where);
    }
#elif defined __GNUC__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* A subtraction borrows into a byte's top bit where that byte was too small, and where it borrows on into
     * the next byte, the lower one has stopped us already. */
    const uint64_t each = UINT64_C(0x0101010101010101);
    for (; end - p >= 8; p += 8) {
        uint64_t w = eight(p), control = w - each * ' ', quote = (w ^ each * '"') - each;
        uint64_t slash = (w ^ each * '\\') - each;
        uint64_t stops = (w | control | quote | slash) & each * 0x80;
        if (stops)
            return p + (__builtin_ctzll(stops) >> 3);
    }
#endif
    while (*p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* One character of two to four bytes, as Unicode's table 3-7 has them: no overlong form, no surrogate. */
static inline text multibyte(text p)
{
    unsigned lead = *p++;
    if (lead < 0xC2 || lead > 0xF4)
        return NULL;
    if (lead >= 0xE0) {
        unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (*p < low || *p > high)
            return NULL;
        p++;
        if (lead >= 0xF0 && (*p++ & 0xC0) != 0x80)
            return NULL;
    }
    return (*p & 0xC0) == 0x80 ? p + 1 : NULL;
}

static inline int digit(unsigned char c) { return c >= '0' && c <= '9'; }

static inline int hex(unsigned char c) { return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static inline text escape(text p) /* from its backslash on; half a surrogate pair is JSON, too */
{
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return p + 2;
    case 'u': return hex(p[2]) && hex(p[3]) && hex(p[4]) && hex(p[5]) ? p + 6 : NULL;
    default: return NULL;
    }
}

static inline text string(text p, text end, int escapes)
{
    if (*p++ != '"')
        return NULL;
    while (p && *(p = plain(p, end)) != '"') {
        if (*p >= 0x80)
            do
                p = multibyte(p);
            while (p && *p >= 0x80);
        else
            p = *p == '\\' && escapes ? escape(p) : NULL;
    }
    return p ? p + 1 : NULL;
}

static inline text digits(text p)
{
    if (!digit(*p))
        return NULL;
    while (digit(*p))
        p++;
    return p;
}

static inline text number(text p)
{
    p += *p == '-';
    p = *p == '0' ? p + 1 : digits(p);
    if (p && *p == '.')
        p = digits(p + 1);
    if (p && (*p | 0x20) == 'e') {
        p++;
        p = digits(p + (*p == '+' || *p == '-'));
    }
    return p;
}

static inline text word(text p, text end, const char *spelling, size_t size)
{
    return (size_t)(end - p) > size && !memcmp(p, spelling, size) ? p + size : NULL;
}

static inline text scalar(text p, text end)
{
    if (*p == '"')
        return string(p, end, 1);
    switch (*p) {
    case 'n': return word(p, end, "null", 4);
    case 't': return word(p, end, "true", 4);
    case 'f': return word(p, end, "false", 5);
    default: return number(p);
    }
}

static inline text colon(text p)
{
    p = space(p);
    return *p == ':' ? space(p + 1) : NULL;
}

/* Containers are walked without recursion: opened[] has the '{' or '[' of each one around p, whose other
 * bracket is two further in ASCII. */
static text container(text p, text end)
{
    unsigned char opened[DEPTH];
    int depth = 0;
    for (;;) {
        if (*p == '{' || *p == '[') {
            if (depth == DEPTH)
                return NULL;
            opened[depth++] = *p;
            p = space(p + 1);
            if (*p != opened[depth - 1] + 2)
                goto item;
        } else if (!(p = scalar(p, end)))
            return NULL;
        else
            p = space(p);
        while (*p == opened[depth - 1] + 2) {
            p++;
            if (!--depth)
                return p;
            p = space(p);
        }
        if (*p != ',')
            return NULL;
        p = space(p + 1);
    item:
        if (opened[depth - 1] == '{' && (!(p = string(p, end, 1)) || !(p = colon(p))))
            return NULL;
    }
}

static inline text value(text p, text end) { return *p == '{' || *p == '[' ? container(p, end) : scalar(p, end); }

/* ---- a record ----------------------------------------------------------------------------------------- */

struct record {
    text name;
    size_t size;
    long long version, instant; /* nanoseconds since 1970 */
};

/* Two digits as a number; anything else is a number that no date or time admits. */
static inline int two(text p) { return digit(p[0]) && digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : 100000; }

static long long days_since_1970(int year, int month, int day)
{
    int y = year - (month <= 2), m = month + (month > 2 ? -3 : 9); /* from March: the leap day comes last */
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719469;
}

/* A date that was met, as its first and its last eight bytes, and when it begins. Logs are in order: most lines
 * have the date of the line before. */
struct date {
    uint64_t first, last;
    long long seconds; /* since 1970; of no date 0, which is no time for a record either */
};

static int read_date(text p, struct date *d)
{
    int year = two(p) * 100 + two(p + 2), month = two(p + 5), day = two(p + 8);
    int leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
    if (p[4] != '-' || p[7] != '-' || year < 1999 || year > 2200 || month < 1 || month > 12)
        return 0;
    if (day < 1 || day > (month == 2 ? 28 + leap : 30 + ((month + (month > 7)) & 1)))
        return 0;
    *d = (struct date){eight(p), eight(p + 2), days_since_1970(year, month, day) * 86400};
    return 1;
}

static inline text timestamp(text p, text end, struct record *r, struct date *d)
{
    static const int units[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    if (end - p < 22 || *p++ != '"')
        return NULL;
    if ((eight(p) != d->first || eight(p + 2) != d->last) && !read_date(p, d))
        return NULL;
    int hour = two(p + 11), minute = two(p + 14), second = two(p + 17), fraction = 0;
    if (((p[10] | 0x20) != 't' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
        return NULL;
    if (hour > 23 || minute > 59 || second > 59)
        return NULL;
    long long seconds = d->seconds + hour * 3600 + minute * 60 + second;
    p += 19;
    if (*p == '.') {
        text first = ++p;
        for (; digit(*p) && p - first < 9; p++)
            fraction = fraction * 10 + *p - '0';
        if (p == first)
            return NULL;
        fraction *= units[p - first];
    }
    if ((*p | 0x20) == 'z')
        p++;
    else if (*p == '+' || *p == '-') {
        int sign = *p == '+' ? 1 : -1, hours = two(p + 1);
        if (hours > 23)
            return NULL;
        p += p[3] == ':' ? 4 : 3;
        int minutes = two(p);
        if (minutes > 59)
            return NULL;
        seconds -= sign * (hours * 60 + minutes) * 60;
        p += 2;
    } else
        return NULL;
    r->instant = seconds * SECOND + fraction;
    return *p == '"' && seconds >= YEAR_2000 ? p + 1 : NULL;
}

static inline text version(text p, text end, struct record *r)
{
    if (*p == 'n')
        return word(p, end, "null", 4);
    text first = p;
    for (r->version = 0; digit(*p) && p - first < 9; p++)
        r->version = r->version * 10 + *p - '0';
    return p == first || (*first == '0' && p > first + 1) ? NULL : p;
}

static inline text name(text p, text end, struct record *r)
{
    text q = string(p, end, 0);
    if (!q || q - p < 3 || q - p > LONGEST + 2)
        return NULL;
    r->name = p + 1;
    r->size = (size_t)(q - p) - 2;
    return q;
}

enum { OTHER, NAME, VERSION, TIMESTAMP, FIELDS };

/* A key of the top level as an earlier line had it, from the brace or comma before it to its colon, with all
 * spaces. A line with the same bytes in the same place needs no second reading of them. */
struct guess {
    text start;
    size_t size;
    int field;
};

struct key {
    text start;
    size_t size;
};

/* What was learned from the lines before. */
struct known {
    struct date date;
    struct guess guesses[GUESSES + 1];
};

static inline text guessed_key(text p, text end, struct guess *g, const struct key *keys)
{
    if (g->size && (size_t)(end - p) > g->size && same(p, g->start, g->size))
        return space(p + g->size); /* there may be more spaces now */
    text key = space(p + 1), q = string(key, end, 0);
    if (!q)
        return NULL;
    size_t size = (size_t)(q - key) - 2;
    int field = FIELDS;
    while (--field && (keys[field].size != size || memcmp(keys[field].start, key + 1, size)))
        ;
    if (!(q = colon(q)))
        return NULL;
    *g = (struct guess){p, (size_t)(q - p), field};
    return q;
}

/* A record with its '\n'. */
static inline text record(text p, text end, struct record *r, struct known *k, const struct key *keys)
{
    unsigned seen = 0, members = 0;
    if (*p != '{')
        return NULL;
    r->version = 1;
    do {
        struct guess *g = &k->guesses[members < GUESSES ? members++ : GUESSES];
        if (!(p = guessed_key(p, end, g, keys)) || (g->field && seen >> g->field & 1))
            return NULL;
        seen |= 1u << g->field;
        switch (g->field) {
        case NAME: p = name(p, end, r); break;
        case VERSION: p = version(p, end, r); break;
        case TIMESTAMP: p = timestamp(p, end, r, &k->date); break;
        default: p = value(p, end);
        }
        if (!p)
            return NULL;
        p = space(p);
    } while (*p == ',');
    if (*p != '}' || !(seen >> NAME & 1) || !(seen >> TIMESTAMP & 1))
        return NULL;
    p = space(p + 1);
    return *p == '\n' ? p + 1 : NULL;
}

/* ---- the census --------------------------------------------------------------------------------------- */

/* The counts of one schema key. `day` is its last record's, `last` the last one that was added. */
struct count {
    long long version, cutoff, records, bytes, oldest, newest, oldest_kept, expired, expired_bytes, future;
    unsigned day, last, days;
    size_t size;
    unsigned char name[LONGEST];
};

/* The counts of one schema key on one UTC day; `before` is another day of the same key. */
struct day {
    long long start, records, bytes;
    unsigned key, before;
};

struct census {
    PyObject *fields, *cutoff; /* what the caller gave */
    struct key keys[FIELDS];
    long long horizon;
    int busy;
    text start, line, end;
    long long blank;
    struct record met; /* a record whose schema key is new */
    unsigned used;
    uint16_t slots[2 * KEYS]; /* a hash table: 0 or the number of a count, from 1 */
    unsigned used_days;
    uint16_t day_slots[2 * DAYS]; /* the same for days; day 0 is one that never was */
    unsigned lines, doubts;
    unsigned char marks[LINES / 8]; /* a bit for each line, from the lowest on: whether it has expired */
    struct known known;
    /* From here on what is not in use has no value: to clear it all would take longer than a small segment does. */
    struct count counts[KEYS + 1];
    struct day days[DAYS + 1];
    long long uncertain[SPANS][3]; /* start, end, number of the line */
};

static uint16_t *find(struct census *c, const struct record *r)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = (uint64_t)r->version << 32 | r->size;
    if (r->size >= 8) {
        for (size_t i = 0; i + 8 < r->size; i += 8)
            hash = ((hash ^ hash >> 29) ^ eight(r->name + i)) * odd;
        hash = ((hash ^ hash >> 29) ^ eight(r->name + r->size - 8)) * odd;
    } else
        for (size_t i = 0; i < r->size; i++)
            hash = (hash ^ r->name[i]) * odd;
    for (uint64_t i = hash >> 32;; i++) {
        uint16_t *slot = &c->slots[i % (2 * KEYS)];
        const struct count *k = &c->counts[*slot];
        if (!*slot || (k->size == r->size && k->version == r->version && same(k->name, r->name, r->size)))
            return slot;
    }
}

static inline int is_on(const struct day *d, long long instant)
{
    return (uint64_t)instant - (uint64_t)d->start < DAY;
}

/* The number of a key's day, which is made where there was none; 0 where there is no room for it. */
static unsigned find_day(struct census *c, unsigned key, long long instant)
{
    long long start = instant - instant % DAY;
    uint64_t hash = ((uint64_t)(start / DAY) << 16 ^ key) * UINT64_C(0x9E3779B97F4A7C15);
    for (uint64_t i = hash >> 32;; i++) {
        uint16_t *slot = &c->day_slots[i % (2 * DAYS)];
        if (*slot && (c->days[*slot].key != key || c->days[*slot].start != start))
            continue;
        if (!*slot && c->used_days < DAYS) {
            struct count *k = &c->counts[key];
            *slot = (uint16_t)++c->used_days;
            c->days[*slot] = (struct day){.start = start, .key = key, .before = k->last};
            k->last = *slot;
            k->days++;
        }
        return *slot;
    }
}

enum verdict { UNKNOWN, STAYS, GOES };

/* Counts a record, unless there is no room for its day. */
static enum verdict weigh(struct census *c, unsigned key, long long instant, long long bytes)
{
    struct count *k = &c->counts[key];
    if (!is_on(&c->days[k->day], instant)) {
        unsigned day = find_day(c, key, instant);
        if (!day)
            return UNKNOWN;
        k->day = day;
    }
    c->days[k->day].records++;
    c->days[k->day].bytes += bytes;
    k->records++;
    k->bytes += bytes;
    if (instant > c->horizon) {
        k->future++;
        return STAYS;
    }
    if (instant < k->oldest)
        k->oldest = instant;
    if (instant > k->newest)
        k->newest = instant;
    int gone = instant < k->cutoff; /* without a branch, for it may be either with each line */
    k->expired += gone;
    k->expired_bytes += bytes & -(long long)gone;
    long long kept = gone ? LLONG_MAX : instant;
    if (kept < k->oldest_kept)
        k->oldest_kept = kept;
    return gone ? GOES : STAYS;
}

static void doubt(struct census *c, text next)
{
    long long *d = c->uncertain[c->doubts++];
    d[0] = c->line - c->start;
    d[1] = next - c->start;
    d[2] = c->lines;
}

/* Reads whole lines until they end or a list is full. Returns 1 in front of a record whose schema key is new,
 * else 0. */
static int read_lines(struct census *c)
{
    text end = c->end;
    while (c->line < end && c->doubts < SPANS && c->lines < LINES) {
        struct record r = {0};
        text first = space(c->line), next;
        if (*first == '\n') {
            c->blank++;
            next = first + 1;
        } else if ((next = record(first, end, &r, &c->known, c->keys))) {
            unsigned key = *find(c, &r);
            if (!key && c->used < KEYS) {
                c->met = r;
                return 1;
            }
            enum verdict verdict = key ? weigh(c, key, r.instant, next - c->line) : UNKNOWN;
            if (verdict == UNKNOWN)
                next = NULL;
            else
                c->marks[c->lines / 8] |= (unsigned char)((verdict == GOES) << c->lines % 8);
        }
        if (!next) {
            next = (text)memchr(first, '\n', (size_t)(end - first)) + 1;
            doubt(c, next);
        }
        c->line = next;
        c->lines++;
    }
    return 0;
}

/* ---- Python ------------------------------------------------------------------------------------------- */

struct scanner {
    PyObject_HEAD
    struct census *census;
};

/* An instant of any size as the nearest one of 64 bits: those of the records lie well within. */
static int nearest(PyObject *number, void *instant)
{
    int overflow;
    long long n = PyLong_AsLongLongAndOverflow(number, &overflow);
    *(long long *)instant = overflow > 0 ? LLONG_MAX : overflow < 0 ? LLONG_MIN : n;
    return overflow || n != -1 || !PyErr_Occurred();
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"fields", "cutoff", "horizon", NULL};
    PyObject *fields, *cutoff;
    const char *key[FIELDS];
    Py_ssize_t size[FIELDS];
    long long horizon;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O!OO&:Scanner", names, &PyTuple_Type, &fields, &cutoff,
                                     nearest, &horizon) ||
        !PyArg_ParseTuple(fields, "s#s#s#;the keys of name, version and timestamp", &key[NAME], &size[NAME],
                          &key[VERSION], &size[VERSION], &key[TIMESTAMP], &size[TIMESTAMP]))
        return NULL;
    PyObject *self = PyType_GenericNew(type, NULL, NULL);
    struct census *c = self ? PyMem_Malloc(sizeof *c) : NULL;
    if (!c) {
        Py_XDECREF(self);
        return PyErr_NoMemory();
    }
    memset(c, 0, offsetof(struct census, counts));
    for (int i = NAME; i < FIELDS; i++)
        c->keys[i] = (struct key){(text)key[i], (size_t)size[i]};
    c->fields = Py_NewRef(fields);
    c->cutoff = Py_NewRef(cutoff);
    c->horizon = horizon;
    c->days[0] = (struct day){.start = LLONG_MAX};
    ((struct scanner *)self)->census = c;
    return self;
}

static void destroy(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct census *c = ((struct scanner *)self)->census;
    if (c) {
        Py_DECREF(c->fields);
        Py_DECREF(c->cutoff);
        PyMem_Free(c);
    }
    PyObject_Free(self);
    Py_DECREF(type);
}

static struct census *idle(PyObject *self)
{
    struct census *c = ((struct scanner *)self)->census;
    if (!c->busy)
        return c;
    PyErr_SetString(PyExc_RuntimeError, "this scanner is at work in another thread");
    return NULL;
}

/* Makes the count of the record just met, with the cutoff that the caller knows; 0 where that failed. */
static int add_key(struct census *c)
{
    const struct record *r = &c->met;
    struct count *k = &c->counts[c->used + 1];
    *k = (struct count){
        .version = r->version, .oldest = LLONG_MAX, .newest = LLONG_MIN, .oldest_kept = LLONG_MAX, .size = r->size};
    memcpy(k->name, r->name, r->size);
    PyObject *cutoff = PyObject_CallFunction(c->cutoff, "s#L", r->name, (Py_ssize_t)r->size, r->version);
    int known = cutoff && (cutoff == Py_None || nearest(cutoff, &k->cutoff));
    if (cutoff == Py_None)
        k->cutoff = LLONG_MIN; /* nothing lies before it */
    Py_XDECREF(cutoff);
    if (known)
        *find(c, r) = (uint16_t)++c->used;
    return known;
}

static PyObject *bytes(const void *start, size_t size)
{
    return PyBytes_FromStringAndSize(start, (Py_ssize_t)size);
}

static PyObject *scan(PyObject *self, PyObject *args)
{
    PyObject *answer = NULL;
    Py_buffer buffer;
    int wants_marks, met, known = 1;
    if (!PyArg_ParseTuple(args, "y*p:scan", &buffer, &wants_marks))
        return NULL;
    struct census *c = idle(self);
    if (!c) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    c->start = c->line = buffer.buf;
    for (c->end = c->start + buffer.len; c->end > c->start && c->end[-1] != '\n'; c->end--)
        ;
    c->lines = c->doubts = 0;
    memset(c->marks, 0, sizeof c->marks);
    memset(c->known.guesses, 0, sizeof c->known.guesses); /* they point to the buffer before */
    c->busy = 1;
    do {
        Py_BEGIN_ALLOW_THREADS
        met = read_lines(c);
        Py_END_ALLOW_THREADS
    } while (met && (known = add_key(c)));
    c->busy = 0;
    Py_ssize_t read = c->line - c->start;
    if (known)
        answer = Py_BuildValue("NNIn", bytes(c->uncertain, c->doubts * sizeof *c->uncertain),
                               bytes(c->marks, wants_marks ? (c->lines + 7) / 8 : 0), c->lines, read);
    PyBuffer_Release(&buffer);
    return answer;
}

static PyObject *packed_days(const struct census *c, const struct count *k)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, k->days * 3 * (Py_ssize_t)sizeof(long long));
    char *at = bytes ? PyBytes_AsString(bytes) : NULL;
    for (unsigned i = k->last; at && i; i = c->days[i].before) {
        const struct day *d = &c->days[i];
        long long each[3] = {d->start / DAY, d->records, d->bytes};
        memcpy(at, each, sizeof each);
        at += sizeof each;
    }
    return bytes;
}

static PyObject *instant(long long value, int known)
{
    return known ? PyLong_FromLongLong(value) : Py_NewRef(Py_None);
}

static PyObject *row(const struct census *c, const struct count *k)
{
    int any = k->records > k->future;
    return Py_BuildValue("s#LLLNNLLLNN", k->name, (Py_ssize_t)k->size, k->version, k->records, k->bytes,
                         instant(k->oldest, any), instant(k->newest, any), k->expired, k->expired_bytes, k->future,
                         instant(k->oldest_kept, k->oldest_kept < LLONG_MAX), packed_days(c, k));
}

static PyObject *census(PyObject *self, PyObject *none)
{
    const struct census *c = idle(self);
    PyObject *rows = c ? PyList_New(c->used) : NULL;
    (void)none;
    for (unsigned i = 0; rows && i < c->used; i++) {
        PyObject *item = row(c, &c->counts[i + 1]);
        if (!item || PyList_SetItem(rows, i, item))
            Py_CLEAR(rows);
    }
    return rows ? Py_BuildValue("NL", rows, c->blank) : NULL;
}

static PyMethodDef methods[] = {
    {"scan", scan, METH_VARARGS,
     "scan(buffer, mark) -> (uncertain, marks, lines, read)\n\nReads the whole lines of a buffer."},
    {"census", census, METH_NOARGS, "census() -> (rows, blank)\n\nWhat all scans have counted so far."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Scanner(fields, cutoff, horizon)\n\nCounts records by schema key."},
    {Py_tp_new, create},
    {Py_tp_dealloc, destroy},
    {Py_tp_methods, methods},
    {0, NULL}};

static PyType_Spec scanner = {
    "asynclog.records._kernel.Scanner", sizeof(struct scanner), 0, Py_TPFLAGS_DEFAULT, slots};

/* ---- what stays --------------------------------------------------------------------------------------- */

/* Moves the lines that are not marked to the front; how many bytes they have. `line` is the number of the first
 * line, and becomes that of the line that goes on beyond the end. */
static Py_ssize_t leave_out(const Py_buffer *part, const Py_buffer *marks, size_t *line)
{
    const unsigned char *mark = marks->buf;
    unsigned char *start = part->buf, *end = start + part->len, *to = start, *kept = start, *p = start;
    while (p < end) {
        unsigned char *here = p, *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
        if (*line / 8 < (size_t)marks->len && mark[*line / 8] >> *line % 8 & 1) {
            memmove(to, kept, (size_t)(here - kept));
            to += here - kept;
            kept = p;
        }
        *line += newline != NULL;
    }
    memmove(to, kept, (size_t)(end - kept));
    return to - start + (end - kept);
}

static PyObject *sift(PyObject *module, PyObject *args)
{
    Py_buffer part, marks;
    Py_ssize_t line, size;
    (void)module;
    if (!PyArg_ParseTuple(args, "w*y*n:sift", &part, &marks, &line))
        return NULL;
    size_t next = (size_t)line;
    Py_BEGIN_ALLOW_THREADS
    size = leave_out(&part, &marks, &next);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&part);
    PyBuffer_Release(&marks);
    return Py_BuildValue("nn", size, (Py_ssize_t)next);
}

/* ---- digests ------------------------------------------------------------------------------------------ */

/* A digest under way: four lanes that take eight bytes each in turn, and the bytes that do not fill them yet. For a
 * given lane each step is a bijection of its word, and for a given word of the lane: one changed word is always
 * noticed, more of them but once in 2^64. */
enum { LANES = 4, STRIPE = 8 * LANES };

struct digest {
    uint64_t lanes[LANES];
    unsigned char rest[STRIPE];
    size_t waiting; /* bytes in `rest` */
};

static void take_stripes(struct digest *d, const unsigned char *p, size_t stripes)
{
    uint64_t a = d->lanes[0], b = d->lanes[1], c = d->lanes[2], e = d->lanes[3], words[LANES];
    const uint64_t odd = 0x9e3779b97f4a7c15ULL;
    for (; stripes; stripes--, p += STRIPE) {
        memcpy(words, p, STRIPE);
        a = (((a ^ words[0]) << 29) | ((a ^ words[0]) >> 35)) * odd;
        b = (((b ^ words[1]) << 29) | ((b ^ words[1]) >> 35)) * odd;
        c = (((c ^ words[2]) << 29) | ((c ^ words[2]) >> 35)) * odd;
        e = (((e ^ words[3]) << 29) | ((e ^ words[3]) >> 35)) * odd;
    }
    d->lanes[0] = a, d->lanes[1] = b, d->lanes[2] = c, d->lanes[3] = e;
}

static void take_bytes(struct digest *d, const unsigned char *p, size_t size)
{
    if (d->waiting) {
        size_t room = STRIPE - d->waiting, part = size < room ? size : room;
        memcpy(d->rest + d->waiting, p, part);
        d->waiting += part, p += part, size -= part;
        if (d->waiting < STRIPE)
            return;
        take_stripes(d, d->rest, 1);
    }
    take_stripes(d, p, size / STRIPE);
    d->waiting = size % STRIPE;
    memcpy(d->rest, p + size - d->waiting, d->waiting);
}

static PyObject *digest(PyObject *module, PyObject *args)
{
    Py_buffer state, part;
    struct digest d = {{1, 2, 3, 4}, {0}, 0};
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*:digest", &state, &part))
        return NULL;
    size_t size = (size_t)state.len;
    int valid = !size || (size >= sizeof d.lanes && size < sizeof d.lanes + STRIPE);
    if (valid && size) {
        d.waiting = size - sizeof d.lanes;
        memcpy(d.lanes, state.buf, sizeof d.lanes);
        memcpy(d.rest, (const unsigned char *)state.buf + sizeof d.lanes, d.waiting);
    }
    PyBuffer_Release(&state);
    Py_BEGIN_ALLOW_THREADS
    if (valid)
        take_bytes(&d, part.buf, (size_t)part.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&part);
    if (!valid) {
        PyErr_SetString(PyExc_ValueError, "this is no digest under way");
        return NULL;
    }
    unsigned char after[sizeof d.lanes + STRIPE];
    memcpy(after, d.lanes, sizeof d.lanes);
    memcpy(after + sizeof d.lanes, d.rest, d.waiting);
    return bytes(after, sizeof d.lanes + d.waiting);
}

static PyMethodDef functions[] = {
    {"sift", sift, METH_VARARGS,
     "sift(part, marks, line) -> (kept, line)\n\nMoves the lines that are not marked to the front of a buffer."},
    {"digest", digest, METH_VARARGS,
     "digest(state, part) -> state\n\nGoes on with a digest, which begins with no bytes."},
    {NULL, NULL, 0, NULL}};

static int fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&scanner);
    int failed = !type || PyModule_AddObjectRef(module, "Scanner", type);
    Py_XDECREF(type);
    return -failed;
}

static PyModuleDef_Slot parts[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef kernel = {
    PyModuleDef_HEAD_INIT, "_kernel", "Proofs about JSON lines.", 0, functions, parts, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&kernel); }
