/* The kernel: count the records of JSON lines by schema and day, fast, and never guess; leave out marked lines
 * (`compact`), and tell bytes from others (`digest`).
 *
 * A line is a record if it is one strict JSON object (see strict_json.h) of at most 500 levels whose top level
 * has, at most once each, under the keys that the caller names,
 *   the schema's name     a string of 1 to 255 bytes,
 *   the schema's version  an integer from 0 to 999999999; null or a missing key means 1,
 *   the timestamp         YYYY-MM-DD, T or space, HH:MM:SS, an optional fraction of 1 to 9 digits, Z or an
 *                         offset; from 2000 to 2200.
 * or what mapped_record.h says if the caller maps other fields. Every other line is blank or uncertain. An uncertain
 * line is left to the exact reader in Python, which may still find a record in it: one with an escape in one of these
 * strings or in a key of the top level, with a date far away, or with one schema or day more than the tables hold.
 *
 * As in strict_json.h, the buffer ends in '\n', no function accepts a '\n' inside of a line, and a `skip_` or
 * `parse_` function returns the address behind what it takes, or NULL. That NULL makes the line uncertain.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "strict_json.h"

enum {
    MAX_NAME = 255,                 /* bytes of a schema's name */
    MAX_CACHED_KEYS = 64,           /* members of a record whose keys are remembered for the next line */
    MAX_SCHEMAS = 4096,             /* of one scanner */
    MAX_DAYS = 16384,               /* of one scanner, of all its schemas together */
    MAX_UNCERTAIN = 4096,           /* lines of one scan */
    MAX_LINES = 1 << 16,            /* of one scan */
    SCHEMA_SLOTS = 2 * MAX_SCHEMAS, /* of a hash table that is never more than half full, as is the next */
    DAY_SLOTS = 2 * MAX_DAYS,
};

#define SECOND INT64_C(1000000000) /* in nanoseconds */
#define DAY (86400 * SECOND)
#define YEAR_2000 INT64_C(946684800) /* in seconds since 1970 */
#define HASH_MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

/* ---- records ------------------------------------------------------------------------------------------ */

struct record {
    const uint8_t *name; /* the schema's, inside of the buffer, without its quotes */
    size_t name_size;    /* in bytes */
    int64_t version;     /* the schema's */
    int64_t timestamp;   /* nanoseconds since 1970 */
};

/* The date that was parsed last. Logs are in order: most lines have the date of the line before. */
struct date {
    uint64_t first_bytes; /* the first eight bytes of its text */
    uint64_t last_bytes;  /* the last eight of its ten bytes */
    int64_t seconds;      /* its midnight, since 1970; 0 while there is no date, which no record may have */
};

/* The keys that mean something. All others are FIELD_OTHER. */
enum field { FIELD_OTHER, FIELD_NAME, FIELD_VERSION, FIELD_TIMESTAMP, FIELD_COUNT };

struct field_key {
    const uint8_t *start; /* its first byte, without the quote */
    size_t size;          /* in bytes */
};

/* A key of the top level as an earlier line of this buffer had it. If a line has the same bytes in the same
 * place, they need not be parsed again. */
struct cached_key {
    const uint8_t *start; /* the brace or comma before the key */
    size_t size;          /* up to and with the colon and white space, in bytes; 0 while there is none */
    enum field field;     /* what it means */
};

/* Learned from the lines before. */
struct parse_cache {
    struct date date;                            /* of the last record */
    struct cached_key keys[MAX_CACHED_KEYS + 1]; /* by place in the record; all others share the last one */
};

/* Compare a few bytes: for so few, a call of memcmp takes longer. */
static inline bool equal_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size < 8) {
        return !memcmp(a, b, size);
    }
    for (size_t i = 0; i + 8 < size; i += 8) {
        if (load_u64(a + i) != load_u64(b + i)) {
            return false;
        }
    }
    return load_u64(a + size - 8) == load_u64(b + size - 8);
}

/* Return the number of two digits; for anything else, a number that no date or time admits. */
static inline int parse_two_digits(const uint8_t *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : 100000;
}

