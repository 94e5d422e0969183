/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_LEFTOVER_H
#define EHR_BASE_LEFTOVER_H

/*
 * leftover: files that editors, merges, desktops and packages leave in a folder beside the file that was
 * meant.  A folder whose files count (a policy, consents) refuses them by name: an older copy of a rule or
 * consent would count as well.
 */

/*
 * What NAME, without its folder, is left by, and what to do, for a message; NULL if it looks like any other
 * file.
 */
const char *leftover_of(const char *name);

#endif
