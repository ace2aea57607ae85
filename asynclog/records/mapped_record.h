/* Records by mapped fields: included by _kernel.c behind what it needs of it.
 *
 * A field is a key of the top level as it stands or, if there is none, the end of a path through objects, of up to
 * four keys. The keys on all paths are nodes, each with the one before it; every node may stand once. The time is the
 * first of its alternatives that is there and not null: a timestamp, also with a comma before its fraction, or a
 * number without an exponent, in the unit that has `digits` decimal digits of nanoseconds; or the file's. The schema's
 * name is a string, or its parts joined by '/': strings, integers, true, false, and '-' for what is absent or null.
 * What has an escape there, or is anything else, makes the line uncertain.
 */
#ifndef ASYNCLOG_MAPPED_RECORD_H
#define ASYNCLOG_MAPPED_RECORD_H

enum {
    MAX_NODES = 63,       /* with 0 for the record itself, a bit each */
    MAX_FIELDS = 8,       /* alternatives of the time, or parts of the schema's name */
    MAX_PATH = 4,         /* keys of a path: a value behind it stands in so many objects */
    MOST_INTEGER = 19,    /* digits of a number, which 64 bits can hold */
    NO_UNIT = -1,         /* of `digits`: numbers are no times */
};

#define YEAR_2201 INT64_C(7289654400) /* in seconds since 1970 */

struct node {
    unsigned parent;      /* the node before it on its path, 0 for the record */
    bool has_children;    /* some path goes on from it */
    bool is_time;         /* it may be a timestamp */
    struct field_key key;
};

/* Where a field may stand: 0 for nowhere. */
struct mapped_field {
    unsigned literal; /* the node of its key as it stands, at the top level */
    unsigned path;    /* the node at the end of its path */
};

struct layout {
    struct node nodes[MAX_NODES + 1]; /* the first one is the record */
    unsigned node_count;
    struct mapped_field times[MAX_FIELDS];
    struct mapped_field parts[MAX_FIELDS];
    struct mapped_field version;
    int time_count;            /* 0: all records have the file's time */
    int part_count;            /* 0: all records have the constant schema */
    bool is_named;             /* the one part has to be there, and a string */
    int digits;                /* of nanoseconds in the unit of numbers, or NO_UNIT */
    long long file_time;       /* in nanoseconds since 1970; negative if it is no time of a record here */
    struct field_key constant; /* the schema's name, if it has no parts */
};

enum value_kind {
    VALUE_NULL,
    VALUE_STRING,
    VALUE_TIMESTAMP, /* a string, too */
    VALUE_ESCAPED,   /* a string with an escape */
    VALUE_NUMBER,
    VALUE_TRUE,
    VALUE_FALSE,
    VALUE_CONTAINER,
};

struct value {
    const uint8_t *start;
    const uint8_t *end; /* behind it */
    enum value_kind kind;
    int64_t timestamp; /* of a VALUE_TIMESTAMP, in nanoseconds since 1970 */
};

/* A key as an earlier line of this buffer had it in the same place: see struct cached_key. */
struct cached_node {
    const uint8_t *start;
    size_t size;
    unsigned parent; /* the object that it is a key of */
    unsigned node;   /* 0: it means nothing */
};

struct mapped_line {
    uint64_t seen;                              /* a bit for each node that this line has */
    unsigned members;                           /* so far, of all objects on our paths */
    struct value values[MAX_NODES + 1];         /* of the nodes that were seen */
    struct date date;                           /* of the last record */
    struct cached_node keys[MAX_CACHED_KEYS + 1];
    uint8_t name[MAX_NAME];                     /* of the schema, if it had to be put together */
};