static inline bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static inline int leap_days_before(int year) { return (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400; }

/* Parse YYYY-MM-DD, from 1999, because an offset may move the last hours of that year into 2000. */
static ALWAYS_INLINE const uint8_t *parse_date(const uint8_t *p, struct date *date)
{
    /* The days of a year before each month, and the days of each month: of a common year and a leap year. */
    static const int days_before[2][13] = {
        {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
        {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
    };
    int year = parse_two_digits(p) * 100 + parse_two_digits(p + 2);
    int month = parse_two_digits(p + 5);
    int day = parse_two_digits(p + 8);
    if (p[4] != '-' || p[7] != '-' || year < 1999 || year > 2200 || month < 1 || month > 12) {
        return NULL;
    }
    const int *before = days_before[is_leap(year)];
    if (day < 1 || day > before[month] - before[month - 1]) {
        return NULL;
    }
    int days = 365 * (year - 1970) + leap_days_before(year) - leap_days_before(1970) + before[month - 1] + day - 1;
    *date = (struct date){load_u64(p), load_u64(p + 2), days * INT64_C(86400)};
    return p + 10;
}

/* Parse HH:MM:SS into seconds. */
static inline const uint8_t *parse_time(const uint8_t *p, int *seconds)
{
    int hour = parse_two_digits(p), minute = parse_two_digits(p + 3), second = parse_two_digits(p + 6);
    if (p[2] != ':' || p[5] != ':' || hour > 23 || minute > 59 || second > 59) {
        return NULL;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return p + 8;
}

/* Parse a dot, or a comma if that is allowed, and 1 to 9 digits, if they are there, into nanoseconds. */
static inline const uint8_t *parse_fraction(const uint8_t *p, int *nanoseconds, bool allow_comma)
{
    static const int units[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    *nanoseconds = 0;
    if (*p != '.' && !(allow_comma && *p == ',')) {
        return p;
    }
    const uint8_t *first = ++p;
    int fraction = 0;
    for (; is_digit(*p) && p - first < 9; p++) {
        fraction = fraction * 10 + *p - '0';
    }
    *nanoseconds = fraction * units[p - first];
    return p == first ? NULL : p;
}

/* Parse Z, +HH:MM or +HHMM into seconds. */
static inline const uint8_t *parse_offset(const uint8_t *p, int *seconds)
{
    *seconds = 0;
    if ((*p | 0x20) == 'z') {
        return p + 1;
    }
    if (*p != '+' && *p != '-') {
        return NULL;
    }
    int sign = *p == '+' ? 1 : -1, hours = parse_two_digits(p + 1);
    if (hours > 23) {
        return NULL;
    }
    p += p[3] == ':' ? 4 : 3;
    int minutes = parse_two_digits(p);
    if (minutes > 59) {
        return NULL;
    }
    *seconds = sign * (hours * 60 + minutes) * 60;
    return p + 2;
}

static ALWAYS_INLINE const uint8_t *parse_timestamp(const uint8_t *p, const uint8_t *end, struct record *record,
                                                    struct date *date, bool allow_comma)
{
    int time, nanoseconds, offset;
    if (end - p < 22 || *p++ != '"') { /* the shortest: two quotes, ten bytes, T, eight bytes, Z */
        return NULL;
    }
    bool same_date = load_u64(p) == date->first_bytes && load_u64(p + 2) == date->last_bytes;
    if (!same_date && !parse_date(p, date)) {
        return NULL;
    }
    p += 10;
    if ((*p | 0x20) != 't' && *p != ' ') {
        return NULL;
    }
    p = parse_time(p + 1, &time);
    if (!p) {
        return NULL;
    }
    p = parse_fraction(p, &nanoseconds, allow_comma);
    if (!p) {
        return NULL;
    }
    p = parse_offset(p, &offset);
    if (!p) {
        return NULL;
    }
    int64_t seconds = date->seconds + time - offset;
    record->timestamp = seconds * SECOND + nanoseconds;
    return *p == '"' && seconds >= YEAR_2000 ? p + 1 : NULL;
}

static inline const uint8_t *parse_version(const uint8_t *p, const uint8_t *end, struct record *record)
{
    if (*p == 'n') {
        return skip_literal(p, end, "null", 4);
    }
    const uint8_t *first = p;
    record->version = 0;
    for (; is_digit(*p) && p - first < 9; p++) {
        record->version = record->version * 10 + *p - '0';
    }
    bool leading_zero = *first == '0' && p > first + 1;
    return p == first || leading_zero ? NULL : p;
}

static inline const uint8_t *parse_name(const uint8_t *p, const uint8_t *end, struct record *record)
{
    const uint8_t *behind = skip_string(p, end, false);
    if (!behind || behind - p < 3 || behind - p > MAX_NAME + 2) {
        return NULL;
    }
    record->name = p + 1;
    record->name_size = (size_t)(behind - p) - 2;
    return behind;
}

/* Parse the key of a member, from the brace or comma before it up to its value. */
static inline const uint8_t *parse_key(const uint8_t *p, const uint8_t *end, struct cached_key *cached,
                                       const struct field_key *fields)
{
    if (cached->size && (size_t)(end - p) > cached->size && equal_bytes(p, cached->start, cached->size)) {
        return skip_whitespace(p + cached->size); /* there may be more of it than there was */
    }
    const uint8_t *key = skip_whitespace(p + 1), *behind = skip_string(key, end, false);
    if (!behind) {
        return NULL;
    }
    size_t size = (size_t)(behind - key) - 2;
    enum field field = FIELD_COUNT - 1;
    while (field != FIELD_OTHER && (fields[field].size != size || memcmp(fields[field].start, key + 1, size))) {
        field--;
    }
    behind = skip_colon(behind);
    if (behind) {
        *cached = (struct cached_key){p, (size_t)(behind - p), field};
    }
    return behind;
}

/* Parse one line with its '\n'. */
static ALWAYS_INLINE const uint8_t *parse_record(const uint8_t *p, const uint8_t *end, struct record *record,
                                                 struct parse_cache *cache, const struct field_key *fields)
{
    unsigned seen = 0, members = 0; /* seen: a bit for each field */
    if (*p != '{') {
        return NULL;
    }
    record->version = 1;
    do {
        struct cached_key *key = &cache->keys[members < MAX_CACHED_KEYS ? members++ : MAX_CACHED_KEYS];
        p = parse_key(p, end, key, fields);
        if (!p || (key->field != FIELD_OTHER && seen >> key->field & 1)) {
            return NULL;
        }
        seen |= 1u << key->field;
        switch (key->field) {
        case FIELD_NAME:
            p = parse_name(p, end, record);
            break;
        case FIELD_VERSION:
            p = parse_version(p, end, record);
            break;
        case FIELD_TIMESTAMP:
            p = parse_timestamp(p, end, record, &cache->date, false);
            break;
        default:
            p = skip_value(p, end);
        }
        if (!p) {
            return NULL;
        }
        p = skip_whitespace(p);
    } while (*p == ',');
    if (*p != '}' || !(seen >> FIELD_NAME & 1) || !(seen >> FIELD_TIMESTAMP & 1)) {
        return NULL;
    }
    p = skip_whitespace(p + 1);
    return *p == '\n' ? p + 1 : NULL;
}

#include "mapped_record.h"

/* ---- statistics --------------------------------------------------------------------------------------- */

struct schema_stats {
    int64_t version;        /* with the name: which schema it is */
    int64_t cutoff;         /* records before it have expired */
    int64_t records;        /* all of them, future ones too */
    int64_t bytes;          /* of these records, with their newlines */
    int64_t oldest;         /* earliest timestamp, without the future ones */
    int64_t newest;         /* latest timestamp, without the future ones */
    int64_t oldest_kept;    /* earliest timestamp that has not expired, without the future ones */
    int64_t newest_expired; /* latest timestamp that has */
    int64_t expired;        /* records before the cutoff */
    int64_t expired_bytes;  /* of these records, with their newlines */
    int64_t future;         /* records after the horizon */
    unsigned current_day;   /* the day of the last record: an index of `days`, 0 for none */
    unsigned last_added;    /* the day that was added last, the head of a list: an index of `days`, 0 for none */
    unsigned day_count;     /* the length of that list */
    size_t name_size;       /* in bytes */
    uint8_t name[MAX_NAME]; /* in UTF-8 */
};

/* The records of one schema on one UTC day. */
struct day_stats {
    int64_t start;     /* midnight, in nanoseconds since 1970 */
    int64_t records;   /* all of them, future ones too */
    int64_t bytes;     /* of these records, with their newlines */
    unsigned schema;   /* an index of `schemas` */
    unsigned previous; /* the day that was added before to the list of this schema, 0 for none */
};

/* A line that the exact reader has to look at, as Python unpacks it. */
struct uncertain_line {
    int64_t start;  /* its first byte in the buffer */
    int64_t end;    /* the byte behind its newline */
    int64_t number; /* among the lines of this scan, from 0 */
};

struct scanner {
    PyObject *field_tuple;                          /* owns the bytes of `fields` */
    PyObject *cutoff_of;                            /* called with the name and version of a new schema */
    struct field_key fields[FIELD_COUNT];           /* which keys mean something */
    int64_t horizon;                                /* records after it are future ones */
    bool busy;                                      /* a scan is under way */
    const uint8_t *start;                           /* the buffer of this scan */
    const uint8_t *line;                            /* the line that comes next */
    const uint8_t *end;                             /* behind the last newline of the buffer */
    int64_t blank;                                  /* blank lines so far */
    struct record pending;                          /* a record whose schema is new */
    unsigned schema_count;                          /* entries of `schemas`, which begin at 1 */
    uint16_t schema_slots[SCHEMA_SLOTS];            /* a hash table: an index of `schemas`, or 0 */
    unsigned day_count;                             /* entries of `days`, which begin at 1 */
    uint16_t day_slots[DAY_SLOTS];                  /* a hash table: an index of `days`, or 0 */
    unsigned line_count;                            /* lines of this scan */
    unsigned uncertain_count;                       /* entries of `uncertain` */
    uint8_t marks[MAX_LINES / 8];                   /* a bit for each line of this scan: it has expired */
    struct parse_cache cache;                       /* from the lines before */
    bool is_mapped;                                 /* `layout` says what means something, not `fields` */
    struct layout layout;                           /* the mapped fields */
    struct mapped_line mapped;                      /* the line that was parsed last by them */
    /* The rest is not cleared at first: that would take longer than to scan a small segment. */
    struct schema_stats schemas[MAX_SCHEMAS + 1];   /* the first one is not used */
    struct day_stats days[MAX_DAYS + 1];            /* the first one is a day that no record has */
    struct uncertain_line uncertain[MAX_UNCERTAIN]; /* of this scan */
};

/* Find the slot of a record's schema: it is empty if the schema is new. */
static uint16_t *find_schema_slot(struct scanner *scanner, const struct record *record)
{
    const uint8_t *name = record->name;
    size_t size = record->name_size;
    uint64_t hash = (uint64_t)record->version << 32 | size;
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8) {
            hash = ((hash ^ hash >> 29) ^ load_u64(name + i)) * HASH_MULTIPLIER;
        }
        hash = ((hash ^ hash >> 29) ^ load_u64(name + size - 8)) * HASH_MULTIPLIER;
    } else {
        for (size_t i = 0; i < size; i++) {
            hash = (hash ^ name[i]) * HASH_MULTIPLIER;
        }
    }
    for (uint64_t i = hash >> 32;; i++) {
        uint16_t *slot = &scanner->schema_slots[i % SCHEMA_SLOTS];
        const struct schema_stats *schema = &scanner->schemas[*slot];
        if (!*slot || (schema->name_size == size && schema->version == record->version &&
                       equal_bytes(schema->name, name, size))) {
            return slot;
        }
    }
}

static inline bool is_on_day(const struct day_stats *day, int64_t timestamp)
{
    return (uint64_t)timestamp - (uint64_t)day->start < DAY;
}

/* Return the index of a schema's day, which is added if it is new; 0 if there is no room for it. */
static unsigned find_day(struct scanner *scanner, unsigned schema_index, int64_t timestamp)
{
    int64_t start = timestamp - timestamp % DAY;
    uint64_t hash = ((uint64_t)(start / DAY) << 16 ^ schema_index) * HASH_MULTIPLIER;
    for (uint64_t i = hash >> 32;; i++) {
        uint16_t *slot = &scanner->day_slots[i % DAY_SLOTS];
        const struct day_stats *day = &scanner->days[*slot];
        if (*slot && (day->schema != schema_index || day->start != start)) {
            continue;
        }
        if (!*slot && scanner->day_count < MAX_DAYS) {
            struct schema_stats *schema = &scanner->schemas[schema_index];
            *slot = (uint16_t)++scanner->day_count;
            scanner->days[*slot] =
                (struct day_stats){.start = start, .schema = schema_index, .previous = schema->last_added};
            schema->last_added = *slot;
            schema->day_count++;
        }
        return *slot;
    }
}

enum line_class { LINE_UNCERTAIN, LINE_KEPT, LINE_EXPIRED, LINE_OF_NEW_SCHEMA };

/* Count a record, unless there is no room for its day: then it is uncertain. */
static ALWAYS_INLINE enum line_class count_record(struct scanner *scanner, unsigned schema_index, int64_t timestamp,
                                                  int64_t size)
{
    struct schema_stats *schema = &scanner->schemas[schema_index];
    if (!is_on_day(&scanner->days[schema->current_day], timestamp)) {
        unsigned found = find_day(scanner, schema_index, timestamp);
        if (!found) {
            return LINE_UNCERTAIN;
        }
        schema->current_day = found;
    }
    struct day_stats *day = &scanner->days[schema->current_day];
    day->records++;
    day->bytes += size;
    schema->records++;
    schema->bytes += size;
    if (timestamp > scanner->horizon) {
        schema->future++;
        return LINE_KEPT;
    }
    if (timestamp < schema->oldest) {
        schema->oldest = timestamp;
    }
    if (timestamp > schema->newest) {
        schema->newest = timestamp;
    }
    bool expired = timestamp < schema->cutoff; /* counted without a branch, which could not be predicted */
    schema->expired += expired;
    schema->expired_bytes += size & -(int64_t)expired;
    int64_t kept = expired ? INT64_MAX : timestamp;
    if (kept < schema->oldest_kept) {
        schema->oldest_kept = kept;
    }
    int64_t gone = expired ? timestamp : INT64_MIN;
    if (gone > schema->newest_expired) {
        schema->newest_expired = gone;
    }
    return expired ? LINE_EXPIRED : LINE_KEPT;
}

/* Count a record, unless its schema is new or there is no room for its schema or day. */
static ALWAYS_INLINE enum line_class classify_record(struct scanner *scanner, const struct record *record, int64_t size)
{
    unsigned schema_index = *find_schema_slot(scanner, record);
    if (!schema_index) {
        return scanner->schema_count < MAX_SCHEMAS ? LINE_OF_NEW_SCHEMA : LINE_UNCERTAIN;
    }
    return count_record(scanner, schema_index, record->timestamp, size);
}

static void add_uncertain_line(struct scanner *scanner, const uint8_t *next)
{
    scanner->uncertain[scanner->uncertain_count++] = (struct uncertain_line){
        .start = scanner->line - scanner->start, .end = next - scanner->start, .number = scanner->line_count};
}

/* Scan whole lines until they end or a list is full. Return true in front of a record of a new schema, which is
 * pending then. */
static ALWAYS_INLINE bool scan_lines(struct scanner *scanner, bool is_mapped)
{
    const uint8_t *end = scanner->end;
    while (scanner->line < end && scanner->uncertain_count < MAX_UNCERTAIN && scanner->line_count < MAX_LINES) {
        struct record record = {0};
        enum line_class class = LINE_KEPT;
        const uint8_t *first = skip_whitespace(scanner->line), *next = first + 1;
        if (*first == '\n') {
            scanner->blank++;
        } else {
            next = is_mapped ? parse_mapped_record(first, end, &record, &scanner->mapped, &scanner->layout)
                             : parse_record(first, end, &record, &scanner->cache, scanner->fields);
            class = next ? classify_record(scanner, &record, next - scanner->line) : LINE_UNCERTAIN;
        }
        if (class == LINE_OF_NEW_SCHEMA) {
            scanner->pending = record;
            return true;
        }
        if (class == LINE_UNCERTAIN) {
            next = (const uint8_t *)memchr(first, '\n', (size_t)(end - first)) + 1;
            add_uncertain_line(scanner, next);
        } else { /* without a branch on what cannot be predicted */
            scanner->marks[scanner->line_count / 8] |=
                (uint8_t)((class == LINE_EXPIRED) << scanner->line_count % 8);
        }
        scanner->line = next;
        scanner->line_count++;
    }
    return false;
}

/* ---- the Scanner of Python ---------------------------------------------------------------------------- */

struct scanner_object {
    PyObject_HEAD
    struct scanner *scanner; /* owned */
};

/* Convert an instant of any size to the nearest one of 64 bits, for PyArg_Parse. Those of records lie well within. */
static int convert_instant(PyObject *number, void *instant)
{
    int overflow;
    int64_t value = PyLong_AsLongLongAndOverflow(number, &overflow);
    *(int64_t *)instant = overflow > 0 ? INT64_MAX : overflow < 0 ? INT64_MIN : value;
    return overflow || value != -1 || !PyErr_Occurred();
}

/* Read the three keys of fields that are not mapped. Return false with an exception. */
static bool parse_keys(PyObject *tuple, struct field_key *fields)
{
    const char *keys[FIELD_COUNT];
    Py_ssize_t sizes[FIELD_COUNT];
    if (!PyArg_ParseTuple(tuple, "s#s#s#;the keys of name, version and timestamp", &keys[FIELD_NAME],
                          &sizes[FIELD_NAME], &keys[FIELD_VERSION], &sizes[FIELD_VERSION], &keys[FIELD_TIMESTAMP],
                          &sizes[FIELD_TIMESTAMP])) {
        return false;
    }
    for (int field = FIELD_NAME; field < FIELD_COUNT; field++) {
        fields[field] = (struct field_key){(const uint8_t *)keys[field], (size_t)sizes[field]};
    }
    return true;
}

/* Read the nodes of a field, its key as it stands and the end of its path. Return false with an exception. */
static bool parse_field(PyObject *pair, const struct layout *layout, struct mapped_field *field)
{
    if (!PyArg_ParseTuple(pair, "II;the nodes of a field", &field->literal, &field->path)) {
        return false;
    }
    if (field->literal > layout->node_count || field->path > layout->node_count) {
        PyErr_SetString(PyExc_ValueError, "there is no such node");
        return false;
    }
    return true;
}

/* Read up to MAX_FIELDS fields. Return how many they are, or -1 with an exception. */
static int parse_fields(PyObject *tuple, const struct layout *layout, struct mapped_field *fields)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > MAX_FIELDS) {
        PyErr_SetString(PyExc_ValueError, "these are too many fields");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *pair = PyTuple_GetItem(tuple, i);
        if (!pair || !parse_field(pair, layout, &fields[i])) {
            return -1;
        }
    }
    return (int)count;
}

/* Read the nodes, each with the one before it on its path, and its key. Return false with an exception. */
static bool parse_nodes(PyObject *tuple, struct layout *layout)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > MAX_NODES) {
        PyErr_SetString(PyExc_ValueError, "these are too many nodes");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *key;
        Py_ssize_t size;
        struct node *node = &layout->nodes[i + 1];
        PyObject *pair = PyTuple_GetItem(tuple, i);
        if (!pair || !PyArg_ParseTuple(pair, "Is#;a node", &node->parent, &key, &size)) {
            return false;
        }
        if (node->parent > i) {
            PyErr_SetString(PyExc_ValueError, "a node comes after the one before it");
            return false;
        }
        node->key = (struct field_key){(const uint8_t *)key, (size_t)size};
        layout->nodes[node->parent].has_children = true;
    }
    layout->node_count = (unsigned)count;
    return true;
}

