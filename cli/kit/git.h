/* git.h -- which commit the current folder stands at, read from .git without running git. */
#ifndef KIT_GIT_H
#define KIT_GIT_H

#define GIT_COMMIT_TEXT 80

/* Fill `out` with the commit's name; 0 if the folder is in no repository or has no commit. */
int git_commit(char out[GIT_COMMIT_TEXT]);

#endif