/* Parse the key of a member of an object on our paths, from the brace or comma before it up to its value. */
static ALWAYS_INLINE const uint8_t *parse_mapped_key(const uint8_t *p, const uint8_t *end, struct cached_node *cached,
                                                     unsigned parent, const struct layout *layout)
{
    if (cached->size && cached->parent == parent && (size_t)(end - p) > cached->size &&
        equal_bytes(p, cached->start, cached->size)) {
        return skip_whitespace(p + cached->size);
    }
    const uint8_t *key = skip_whitespace(p + 1), *behind = skip_string(key, end, false);
    if (!behind) {
        return NULL;
    }
    size_t size = (size_t)(behind - key) - 2;
    unsigned node = layout->node_count;
    for (; node; node--) {
        const struct node *known = &layout->nodes[node];
        if (known->parent == parent && known->key.size == size && !memcmp(known->key.start, key + 1, size)) {
            break;
        }
    }
    behind = skip_colon(behind);
    if (behind) {
        *cached = (struct cached_node){p, (size_t)(behind - p), parent, node};
    }
    return behind;
}

/* Skip a container in an object on a path, which may be nested less deep than one at the top level. */
static NEVER_INLINE const uint8_t *skip_inner_container(const uint8_t *p, const uint8_t *end)
{
    return skip_container_within(p, end, MAX_DEPTH - MAX_PATH);
}

static ALWAYS_INLINE const uint8_t *skip_inner_value(const uint8_t *p, const uint8_t *end)
{
    return is_opening(*p) ? skip_inner_container(p, end) : skip_scalar(p, end);
}

/* Parse the value of a node into what it is, and where. */
static inline const uint8_t *parse_value(const uint8_t *p, const uint8_t *end, struct value *value, bool is_time,
                                         struct date *date)
{
    const uint8_t *behind;
    struct record record;
    value->start = p;
    if (is_time && (behind = parse_timestamp(p, end, &record, date, true))) {
        value->kind = VALUE_TIMESTAMP;
        value->timestamp = record.timestamp;
    } else if (*p == '"') {
        behind = skip_string(p, end, false);
        value->kind = behind ? VALUE_STRING : VALUE_ESCAPED;
        behind = behind ? behind : skip_string(p, end, true);
    } else {
        behind = skip_inner_value(p, end);
        value->kind = is_opening(*p) ? VALUE_CONTAINER
                      : *p == 'n'    ? VALUE_NULL
                      : *p == 't'    ? VALUE_TRUE
                      : *p == 'f'    ? VALUE_FALSE
                                     : VALUE_NUMBER;
    }
    value->end = behind;
    return behind;
}

/* Parse the members of an object on our paths. It calls itself for the next key of a path, and no deeper. */
static const uint8_t *parse_mapped_object(const uint8_t *p, const uint8_t *end, unsigned parent,
                                          struct mapped_line *line, const struct layout *layout)
{
    const uint8_t *first = skip_whitespace(p + 1);
    if (*first == '}') {
        return first + 1;
    }
    do {
        struct cached_node *key = &line->keys[line->members < MAX_CACHED_KEYS ? line->members++ : MAX_CACHED_KEYS];
        p = parse_mapped_key(p, end, key, parent, layout);
        if (!p) {
            return NULL;
        }
        unsigned node = key->node;
        if (!node) {
            p = skip_inner_value(p, end);
        } else if (line->seen >> node & 1) {
            return NULL;
        } else {
            line->seen |= UINT64_C(1) << node;
            if (*p == '{' && layout->nodes[node].has_children) {
                line->values[node] = (struct value){p, p, VALUE_CONTAINER, 0};
                p = parse_mapped_object(p, end, node, line, layout);
            } else {
                p = parse_value(p, end, &line->values[node], layout->nodes[node].is_time, &line->date);
            }
        }
        if (!p) {
            return NULL;
        }
        p = skip_whitespace(p);
    } while (*p == ',');
    return *p == '}' ? p + 1 : NULL;
}

/* Return the value of a field; NULL if it is absent or null. */
static inline const struct value *find_value(const struct mapped_line *line, struct mapped_field field)
{
    unsigned node = line->seen >> field.literal & 1 ? field.literal : field.path;
    const struct value *value = &line->values[node];
    return line->seen >> node & 1 && value->kind != VALUE_NULL ? value : NULL;
}