/* Read mapped fields as `kernel_fields` has them. Return false with an exception. */
static bool parse_layout(PyObject *tuple, struct layout *layout)
{
    PyObject *nodes, *times, *parts, *version;
    const char *constant;
    Py_ssize_t constant_size;
    int is_named, reads_texts;
    if (!PyArg_ParseTuple(tuple, "O!O!O!O!pz#ipL;mapped fields", &PyTuple_Type, &nodes, &PyTuple_Type, &times,
                          &PyTuple_Type, &parts, &PyTuple_Type, &version, &is_named, &constant, &constant_size,
                          &layout->digits, &reads_texts, &layout->file_time) ||
        !parse_nodes(nodes, layout) || !parse_field(version, layout, &layout->version)) {
        return false;
    }
    layout->time_count = parse_fields(times, layout, layout->times);
    layout->part_count = parse_fields(parts, layout, layout->parts);
    layout->is_named = is_named;
    for (int i = 0; i < layout->time_count && reads_texts; i++) {
        layout->nodes[layout->times[i].literal].is_time = true;
        layout->nodes[layout->times[i].path].is_time = true;
    }
    layout->constant = (struct field_key){(const uint8_t *)constant, constant ? (size_t)constant_size : 0};
    return layout->time_count >= 0 && layout->part_count >= 0;
}

