/* fingerprint.h -- do two runs stand on the same data?  By names and sizes of files, and by their
 * first and last bytes: cheap for any data, and different where somebody has changed them. */
#ifndef STORE_FINGERPRINT_H
#define STORE_FINGERPRINT_H

#define FINGERPRINT 17
/* Of what a source's URI names; of one that names no file, of the words themselves. */
void fingerprint(const char *uri, char out[FINGERPRINT]);

#endif