/* Parse a number without an exponent, from 2000 to 2200, rounded down to nanoseconds. */
static inline bool parse_unix(const struct value *value, int digits, struct record *record)
{
    const uint64_t limit = UINT64_MAX / 10 - 1;
    const uint8_t *p = value->start;
    uint64_t number = 0;
    for (; is_digit(*p); p++) {
        if (p - value->start == MOST_INTEGER) {
            return false;
        }
        number = number * 10 + *p - '0';
    }
    if (*p == '.') {
        for (p++; is_digit(*p); p++) {
            if (digits > 0) {
                if (number > limit) {
                    return false;
                }
                number = number * 10 + *p - '0';
                digits--;
            }
        }
    }
    for (; digits > 0; digits--) {
        if (number > limit) {
            return false;
        }
        number *= 10;
    }
    record->timestamp = (int64_t)number;
    return p == value->end && number >= (uint64_t)(YEAR_2000 * SECOND) && number < (uint64_t)(YEAR_2201 * SECOND);
}

static inline bool find_time(const struct mapped_line *line, const struct layout *layout, struct record *record)
{
    const struct value *value = NULL;
    if (!layout->time_count) {
        record->timestamp = layout->file_time;
        return layout->file_time >= 0;
    }
    for (int i = 0; i < layout->time_count && !value; i++) {
        value = find_value(line, layout->times[i]);
    }
    if (!value) {
        return false;
    }
    if (value->kind == VALUE_TIMESTAMP) {
        record->timestamp = value->timestamp;
        return true;
    }
    return value->kind == VALUE_NUMBER && layout->digits != NO_UNIT && parse_unix(value, layout->digits, record);
}

/* Return the text of a part of the name; one of no size if the value can't be one for certain. */
static inline struct field_key part_text(const struct value *value)
{
    if (!value) {
        return (struct field_key){(const uint8_t *)"-", 1};
    }
    size_t size = (size_t)(value->end - value->start);
    switch (value->kind) {
    case VALUE_STRING:
    case VALUE_TIMESTAMP:
        return (struct field_key){value->start + 1, size - 2};
    case VALUE_TRUE:
    case VALUE_FALSE:
        return (struct field_key){value->start, size};
    case VALUE_NUMBER:
        for (const uint8_t *p = value->start; p < value->end; p++) {
            if (!is_digit(*p) && *p != '-') {
                return (struct field_key){value->start, 0};
            }
        }
        return (struct field_key){value->start, *value->start == '-' ? 0 : size};
    default:
        return (struct field_key){value->start, 0};
    }
}

static inline bool parse_mapped_name(struct mapped_line *line, const struct layout *layout, struct record *record)
{
    struct field_key text = layout->constant;
    if (layout->part_count == 1) {
        const struct value *value = find_value(line, layout->parts[0]);
        if (layout->is_named && !(value && (value->kind == VALUE_STRING || value->kind == VALUE_TIMESTAMP))) {
            return false;
        }
        text = part_text(value);
    } else if (layout->part_count) {
        size_t size = 0;
        for (int i = 0; i < layout->part_count; i++) {
            struct field_key part = part_text(find_value(line, layout->parts[i]));
            if (!part.size || size + 1 + part.size > MAX_NAME) {
                return false;
            }
            if (i) {
                line->name[size++] = '/';
            }
            memcpy(line->name + size, part.start, part.size);
            size += part.size;
        }
        text = (struct field_key){line->name, size};
    }
    record->name = text.start;
    record->name_size = text.size;
    return text.size && text.size <= MAX_NAME;
}

static inline bool parse_mapped_version(const uint8_t *end, const struct mapped_line *line,
                                        const struct layout *layout, struct record *record)
{
    const struct value *value = find_value(line, layout->version);
    record->version = 1;
    return !value || (value->kind == VALUE_NUMBER && parse_version(value->start, end, record) == value->end);
}

/* Parse one line with its '\n'. */
static inline const uint8_t *parse_mapped_record(const uint8_t *p, const uint8_t *end, struct record *record,
                                                 struct mapped_line *line, const struct layout *layout)
{
    if (*p != '{') {
        return NULL;
    }
    line->seen = 0;
    line->members = 0;
    p = parse_mapped_object(p, end, 0, line, layout);
    if (!p || !parse_mapped_name(line, layout, record) || !parse_mapped_version(end, line, layout, record) ||
        !find_time(line, layout, record)) {
        return NULL;
    }
    p = skip_whitespace(p);
    return *p == '\n' ? p + 1 : NULL;
}

#endif