static PyObject *scanner_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *parameters[] = {"fields", "cutoff", "horizon", NULL};
    PyObject *field_tuple, *cutoff_of;
    int64_t horizon;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!OO&:Scanner", parameters, &PyTuple_Type, &field_tuple,
                                     &cutoff_of, convert_instant, &horizon)) {
        return NULL;
    }
    PyObject *self = PyType_GenericNew(type, NULL, NULL);
    struct scanner *scanner = self ? PyMem_Malloc(sizeof *scanner) : NULL;
    if (!scanner) {
        Py_XDECREF(self);
        return PyErr_NoMemory();
    }
    memset(scanner, 0, offsetof(struct scanner, schemas));
    scanner->is_mapped = PyTuple_Size(field_tuple) != FIELD_COUNT - 1;
    if (scanner->is_mapped ? !parse_layout(field_tuple, &scanner->layout) : !parse_keys(field_tuple, scanner->fields)) {
        PyMem_Free(scanner);
        Py_DECREF(self);
        return NULL;
    }
    scanner->field_tuple = Py_NewRef(field_tuple);
    scanner->cutoff_of = Py_NewRef(cutoff_of);
    scanner->horizon = horizon;
    scanner->days[0] = (struct day_stats){.start = INT64_MAX};
    ((struct scanner_object *)self)->scanner = scanner;
    return self;
}

