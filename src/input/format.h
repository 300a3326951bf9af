/* The formats that an input may have, their names, and the endings of file names that promise
 * them. */
#ifndef FORMAT_H
#define FORMAT_H

enum input_format { INPUT_AUTO, INPUT_CSV, INPUT_TSV, INPUT_NDJSON, INPUT_JSON };

/* As --format takes them, in the order of the enum; NULL at the end. */
extern const char *const format_names[];

/* What a file's name promises by its ending, a last .gz passed over; INPUT_AUTO: nothing. */
enum input_format format_of_name(const char *name);

/* The usual ending of a format, ".csv"; INPUT_AUTO has none: "". */
const char *format_ending(enum input_format format);

#endif
