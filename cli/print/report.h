/* report.h -- what a net is made of and what it costs, as tables or JSON. */
#ifndef PRINT_REPORT_H
#define PRINT_REPORT_H

#include <tutti/report.h>

#include "print/json.h"

/* The layers of the net with shapes, parameters and operations. */
tt_status report_layers(const tt_report *r);
/* The memory of a step of this kind of program. */
void      report_memory(const tt_report *r, enum tt_report_purpose purpose);
/* The program step by step; with milliseconds if they were measured. */
tt_status report_steps(const tt_report *r, enum tt_report_detail detail);

/* The same as keys of the open object; steps only if `steps` is not 0. */
enum report_json { REPORT_MEMORY, REPORT_STEPS, REPORT_MILLISECONDS };
tt_status report_json(const tt_report *r, enum report_json what, struct json *j);

#endif