static void scanner_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct scanner *scanner = ((struct scanner_object *)self)->scanner;
    if (scanner) {
        Py_DECREF(scanner->field_tuple);
        Py_DECREF(scanner->cutoff_of);
        PyMem_Free(scanner);
    }
    PyObject_Free(self);
    Py_DECREF(type);
}

/* Return the scanner of an object, or NULL with an exception if a scan is under way. */
static struct scanner *idle_scanner(PyObject *self)
{
    struct scanner *scanner = ((struct scanner_object *)self)->scanner;
    if (!scanner->busy) {
        return scanner;
    }
    PyErr_SetString(PyExc_RuntimeError, "this scanner is at work in another thread");
    return NULL;
}

/* Add the schema of the pending record, with the cutoff that the caller knows. Return false with an exception. */
static bool add_schema(struct scanner *scanner)
{
    const struct record *record = &scanner->pending;
    struct schema_stats *schema = &scanner->schemas[scanner->schema_count + 1];
    *schema = (struct schema_stats){.version = record->version,
                                    .oldest = INT64_MAX,
                                    .newest = INT64_MIN,
                                    .oldest_kept = INT64_MAX,
                                    .newest_expired = INT64_MIN,
                                    .name_size = record->name_size};
    memcpy(schema->name, record->name, record->name_size);
    PyObject *cutoff = PyObject_CallFunction(scanner->cutoff_of, "s#L", record->name, (Py_ssize_t)record->name_size,
                                             (long long)record->version);
    if (!cutoff) {
        return false;
    }
    bool converted = true;
    if (cutoff == Py_None) {
        schema->cutoff = INT64_MIN; /* nothing lies before it */
    } else {
        converted = convert_instant(cutoff, &schema->cutoff);
    }
    Py_DECREF(cutoff);
    if (converted) {
        *find_schema_slot(scanner, record) = (uint16_t)++scanner->schema_count;
    }
    return converted;
}

