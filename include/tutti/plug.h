/* plug.h -- the foreign libraries that tutti can use, and where they come from.
 *
 * Some are linked in.  Others are shared objects in a plug folder, loaded when they are first
 * needed: "tutti-plugs" beside the library, and the folders that the embedder names.  All functions
 * are safe from any thread. */
#ifndef TUTTI_PLUG_H
#define TUTTI_PLUG_H

#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_plug {
	uint32_t    size;              /* of this struct                                              */
	const char *kind;              /* "device" computes, "transport" connects workers, "codec"
	                                * reads pictures, "store" keeps runs, "tracker" tells
	                                * a server of them                                           */
	const char *name;              /* "openblas"                                                  */
	const char *serves;            /* one line: what it is good for; NULL if that is not known    */
	const char *version;           /* of the library behind it; NULL: the plug is missing         */
	const char *from;              /* "linked in", the path of the shared object, or ""           */
	const char *why;               /* why it is missing; NULL if it is there                      */
} tt_plug;

/* Search this folder, too, and before the others.  Code from there runs with the rights of the
 * process: the folder and its plugs must belong to the user or to root, and neither everybody nor
 * another group may be able to write to them; links are not followed.  TT_ENOENT: there is no such
 * folder.  TT_EINVAL: it is not safe, or plugs were loaded already: name folders before anything
 * else. */
TT_API tt_status tt_plug_folder(const char *path);

/* How many plugs are known, and one of them; loads them all.  Texts are borrowed for the life of
 * the process.  TT_EINVAL: i is out of range. */
TT_API int       tt_plug_count(void);
TT_API tt_status tt_plug_get(int i, tt_plug *out);

#ifdef __cplusplus
}
#endif
#endif
