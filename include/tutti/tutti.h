/* tutti.h -- all of the library's headers at once. */
#ifndef TUTTI_TUTTI_H
#define TUTTI_TUTTI_H

#include <tutti/catalog.h>
#include <tutti/checkpoint.h>
#include <tutti/column.h>
#include <tutti/data.h>
#include <tutti/files.h>
#include <tutti/generate.h>
#include <tutti/group.h>
#include <tutti/launch.h>
#include <tutti/learner.h>
#include <tutti/model.h>
#include <tutti/observer.h>
#include <tutti/plug.h>
#include <tutti/report.h>
#include <tutti/run.h>
#include <tutti/runtime.h>
#include <tutti/search.h>
#include <tutti/session.h>
#include <tutti/status.h>
#include <tutti/store.h>
#include <tutti/track.h>
#include <tutti/train.h>
#include <tutti/tune.h>

#endif