static PyObject *new_bytes(const void *start, size_t size)
{
    return PyBytes_FromStringAndSize(start, (Py_ssize_t)size);
}

static PyObject *scanner_scan(PyObject *self, PyObject *args)
{
    Py_buffer buffer;
    int wants_marks;
    if (!PyArg_ParseTuple(args, "y*p:scan", &buffer, &wants_marks)) {
        return NULL;
    }
    struct scanner *scanner = idle_scanner(self);
    if (!scanner) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    scanner->start = scanner->line = buffer.buf;
    scanner->end = scanner->start + buffer.len;
    while (scanner->end > scanner->start && scanner->end[-1] != '\n') {
        scanner->end--;
    }
    scanner->line_count = scanner->uncertain_count = 0;
    memset(scanner->marks, 0, sizeof scanner->marks);
    memset(scanner->cache.keys, 0, sizeof scanner->cache.keys); /* they point into the buffer before */
    memset(scanner->mapped.keys, 0, sizeof scanner->mapped.keys);
    scanner->busy = true;
    bool is_new, failed = false;
    do {
        Py_BEGIN_ALLOW_THREADS
        is_new = scanner->is_mapped ? scan_lines(scanner, true) : scan_lines(scanner, false);
        Py_END_ALLOW_THREADS
        failed = is_new && !add_schema(scanner);
    } while (is_new && !failed);
    scanner->busy = false;
    PyObject *result = NULL;
    if (!failed) {
        size_t uncertain_size = scanner->uncertain_count * sizeof *scanner->uncertain;
        size_t marks_size = wants_marks ? (scanner->line_count + 7) / 8 : 0;
        result = Py_BuildValue("NNIn", new_bytes(scanner->uncertain, uncertain_size),
                               new_bytes(scanner->marks, marks_size), scanner->line_count,
                               (Py_ssize_t)(scanner->line - scanner->start));
    }
    PyBuffer_Release(&buffer);
    return result;
}

/* Pack the days of a schema as array("q") reads them: day, records, bytes, and so on. */
static PyObject *pack_days(const struct scanner *scanner, const struct schema_stats *schema)
{
    int64_t triple[3];
    PyObject *packed = PyBytes_FromStringAndSize(NULL, schema->day_count * (Py_ssize_t)sizeof triple);
    if (!packed) {
        return NULL;
    }
    char *p = PyBytes_AsString(packed);
    for (unsigned i = schema->last_added; i; i = scanner->days[i].previous) {
        const struct day_stats *day = &scanner->days[i];
        triple[0] = day->start / DAY;
        triple[1] = day->records;
        triple[2] = day->bytes;
        memcpy(p, triple, sizeof triple);
        p += sizeof triple;
    }
    return packed;
}

static PyObject *int_or_none(int64_t value, bool is_known)
{
    return is_known ? PyLong_FromLongLong(value) : Py_NewRef(Py_None);
}

static PyObject *build_row(const struct scanner *scanner, const struct schema_stats *schema)
{
    bool any = schema->records > schema->future;
    bool any_kept = schema->oldest_kept < INT64_MAX;
    return Py_BuildValue("s#LLLNNLLLNNN", schema->name, (Py_ssize_t)schema->name_size, (long long)schema->version,
                         (long long)schema->records, (long long)schema->bytes, int_or_none(schema->oldest, any),
                         int_or_none(schema->newest, any), (long long)schema->expired,
                         (long long)schema->expired_bytes, (long long)schema->future,
                         int_or_none(schema->oldest_kept, any_kept),
                         int_or_none(schema->newest_expired, schema->expired > 0), pack_days(scanner, schema));
}

static PyObject *scanner_counts(PyObject *self, PyObject *Py_UNUSED(args))
{
    const struct scanner *scanner = idle_scanner(self);
    PyObject *rows = scanner ? PyList_New(scanner->schema_count) : NULL;
    if (!rows) {
        return NULL;
    }
    for (unsigned i = 0; i < scanner->schema_count; i++) {
        PyObject *row = build_row(scanner, &scanner->schemas[i + 1]);
        if (!row || PyList_SetItem(rows, i, row)) {
            Py_DECREF(rows);
            return NULL;
        }
    }
    return Py_BuildValue("NL", rows, (long long)scanner->blank);
}

static PyMethodDef scanner_methods[] = {
    {"scan", scanner_scan, METH_VARARGS,
     "scan(buffer, mark) -> (uncertain, marks, lines, read)\n\nCount the records of a buffer's whole lines."},
    {"counts", scanner_counts, METH_NOARGS,
     "counts() -> (rows, blank)\n\nReturn what all scans have counted so far."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot scanner_slots[] = {
    {Py_tp_doc, "Scanner(fields, cutoff, horizon)\n\nCount records by schema."},
    {Py_tp_new, scanner_new},
    {Py_tp_dealloc, scanner_dealloc},
    {Py_tp_methods, scanner_methods},
    {0, NULL},
};

static PyType_Spec scanner_spec = {
    .name = "asynclog.records._kernel.Scanner",
    .basicsize = sizeof(struct scanner_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = scanner_slots,
};

/* ---- the lines that stay ------------------------------------------------------------------------------ */

static bool is_marked(const Py_buffer *marks, size_t line)
{
    const uint8_t *bits = marks->buf;
    return line / 8 < (size_t)marks->len && bits[line / 8] >> line % 8 & 1;
}

/* Move the lines that are not marked to the front and return how many bytes they have. `line` is the number of the
 * first line, and becomes the number of the one that is unfinished at the end. */
static Py_ssize_t remove_marked_lines(const Py_buffer *part, const Py_buffer *marks, size_t *line)
{
    uint8_t *start = part->buf, *end = start + part->len;
    uint8_t *to = start;   /* where the next kept line belongs */
    uint8_t *kept = start; /* where the kept lines begin that have not been moved yet */
    uint8_t *p = start;
    while (p < end) {
        uint8_t *current = p, *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
        if (is_marked(marks, *line)) {
            memmove(to, kept, (size_t)(current - kept));
            to += current - kept;
            kept = p;
        }
        if (newline) {
            ++*line;
        }
    }
    memmove(to, kept, (size_t)(end - kept));
    return to - start + (end - kept);
}

static PyObject *kernel_compact(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer part, marks;
    Py_ssize_t first_line, kept;
    if (!PyArg_ParseTuple(args, "w*y*n:compact", &part, &marks, &first_line)) {
        return NULL;
    }
    size_t line = (size_t)first_line;
    Py_BEGIN_ALLOW_THREADS
    kept = remove_marked_lines(&part, &marks, &line);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&part);
    PyBuffer_Release(&marks);
    return Py_BuildValue("nn", kept, (Py_ssize_t)line);
}

/* ---- digests ------------------------------------------------------------------------------------------ */

/* Eight lanes take eight bytes each in turn, so many that the multiplier never waits for a result. For a given lane
 * each step is a bijection of its word, and for a given word of the lane: one changed word is always noticed, and
 * more than one but once in 2^64. */
enum { LANES = 8, STRIPE = 8 * LANES };

struct digest {
    uint64_t lanes[LANES]; /* of all whole stripes so far */
    uint8_t rest[STRIPE];  /* the bytes behind them, less than a stripe */
    size_t rest_size;      /* how many */
};

static inline uint64_t mix_lane(uint64_t lane, uint64_t word)
{
    uint64_t mixed = lane ^ word;
    return (mixed << 29 | mixed >> 35) * HASH_MULTIPLIER;
}

static inline __attribute__((always_inline)) void mix_stripes(uint64_t *all, const uint8_t *p, size_t stripes)
{
    uint64_t lanes[LANES];
    memcpy(lanes, all, sizeof lanes);
    for (; stripes; stripes--, p += STRIPE) {
        for (size_t lane = 0; lane < LANES; lane++) {
            lanes[lane] = mix_lane(lanes[lane], load_u64(p + 8 * lane));
        }
    }
    memcpy(all, lanes, sizeof lanes);
}

#if defined __x86_64__ && defined __SSE2__
/* The same, for processors that multiply all lanes at once: more than twice as fast. */
static __attribute__((target("avx512dq,avx512vl"))) void mix_stripes_at_once(
    uint64_t *lanes, const uint8_t *p, size_t stripes)
{
    mix_stripes(lanes, p, stripes);
}
#endif

static void add_stripes(struct digest *digest, const uint8_t *p, size_t stripes)
{
#if defined __x86_64__ && defined __SSE2__
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        mix_stripes_at_once(digest->lanes, p, stripes);
        return;
    }
#endif
    mix_stripes(digest->lanes, p, stripes);
}

static void add_bytes(struct digest *digest, const uint8_t *p, size_t size)
{
    if (digest->rest_size) {
        size_t room = STRIPE - digest->rest_size, taken = size < room ? size : room;
        memcpy(digest->rest + digest->rest_size, p, taken);
        digest->rest_size += taken;
        p += taken;
        size -= taken;
        if (digest->rest_size < STRIPE) {
            return;
        }
        add_stripes(digest, digest->rest, 1);
    }
    add_stripes(digest, p, size / STRIPE);
    digest->rest_size = size % STRIPE;
    memcpy(digest->rest, p + size - digest->rest_size, digest->rest_size);
}

/* Read the digest from a state, which is empty at first. Return false if it is no state of a digest. */
static bool load_digest(struct digest *digest, const Py_buffer *state)
{
    size_t size = (size_t)state->len, lanes_size = sizeof digest->lanes;
    *digest = (struct digest){.lanes = {1, 2, 3, 4, 5, 6, 7, 8}};
    if (!size) {
        return true;
    }
    if (size < lanes_size || size >= lanes_size + STRIPE) {
        return false;
    }
    digest->rest_size = size - lanes_size;
    memcpy(digest->lanes, state->buf, lanes_size);
    memcpy(digest->rest, (const uint8_t *)state->buf + lanes_size, digest->rest_size);
    return true;
}

static PyObject *save_digest(const struct digest *digest)
{
    uint8_t state[sizeof digest->lanes + STRIPE];
    memcpy(state, digest->lanes, sizeof digest->lanes);
    memcpy(state + sizeof digest->lanes, digest->rest, digest->rest_size);
    return new_bytes(state, sizeof digest->lanes + digest->rest_size);
}

static PyObject *kernel_digest(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer state, part;
    struct digest digest;
    if (!PyArg_ParseTuple(args, "y*y*:digest", &state, &part)) {
        return NULL;
    }
    bool valid = load_digest(&digest, &state);
    PyBuffer_Release(&state);
    if (valid) {
        Py_BEGIN_ALLOW_THREADS
        add_bytes(&digest, part.buf, (size_t)part.len);
        Py_END_ALLOW_THREADS
    } else {
        PyErr_SetString(PyExc_ValueError, "this is no digest under way");
    }
    PyBuffer_Release(&part);
    return valid ? save_digest(&digest) : NULL;
}

/* ---- the module --------------------------------------------------------------------------------------- */

static PyMethodDef kernel_methods[] = {
    {"compact", kernel_compact, METH_VARARGS,
     "compact(part, marks, line) -> (kept, line)\n\nMove the lines that are not marked to the front of a buffer."},
    {"digest", kernel_digest, METH_VARARGS,
     "digest(state, part) -> state\n\nContinue a digest, which begins with no bytes."},
    {NULL, NULL, 0, NULL},
};

static int kernel_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&scanner_spec);
    if (!type) {
        return -1;
    }
    int result = PyModule_AddObjectRef(module, "Scanner", type);
    Py_DECREF(type);
    return result;
}

static PyModuleDef_Slot kernel_slots[] = {{Py_mod_exec, kernel_exec}, {0, NULL}};

static struct PyModuleDef kernel_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "Count the records of JSON lines.",
    .m_methods = kernel_methods,
    .m_slots = kernel_slots,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&kernel_module); }
